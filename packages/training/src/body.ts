/** Finding the patient in the scan, so that no work is spent on the air around. */
import { croppedGeometry, type Image, type Triple, type Volume, type VoxelArray } from '@consilium/imaging';

/** A box of voxels, `[z, y, x]`: from `start`, `size` voxels long. */
export interface Box {
  readonly start: Triple;
  readonly size: Triple;
}

/** Between air (-1000) and fat (-100): noise of a low-dose scan does not lift air above it. */
const bodyHuMin = -500;
/** A plane with fewer body voxels than this holds noise or a cable. */
const planeVoxelsMin = 8;

/** The smallest box that holds the body (with table, if it is in view); the whole volume if nothing is denser than air. */
export function bodyBox({ geometry, voxels }: Image): Box {
  const [depth, height, width] = geometry.size;
  const perPlane = [new Float64Array(depth), new Float64Array(height), new Float64Array(width)] as const;
  let index = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      let inRow = 0;
      for (let x = 0; x < width; x++, index++) {
        if (voxels[index]! < bodyHuMin) continue;
        inRow += 1;
        perPlane[2][x]! += 1;
      }
      perPlane[0][z]! += inRow;
      perPlane[1][y]! += inRow;
    }
  }
  const ranges = perPlane.map(rangeOf);
  if (ranges.some((range) => range === undefined)) return { start: [0, 0, 0], size: geometry.size };
  const [z, y, x] = ranges as [Range, Range, Range];
  return { start: [z.start, y.start, x.start], size: [z.length, y.length, x.length] };
}

interface Range {
  start: number;
  length: number;
}

function rangeOf(counts: Float64Array): Range | undefined {
  const enough = Math.min(
    planeVoxelsMin,
    counts.reduce((most, count) => Math.max(most, count), 0),
  );
  if (enough === 0) return undefined;
  let start = 0;
  let end = counts.length;
  while (counts[start]! < enough) start++;
  while (counts[end - 1]! < enough) end--;
  return { start, length: end - start };
}

/** A copy of the part of the volume inside the box; its geometry says where it lay. */
export function cropVolume<T extends VoxelArray>(volume: Volume<T>, { start, size }: Box): Volume<T> {
  const { geometry, voxels } = volume;
  const [, height, width] = geometry.size;
  const cropped = new (voxels.constructor as new (length: number) => T)(size[0] * size[1] * size[2]);
  for (let z = 0, to = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++, to += size[2]) {
      const from = ((start[0] + z) * height + start[1] + y) * width + start[2];
      cropped.set(voxels.subarray(from, from + size[2]) as never, to);
    }
  }
  return { geometry: croppedGeometry(geometry, start, size), voxels: cropped };
}
