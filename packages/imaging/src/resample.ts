/**
 * A volume on another grid: linear interpolation at the new voxels' centres.
 *
 * Images are clamped at their edge. Labels are interpolated one class at a time and the largest wins (the lowest class
 * number on a tie); further than half a voxel outside their grid they are background.
 */
import { checkVolume, dot, inverseSteps, sameGrid, stepVectors, voxelCount, voxelOf } from './geometry.ts';
import { turned, turnTowards } from './orientation.ts';
import type { Geometry, Image, LabelMap, Triple, Volume, VoxelArray } from './volume.ts';

/** Positions this close (in voxels) to a voxel's centre are taken to be on it, so that a copy stays a copy. */
const snapVoxels = 1e-5;

/** Values are float32 whatever came in; the same grid gives the same values. */
export function resampleImage(image: Image, target: Geometry): Volume<Float32Array> {
  checkVolume(image);
  if (isSame(image.geometry, target)) return { geometry: target, voxels: Float32Array.from(image.voxels) };
  const source = towards(image, target);
  const map = mappingOf(source.geometry, target);
  const voxels = new Float32Array(voxelCount(target));
  const taps = separableTaps(map, source.geometry, target);
  if (taps) blendAligned(source, taps, target.size, voxels);
  else blendOblique(source, map, target.size, voxels);
  return { geometry: target, voxels };
}

/**
 * @param classes the classes that compete; all others count as background. Default: every class.
 */
export function resampleLabels(labels: LabelMap, target: Geometry, classes?: readonly number[]): LabelMap {
  checkVolume(labels);
  const kept = onlyClasses(labels, classes);
  if (isSame(labels.geometry, target)) return { geometry: target, voxels: kept.voxels.slice() };
  const source = towards(kept, target);
  const map = mappingOf(source.geometry, target);
  const voxels = new Uint8Array(voxelCount(target));
  const taps = separableTaps(map, source.geometry, target);
  if (taps) voteAligned(source, taps, target.size, voxels);
  else voteOblique(source, map, target.size, voxels);
  return { geometry: target, voxels };
}

function isSame(a: Geometry, b: Geometry): boolean {
  return sameGrid(a, b, Math.min(...a.spacingMm) * snapVoxels);
}

function towards<T extends VoxelArray>(volume: Volume<T>, target: Geometry): Volume<T> {
  const turn = turnTowards(volume.geometry, target.axes);
  const still = turn.from.every((axis, index) => axis === index) && !turn.flipped.includes(true);
  return still ? volume : turned(volume, turn);
}

function onlyClasses(labels: LabelMap, classes: readonly number[] | undefined): LabelMap {
  if (classes === undefined) return labels;
  const keeps = new Uint8Array(256);
  for (const value of classes) if (value >= 0 && value < 256) keeps[value] = 1;
  return { geometry: labels.geometry, voxels: labels.voxels.map((value) => (keeps[value] ? value : 0)) };
}

/** Source index = `start` + `steps[0]` tz + `steps[1]` ty + `steps[2]` tx, all `[z, y, x]`. */
interface Mapping {
  readonly start: Triple;
  readonly steps: readonly [Triple, Triple, Triple];
}

function mappingOf(source: Geometry, target: Geometry): Mapping {
  const rows = inverseSteps(source);
  const toSource = (step: Triple): Triple => [dot(rows[0], step), dot(rows[1], step), dot(rows[2], step)];
  const [z, y, x] = stepVectors(target);
  return { start: voxelOf(source, target.originMm), steps: [toSource(z), toSource(y), toSource(x)] };
}

/** The two source voxels next to each target voxel along one axis; `weight` is the upper one's share. */
interface Taps {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly weight: Float64Array;
  /** 1 where the target voxel is within half a voxel of the source grid. */
  readonly inside: Uint8Array;
}

/** Taps for `[z, y, x]` if each target axis runs along one source axis, otherwise undefined. */
function separableTaps(map: Mapping, source: Geometry, target: Geometry): readonly [Taps, Taps, Taps] | undefined {
  for (const axis of [0, 1, 2] as const) {
    for (const other of [0, 1, 2] as const) {
      if (axis !== other && Math.abs(map.steps[axis][other]) * target.size[axis] > snapVoxels) return undefined;
    }
  }
  const along = (axis: 0 | 1 | 2): Taps =>
    tapsAlong(map.start[axis], map.steps[axis][axis], source.size[axis], target.size[axis]);
  return [along(0), along(1), along(2)];
}

function tapsAlong(start: number, step: number, sourceCount: number, targetCount: number): Taps {
  const lower = new Int32Array(targetCount);
  const upper = new Int32Array(targetCount);
  const weight = new Float64Array(targetCount);
  const inside = new Uint8Array(targetCount);
  for (let index = 0; index < targetCount; index++) {
    const position = snapped(start + index * step);
    inside[index] = position >= -0.5 && position <= sourceCount - 0.5 ? 1 : 0;
    const clamped = Math.min(Math.max(position, 0), sourceCount - 1);
    lower[index] = Math.floor(clamped);
    upper[index] = Math.min(lower[index]! + 1, sourceCount - 1);
    weight[index] = clamped - lower[index]!;
  }
  return { lower, upper, weight, inside };
}

