/**
 * What can be done to a structure as a whole: islands, margins, smoothing, holes, slices between those that were drawn, and
 * what it has in common with another one. Pure: the same in the annotator and in the service.
 */
import { connectedComponents, distanceTransformMm, type Triple } from '@consilium/imaging';
import { interpolated } from './slice-interpolation.ts';

export type LabelOperation =
  | { readonly kind: 'keep-largest' }
  | { readonly kind: 'remove-small'; readonly minMl: number }
  /** What is enclosed on a slice in the plane of the series. */
  | { readonly kind: 'fill-holes' }
  /** By so many mm in all directions. */
  | { readonly kind: 'grow' | 'shrink'; readonly mm: number }
  /** A Gaussian of this width, cut at one half: a wall that is straight stays where it is. */
  | { readonly kind: 'smooth'; readonly mm: number }
  /** Slices between those on which it was drawn. */
  | { readonly kind: 'interpolate' }
  | { readonly kind: 'unite' | 'subtract' | 'intersect'; readonly other: Uint8Array };

export interface OperationGrid {
  /** Voxels along `[z, y, x]`. */
  readonly size: Triple;
  /** Between centres along `[z, y, x]`. */
  readonly spacingMm: Triple;
}

/** How far outside of a structure an operation may reach, mm. */
export function reachMm(operation: LabelOperation): number {
  switch (operation.kind) {
    case 'grow':
    case 'smooth':
      return operation.mm;
    default:
      return 0;
  }
}

/** @param mask not 0 inside the structure, `[z, y, x]`; `other` is on the same grid. @returns 1 inside. */
export function operate(mask: Uint8Array, grid: OperationGrid, operation: LabelOperation): Uint8Array {
  switch (operation.kind) {
    case 'keep-largest':
      return pieces(mask, grid, (sizes) => {
        const largest = Math.max(...sizes);
        const kept = sizes.indexOf(largest);
        return (piece) => piece === kept;
      });
    case 'remove-small': {
      const voxels = (operation.minMl * 1000) / product(grid.spacingMm);
      return pieces(mask, grid, (sizes) => (piece) => sizes[piece]! >= voxels);
    }
    case 'fill-holes':
      return holesFilled(mask, grid.size);
    case 'grow':
      return within(distanceTransformMm(mask, grid), operation.mm);
    case 'shrink': {
      // What lies beyond the border is no outside: a kidney that is cut off by the last slice keeps that side.
      const outside = mask.map((value) => Number(value === 0));
      const distance = distanceTransformMm(outside, grid);
      return distance.some(Number.isFinite)
        ? Uint8Array.from(distance, (mm) => Number(mm > operation.mm))
        : marked(mask);
    }
    case 'smooth':
      return smoothed(mask, grid, operation.mm);
    case 'interpolate':
      return interpolated(mask, grid);
    case 'unite':
      return mask.map((value, at) => Number(value !== 0 || operation.other[at] !== 0));
    case 'subtract':
      return mask.map((value, at) => Number(value !== 0 && operation.other[at] === 0));
    case 'intersect':
      return mask.map((value, at) => Number(value !== 0 && operation.other[at] !== 0));
  }
}

function pieces(
  mask: Uint8Array,
  { size }: OperationGrid,
  choose: (sizes: readonly number[]) => (piece: number) => boolean,
): Uint8Array {
  const { count, labels } = connectedComponents(mask, size, 26);
  if (count === 0) return new Uint8Array(mask.length);
  const sizes = new Array<number>(count).fill(0);
  for (const label of labels) if (label > 0) sizes[label - 1]!++;
  const isKept = choose(sizes);
  const kept = sizes.map((_, piece) => isKept(piece));
  return Uint8Array.from(labels, (label) => Number(label > 0 && kept[label - 1]));
}

function holesFilled(mask: Uint8Array, [depth, rows, columns]: Triple): Uint8Array {
  const filled = marked(mask);
  const plane = rows * columns;
  for (let z = 0; z < depth; z++) {
    const slice = filled.subarray(z * plane, (z + 1) * plane);
    const { labels } = connectedComponents(
      slice.map((value) => 1 - value),
      [1, rows, columns],
      6,
    );
    const open = new Set<number>();
    for (let at = 0; at < plane; at++) {
      const [y, x] = [Math.floor(at / columns), at % columns];
      if (y === 0 || x === 0 || y === rows - 1 || x === columns - 1) open.add(labels[at]!);
    }
    for (let at = 0; at < plane; at++) if (slice[at] === 0 && !open.has(labels[at]!)) slice[at] = 1;
  }
  return filled;
}

/** The border counts as if what lies at it went on. */
function smoothed(mask: Uint8Array, { size, spacingMm }: OperationGrid, sigmaMm: number): Uint8Array {
  let blurred = Float32Array.from(mask, (value) => Number(value !== 0));
  const strides = [size[1] * size[2], size[2], 1] as const;
  for (const axis of [0, 1, 2] as const) {
    const weights = gaussian(sigmaMm / spacingMm[axis]);
    blurred = convolved(blurred, { weights, stride: strides[axis], count: size[axis] });
  }
  return Uint8Array.from(blurred, (value) => Number(value >= 0.5));
}

/** One side, from the middle; the whole sums to one. */
function gaussian(sigma: number): readonly number[] {
  const half = Array.from({ length: Math.ceil(3 * sigma) + 1 }, (_, at) => Math.exp(-0.5 * (at / sigma) ** 2));
  const sum = half.reduce((total, weight, at) => total + (at === 0 ? weight : 2 * weight), 0);
  return half.map((weight) => weight / sum);
}

function convolved(
  values: Float32Array<ArrayBuffer>,
  { count, stride, weights }: { weights: readonly number[]; stride: number; count: number },
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at++) {
    const place = Math.floor(at / stride) % count;
    let sum = weights[0]! * values[at]!;
    for (let step = 1; step < weights.length; step++) {
      const back = at - Math.min(step, place) * stride;
      const on = at + Math.min(step, count - 1 - place) * stride;
      sum += weights[step]! * (values[back]! + values[on]!);
    }
    result[at] = sum;
  }
  return result;
}

function within(distanceMm: Float32Array, mm: number): Uint8Array {
  return Uint8Array.from(distanceMm, (distance) => Number(distance <= mm));
}

function marked(mask: Uint8Array): Uint8Array {
  return mask.map((value) => Number(value !== 0));
}

function product(values: Triple): number {
  return values[0] * values[1] * values[2];
}
