import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axisAligned, voxelCount } from '../geometry.ts';
import { canonical } from '../orientation.ts';
import { geometries } from '../sampled.ts';
import type { Geometry, Image, LabelMap, Triple } from '../volume.ts';
import { imageFindings, intensityIn, noiseOf } from './image-quality.ts';
import { labelFindings } from './label-quality.ts';

const grid = axisAligned({ size: [6, 24, 24], spacingMm: [2, 1, 1] });

/** Deviates near to normal: the sum of twelve even ones. */
function noise(seed: number): () => number {
  let state = seed;
  const even = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, even).reduce((sum, value) => sum + value, -6);
}

/** A cylinder of soft tissue in air. */
function body(geometry: Geometry, radius: number, hu: (z: number, y: number, x: number) => number): Image {
  const [depth, rows, columns] = geometry.size;
  const voxels = new Float32Array(depth * rows * columns);
  for (let z = 0, at = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        const isInside = Math.hypot(y - (rows - 1) / 2, x - (columns - 1) / 2) < radius;
        voxels[at] = isInside ? hu(z, y, x) : -1000;
      }
    }
  }
  return { geometry, voxels };
}

function box(geometry: Geometry, label: number, from: Triple, to: Triple, voxels: Uint8Array): void {
  const [, rows, columns] = geometry.size;
  for (let z = from[0]; z < to[0]; z++)
    for (let y = from[1]; y < to[1]; y++)
      for (let x = from[2]; x < to[2]; x++) voxels[(z * rows + y) * columns + x] = label;
}

function labelled(...boxes: [label: number, from: Triple, to: Triple][]): LabelMap {
  const voxels = new Uint8Array(voxelCount(grid));
  for (const [label, from, to] of boxes) box(grid, label, from, to, voxels);
  return { geometry: grid, voxels };
}

describe('an image', () => {
  test('of a whole body is without findings', () => {
    expect(imageFindings(body(grid, 9, (z) => 40 + z))).toEqual([]);
  });

  test('shows the noise that was put in, whatever the gradient beneath it', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: 2, max: 20, noNaN: true }),
        fc.integer({ min: -1, max: 1 }),
        (seed, deviation, slope) => {
          const next = noise(seed);
          const image = body(
            axisAligned({ size: [6, 64, 64], spacingMm: [1, 1, 1] }),
            30,
            (z, y, x) => 75 + slope * (x - y) * 0.5 + z + next() * deviation,
          );
          expect(Math.abs(noiseOf(image)! / deviation - 1)).toBeLessThan(0.12);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('that is cut off, short, empty in places, repeated or noisy is said to be', () => {
    const next = noise(3);
    const wide = body(grid, 40, () => 60 + 45 * next());
    expect(imageFindings(wide, { extentMmMin: 100 }).map(({ kind }) => kind)).toEqual([
      'body-cut-off',
      'body-cut-off',
      'body-cut-off',
      'body-cut-off',
      'coverage-short',
      'noisy',
    ]);
    const gaps = body(grid, 9, (z) => (z === 2 ? -1000 : z < 4 ? 40 + z : 50));
    expect(imageFindings(gaps)).toEqual([
      { kind: 'empty-slices', slices: [2] },
      { kind: 'repeated-slices', slices: [5] },
    ]);
  });

  test('has the mean and deviation of a class', () => {
    const image = body(grid, 40, (z) => 100 + 10 * (z % 2));
    expect(intensityIn(image, labelled([3, [0, 0, 0], [2, 4, 4]]), 3)).toEqual({
      voxels: 32,
      meanHu: 105,
      deviationHu: 5,
    });
    expect(intensityIn(image, labelled([3, [0, 0, 0], [2, 4, 4]]), 4)).toBeUndefined();
  });
});

describe('labels', () => {
  const image = body(grid, 9, () => 40);

  test('as they should be are without findings', () => {
    const labels = labelled([1, [1, 8, 8], [4, 12, 12]], [2, [1, 8, 13], [4, 12, 16]]);
    const expected = [{ label: 1, required: true, millilitres: [0.05, 1] as const }];
    // x grows to the left, so the one at larger x is the left one.
    expect(labelFindings(labels, image, { expected, sides: { left: 2, right: 1 } })).toEqual([]);
  });

  test('that are empty, in pieces, in air, cut off, too large or swapped are said to be', () => {
    expect(labelFindings(labelled(), image)).toEqual([{ kind: 'empty', label: undefined }]);
    const labels = labelled([1, [0, 8, 8], [3, 12, 12]], [1, [5, 15, 15], [6, 16, 16]], [2, [1, 0, 0], [3, 3, 3]]);
    const expected = [
      { label: 1, millilitres: [0, 0.01] as const },
      { label: 7, required: true },
    ];
    expect(labelFindings(labels, image, { expected, sides: { left: 2, right: 1 } })).toEqual([
      { kind: 'empty', label: 7 },
      { kind: 'pieces', label: 1, count: 2, strayVoxels: 1 },
      { kind: 'cut-off', label: 1, end: 'first-slice' },
      { kind: 'cut-off', label: 1, end: 'last-slice' },
      { kind: 'volume-outlier', label: 1, millilitres: expect.closeTo(0.098, 9) },
      { kind: 'outside-body', label: 2, voxels: 18 },
      { kind: 'sides-swapped', left: 2, right: 1 },
    ]);
  });

  test('on another grid are a mismatch', () => {
    const labels = { ...labelled(), geometry: { ...grid, originMm: [5, 0, 0] as const } };
    expect(labelFindings(labels, image)).toEqual([{ kind: 'grid-mismatch' }]);
  });

  test('are the same findings whichever way the axes of the volume run', () => {
    fc.assert(
      fc.property(geometries(6), fc.nat(), (geometry, seed) => {
        fc.pre(geometry.size.every((side) => side > 2));
        const next = noise(seed);
        const voxels = Uint8Array.from({ length: voxelCount(geometry) }, () =>
          Math.min(2, Math.max(0, Math.round(next() + 0.4))),
        );
        const swapped = (labels: LabelMap) =>
          labelFindings(labels, undefined, { sides: { left: 1, right: 2 } }).filter(({ kind }) => kind !== 'cut-off');
        expect(swapped(canonical({ geometry, voxels }))).toEqual(
          swapped({ geometry, voxels }).map((finding) => finding),
        );
      }),
      { numRuns: 60 },
    );
  });
});