function snapped(position: number): number {
  const nearest = Math.round(position);
  return Math.abs(position - nearest) < snapVoxels ? nearest : position;
}

/** One axis after the other: two slices to one plane, two of its rows to one row, two of its voxels to one. */
function blendAligned(source: Image, taps: readonly [Taps, Taps, Taps], size: Triple, out: Float32Array): void {
  const [, rows, columns] = source.geometry.size;
  const [tz, ty, tx] = taps;
  const plane = new Float64Array(rows * columns);
  const row = new Float64Array(columns);
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    const low = tz.lower[z]! * plane.length;
    const high = tz.upper[z]! * plane.length;
    blend(source.voxels, low, high, tz.weight[z]!, plane);
    for (let y = 0; y < size[1]; y++) {
      blend(plane, ty.lower[y]! * columns, ty.upper[y]! * columns, ty.weight[y]!, row);
      for (let x = 0; x < size[2]; x++) {
        const left = row[tx.lower[x]!]!;
        const weight = tx.weight[x]!;
        out[at++] = weight === 0 ? left : left + (row[tx.upper[x]!]! - left) * weight;
      }
    }
  }
}

/** `out = from[low...] + (from[high...] - from[low...]) * weight`; a weight of 0 never looks at the upper values. */
function blend(from: VoxelArray | Float64Array, low: number, high: number, weight: number, out: Float64Array): void {
  if (weight === 0) {
    for (let index = 0; index < out.length; index++) out[index] = from[low + index]!;
    return;
  }
  for (let index = 0; index < out.length; index++) {
    const value = from[low + index]!;
    out[index] = value + (from[high + index]! - value) * weight;
  }
}

/** The eight source voxels around a position and their shares: reused from voxel to voxel. */
class Cell {
  readonly offsets = new Int32Array(8);
  readonly shares = new Float64Array(8);
  inside = false;
  private readonly size: Triple;

  constructor(size: Triple) {
    this.size = size;
  }

  moveTo(z: number, y: number, x: number): void {
    const [depth, rows, columns] = this.size;
    this.inside = z >= -0.5 && y >= -0.5 && x >= -0.5 && z <= depth - 0.5 && y <= rows - 0.5 && x <= columns - 0.5;
    const cz = Math.min(Math.max(snapped(z), 0), depth - 1);
    const cy = Math.min(Math.max(snapped(y), 0), rows - 1);
    const cx = Math.min(Math.max(snapped(x), 0), columns - 1);
    const z0 = Math.floor(cz);
    const y0 = Math.floor(cy);
    const x0 = Math.floor(cx);
    const z1 = Math.min(z0 + 1, depth - 1);
    const y1 = Math.min(y0 + 1, rows - 1);
    const x1 = Math.min(x0 + 1, columns - 1);
    for (let corner = 0; corner < 8; corner++) {
      const row = (corner & 4 ? z1 : z0) * rows + (corner & 2 ? y1 : y0);
      this.offsets[corner] = row * columns + (corner & 1 ? x1 : x0);
      this.shares[corner] =
        (corner & 4 ? cz - z0 : 1 - (cz - z0)) *
        (corner & 2 ? cy - y0 : 1 - (cy - y0)) *
        (corner & 1 ? cx - x0 : 1 - (cx - x0));
    }
  }
}

/** Calls `visit` for every target voxel with the source cell around it. */
function eachCell(source: Geometry, map: Mapping, size: Triple, visit: (cell: Cell, at: number) => void): void {
  const cell = new Cell(source.size);
  const { start, steps } = map;
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++) {
        cell.moveTo(
          start[0] + steps[0][0] * z + steps[1][0] * y + steps[2][0] * x,
          start[1] + steps[0][1] * z + steps[1][1] * y + steps[2][1] * x,
          start[2] + steps[0][2] * z + steps[1][2] * y + steps[2][2] * x,
        );
        visit(cell, at++);
      }
    }
  }
}

