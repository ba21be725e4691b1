import { dice, type Triple } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clickChannels, fillGuidance } from './click-input.ts';
import { nextClicks } from './click-simulation.ts';
import { mistakenMask } from './mask-error.ts';

const size: Triple = [10, 12, 14];
const grid = { size, spacingMm: [2, 1, 1] as Triple };
const voxels = size[0] * size[1] * size[2];
const at = ([z, y, x]: Triple): number => (z * size[1] + y) * size[2] + x;

/** 1 in the box, both ends inside. */
function boxMask(low: Triple, high: Triple): Uint8Array {
  return Uint8Array.from({ length: voxels }, (_, index) => {
    const voxel = [Math.floor(index / (size[1] * size[2])), Math.floor(index / size[2]) % size[1], index % size[2]];
    return voxel.every((each, axis) => each >= low[axis]! && each <= high[axis]!) ? 1 : 0;
  });
}
const none = new Uint8Array(voxels);

describe('a simulated click', () => {
  it('lies in the middle of the object when nothing is marked', () => {
    const target = boxMask([2, 1, 2], [6, 11, 12]);
    expect(nextClicks(none, target, grid, { count: 1 })).toEqual([{ voxel: [4, 6, 7], isForeground: true }]);
  });

  it('lies in the middle of what is marked beyond the object, as background', () => {
    const target = boxMask([0, 0, 0], [9, 11, 3]);
    const mask = boxMask([0, 0, 0], [9, 11, 10]);
    const [{ voxel, isForeground } = expect.unreachable()] = nextClicks(mask, target, grid, { count: 1 });
    expect(isForeground).toBe(false);
    expect(voxel[2]).toBe(7);
  });

  it('goes into the largest wrong piece, and further ones into the next', () => {
    const target = boxMask([1, 1, 1], [3, 4, 4]);
    const mask = boxMask([6, 6, 6], [8, 7, 7]);
    const clicks = nextClicks(mask, target, grid, { count: 3 });
    expect(clicks.map(({ isForeground }) => isForeground)).toEqual([true, false]);
  });

  it('is not made where nothing is wrong', () => {
    const target = boxMask([1, 1, 1], [3, 4, 4]);
    expect(nextClicks(target, target, grid, { count: 2 })).toEqual([]);
  });

  it('lies where the mask is wrong, of the kind that is wrong there, whatever the masks are', () => {
    const mask = fc.uint8Array({ minLength: voxels, maxLength: voxels, max: 1 });
    fc.assert(
      fc.property(mask, mask, fc.integer(), (drawn, target, seed) => {
        for (const random of [undefined, createRandom(seed)]) {
          const clicks = nextClicks(drawn, target, grid, { count: 4, ...(random === undefined ? {} : { random }) });
          for (const { voxel, isForeground } of clicks) {
            expect(target[at(voxel)]).toBe(isForeground ? 1 : 0);
            expect(drawn[at(voxel)]).toBe(isForeground ? 0 : 1);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is drawn deep inside more often than at the border', () => {
    const target = boxMask([1, 1, 1], [8, 10, 12]);
    const random = createRandom(5);
    const depths = Array.from({ length: 200 }, () => {
      const [{ voxel } = expect.unreachable()] = nextClicks(none, target, grid, { count: 1, random });
      return Math.min(voxel[1] - 1, 10 - voxel[1], voxel[2] - 1, 12 - voxel[2]);
    });
    expect(depths.filter((depth) => depth === 0).length).toBeLessThan(30);
    expect(new Set(depths).size).toBeGreaterThan(3);
  });
});

describe('the guidance', () => {
  const channelOf = (input: Float32Array, index: number) => input.subarray(index * voxels, (index + 1) * voxels);

  it('is 1 at a click and falls off by millimetres, not by voxels', () => {
    const input = new Float32Array(clickChannels * voxels).fill(7);
    const clicks = [{ voxel: [5, 6, 7] as Triple, isForeground: true }];
    fillGuidance(input, { clicks, mask: null }, grid, { kind: 'gaussian', sigmaMm: 2 });
    const map = channelOf(input, 1);
    expect(map[at([5, 6, 7])]).toBe(1);
    expect(map[at([6, 6, 7])]).toBeCloseTo(map[at([5, 8, 7])]!, 6);
    expect(map[at([5, 6, 9])]).toBeCloseTo(Math.exp(-0.5), 6);
    expect(map[at([5, 6, 13])]).toBeGreaterThan(0);
    expect(channelOf(input, 0)[0]).toBe(7);
    expect(channelOf(input, 2).every((value) => value === 0)).toBe(true);
  });

  it('keeps the larger value where clicks overlap, and shows clicks outside only as far as they reach in', () => {
    const input = new Float32Array(clickChannels * voxels);
    const disc = { kind: 'disc', radiusMm: 2 } as const;
    const clicks = [
      { voxel: [5, 6, 7] as Triple, isForeground: false },
      { voxel: [5, 6, 8] as Triple, isForeground: false },
      { voxel: [-1, 0, 0] as Triple, isForeground: true },
      { voxel: [-9, 0, 0] as Triple, isForeground: true },
    ];
    fillGuidance(input, { clicks, mask: boxMask([0, 0, 0], [0, 0, 0]) }, grid, disc);
    expect(Math.max(...channelOf(input, 2))).toBe(1);
    expect(channelOf(input, 1).reduce((sum, value) => sum + value, 0)).toBe(1);
    expect(channelOf(input, 3).reduce((sum, value) => sum + value, 0)).toBe(1);
  });
});

describe('a mistaken mask', () => {
  it('is wrong at the border and right in the main, another for each seed', () => {
    const target = boxMask([1, 2, 2], [8, 9, 11]);
    const agreements = Array.from({ length: 30 }, (_, seed) =>
      dice(mistakenMask(target, grid, { errorMm: 1.5, random: createRandom(seed) }), target),
    );
    const median = agreements.sort((a, b) => a - b)[15]!;
    expect(median).toBeGreaterThan(0.5);
    expect(median).toBeLessThan(0.99);
    expect(new Set(agreements).size).toBeGreaterThan(20);
    const again = () => mistakenMask(target, grid, { errorMm: 1.5, random: createRandom(4) });
    expect(again()).toEqual(again());
  });

  it('of nothing is nothing', () => {
    expect(mistakenMask(none, grid, { errorMm: 3, random: createRandom(1) }).includes(1)).toBe(false);
  });

  it('of everything is defined', () => {
    const all = new Uint8Array(voxels).fill(1);
    const mask = mistakenMask(all, grid, { errorMm: 1, random: createRandom(2) });
    expect(mask.every((value) => value === 0 || value === 1)).toBe(true);
  });
});
