/** The separate pieces of a mask. */
import type { Triple } from '../volume.ts';
import { checkMasks, type Mask } from './mask.ts';

/** Voxels belong together if they share a face (6), also an edge (18), also a corner (26). */
export type Connectivity = 6 | 18 | 26;

export interface Components {
  /** 0 outside the mask, else the piece's number from 1, in the order of the pieces' first voxels. */
  readonly labels: Int32Array;
  readonly count: number;
}

/**
 * One pass that joins each voxel with its earlier neighbours (union-find), one that numbers the pieces.
 * @throws ImagingError `imaging.grid-mismatch`
 */
export function connectedComponents(mask: Mask, size: Triple, connectivity: Connectivity): Components {
  checkMasks(size, mask);
  const labels = new Int32Array(mask.length);
  const parents = joinNeighbours(mask, size, { connectivity, labels });
  const numbers = new Int32Array(parents.length);
  let count = 0;
  for (let at = 0; at < labels.length; at++) {
    if (labels[at] === 0) continue;
    const root = rootOf(parents, labels[at]!);
    if (numbers[root] === 0) numbers[root] = ++count;
    labels[at] = numbers[root]!;
  }
  return { labels, count };
}

/** Gives each voxel in `labels` (out) a provisional number; returns each number's parent. */
function joinNeighbours(
  mask: Mask,
  size: Triple,
  { connectivity, labels }: { connectivity: Connectivity; labels: Int32Array },
): number[] {
  const neighbours = earlierNeighbours(connectivity);
  const [depth, rows, columns] = size;
  const parents = [0];
  let at = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        if (mask[at] === 0) continue;
        let label = 0;
        for (const [dz, dy, dx] of neighbours) {
          if (z + dz < 0 || y + dy < 0 || y + dy >= rows || x + dx < 0 || x + dx >= columns) continue;
          const other = labels[at + (dz * rows + dy) * columns + dx]!;
          if (other === 0 || other === label) continue;
          label = label === 0 ? other : join(parents, label, other);
        }
        if (label === 0) {
          label = parents.length;
          parents.push(label);
        }
        labels[at] = label;
      }
    }
  }
  return parents;
}

/** Offsets `[dz, dy, dx]` of the neighbours that come before a voxel in memory. */
function earlierNeighbours(connectivity: Connectivity): Triple[] {
  const stepsMax = { 6: 1, 18: 2, 26: 3 }[connectivity];
  const offsets: Triple[] = [];
  for (let code = 0; code < 13; code++) {
    const offset: Triple = [Math.floor(code / 9) - 1, (Math.floor(code / 3) % 3) - 1, (code % 3) - 1];
    const steps = Math.abs(offset[0]) + Math.abs(offset[1]) + Math.abs(offset[2]);
    if (steps <= stepsMax) offsets.push(offset);
  }
  return offsets;
}

function join(parents: number[], a: number, b: number): number {
  const rootA = rootOf(parents, a);
  const rootB = rootOf(parents, b);
  const low = Math.min(rootA, rootB);
  parents[Math.max(rootA, rootB)] = low;
  return low;
}

function rootOf(parents: number[], label: number): number {
  let root = label;
  while (parents[root] !== root) root = parents[root]!;
  for (let at = label; at !== root; ) {
    const next = parents[at]!;
    parents[at] = root;
    at = next;
  }
  return root;
}
