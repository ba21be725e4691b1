import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axisAligned, croppedGeometry, geometryOfSteps, respaced, voxelCount } from './geometry.ts';
import { canonical } from './orientation.ts';
import { fromBase64, recorded, type SimpleItkGrid } from './recorded-array.ts';
import { resampleImage, resampleLabels } from './resample.ts';
import { volumes } from './sampled.ts';
import type { Geometry, LabelMap, Triple } from './volume.ts';

interface RecordedCase {
  name: string;
  source: SimpleItkGrid;
  target: SimpleItkGrid;
  image: string;
  labels: string;
  resampledImage: string;
  inside: string;
  resampledLabels: string;
  /** 1 where the winning class leads by more than rounding. */
  clear: string;
}
const { cases } = recorded<{ cases: RecordedCase[] }>('resample.json');

describe.each(cases)('onto a recorded grid: $name', (recordedCase) => {
  const source = geometryOf(recordedCase.source);
  const target = geometryOf(recordedCase.target);

  test("images are SimpleITK's", () => {
    const image = resampleImage({ geometry: source, voxels: fromBase64.float32(recordedCase.image) }, target);
    const expected = fromBase64.float32(recordedCase.resampledImage);
    const inside = fromBase64.uint8(recordedCase.inside);
    expect(inside.some((value) => value === 1)).toBe(true);
    // Outside, SimpleITK takes the nearest voxel; we clamp, which differs only between voxel centres of the edge.
    const worst = image.voxels.reduce((w, v, at) => (inside[at] ? Math.max(w, Math.abs(v - expected[at]!)) : w), 0);
    expect(worst).toBeLessThan(2e-3);
  });

  test("labels are the class of the largest of SimpleITK's shares", () => {
    const labels = resampleLabels({ geometry: source, voxels: fromBase64.uint8(recordedCase.labels) }, target);
    const expected = fromBase64.uint8(recordedCase.resampledLabels);
    const clear = fromBase64.uint8(recordedCase.clear);
    for (const [at, isClear] of clear.entries()) if (isClear) expect(labels.voxels[at]).toBe(expected[at]);
  });
});

test('the same grid gives the same voxels', () => {
  fc.assert(
    fc.property(volumes(5), (volume) => {
      expect(resampleImage(volume as never, volume.geometry).voxels).toEqual(Float32Array.from(volume.voxels));
      const labels = { geometry: volume.geometry, voxels: Uint8Array.from(volume.voxels) };
      expect(resampleLabels(labels, volume.geometry)).toEqual(labels);
    }),
  );
});

test('a whole-voxel shift, swap or flip copies voxels exactly', () => {
  fc.assert(
    fc.property(volumes(5), (volume) => {
      const turned = canonical(volume);
      expect(resampleImage(volume as never, turned.geometry).voxels).toEqual(Float32Array.from(turned.voxels));
      const last: Triple = [turned.geometry.size[0] - 1, 0, turned.geometry.size[2] - 1];
      const corner = resampleImage(volume as never, croppedGeometry(turned.geometry, last, [1, 1, 1]));
      const [, rows, columns] = turned.geometry.size;
      expect(corner.voxels[0]).toBe(Math.fround(turned.voxels[last[0] * rows * columns + last[2]]!));
    }),
  );
});

test('a linear ramp stays the same ramp inside, whatever the spacing', () => {
  const geometry = axisAligned({ size: [8, 9, 10], spacingMm: [3, 1, 0.7], originMm: [5, -4, 30] });
  const ramp = (at: Triple): number => 2 * at[0] * 3 - at[1] + 4 * at[2] * 0.7;
  const voxels = new Float32Array(voxelCount(geometry));
  fillBy(geometry, voxels, ramp);
  const target = croppedGeometry(respaced(geometry, [1.1, 1.3, 0.9]), [3, 1, 1], [15, 4, 4]);
  const expected = new Float32Array(voxelCount(target));
  fillBy(target, expected, (at) => {
    const world = [0, 1, 2].map((axis) => target.originMm[axis]! - geometry.originMm[axis]!);
    const [x, y, z] = world as [number, number, number];
    return 2 * (z + at[0] * 1.1) - (y + at[1] * 1.3) + 4 * (x + at[2] * 0.9);
  });
  const found = resampleImage({ geometry, voxels }, target).voxels;
  for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 3);
});

test('labels outside their grid are background, images keep the edge', () => {
  const geometry = axisAligned({ size: [1, 1, 2], spacingMm: [1, 1, 1] });
  const wide = croppedGeometry(geometry, [0, 0, -2], [1, 1, 6]);
  const voxels = new Uint8Array([7, 9]);
  expect([...resampleLabels({ geometry, voxels }, wide).voxels]).toEqual([0, 0, 7, 9, 0, 0]);
  expect([...resampleImage({ geometry, voxels: Float32Array.from(voxels) }, wide).voxels]).toEqual([7, 7, 7, 9, 9, 9]);
});

test('classes that are not asked for count as background', () => {
  const geometry = axisAligned({ size: [1, 1, 3], spacingMm: [1, 1, 1] });
  const labels: LabelMap = { geometry, voxels: new Uint8Array([1, 2, 3]) };
  expect([...resampleLabels(labels, geometry, [0, 2]).voxels]).toEqual([0, 2, 0]);
});

test('an image that is not a number in one voxel spoils no voxel that does not touch it', () => {
  const geometry = axisAligned({ size: [1, 1, 4], spacingMm: [1, 1, 1] });
  const found = resampleImage(
    { geometry, voxels: new Float32Array([1, 2, Number.NaN, 4]) },
    respaced(geometry, [1, 1, 0.5]),
  );
  expect(Number.isFinite(found.voxels[0]!)).toBe(true);
  expect(Number.isNaN(found.voxels[4]!)).toBe(true);
});

function fillBy(geometry: Geometry, voxels: Float32Array, value: (at: Triple) => number): void {
  const [depth, rows, columns] = geometry.size;
  let next = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) voxels[next++] = value([z, y, x]);
  }
}

function geometryOf({ size, origin, spacing, direction }: SimpleItkGrid): Geometry {
  const step = (axis: number): Triple => {
    const along = (world: number): number => direction[world * 3 + axis]! * spacing[axis]!;
    return [along(0), along(1), along(2)];
  };
  return geometryOfSteps([size[2]!, size[1]!, size[0]!], origin as unknown as Triple, [step(2), step(1), step(0)]);
}
