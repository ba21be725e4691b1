/** What a reader has pointed out of a structure, on which a model or a tool answers. */
import type { LabelDelta } from '@consilium/reading/api';
import type { WireStroke } from '../reading-asking.ts';
import type { GestureKind } from '../viewer/hand-gesture.ts';
import { boxOfRectangle, type ShapeGrid, sliceOf, type VoxelBox, voxelsAlong, voxelsInside } from './plane-shape.ts';

type Triple = readonly [number, number, number];

interface Click {
  /** `[z, y, x]` */
  readonly voxel: Triple;
  readonly isForeground: boolean;
}

export interface Scribble {
  /** `[z, y, x]`, at least one. */
  readonly voxels: readonly Triple[];
  readonly isForeground: boolean;
}

/** A closed line in a slice of the series. */
interface Lasso {
  readonly slice: number;
  /** `[y, x]` */
  readonly points: readonly (readonly [number, number])[];
}

export interface Pointed {
  readonly clicks: readonly Click[];
  readonly scribbles: readonly Scribble[];
  readonly box?: VoxelBox;
  readonly lasso?: Lasso;
}

export const nothingPointed: Pointed = { clicks: [], scribbles: [] };

/** What would change, if it is taken. */
export interface Suggestion {
  /** Undefined if nothing would. */
  readonly change: LabelDelta | undefined;
  /** Whose it is; undefined if a tool's. */
  readonly model?: WireStroke['model'];
  readonly latencyMs?: number;
  /** What was marked lies too far apart for the tool. */
  readonly isTooFar?: boolean;
}

/** What was done with a hand, as the tool takes it: places are continuous indices `[z, y, x]`. */
export interface HandMark {
  readonly kind: GestureKind;
  readonly path: readonly Triple[];
  readonly isForeground: boolean;
}

/** @returns undefined if the mark is none: all of it is outside the volume, or it encloses nothing. */
export function withMark(
  pointed: Pointed,
  { isForeground, kind, path }: HandMark,
  grid: ShapeGrid,
): Pointed | undefined {
  const { size } = grid;
  switch (kind) {
    case 'point': {
      const [voxel] = voxelsAlong(path.slice(-1), size);
      return voxel && { ...pointed, clicks: [...pointed.clicks, { voxel, isForeground }] };
    }
    case 'line': {
      const voxels = voxelsAlong(path, size);
      if (voxels.length === 0) return undefined;
      return { ...pointed, scribbles: [...pointed.scribbles, { voxels, isForeground }] };
    }
    case 'rectangle': {
      const box = boxOfRectangle(path, { grid, before: pointed.box });
      return box && { ...pointed, box };
    }
    case 'loop':
      return withLoop(pointed, path, size);
  }
}

/** What the reading room takes at most. */
const lassoPointsMax = 1000;

function withLoop(pointed: Pointed, path: readonly Triple[], size: Triple): Pointed | undefined {
  const enclosed = voxelsInside(path, size);
  if (enclosed.length === 0) return undefined;
  const slice = sliceOf(path, size);
  if (slice !== undefined) {
    const step = Math.ceil(path.length / lassoPointsMax);
    const points = path.filter((_, at) => at % step === 0).map(([, y, x]) => [y, x] as const);
    return { ...pointed, lasso: { slice, points } };
  }
  // A lasso is of a slice of the series. On another plane it is what it means: a click in its middle, and bounds to its sides.
  const along = (axis: 0 | 1 | 2) => enclosed.map((voxel) => voxel[axis]);
  const bounds = ([0, 1, 2] as const).map((axis) => [Math.min(...along(axis)), Math.max(...along(axis))] as const);
  const spans = bounds.map(([low, high]) => high - low);
  const across = spans.indexOf(Math.min(...spans));
  const edge = (side: 0 | 1) =>
    bounds.map((bound, axis) => (axis === across ? side * (size[axis]! - 1) : bound[side])) as unknown as Triple;
  return {
    ...{ ...pointed, box: { first: edge(0), last: edge(1) } },
    clicks: [...pointed.clicks, { voxel: middleOf(enclosed), isForeground: true }],
  };
}

/** Of voxels, the one nearest to their mean. */
function middleOf(voxels: readonly Triple[]): Triple {
  const mean = [0, 1, 2].map((axis) => voxels.reduce((sum, voxel) => sum + voxel[axis]!, 0) / voxels.length);
  const distance = (voxel: Triple) => voxel.reduce((sum, at, axis) => sum + (at - mean[axis]!) ** 2, 0);
  return voxels.reduce((nearest, voxel) => (distance(voxel) < distance(nearest) ? voxel : nearest));
}
