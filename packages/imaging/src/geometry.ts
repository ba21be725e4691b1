/**
 * Arithmetic on a volume's grid: index to patient (LPS, mm) and back, comparing, respacing and cropping grids.
 *
 * Indices are `[z, y, x]` and may be fractional; positions are LPS `[x, y, z]` in mm (PS3.3 C.7.6.2.1.1).
 */
import { ImagingError } from './imaging-error.ts';
import type { Geometry, Triple, Volume } from './volume.ts';

const sameGridToleranceMm = 0.01;

/** A grid whose axes are the patient's: z to the head, y to the back, x to the left. */
export function axisAligned(grid: { size: Triple; spacingMm: Triple; originMm?: Triple }): Geometry {
  return {
    size: grid.size,
    spacingMm: grid.spacingMm,
    originMm: grid.originMm ?? [0, 0, 0],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  };
}

export function voxelCount(geometry: Geometry): number {
  return geometry.size[0] * geometry.size[1] * geometry.size[2];
}

/** LPS position in mm of the (fractional) index `[z, y, x]`. */
export function worldOf(geometry: Geometry, index: Triple): Triple {
  const { axes, spacingMm, originMm } = geometry;
  const along = (world: 0 | 1 | 2): number =>
    originMm[world] +
    axes[0][world] * spacingMm[0] * index[0] +
    axes[1][world] * spacingMm[1] * index[1] +
    axes[2][world] * spacingMm[2] * index[2];
  return [along(0), along(1), along(2)];
}

/** (Fractional) index `[z, y, x]` of an LPS position in mm. Axes need not be orthogonal. */
export function voxelOf(geometry: Geometry, worldMm: Triple): Triple {
  const rows = inverseSteps(geometry);
  const offset = subtract(worldMm, geometry.originMm);
  return [dot(rows[0], offset), dot(rows[1], offset), dot(rows[2], offset)];
}

/**
 * The rows that turn an LPS offset in mm into index steps `[z, y, x]`: the inverse of the matrix whose columns are
 * `axes[i] * spacingMm[i]`.
 */
export function inverseSteps(geometry: Geometry): readonly [Triple, Triple, Triple] {
  const [a, b, c] = stepVectors(geometry);
  const bc = cross(b, c);
  const volume = dot(a, bc);
  const box = norm(a) * norm(b) * norm(c);
  if (!(Math.abs(volume) > 1e-6 * box)) {
    throw new ImagingError('imaging.geometry-degenerate', 'the axes of the grid do not span space');
  }
  return [scaled(bc, 1 / volume), scaled(cross(c, a), 1 / volume), scaled(cross(a, b), 1 / volume)];
}

/** LPS vectors in mm from one voxel to the next along `[z, y, x]`. */
export function stepVectors({ axes, spacingMm }: Geometry): readonly [Triple, Triple, Triple] {
  return [scaled(axes[0], spacingMm[0]), scaled(axes[1], spacingMm[1]), scaled(axes[2], spacingMm[2])];
}

/** A grid from its step vectors (mm from voxel to voxel along `[z, y, x]`); refuses steps that do not span space. */
export function geometryOfSteps(size: Triple, originMm: Triple, steps: readonly [Triple, Triple, Triple]): Geometry {
  const spacingMm: Triple = [norm(steps[0]), norm(steps[1]), norm(steps[2])];
  const axes: Geometry['axes'] = [
    scaled(steps[0], 1 / spacingMm[0]),
    scaled(steps[1], 1 / spacingMm[1]),
    scaled(steps[2], 1 / spacingMm[2]),
  ];
  const geometry = { size, spacingMm, originMm, axes };
  if (![...originMm, ...spacingMm].every(Number.isFinite)) {
    throw new ImagingError('imaging.geometry-degenerate', 'the position of the grid is not a number');
  }
  inverseSteps(geometry);
  return geometry;
}

