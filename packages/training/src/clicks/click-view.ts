/**
 * Which part of an image a click network sees: a box of patch size, its voxels as wide as the plan's or some times wider
 * (adaptive zoom: Isensee et al. 2025, arXiv:2503.08373). All indices `[z, y, x]`.
 */
import { type Geometry, type Triple, voxelOf, worldOf } from '@consilium/imaging';
import type { Click } from './click-input.ts';

/** Voxel i of a view is the block of `zoom` voxels of plan space an axis that begins at `first + i zoom`. */
export interface View {
  /** May lie outside the image. */
  readonly first: Triple;
  readonly size: Triple;
  readonly zoom: number;
}

/** The view with the voxel in its middle, moved inside the image as far as it fits. */
export function viewAround(
  voxel: Triple,
  { zoom, patchSize, imageSize }: { readonly zoom: number; readonly patchSize: Triple; readonly imageSize: Triple },
): View {
  const along = (axis: 0 | 1 | 2): number => {
    const length = patchSize[axis] * zoom;
    const spare = imageSize[axis] - length;
    if (spare <= 0) return -Math.floor(-spare / 2);
    return Math.min(Math.max(Math.round(voxel[axis] - length / 2), 0), spare);
  };
  return { first: [along(0), along(1), along(2)], size: patchSize, zoom };
}

/** Fills `out` with the image's means over the view's blocks; `outside` where there is no image. */
export function cutImage(
  { voxels, size, outside }: { readonly voxels: Float32Array; readonly size: Triple; readonly outside: number },
  { first, size: patch, zoom }: View,
  out: Float32Array,
): void {
  const [depth, height, width] = size;
  const share = 1 / zoom ** 3;
  out.fill(0, 0, patch[0] * patch[1] * patch[2]);
  for (let z = 0; z < patch[0] * zoom; z++) {
    const sz = first[0] + z;
    for (let y = 0; y < patch[1] * zoom; y++) {
      const sy = first[1] + y;
      const to = (Math.floor(z / zoom) * patch[1] + Math.floor(y / zoom)) * patch[2];
      const inside = sz >= 0 && sz < depth && sy >= 0 && sy < height;
      const from = (sz * height + sy) * width + first[2];
      for (let x = 0; x < patch[2]; x++) {
        for (let k = 0; k < zoom; k++) {
          const sx = first[2] + x * zoom + k;
          out[to + x]! += share * (inside && sx >= 0 && sx < width ? voxels[from + x * zoom + k]! : outside);
        }
      }
    }
  }
}

/** The clicks at the view's own indices, those outside it too. */
export function clicksIn(clicks: readonly Click[], { first, zoom }: View): Click[] {
  return clicks.map(({ voxel, isForeground }) => {
    const along = (axis: 0 | 1 | 2): number => (voxel[axis] - first[axis] - (zoom - 1) / 2) / zoom;
    return { voxel: [along(0), along(1), along(2)], isForeground };
  });
}

/** From an index of one grid to that of another: `rows . index + offset`. */
export interface IndexMap {
  readonly rows: readonly [Triple, Triple, Triple];
  readonly offset: Triple;
}

export function indexMap(from: Geometry, to: Geometry): IndexMap {
  const at = (index: Triple): Triple => voxelOf(to, worldOf(from, index));
  const offset = at([0, 0, 0]);
  const steps = [at([1, 0, 0]), at([0, 1, 0]), at([0, 0, 1])] as const;
  const row = (axis: 0 | 1 | 2): Triple => {
    const entry = (step: 0 | 1 | 2): number => steps[step][axis] - offset[axis];
    return [entry(0), entry(1), entry(2)];
  };
  return { rows: [row(0), row(1), row(2)], offset };
}

export function mapped({ rows, offset }: IndexMap, [z, y, x]: Triple): [number, number, number] {
  const along = (axis: 0 | 1 | 2): number => rows[axis][0] * z + rows[axis][1] * y + rows[axis][2] * x + offset[axis];
  return [along(0), along(1), along(2)];
}

/** What a mask on another grid holds at the middle of each voxel of the view; 0 beyond that grid. */
export function maskIn(
  { mask, size, map }: { readonly mask: Uint8Array; readonly size: Triple; readonly map: IndexMap },
  { first, size: patch, zoom }: View,
): Uint8Array {
  const seen = new Uint8Array(patch[0] * patch[1] * patch[2]);
  const middle = (zoom - 1) / 2;
  const [[, , az], [, , ay], [, , ax]] = map.rows;
  for (let z = 0, to = 0; z < patch[0]; z++) {
    for (let y = 0; y < patch[1]; y++) {
      const start = mapped(map, [first[0] + z * zoom + middle, first[1] + y * zoom + middle, first[2] + middle]);
      for (let x = 0; x < patch[2]; x++, to++) {
        const i = Math.round(start[0] + az * x * zoom);
        const j = Math.round(start[1] + ay * x * zoom);
        const k = Math.round(start[2] + ax * x * zoom);
        if (i < 0 || j < 0 || k < 0 || i >= size[0] || j >= size[1] || k >= size[2]) continue;
        seen[to] = mask[(i * size[1] + j) * size[2] + k]! === 0 ? 0 : 1;
      }
    }
  }
  return seen;
}
