/** Lines that were drawn with a free hand, against what they enclose by another way of telling it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boxOfRectangle, sliceOf, voxelsAlong, voxelsInside } from './plane-shape.ts';

type Triple = readonly [number, number, number];
const size: Triple = [9, 20, 30];
const spacingMm: Triple = [5, 1, 1];

it('encloses in a slice the centres within a rectangle', () => {
  const edge = (max: number) => fc.double({ min: -2, max: max + 2, noNaN: true });
  fc.assert(
    fc.property(fc.nat(8), edge(20), edge(20), edge(30), edge(30), (slice, y1, y2, x1, x2) => {
      const loop: Triple[] = [
        [slice, y1, x1],
        [slice, y1, x2],
        [slice, y2, x2],
        [slice, y2, x1],
      ];
      // A centre on an edge belongs to the side with the smaller index, so that neighbours share none.
      const between = (at: number, a: number, b: number) => at >= Math.min(a, b) && at < Math.max(a, b);
      const wanted: Triple[] = [];
      for (let y = 0; y < size[1]; y++)
        for (let x = 0; x < size[2]; x++) if (between(y, y1, y2) && between(x, x1, x2)) wanted.push([slice, y, x]);
      const twiceArea = 2 * Math.abs((y1 - y2) * (x1 - x2));
      fc.pre(Math.abs(twiceArea - 1e-6) > 1e-9); // On the limit itself rounding decides.
      const isThin = twiceArea < 1e-6;
      expect(voxelsInside(loop, size)).toEqual(isThin ? [] : wanted);
    }),
  );
});

it('takes of a plane that is turned the voxel of each column that is nearest to it', () => {
  // z rises by half a voxel a column.
  const loop: Triple[] = [
    [1.6, 1.5, 3.2],
    [4.6, 1.5, 9.2],
    [4.6, 3.5, 9.2],
    [1.6, 3.5, 3.2],
  ];
  const columns = [4, 5, 6, 7, 8, 9];
  const wanted = [2, 3].flatMap((y) => columns.map((x): Triple => [Math.round(x / 2), y, x]));
  expect(voxelsInside(loop, size)).toEqual(wanted);
});

it('finds a line without gaps, each voxel once', () => {
  const index = fc.tuple(fc.nat(8), fc.nat(19), fc.nat(29));
  fc.assert(
    fc.property(fc.array(index, { minLength: 1, maxLength: 6 }), (path) => {
      const voxels = voxelsAlong(path, size);
      expect(new Set(voxels.map(String)).size).toBe(voxels.length);
      for (const point of path) expect(voxels).toContainEqual(point);
      const isNext = (a: Triple, b: Triple) => a.every((at, axis) => Math.abs(at - b[axis]!) <= 1);
      const lone = voxels.filter((one) => !voxels.some((other) => other !== one && isNext(one, other)));
      expect(voxels.length === 1 || lone.length === 0).toBe(true);
    }),
  );
});

it('makes a box of a rectangle, which another plane makes as deep as it says', () => {
  const corners: Triple[] = [
    [4, 5, 10],
    [4, 5, 20],
    [4, 15, 20],
    [4, 15, 10],
  ];
  const box = boxOfRectangle(corners, { grid: { size, spacingMm } })!;
  // 10 mm wide: 5 mm to both sides, which is one slice.
  expect(box).toEqual({ first: [3, 5, 10], last: [5, 15, 20] });
  const coronal: Triple[] = [
    [1, 9, 12],
    [1, 9, 18],
    [7, 9, 18],
    [7, 9, 12],
  ];
  expect(boxOfRectangle(coronal, { grid: { size, spacingMm }, before: box })).toEqual({
    first: [1, 5, 12],
    last: [7, 15, 18],
  });
  expect(sliceOf(corners, size)).toBe(4);
  expect(sliceOf(coronal, size)).toBe(undefined);
  const outside = corners.map(([, y, x]): Triple => [40, y, x]);
  expect(boxOfRectangle(outside, { grid: { size, spacingMm } })).toBe(undefined);
});
