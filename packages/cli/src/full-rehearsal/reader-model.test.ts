import { createRandom, type Random } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correctedLabel, pathByHand, pathOfCorrection, readingMinutes, slicesWith } from './reader-model.ts';

const size = [3, 12, 14] as const;
const shape = { size, spacingMm: [3, 1, 1] as const, structures: [1, 2] };
const voxels = size[0] * size[1] * size[2];

/** A box of a structure in all slices, `[y0, y1, x0, x1]` with ends outside. */
function box(
  structure: number,
  [y0, y1, x0, x1]: readonly [number, number, number, number],
  into = new Uint8Array(voxels),
): Uint8Array {
  for (let z = 0; z < size[0]; z++) {
    for (let y = y0; y < y1; y++)
      into.fill(structure, (z * size[1] + y) * size[2] + x0, (z * size[1] + y) * size[2] + x1);
  }
  return into;
}
const own = box(1, [2, 9, 2, 9]);
const correct = (proposal: Uint8Array) => correctedLabel(proposal, own, shape);
const label = fc
  .array(fc.integer({ min: 0, max: 2 }), { minLength: voxels, maxLength: voxels })
  .map((values) => Uint8Array.from(values));

describe('a simulated reader', () => {
  it('leaves a proposal that is the own label, and one whose border is a voxel off', () => {
    expect(correct(own)).toEqual(own);
    const wider = box(1, [1, 10, 1, 10]);
    expect(correct(wider)).toEqual(wider);
  });

  it('draws the own border where a proposal is further off, and only there', () => {
    const off = box(1, [2, 9, 2, 13]);
    expect(correct(off)).toEqual(own);
    const narrowAtTheOtherSide = box(1, [2, 9, 3, 13]);
    expect(correct(narrowAtTheOtherSide)).toEqual(box(1, [2, 9, 3, 9]));
  });

  it('sees a lesion that was not proposed, and one that is not there, however small', () => {
    const lesion = box(2, [4, 5, 5, 6], own.slice());
    expect(correctedLabel(own, lesion, shape)).toEqual(lesion);
    expect(correctedLabel(lesion, own, shape)).toEqual(own);
  });

  it('changes a proposal to nothing but the own label, whatever both are', () => {
    fc.assert(
      fc.property(label, label, (proposal, mine) => {
        const corrected = correctedLabel(proposal, mine, shape);
        for (const [at, value] of corrected.entries()) expect([proposal[at], mine[at]]).toContain(value);
        expect(correctedLabel(mine, mine, shape)).toEqual(mine);
      }),
      { numRuns: 20 },
    );
  });
});

describe('what reading costs', () => {
  const steady = { between: () => 0, normal: () => 0 } as unknown as Random;
  const minutes = (of: Parameters<typeof readingMinutes>[0]) => {
    const { byStructure, overhead } = readingMinutes(of, { readerFactor: 1, random: steady });
    return overhead + [...byStructure.values()].reduce((sum, value) => sum + value, 0);
  };

  it('by hand grows with the borders of the slices that are drawn', () => {
    // Of a square of 7 voxels a slice, the border is 24 of them.
    expect(pathByHand(own, shape, 1).get(1)).toEqual({ pathMm: 3 * 24, slices: 3 });
    expect(pathByHand(own, shape, 2).get(1)).toEqual({ pathMm: 2 * 24, slices: 2 });
    expect(pathByHand(own, shape, 1).get(2)).toEqual({ pathMm: 0, slices: 0 });
    expect(slicesWith(own, size)).toBe(3);
  });

  it('assisted is nothing to trace where nothing was wrong, and as much as was added or erased whole', () => {
    const traced = (from: Uint8Array, to: Uint8Array, structure: number) =>
      pathOfCorrection(from, to, shape).get(structure)!.pathMm;
    expect(traced(own, own, 1)).toBe(0);
    expect(traced(new Uint8Array(voxels), own, 1)).toBe(3 * 24);
    expect(traced(own, new Uint8Array(voxels), 1)).toBe(3 * 24);
    // One side of the square moved: the new side of 7, with its two corners in it.
    expect(traced(own, box(1, [2, 9, 2, 10]), 1)).toBe(3 * 7);
  });

  it('is less for a good proposal than by hand, and more where all of it has to be drawn', () => {
    const byHand = minutes({ drawn: pathByHand(own, shape, 1), slices: 3, proposedSlices: 0 });
    const after = (proposal: Uint8Array) =>
      minutes({ drawn: pathOfCorrection(proposal, correct(proposal), shape), slices: 3, proposedSlices: 3 });
    expect(after(new Uint8Array(voxels))).toBeGreaterThan(byHand);
    const long = { drawn: new Map([[1, { pathMm: 14_000, slices: 40 }]]), slices: 48, proposedSlices: 0 };
    expect(minutes(long)).toBeGreaterThan(5);
    expect(minutes(long)).toBeLessThan(20);
  });

  it('varies with reader and case, and is the same for the same seed', () => {
    const of = { drawn: pathByHand(own, shape, 1), slices: 3, proposedSlices: 0 };
    const drawn = (seed: number) => readingMinutes(of, { readerFactor: 1, random: createRandom(seed) }).overhead;
    expect(drawn(1)).toBe(drawn(1));
    expect(drawn(1)).not.toBe(drawn(2));
  });
});
