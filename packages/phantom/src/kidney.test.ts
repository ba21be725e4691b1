import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { createKidney, outlineDistance, parenchymaDistance, sinusDistance } from './kidney.ts';

const stepMm = 2;

/** Means of parenchyma and of sinus inside the outline, and the parenchyma's volume in ml. */
function measured(side: 'left' | 'right', seed: number) {
  const kidney = createKidney({ side, perirenalMm: 8 }, createRandom(seed, side));
  const sums = { flesh: [0, 0, 0, 0], hollow: [0, 0, 0, 0], upper: [0, 0], lower: [0, 0] };
  const [cx, cy, cz] = kidney.centreMm;
  for (let z = cz - 80; z <= cz + 80; z += stepMm) {
    for (let y = cy - 50; y <= cy + 50; y += stepMm) {
      for (let x = cx - 56; x <= cx + 56; x += stepMm) {
        const outline = outlineDistance(kidney, x, y, z);
        if (outline >= 0) continue;
        const sinus = sinusDistance(kidney, x, y, z);
        const sum = parenchymaDistance(outline, sinus) < 0 ? sums.flesh : sums.hollow;
        for (const [index, value] of [x, y, z, 1].entries()) sum[index] = (sum[index] as number) + value;
        const pole = z > cz + 25 ? sums.upper : z < cz - 25 ? sums.lower : [0, 0];
        pole[0] = (pole[0] as number) + x;
        pole[1] = (pole[1] as number) + 1;
      }
    }
  }
  const mean = (sum: readonly number[]): number[] => sum.slice(0, -1).map((value) => value / (sum.at(-1) as number));
  return {
    flesh: mean(sums.flesh),
    hollow: mean(sums.hollow),
    upperX: mean(sums.upper)[0] as number,
    lowerX: mean(sums.lower)[0] as number,
    volumeMl: ((sums.flesh[3] as number) * stepMm ** 3) / 1000,
  };
}

describe('a kidney', () => {
  it.each([
    ['left', 1],
    ['right', -1],
  ] as const)('on the %s has a hilum that looks to the middle and forward, and poles that lean in', (side, sign) => {
    for (let seed = 0; seed < 6; seed++) {
      const { flesh, hollow, upperX, lowerX, volumeMl } = measured(side, seed);
      expect(sign * ((flesh[0] as number) - (hollow[0] as number))).toBeGreaterThan(4);
      expect((flesh[1] as number) - (hollow[1] as number)).toBeGreaterThan(1);
      expect(sign * (lowerX - upperX)).toBeGreaterThan(5);
      expect(volumeMl).toBeGreaterThan(75);
      expect(volumeMl).toBeLessThan(230);
    }
  });
});
