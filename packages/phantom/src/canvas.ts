/**
 * A grid in body coordinates on which shapes are painted, one over the other, with the partial volume a scanner's
 * finite pixel leaves at their borders.
 */
import type { Geometry, Triple } from '@consilium/imaging';
import type { Box, Distance } from './shape.ts';

export interface Grid {
  /** Voxels along `[z, y, x]`. */
  readonly size: Triple;
  readonly spacingMm: Triple;
  /** Body coordinates `[x, y, z]` in mm of the centre of voxel (0, 0, 0). */
  readonly firstMm: Triple;
}

/** HU of a place inside a shape: one number, or a function of the point and its signed distance (mm, negative inside). */
export type Paint = number | ((x: number, y: number, z: number, distance: number, index: number) => number);

export interface Canvas {
  readonly grid: Grid;
  /** HU, index `(z * size[1] + y) * size[2] + x`. */
  readonly hu: Float32Array;
  /** Depth below the peritoneum's outside, mm: positive where organs may lie. */
  readonly cavityDepth: Float32Array;
  /** Width of the partial-volume border, mm. */
  readonly borderMm: number;
}

export interface VoxelRange {
  readonly from: Triple;
  readonly to: Triple;
}

/** Voxels `[z, y, x]` of the grid inside the box: `to` is exclusive. */
export function voxelsIn(grid: Grid, box: Box): VoxelRange {
  const from: number[] = [];
  const to: number[] = [];
  for (let axis = 0; axis < 3; axis++) {
    const world = 2 - axis;
    const first = grid.firstMm[world] as number;
    const spacing = grid.spacingMm[axis] as number;
    const size = grid.size[axis] as number;
    from.push(Math.min(size, Math.max(0, Math.ceil(((box.low[world] as number) - first) / spacing))));
    to.push(Math.min(size, Math.max(0, Math.floor(((box.high[world] as number) - first) / spacing) + 1)));
  }
  return { from: from as unknown as Triple, to: to as unknown as Triple };
}

/** Calls `visit` for every voxel of the range with its index and body coordinates. */
export function forEachVoxel(
  grid: Grid,
  range: VoxelRange,
  visit: (index: number, x: number, y: number, z: number) => void,
): void {
  const [, rows, columns] = grid.size;
  const [dz, dy, dx] = grid.spacingMm;
  for (let k = range.from[0]; k < range.to[0]; k++) {
    const z = grid.firstMm[2] + k * dz;
    for (let j = range.from[1]; j < range.to[1]; j++) {
      const y = grid.firstMm[1] + j * dy;
      let index = (k * rows + j) * columns + range.from[2];
      for (let i = range.from[2]; i < range.to[2]; i++) {
        visit(index, grid.firstMm[0] + i * dx, y, z);
        index++;
      }
    }
  }
}

export function wholeRange(grid: Grid): VoxelRange {
  return { from: [0, 0, 0], to: grid.size };
}

/** Paints a shape; with `insideCavity` only as deep as organs may lie (a margin to the wall in mm). */
export function paint(
  canvas: Canvas,
  shape: { readonly box: Box; readonly distance: Distance },
  colour: Paint,
  options: { readonly insideCavityMm?: number; readonly opacity?: number } = {},
): void {
  const { hu, cavityDepth, borderMm, grid } = canvas;
  const margin = options.insideCavityMm;
  const opacity = options.opacity ?? 1;
  const half = borderMm / 2;
  const { distance } = shape;
  forEachVoxel(grid, voxelsIn(grid, shape.box), (index, x, y, z) => {
    let depth = distance(x, y, z);
    if (margin !== undefined) depth = Math.max(depth, margin - (cavityDepth[index] as number));
    if (depth >= half) return;
    const share = opacity * Math.min(1, 0.5 - depth / borderMm);
    const before = hu[index] as number;
    const value = typeof colour === 'number' ? colour : colour(x, y, z, depth, index);
    hu[index] = before + share * (value - before);
  });
}

/** The grid as an image geometry: identity axes in LPS, so that only the origin moves. */
export function geometryOf(grid: Grid, isocentreMm: Triple): Geometry {
  return {
    size: grid.size,
    spacingMm: grid.spacingMm,
    originMm: [grid.firstMm[0] + isocentreMm[0], grid.firstMm[1] + isocentreMm[1], grid.firstMm[2] + isocentreMm[2]],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  };
}
