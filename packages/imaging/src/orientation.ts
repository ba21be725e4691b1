/**
 * Turning a volume's memory order so that its axes lie close to wanted directions, by swapping and flipping axes only:
 * no voxel is interpolated and the geometry stays true.
 */
import { checkVolume, dot, worldOf } from './geometry.ts';
import type { Geometry, Triple, Volume, VoxelArray } from './volume.ts';

/** For each new axis `[z, y, x]`: which old axis it is, and whether it runs backwards. */
export interface Turn {
  readonly from: Triple;
  readonly flipped: readonly [boolean, boolean, boolean];
}

const patientAxes: Geometry['axes'] = [
  [0, 0, 1],
  [0, 1, 0],
  [1, 0, 0],
];

const permutations: readonly Triple[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** Axes as close as flips and swaps allow to z to the head, y to the back, x to the patient's left. */
export function canonical<T extends VoxelArray>(volume: Volume<T>): Volume<T> {
  return turned(volume, turnTowards(volume.geometry, patientAxes));
}

/** The swap and flips after which the axes lie closest to `wanted` (largest sum of cosines). */
export function turnTowards(geometry: Geometry, wanted: Geometry['axes']): Turn {
  const cosine = (old: number, axis: 0 | 1 | 2): number => dot(geometry.axes[old as 0 | 1 | 2], wanted[axis]);
  let from = permutations[0]!;
  let best = -1;
  for (const candidate of permutations) {
    const closeness =
      Math.abs(cosine(candidate[0], 0)) + Math.abs(cosine(candidate[1], 1)) + Math.abs(cosine(candidate[2], 2));
    if (closeness > best + 1e-9) {
      best = closeness;
      from = candidate;
    }
  }
  return { from, flipped: [cosine(from[0], 0) < 0, cosine(from[1], 1) < 0, cosine(from[2], 2) < 0] };
}

/** A copy with its axes swapped and flipped, the geometry with them. */
export function turned<T extends VoxelArray>(volume: Volume<T>, turn: Turn): Volume<T> {
  checkVolume(volume);
  const old = volume.geometry;
  const pick = <Item>(items: readonly [Item, Item, Item]): [Item, Item, Item] => {
    const at = (axis: 0 | 1 | 2): Item => items[turn.from[axis] as 0 | 1 | 2];
    return [at(0), at(1), at(2)];
  };
  const size: Triple = pick(old.size);
  const oldStrides: Triple = [old.size[1] * old.size[2], old.size[2], 1];
  const strides = pick(oldStrides).map((stride, axis) => (turn.flipped[axis] ? -stride : stride));
  const corner: [number, number, number] = [0, 0, 0];
  let start = 0;
  for (const axis of [0, 1, 2] as const) {
    if (!turn.flipped[axis]) continue;
    corner[turn.from[axis] as 0 | 1 | 2] = size[axis] - 1;
    start += (size[axis] - 1) * oldStrides[turn.from[axis] as 0 | 1 | 2];
  }
  const axes = pick(old.axes).map((axis, index) => (turn.flipped[index] ? axis.map((c) => 0 - c) : axis));
  const geometry: Geometry = {
    size,
    spacingMm: pick(old.spacingMm),
    originMm: worldOf(old, corner),
    axes: axes as unknown as Geometry['axes'],
  };
  const voxels = volume.voxels.slice() as T;
  copyStrided(volume.voxels, voxels, { size, start, strides: strides as unknown as Triple });
  return { geometry, voxels };
}

function copyStrided(
  from: VoxelArray,
  to: VoxelArray,
  { size, start, strides }: { size: Triple; start: number; strides: Triple },
): void {
  let out = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      let at = start + z * strides[0] + y * strides[1];
      for (let x = 0; x < size[2]; x++, at += strides[2]) to[out++] = from[at]!;
    }
  }
}
