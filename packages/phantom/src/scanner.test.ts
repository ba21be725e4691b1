import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import type { Grid } from './canvas.ts';
import { drawPatient } from './patient.ts';
import { scan } from './scanner.ts';
import { type SiteProfile, siteProfiles } from './site-profile.ts';

const size: readonly [number, number, number] = [6, 96, 96];

/** A water bath of 50 HU, 100 mm below its surface everywhere, as the site's scanner shows it at 120 kVp. */
function bath(profile: SiteProfile): { mean: number; sd: number; neighbour: number; between: number } {
  const pixelMm = profile.protocol.fieldOfViewMm / profile.protocol.matrix;
  const grid: Grid = { size, spacingMm: [profile.protocol.sliceSpacingMm, pixelMm, pixelMm], firstMm: [0, 0, 0] };
  const length = size[0] * size[1] * size[2];
  const painted = { hu: new Float32Array(length).fill(50), skinDepth: new Float32Array(length).fill(100) };
  const random = createRandom(3, profile.name);
  const drawn = drawPatient({ ...profile, protocol: { ...profile.protocol, kvp: [120] } }, random);
  const patient = { ...drawn, body: { ...drawn.body, halfWidthMm: 165, halfDepthMm: 115 } };
  const flat = { ...profile, scanner: { ...profile.scanner, biasHu: 0, paddingHu: null } };
  const hu = scan(painted, { grid, profile: flat, patient, sliceSpacingMm: grid.spacingMm[0] }, random);
  let [sum, squares, products, slices, count] = [0, 0, 0, 0, 0];
  const mean = hu.reduce((total, value) => total + value, 0) / length;
  for (let z = 0; z + 1 < size[0]; z++) {
    for (let y = 8; y < size[1] - 8; y++) {
      for (let x = 8; x < size[2] - 8; x++) {
        const at = (z * size[1] + y) * size[2] + x;
        const here = (hu[at] as number) - mean;
        sum += here;
        squares += here * here;
        products += here * ((hu[at + 1] as number) - mean);
        slices += here * ((hu[at + size[1] * size[2]] as number) - mean);
        count++;
      }
    }
  }
  return {
    mean: mean + sum / count,
    sd: Math.sqrt(squares / count),
    neighbour: products / squares,
    between: slices / squares,
  };
}

describe('the scanner', () => {
  const baths = siteProfiles.map(bath);

  it('leaves noise of 6 to 26 HU, as measured in real scans, and each site its own', () => {
    for (const { sd } of baths) {
      expect(sd).toBeGreaterThan(6);
      expect(sd).toBeLessThan(26);
    }
    const sorted = baths.map(({ sd }) => sd).sort((a, b) => a - b);
    expect((sorted.at(-1) as number) / (sorted[0] as number)).toBeGreaterThan(1.6);
  });

  it('leaves noise that hangs together between neighbouring pixels as the kernel says, and between slices', () => {
    for (const { neighbour, between } of baths) {
      expect(neighbour).toBeGreaterThan(0.05);
      expect(neighbour).toBeLessThan(0.85);
      expect(between).toBeGreaterThan(0.1);
    }
    const spread = baths.map(({ neighbour }) => neighbour);
    expect(Math.max(...spread) - Math.min(...spread)).toBeGreaterThan(0.1);
  });

  it('is off by the stated calibration', () => {
    for (const [index, { mean }] of baths.entries()) {
      const { offsetHu, scale, cuppingHu } = (siteProfiles[index] as SiteProfile).scanner;
      const expected = (50 + cuppingHu * (100 / 115 - 0.5)) * (1 + scale) + offsetHu;
      expect(Math.abs(mean - expected)).toBeLessThan(0.6);
    }
  });
});
