import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  axisAligned,
  croppedGeometry,
  dot,
  geometryOfSteps,
  respaced,
  sameGrid,
  upright,
  voxelOf,
  worldOf,
} from './geometry.ts';
import { toLabelMap } from './label-map.ts';
import { canonical } from './orientation.ts';
import { geometries, triples, volumes } from './sampled.ts';
import type { Triple } from './volume.ts';

test('index to patient and back is the same index', () => {
  fc.assert(
    fc.property(geometries(9), triples(-50, 50), (geometry, index) => {
      const back = voxelOf(geometry, worldOf(geometry, index));
      for (const axis of [0, 1, 2] as const) expect(back[axis]).toBeCloseTo(index[axis], 8);
    }),
  );
});

test('a respaced grid has the same centre, axes and, to less than half a voxel, ends', () => {
  fc.assert(
    fc.property(geometries(40), triples(0.3, 8), (geometry, spacingMm) => {
      const finer = respaced(geometry, spacingMm);
      const middle = ({ size }: { size: Triple }): Triple => [(size[0] - 1) / 2, (size[1] - 1) / 2, (size[2] - 1) / 2];
      const [a, b] = [worldOf(geometry, middle(geometry)), worldOf(finer, middle(finer))];
      for (const axis of [0, 1, 2] as const) {
        expect(b[axis]).toBeCloseTo(a[axis], 6);
        const lengthChangeMm = finer.size[axis] * spacingMm[axis] - geometry.size[axis] * geometry.spacingMm[axis];
        if (finer.size[axis] > 1) expect(Math.abs(lengthChangeMm)).toBeLessThanOrEqual(spacingMm[axis] / 2 + 1e-9);
      }
      expect(finer.axes).toEqual(geometry.axes);
    }),
  );
});

test('a spacing that is not positive is refused', () => {
  const geometry = axisAligned({ size: [1, 1, 1], spacingMm: [1, 1, 1] });
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => respaced(geometry, [1, bad, 1])).toThrow(
      expect.objectContaining({ code: 'imaging.geometry-degenerate' }),
    );
  }
});

test('two grids are the same only if size and every corner agree', () => {
  const geometry = axisAligned({ size: [5, 5, 200], spacingMm: [1, 1, 1] });
  expect(sameGrid(geometry, { ...geometry, originMm: [0.005, 0, 0] })).toBe(true);
  expect(sameGrid(geometry, { ...geometry, originMm: [0.02, 0, 0] })).toBe(false);
  expect(sameGrid(geometry, { ...geometry, spacingMm: [1, 1, 1.0001] })).toBe(false);
  expect(sameGrid(geometry, { ...geometry, size: [5, 5, 199] })).toBe(false);
  expect(sameGrid(geometry, { ...geometry, originMm: [Number.NaN, 0, 0] })).toBe(false);
});

test('a canonical volume runs to the head, the back and the left, and every voxel stays where it was', () => {
  fc.assert(
    fc.property(volumes(5), (volume) => {
      const turned = canonical(volume);
      const { axes, size } = turned.geometry;
      for (const [axis, world] of [
        [0, 2],
        [1, 1],
        [2, 0],
      ] as const) {
        const along = axes[axis][world];
        expect(along).toBeGreaterThan(0);
      }
      let at = 0;
      for (let z = 0; z < size[0]; z++) {
        for (let y = 0; y < size[1]; y++) {
          for (let x = 0; x < size[2]; x++, at++) {
            const old = voxelOf(volume.geometry, worldOf(turned.geometry, [z, y, x])).map(Math.round);
            const [, rows, columns] = volume.geometry.size;
            expect(turned.voxels[at]).toBe(volume.voxels[(old[0]! * rows + old[1]!) * columns + old[2]!]);
          }
        }
      }
      expect(canonical(turned)).toEqual(turned);
    }),
  );
});

test('a sheared grid made upright is orthogonal and holds every voxel of the sheared one', () => {
  fc.assert(
    fc.property(geometries(9), triples(-2, 2), (geometry, shear) => {
      const [, y, x] = geometry.axes;
      const { size, originMm, spacingMm, axes } = geometry;
      const along = (part: 0 | 1 | 2): number => axes[0][part] * spacingMm[0] + y[part] * shear[1] + x[part] * shear[2];
      const down = y.map((part) => part * spacingMm[1]) as unknown as Triple;
      const right = x.map((part) => part * spacingMm[2]) as unknown as Triple;
      const sheared = geometryOfSteps(size, originMm, [[along(0), along(1), along(2)], down, right]);
      const straight = upright(sheared);
      expect(dot(straight.axes[0], straight.axes[1])).toBeCloseTo(0, 2);
      for (let corner = 0; corner < 8; corner++) {
        const index = [corner & 4 ? size[0] - 1 : 0, corner & 2 ? size[1] - 1 : 0, corner & 1 ? size[2] - 1 : 0];
        const there = voxelOf(straight, worldOf(sheared, index as unknown as Triple));
        expect(there[0]).toBeCloseTo(index[0]!, 2);
        for (const axis of [1, 2] as const) {
          expect(there[axis]).toBeGreaterThan(-0.01);
          expect(there[axis]).toBeLessThan(straight.size[axis] - 0.99);
        }
      }
      expect(upright(straight)).toBe(straight);
    }),
  );
});

test('a cropped grid begins at the voxel it was told to', () => {
  fc.assert(
    fc.property(geometries(9), ({ ...geometry }) => {
      const cropped = croppedGeometry(geometry, [1, 2, 3], [2, 2, 2]);
      const [a, b] = [worldOf(cropped, [1, 1, 1]), worldOf(geometry, [2, 3, 4])];
      for (const axis of [0, 1, 2] as const) expect(a[axis]).toBeCloseTo(b[axis], 8);
    }),
  );
});

test('labels are whole numbers of known classes, whatever type they were stored in', () => {
  const geometry = axisAligned({ size: [1, 1, 2], spacingMm: [1, 1, 1] });
  expect(toLabelMap({ geometry, voxels: new Float32Array([0, 3]) }).voxels).toEqual(new Uint8Array([0, 3]));
  for (const bad of [0.5, -1, 256, Number.NaN]) {
    expect(() => toLabelMap({ geometry, voxels: new Float32Array([0, bad]) })).toThrow(
      expect.objectContaining({ code: 'imaging.label-not-a-class' }),
    );
  }
  expect(() => toLabelMap({ geometry, voxels: new Uint8Array([0, 4]) }, { classMax: 3 })).toThrow(
    expect.objectContaining({ code: 'imaging.label-not-a-class' }),
  );
});