/** Trilinear, written out: eight voxels by seven interpolations, those without a share never looked at. */
function blendOblique({ geometry, voxels }: Image, map: Mapping, size: Triple, out: Float32Array): void {
  const [depth, rows, columns] = geometry.size;
  const plane = rows * columns;
  const { start, steps } = map;
  const [stepZ, stepY, stepX] = steps[2];
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      const lineZ = start[0] + steps[0][0] * z + steps[1][0] * y;
      const lineY = start[1] + steps[0][1] * z + steps[1][1] * y;
      const lineX = start[2] + steps[0][2] * z + steps[1][2] * y;
      for (let x = 0; x < size[2]; x++) {
        const cz = clamped(lineZ + stepZ * x, depth - 1);
        const cy = clamped(lineY + stepY * x, rows - 1);
        const cx = clamped(lineX + stepX * x, columns - 1);
        const z0 = cz | 0;
        const y0 = cy | 0;
        const x0 = cx | 0;
        const corner = z0 * plane + y0 * columns + x0;
        const fz = cz - z0;
        const fy = cy - y0;
        const fx = cx - x0;
        let value = bilinear(voxels, corner, columns, fy, fx);
        if (fz !== 0) value += (bilinear(voxels, corner + plane, columns, fy, fx) - value) * fz;
        out[at++] = value;
      }
    }
  }
}

/** Within the grid; next to a voxel's centre on it. */
function clamped(position: number, last: number): number {
  if (!(position > 0)) return 0;
  if (position >= last) return last;
  const rest = position - (position | 0);
  return rest < snapVoxels ? position | 0 : rest > 1 - snapVoxels ? (position | 0) + 1 : position;
}

function bilinear(voxels: VoxelArray, at: number, columns: number, fy: number, fx: number): number {
  let value = voxels[at]!;
  if (fx !== 0) value += (voxels[at + 1]! - value) * fx;
  if (fy === 0) return value;
  let below = voxels[at + columns]!;
  if (fx !== 0) below += (voxels[at + columns + 1]! - below) * fx;
  return value + (below - value) * fy;
}

/** The class with the largest share among eight voxels. */
class Vote {
  private readonly shares = new Float64Array(256);

  winner(voxels: Uint8Array, cell: { offsets: Int32Array; shares: Float64Array }): number {
    const { offsets, shares } = cell;
    for (let corner = 0; corner < 8; corner++) this.shares[voxels[offsets[corner]!]!]! += shares[corner]!;
    let best = 255;
    let share = 0;
    for (let corner = 0; corner < 8; corner++) {
      const value = voxels[offsets[corner]!]!;
      const mine = this.shares[value]!;
      // Sums of shares in different order differ in their last bits: that is a tie.
      if (mine > share + 1e-9 || (mine > share - 1e-9 && value < best)) {
        best = value;
        share = mine;
      }
    }
    for (let corner = 0; corner < 8; corner++) this.shares[voxels[offsets[corner]!]!] = 0;
    return best;
  }
}

function voteOblique(source: LabelMap, map: Mapping, size: Triple, out: Uint8Array): void {
  const vote = new Vote();
  eachCell(source.geometry, map, size, (cell, at) => {
    out[at] = cell.inside ? vote.winner(source.voxels, cell) : 0;
  });
}

function voteAligned(source: LabelMap, taps: readonly [Taps, Taps, Taps], size: Triple, out: Uint8Array): void {
  const [, rows, columns] = source.geometry.size;
  const { voxels } = source;
  const [tz, ty, tx] = taps;
  const cell = { offsets: new Int32Array(8), shares: new Float64Array(8) };
  const vote = new Vote();
  for (let z = 0; z < size[0]; z++) {
    if (!tz.inside[z]) continue;
    const wz = tz.weight[z]!;
    for (let y = 0; y < size[1]; y++) {
      if (!ty.inside[y]) continue;
      const wy = ty.weight[y]!;
      const rowShares = [(1 - wz) * (1 - wy), (1 - wz) * wy, wz * (1 - wy), wz * wy] as const;
      const rowStarts = [
        (tz.lower[z]! * rows + ty.lower[y]!) * columns,
        (tz.lower[z]! * rows + ty.upper[y]!) * columns,
        (tz.upper[z]! * rows + ty.lower[y]!) * columns,
        (tz.upper[z]! * rows + ty.upper[y]!) * columns,
      ] as const;
      const [a, b, c, d] = rowStarts;
      const start = (z * size[1] + y) * size[2];
      for (let x = 0; x < size[2]; x++) {
        const x0 = tx.lower[x]!;
        const x1 = tx.upper[x]!;
        const first = voxels[a + x0]!;
        const agree =
          voxels[a + x1] === first &&
          voxels[b + x0] === first &&
          voxels[b + x1] === first &&
          voxels[c + x0] === first &&
          voxels[c + x1] === first &&
          voxels[d + x0] === first &&
          voxels[d + x1] === first;
        if (!tx.inside[x]) continue;
        if (agree) {
          out[start + x] = first;
          continue;
        }
        const wx = tx.weight[x]!;
        for (let row = 0; row < 4; row++) {
          cell.offsets[row * 2] = rowStarts[row]! + x0;
          cell.offsets[row * 2 + 1] = rowStarts[row]! + x1;
          cell.shares[row * 2] = rowShares[row]! * (1 - wx);
          cell.shares[row * 2 + 1] = rowShares[row]! * wx;
        }
        out[start + x] = vote.winner(voxels, cell);
      }
    }
  }
}
