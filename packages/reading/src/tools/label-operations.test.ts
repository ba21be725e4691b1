/** What is done to a structure as a whole, held against plain definitions. */
import type { Triple } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LabelOperation, operate } from './label-operations.ts';

const size: Triple = [4, 6, 7];
const grid = { size, spacingMm: [2, 1, 1.5] as Triple };
const count = size[0] * size[1] * size[2];
const anyMask = fc
  .array(fc.constantFrom(0, 0, 1), { minLength: count, maxLength: count })
  .map((all) => Uint8Array.from(all));
const placeOf = (at: number): Triple => [Math.floor(at / 42), Math.floor(at / 7) % 6, at % 7];
const mmBetween = (a: number, b: number): number =>
  Math.hypot(...placeOf(a).map((one, axis) => (one - placeOf(b)[axis]!) * grid.spacingMm[axis]!));
const inside = (mask: Uint8Array): number[] => [...mask.keys()].filter((at) => mask[at] !== 0);

describe('a margin', () => {
  it('grows to all voxels that are so near, and shrinks by all that are so near to the outside', () => {
    fc.assert(
      fc.property(anyMask, fc.constantFrom(1, 1.5, 2, 3), (mask, mm) => {
        const [all, free] = [inside(mask), inside(mask.map((value) => 1 - value))];
        const near = (at: number, to: readonly number[]) => to.some((other) => mmBetween(at, other) <= mm + 1e-6);
        const grown = operate(mask, grid, { kind: 'grow', mm });
        expect(inside(grown)).toEqual([...mask.keys()].filter((at) => near(at, all)));
        const shrunk = operate(mask, grid, { kind: 'shrink', mm });
        expect(inside(shrunk)).toEqual(all.filter((at) => !near(at, free)));
      }),
      { numRuns: 30 },
    );
  });

  it('leaves a structure that fills everything as it is', () => {
    expect(inside(operate(new Uint8Array(count).fill(1), grid, { kind: 'shrink', mm: 9 })).length).toBe(count);
  });
});

describe('islands', () => {
  const islands = new Uint8Array(count);
  for (const at of [0, 1, 2, 83, 110, 111, 126]) islands[at] = 3;

  it('are dropped but for the largest, or those that are too small', () => {
    expect(inside(operate(islands, grid, { kind: 'keep-largest' }))).toEqual([0, 1, 2]);
    const voxelMl = 0.003;
    expect(inside(operate(islands, grid, { kind: 'remove-small', minMl: 2 * voxelMl }))).toEqual([0, 1, 2, 110, 111]);
    expect(inside(operate(new Uint8Array(count), grid, { kind: 'keep-largest' }))).toEqual([]);
  });

  it('kept are a part of what was there', () => {
    fc.assert(
      fc.property(anyMask, fc.double({ min: 0, max: 0.03, noNaN: true }), (mask, minMl) => {
        const kept = operate(mask, grid, { kind: 'remove-small', minMl });
        expect(inside(kept).every((at) => mask[at] !== 0)).toBe(true);
        expect(operate(kept, grid, { kind: 'remove-small', minMl })).toEqual(kept);
      }),
      { numRuns: 40 },
    );
  });
});

const large: Triple = [9, 24, 24];
const disc = (z: number, radius: number, [y0, x0] = [12, 12]): number[] =>
  Array.from({ length: 576 }, (_, at) => at)
    .filter((at) => Math.hypot(Math.floor(at / 24) - y0!, (at % 24) - x0!) <= radius)
    .map((at) => z * 576 + at);
const maskOf = (voxels: readonly number[]): Uint8Array => {
  const mask = new Uint8Array(9 * 576);
  for (const at of voxels) mask[at] = 1;
  return mask;
};
const even = { size: large, spacingMm: [3, 1, 1] as Triple };

describe('slices between those that were drawn', () => {
  it('have the shape between them, and those that were drawn stay', () => {
    const drawn = maskOf([...disc(1, 9), ...disc(5, 5)]);
    const filled = operate(drawn, even, { kind: 'interpolate' });
    for (const z of [1, 5])
      expect(filled.subarray(z * 576, (z + 1) * 576)).toEqual(drawn.subarray(z * 576, (z + 1) * 576));
    const areas = [0, 1, 2, 3, 4, 5, 6].map((z) => inside(filled.subarray(z * 576, (z + 1) * 576)).length);
    expect([areas[0], areas[6]]).toEqual([0, 0]);
    for (const [z, radius] of [
      [2, 8],
      [3, 7],
      [4, 6],
    ] as const) {
      expect(Math.abs(areas[z]! - Math.PI * radius ** 2) / (Math.PI * radius ** 2)).toBeLessThan(0.12);
    }
  });

  it('go over from one place to the other where the slices overlap', () => {
    const filled = operate(maskOf([...disc(2, 6, [12, 9]), ...disc(4, 6, [12, 15])]), even, { kind: 'interpolate' });
    const middle = inside(filled.subarray(3 * 576, 4 * 576)).map((at) => at % 24);
    expect(middle.reduce((sum, x) => sum + x, 0) / middle.length).toBeCloseTo(12, 5);
  });
});

describe('smoothing', () => {
  it('takes single voxels away and fills single gaps, and leaves a straight wall where it is', () => {
    const wall = Uint8Array.from({ length: 9 * 576 }, (_, at) => Number(at % 24 < 12));
    expect(operate(wall, even, { kind: 'smooth', mm: 2 })).toEqual(wall);
    const rough = wall.slice();
    rough[4 * 576 + 12 * 24 + 20] = 1;
    rough[4 * 576 + 12 * 24 + 4] = 0;
    expect(operate(rough, even, { kind: 'smooth', mm: 1 })).toEqual(wall);
  });
});

it('holes are filled on each slice, openings are not', () => {
  const ring = disc(3, 8).filter((at) => !disc(3, 4).includes(at));
  expect(inside(operate(maskOf(ring), even, { kind: 'fill-holes' }))).toEqual(disc(3, 8));
  const open = ring.filter((at) => at % 24 !== 12 || Math.floor((at % 576) / 24) < 12);
  expect(inside(operate(maskOf(open), even, { kind: 'fill-holes' }))).toEqual(open);
});

it('two structures are united, subtracted, intersected as sets are', () => {
  fc.assert(
    fc.property(anyMask, anyMask, (mask, other) => {
      const by = (kind: 'unite' | 'subtract' | 'intersect') =>
        inside(operate(mask, grid, { kind, other } satisfies LabelOperation));
      const all = [...mask.keys()];
      expect(by('unite')).toEqual(all.filter((at) => mask[at] !== 0 || other[at] !== 0));
      expect(by('subtract')).toEqual(all.filter((at) => mask[at] !== 0 && other[at] === 0));
      expect(by('intersect')).toEqual(all.filter((at) => mask[at] !== 0 && other[at] !== 0));
    }),
    { numRuns: 30 },
  );
});
