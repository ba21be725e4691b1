/**
 * Where a person would click: into the largest piece that is wrong, far from its border. On the object while nothing is
 * marked, as then all of it is wrong. After DeepGrow (Sakinis et al. 2019, arXiv:1903.08205) and DeepEdit (Diaz-Pinto et
 * al. 2023, arXiv:2305.10655).
 */
import { connectedComponents, distanceTransformMm, type Triple } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import type { Click, ClickGrid } from './click-input.ts';

interface WrongPiece {
  readonly isForeground: boolean;
  readonly voxels: number;
  /** Of the components of missed or of surplus voxels in the box, this one. */
  readonly labels: Int32Array;
  readonly label: number;
}

interface Box {
  readonly first: Triple;
  readonly size: Triple;
}

/**
 * At most `count` clicks, one into each of the largest wrong pieces; fewer where fewer are wrong.
 * @param mask what is marked now, `target` what should be; 1 inside, on `grid`
 * @param random draws the voxel, deep ones more often; without it the deepest is clicked, the first of several
 */
export function nextClicks(
  mask: Uint8Array,
  target: Uint8Array,
  grid: ClickGrid,
  { count, random }: { readonly count: number; readonly random?: Random },
): Click[] {
  const box = wrongBox(mask, target, grid.size);
  if (box === null) return [];
  const pieces = [...piecesOf(mask, target, { grid, box, isForeground: true })];
  pieces.push(...piecesOf(mask, target, { grid, box, isForeground: false }));
  // A stable sort: of pieces alike, missed ones come first, then those that begin first.
  pieces.sort((one, other) => other.voxels - one.voxels);
  return pieces.slice(0, count).map((piece) => ({
    isForeground: piece.isForeground,
    voxel: voxelIn(piece, box, grid, random),
  }));
}

function wrongBox(mask: Uint8Array, target: Uint8Array, size: Triple): Box | null {
  const low = [...size] as [number, number, number];
  const high: [number, number, number] = [-1, -1, -1];
  for (let z = 0, at = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, at++) {
        if (mask[at] === target[at]) continue;
        if (z < low[0]) low[0] = z;
        if (z > high[0]) high[0] = z;
        if (y < low[1]) low[1] = y;
        if (y > high[1]) high[1] = y;
        if (x < low[2]) low[2] = x;
        if (x > high[2]) high[2] = x;
      }
    }
  }
  if (high[0] < 0) return null;
  return { first: low, size: [high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1] };
}

function piecesOf(
  mask: Uint8Array,
  target: Uint8Array,
  { grid, box, isForeground }: { readonly grid: ClickGrid; readonly box: Box; readonly isForeground: boolean },
): WrongPiece[] {
  const { first, size } = box;
  const wrong = new Uint8Array(size[0] * size[1] * size[2]);
  for (let z = 0, to = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      const from = ((first[0] + z) * grid.size[1] + first[1] + y) * grid.size[2] + first[2];
      for (let x = 0; x < size[2]; x++, to++) {
        const isTarget = target[from + x] === 1;
        wrong[to] = isTarget === isForeground && mask[from + x] !== target[from + x] ? 1 : 0;
      }
    }
  }
  const { labels, count } = connectedComponents(wrong, size, 6);
  const voxels = new Float64Array(count + 1);
  for (let at = 0; at < labels.length; at++) voxels[labels[at]!]! += 1;
  return Array.from({ length: count }, (_, index) => ({
    isForeground,
    voxels: voxels[index + 1]!,
    labels,
    label: index + 1,
  }));
}

/** The depth of a voxel is its distance from what is not of the piece; the end of the box counts as such. */
function voxelIn({ labels, label }: WrongPiece, box: Box, grid: ClickGrid, random: Random | undefined): Triple {
  const padded: Triple = [box.size[0] + 2, box.size[1] + 2, box.size[2] + 2];
  const beside = new Uint8Array(padded[0] * padded[1] * padded[2]).fill(1);
  const at = (z: number, y: number, x: number): number => ((z + 1) * padded[1] + y + 1) * padded[2] + x + 1;
  for (let z = 0, from = 0; z < box.size[0]; z++) {
    for (let y = 0; y < box.size[1]; y++) {
      for (let x = 0; x < box.size[2]; x++, from++) if (labels[from] === label) beside[at(z, y, x)] = 0;
    }
  }
  const depthsMm = distanceTransformMm(beside, { size: padded, spacingMm: grid.spacingMm });
  const index = random === undefined ? deepest(depthsMm) : drawn(depthsMm, random);
  const [, height, width] = padded;
  return [
    box.first[0] + Math.floor(index / (height * width)) - 1,
    box.first[1] + (Math.floor(index / width) % height) - 1,
    box.first[2] + (index % width) - 1,
  ];
}

function deepest(depthsMm: Float32Array): number {
  let best = 0;
  for (let index = 1; index < depthsMm.length; index++) if (depthsMm[index]! > depthsMm[best]!) best = index;
  return best;
}

/** Each voxel as likely as its depth squared. */
function drawn(depthsMm: Float32Array, random: Random): number {
  let total = 0;
  for (let index = 0; index < depthsMm.length; index++) total += depthsMm[index]! ** 2;
  let left = random.uniform() * total;
  let last = 0;
  for (let index = 0; index < depthsMm.length; index++) {
    const weight = depthsMm[index]! ** 2;
    if (weight === 0) continue;
    last = index;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}
