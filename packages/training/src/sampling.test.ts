import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { noAugmentation } from './augmentation/augmentation-spec.ts';
import { ballCase, smallPlan } from './case.fixture.ts';
import { type PreparedCase, preprocess } from './preprocess.ts';
import { samplePatch } from './sampling.ts';

const prepared = [1, 2, 3].map((seed) => preprocess(ballCase({ id: `case-${seed}`, seed }), smallPlan));
const plain = { ...smallPlan, augmentation: noAugmentation };

/** A long case with classes 1 (common) and 2 (ten voxels, in the first case only). */
function longCase(index: number): PreparedCase {
  const size = [40, 40, 60] as const;
  const label = new Uint8Array(size[0] * size[1] * size[2]);
  label.fill(1, 20_000, 40_000);
  if (index === 0) label.fill(2, 5000, 5010);
  const image = Float32Array.from(label, (value, at) => value + (at % 97) / 100);
  const indicesOf = (value: number) => Uint32Array.from([...label.keys()].filter((at) => label[at] === value));
  const foreground = [1, 2]
    .map((value) => ({ value, indices: indicesOf(value) }))
    .filter(({ indices }) => indices.length > 0);
  const { geometry, original, outside } = prepared[0]!;
  return { id: `long-${index}`, geometry: { ...geometry, size }, original, outside, image, label, foreground };
}

describe('a batch', () => {
  it('has the plan’s shape, and the label’s classes are the cases’', () => {
    const { image, label } = samplePatch(prepared, smallPlan, createRandom(1));
    expect(image.shape).toEqual([2, 1, 16, 16, 24]);
    expect(label.shape).toEqual([2, 1, 16, 16, 24]);
    for (let step = 0; step < 20; step++) {
      const { label: drawn } = samplePatch(prepared, smallPlan, createRandom(1, step));
      expect([...new Set(drawn.data)].every((value) => [0, 1, 2].includes(value))).toBe(true);
    }
  });

  it('follows from the random stream alone', () => {
    const once = samplePatch(prepared, smallPlan, createRandom(5, 'step', 17));
    expect(samplePatch(prepared, smallPlan, createRandom(5, 'step', 17))).toEqual(once);
    expect(samplePatch(prepared, smallPlan, createRandom(5, 'step', 18))).not.toEqual(once);
  });

  it('is another one with each draw from one stream', () => {
    const random = createRandom(9);
    expect(samplePatch(prepared, smallPlan, random)).not.toEqual(samplePatch(prepared, smallPlan, random));
  });

  it('shows voxels as they are, image and label together, if nothing is varied', () => {
    const long = longCase(0);
    const { image, label } = samplePatch([long], plain, createRandom(2));
    const [, height, width] = long.geometry.size;
    const [depthP, heightP, widthP] = plain.patchSize;
    const first = long.image.indexOf(image.data[0]!);
    let found = 0;
    for (let at = first; at !== -1; at = long.image.indexOf(image.data[0]!, at + 1)) {
      let same = true;
      for (let index = 0; same && index < depthP * heightP * widthP; index++) {
        const z = Math.floor(index / (heightP * widthP));
        const from = at + (z * height + (Math.floor(index / widthP) % heightP)) * width + (index % widthP);
        same = long.image[from] === image.data[index] && long.label[from] === label.data[index];
      }
      if (same) found += 1;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('pads a case that is smaller than the patch with air and background', () => {
    const { image, label } = samplePatch(prepared, { ...plain, patchSize: [32, 32, 32] }, createRandom(3));
    expect(image.data[0]).toBe(-6);
    expect(label.data[0]).toBe(0);
    expect([...image.data].filter((value) => value !== -6).length).toBeLessThanOrEqual(2 * 14 * 13 * 17);
    expect(label.data.includes(2)).toBe(true);
  });

  it('sees a rare class as often as the plan says', () => {
    const cases = [0, 1, 2, 3].map(longCase);
    const withRare = (foregroundFraction: number): number => {
      let seen = 0;
      for (let step = 0; step < 300; step++) {
        const { label } = samplePatch(cases, { ...plain, foregroundFraction }, createRandom('rare', step));
        const half = label.data.length / 2;
        for (const item of [0, 1]) if (label.data.subarray(item * half, (item + 1) * half).includes(2)) seen += 1;
      }
      return seen / 600;
    };
    // All patches on foreground: two classes in turn, so half of the patches hold the rare one.
    expect(withRare(1)).toBeGreaterThan(0.48);
    expect(withRare(0)).toBeLessThan(0.15);
    expect(Math.abs(withRare(0.5) - (0.25 + 0.5 * withRare(0)))).toBeLessThan(0.07);
  });

  it('is refused without a case', () => {
    expect(() => samplePatch([], smallPlan, createRandom(1))).toThrow(
      expect.objectContaining({ code: 'training.no-case' }),
    );
  });
});
