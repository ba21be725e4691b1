/** The part of a grid where any of several labels says anything: all that is compared there costs no more than it. */
import type { Geometry, Triple } from '@consilium/imaging';

export interface UnionBox {
  /** `[z, y, x]`. */
  readonly start: Triple;
  readonly size: Triple;
}

/** Of layers on one grid, widened by a voxel where there is room; undefined where all are empty. */
export function unionBoxOf(layers: readonly Uint8Array[], size: Triple): UnionBox | undefined {
  const first: [number, number, number] = [...size];
  const last: [number, number, number] = [-1, -1, -1];
  for (const voxels of layers) {
    for (let z = 0, row = 0; z < size[0]; z++) {
      for (let y = 0; y < size[1]; y++, row += size[2]) {
        let left = 0;
        while (left < size[2] && voxels[row + left] === 0) left++;
        if (left === size[2]) continue;
        let right = size[2] - 1;
        while (voxels[row + right] === 0) right--;
        first[0] = Math.min(first[0], z);
        last[0] = Math.max(last[0], z);
        first[1] = Math.min(first[1], y);
        last[1] = Math.max(last[1], y);
        first[2] = Math.min(first[2], left);
        last[2] = Math.max(last[2], right);
      }
    }
  }
  if (last[0] < 0) return undefined;
  const start = (axis: 0 | 1 | 2) => Math.max(0, first[axis] - 1);
  const extent = (axis: 0 | 1 | 2) => Math.min(size[axis] - 1, last[axis] + 1) - start(axis) + 1;
  return { start: [start(0), start(1), start(2)], size: [extent(0), extent(1), extent(2)] };
}

/** The voxels of a box, in its own order. */
export function croppedTo(voxels: Uint8Array, size: Triple, box: UnionBox): Uint8Array {
  const cropped = new Uint8Array(box.size[0] * box.size[1] * box.size[2]);
  forEachRow(size, box, (from, at, length) => cropped.set(voxels.subarray(from, from + length), at));
  return cropped;
}

/** The reverse of `croppedTo`: zero outside the box. */
export function widenedFrom(cropped: Uint8Array, size: Triple, box: UnionBox): Uint8Array {
  const voxels = new Uint8Array(size[0] * size[1] * size[2]);
  forEachRow(size, box, (from, at, length) => voxels.set(cropped.subarray(at, at + length), from));
  return voxels;
}

export function gridOf({ spacingMm }: Geometry, { size }: UnionBox): Pick<Geometry, 'size' | 'spacingMm'> {
  return { size, spacingMm };
}

function forEachRow(
  size: Triple,
  { start, size: extent }: UnionBox,
  visit: (from: number, at: number, length: number) => void,
): void {
  let at = 0;
  for (let z = 0; z < extent[0]; z++) {
    for (let y = 0; y < extent[1]; y++, at += extent[2]) {
      visit(((start[0] + z) * size[1] + start[1] + y) * size[2] + start[2], at, extent[2]);
    }
  }
}
