/**
 * Slices between those on which a structure was drawn, by its shape: between the signed distances of two slices to their
 * outlines, weighted by how near each slice is (Raya and Udupa, IEEE Transactions on Medical Imaging 9, 1990).
 */
import { distanceTransformMm, type Triple } from '@consilium/imaging';

/** @param mask not 0 inside. @returns 1 inside; slices that were drawn on are as they were. */
export function interpolated(
  mask: Uint8Array,
  { size: [depth, rows, columns], spacingMm }: { size: Triple; spacingMm: Triple },
): Uint8Array {
  const plane = rows * columns;
  const filled = mask.map((value) => Number(value !== 0));
  const sliceOf = (z: number) => filled.subarray(z * plane, (z + 1) * plane);
  const drawn = Array.from({ length: depth }, (_, z) => z).filter((z) => sliceOf(z).includes(1));
  const grid = { size: [1, rows, columns] as Triple, spacingMm };
  for (const [at, to] of drawn.entries()) {
    const from = drawn[at - 1];
    if (from === undefined || to - from < 2) continue;
    const [before, after] = [signedDistanceMm(sliceOf(from), grid), signedDistanceMm(sliceOf(to), grid)];
    for (let z = from + 1; z < to; z++) {
      const share = (z - from) / (to - from);
      const slice = sliceOf(z);
      for (let voxel = 0; voxel < plane; voxel++) {
        slice[voxel] = Number((1 - share) * before[voxel]! + share * after[voxel]! < 0);
      }
    }
  }
  return filled;
}

/** Below 0 inside; half a voxel more or less at the outline, so that both sides are alike. */
function signedDistanceMm(slice: Uint8Array, grid: { size: Triple; spacingMm: Triple }): Float32Array {
  const outside = distanceTransformMm(slice, grid);
  const inside = distanceTransformMm(
    slice.map((value) => 1 - value),
    grid,
  );
  // A slice that is full has no outside: far away is as good.
  const farMm = 1e4;
  return outside.map((mm, at) => Math.min(mm, farMm) - Math.min(inside[at]!, farMm));
}