/** Whether two grids have the same size and no voxel centre lies further apart than `toleranceMm`. */
export function sameGrid(a: Geometry, b: Geometry, toleranceMm: number = sameGridToleranceMm): boolean {
  if (a.size.some((voxels, axis) => voxels !== b.size[axis])) return false;
  // The difference of two affine maps is affine, so its largest length over the box is at a corner.
  for (let corner = 0; corner < 8; corner++) {
    const index: Triple = [
      corner & 4 ? a.size[0] - 1 : 0,
      corner & 2 ? a.size[1] - 1 : 0,
      corner & 1 ? a.size[2] - 1 : 0,
    ];
    if (!(norm(subtract(worldOf(a, index), worldOf(b, index))) <= toleranceMm)) return false;
  }
  return true;
}

/**
 * The grid with voxels of `spacingMm` that covers the same box: same axes, same centre, sizes rounded to the nearest
 * whole voxel (at least 1), so its ends differ from the original's by less than half a voxel.
 */
export function respaced(geometry: Geometry, spacingMm: Triple): Geometry {
  if (!spacingMm.every((spacing) => spacing > 0 && Number.isFinite(spacing))) {
    throw new ImagingError('imaging.geometry-degenerate', 'a spacing must be a positive number of millimetres');
  }
  const count = (axis: 0 | 1 | 2): number =>
    Math.max(1, Math.round((geometry.size[axis] * geometry.spacingMm[axis]) / spacingMm[axis]));
  const size: Triple = [count(0), count(1), count(2)];
  const first = (axis: 0 | 1 | 2): number =>
    (geometry.size[axis] - 1) / 2 - ((size[axis] - 1) / 2) * (spacingMm[axis] / geometry.spacingMm[axis]);
  return { ...geometry, size, spacingMm, originMm: worldOf(geometry, [first(0), first(1), first(2)]) };
}

/**
 * For slices sheared against each other (gantry tilt): the grid of the same slices and pixels whose slice axis is
 * perpendicular, wide enough for every slice. An upright grid is returned as it is. Resample onto it whatever expects
 * orthogonal axes.
 */
export function upright(geometry: Geometry): Geometry {
  const { axes, size, spacingMm } = geometry;
  const shear = Math.max(Math.abs(dot(axes[0], axes[1])), Math.abs(dot(axes[0], axes[2])));
  if (shear < 1e-4) return geometry;
  const crossed = cross(axes[2], axes[1]);
  const normal = scaled(crossed, Math.sign(dot(crossed, axes[0])) / norm(crossed));
  const heightMm = dot(axes[0], normal) * spacingMm[0];
  const driftVoxels = (axis: 1 | 2): number =>
    (dot(axes[0], axes[axis]) * spacingMm[0] * (size[0] - 1)) / spacingMm[axis];
  const drifts = [driftVoxels(1), driftVoxels(2)] as const;
  const wider = (drift: number): number => Math.ceil(Math.abs(drift) - 1e-6);
  const first = (drift: number): number => (drift < 0 ? -wider(drift) : 0);
  return {
    size: [size[0], size[1] + wider(drifts[0]), size[2] + wider(drifts[1])],
    spacingMm: [heightMm, spacingMm[1], spacingMm[2]],
    originMm: worldOf(geometry, [0, first(drifts[0]), first(drifts[1])]),
    axes: [normal, axes[1], axes[2]],
  };
}

/** The part of a grid from index `start`, `size` voxels long; may reach over the original's edge. */
export function croppedGeometry(geometry: Geometry, start: Triple, size: Triple): Geometry {
  return { ...geometry, size, originMm: worldOf(geometry, start) };
}

/** Refuses a volume whose number of voxels is not what its grid says. */
export function checkVolume(volume: Volume): void {
  const { size } = volume.geometry;
  const whole = size.every((voxels) => Number.isSafeInteger(voxels) && voxels > 0);
  if (!whole || voxelCount(volume.geometry) !== volume.voxels.length) {
    throw new ImagingError('imaging.volume-inconsistent', 'the number of voxels is not what the grid says');
  }
}

export function dot(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Triple, b: Triple): Triple {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function norm(a: Triple): number {
  return Math.hypot(a[0], a[1], a[2]);
}

export function scaled(a: Triple, factor: number): Triple {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function add(a: Triple, b: Triple): Triple {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function subtract(a: Triple, b: Triple): Triple {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}
