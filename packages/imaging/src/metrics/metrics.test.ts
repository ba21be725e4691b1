import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axisAligned, voxelCount } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import { fromBase64, recorded } from '../recorded-array.ts';
import { masks } from '../sampled.ts';
import type { Triple } from '../volume.ts';
import { type Connectivity, connectedComponents } from './connected-components.ts';
import { distanceTransformMm } from './distance-transform.ts';
import { dice } from './overlap.ts';
import { surfaceAreasMm2 } from './surface-areas.ts';
import { hausdorff95, normalisedSurfaceDice, surfaceDistances } from './surface-distance.ts';

interface RecordedCase {
  size: Triple;
  spacingMm: Triple;
  a: string;
  b: string;
  dice: number;
  surfaceDice: Record<string, number>;
  hausdorff95: number;
  areaA: number;
  distanceToA: string;
  components: Record<string, [number, string]>;
}
const { cases, areas } = recorded<{ cases: RecordedCase[]; areas: { spacingMm: Triple; areas: number[] }[] }>(
  'metrics.json',
);

describe.each(cases)('on a recorded pair of masks of size $size and spacing $spacingMm', (recordedCase) => {
  const grid = axisAligned(recordedCase);
  const a = fromBase64.uint8(recordedCase.a);
  const b = fromBase64.uint8(recordedCase.b);

  test('Dice, surface Dice, HD95 and surface area are those of surface-distance', () => {
    expect(dice(a, b)).toBeCloseTo(recordedCase.dice, 12);
    for (const [toleranceMm, value] of Object.entries(recordedCase.surfaceDice)) {
      expect(normalisedSurfaceDice(a, b, grid, Number(toleranceMm))).toBeCloseTo(value, 9);
    }
    expect(hausdorff95(a, b, grid)).toBeCloseTo(recordedCase.hausdorff95, 9);
    const area = surfaceDistances(a, b, grid).aToB.areasMm2.reduce((sum, element) => sum + element, 0);
    expect(area).toBeCloseTo(recordedCase.areaA, 6);
  });

  test("the distance transform is scipy's", () => {
    const expected = fromBase64.float64(recordedCase.distanceToA);
    const worst = distanceTransformMm(a, grid).reduce((w, d, at) => Math.max(w, Math.abs(d - expected[at]!)), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  test.each(Object.keys(recordedCase.components))("the pieces by %s neighbours are scipy's", (connectivity) => {
    const [count, labels] = recordedCase.components[connectivity]!;
    const found = connectedComponents(b, grid.size, Number(connectivity) as Connectivity);
    expect(found.count).toBe(count);
    expect(found.labels).toEqual(fromBase64.int32(labels));
  });
});

test('the surface through every pattern of eight voxels has the area that surface-distance gives it', () => {
  for (const { spacingMm, areas: expected } of areas) {
    surfaceAreasMm2(spacingMm).forEach((area, pattern) => {
      expect(area, `pattern ${pattern}`).toBeCloseTo(expected[pattern]!, 9);
    });
  }
});

describe('two empty masks agree, an empty and a full one do not', () => {
  const grid = axisAligned({ size: [3, 4, 5], spacingMm: [1, 1, 1] });
  const empty = new Uint8Array(voxelCount(grid));
  const one = empty.with(30, 1);

  test('Dice', () => {
    expect([dice(empty, empty), dice(empty, one), dice(one, empty)]).toEqual([1, 0, 0]);
  });
  test('surface Dice', () => {
    const nsd = (a: Uint8Array, b: Uint8Array) => normalisedSurfaceDice(a, b, grid, 1000);
    expect([nsd(empty, empty), nsd(empty, one), nsd(one, empty)]).toEqual([1, 0, 0]);
  });
  test('HD95', () => {
    const hd = (a: Uint8Array, b: Uint8Array) => hausdorff95(a, b, grid);
    expect([hd(empty, empty), hd(empty, one), hd(one, empty)]).toEqual([0, Infinity, Infinity]);
  });
});

test.each([
  ['a face', [0, 0, 1], [1, 1, 1]],
  ['an edge', [0, 1, 1], [2, 1, 1]],
  ['a corner', [1, 1, 1], [2, 2, 1]],
] as const)('two voxels that share %s are one piece for those who count it', (_, [z, y, x], expected) => {
  const mask = new Uint8Array(8);
  mask[0] = 1;
  mask[z * 4 + y * 2 + x] = 1;
  expect(([6, 18, 26] as const).map((by) => connectedComponents(mask, [2, 2, 2], by).count)).toEqual(expected);
});

test('every distance is the shortest of all, by trying all', () => {
  fc.assert(
    fc.property(masks(6), ({ geometry, mask }) => {
      const [, rows, columns] = geometry.size;
      const place = (at: number): Triple => [
        Math.floor(at / (rows * columns)) * geometry.spacingMm[0],
        (Math.floor(at / columns) % rows) * geometry.spacingMm[1],
        (at % columns) * geometry.spacingMm[2],
      ];
      const inside = [...mask.keys()].filter((at) => mask[at] !== 0).map(place);
      distanceTransformMm(mask, geometry).forEach((found, at) => {
        const here = place(at);
        const shortest = Math.min(...inside.map((p) => Math.hypot(p[0] - here[0], p[1] - here[1], p[2] - here[2])));
        if (shortest === Infinity) expect(found).toBe(Infinity);
        else expect(found).toBeCloseTo(shortest, 4);
      });
    }),
  );
});

test('a mask compared with itself is perfect, and comparing is symmetric', () => {
  fc.assert(
    fc.property(masks(7), ({ geometry, mask, other }) => {
      expect(dice(mask, mask)).toBe(1);
      expect(normalisedSurfaceDice(mask, mask, geometry, 0)).toBe(1);
      expect(hausdorff95(mask, mask, geometry)).toBe(0);
      expect(dice(mask, other)).toBe(dice(other, mask));
      expect(normalisedSurfaceDice(mask, other, geometry, 1)).toBeCloseTo(
        normalisedSurfaceDice(other, mask, geometry, 1),
        12,
      );
      expect(hausdorff95(mask, other, geometry)).toBe(hausdorff95(other, mask, geometry));
    }),
  );
});

test('masks of unequal size are refused', () => {
  const grid = axisAligned({ size: [1, 1, 2], spacingMm: [1, 1, 1] });
  const refusals = [
    () => dice(new Uint8Array(1), new Uint8Array(2)),
    () => hausdorff95(new Uint8Array(2), new Uint8Array(3), grid),
    () => connectedComponents(new Uint8Array(3), grid.size, 6),
    () => distanceTransformMm(new Uint8Array(1), grid),
  ];
  for (const refusal of refusals) {
    expect(refusal).toThrow(ImagingError);
    expect(refusal).toThrow(expect.objectContaining({ code: 'imaging.grid-mismatch' }));
  }
});
