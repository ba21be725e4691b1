/**
 * From logits in plan space to classes on the grid the image came on: linear interpolation per class, then the largest
 * wins. The logits come in planes from first to last and are never all in memory.
 */
import { canonical, type Geometry, type LabelMap, resampleLabels, type Triple } from '@consilium/imaging';
import type { FinishedSlices } from './sliding-window.ts';

/** Along one axis, for each fine voxel: the coarse voxels on either side; `lower` is -1 outside the coarse grid. */
interface Taps {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly weight: Float64Array;
}

export class ClassUpsampler {
  readonly #coarse: Geometry;
  readonly #fine: LabelMap;
  readonly #original: Geometry;
  readonly #classes: readonly number[];
  readonly #taps: readonly [Taps, Taps, Taps];
  /** The last plane of the slices before these, `[c, y, x]`. */
  #previous: Float32Array | undefined;
  #nextFine = 0;

  /**
   * @param coarse plan-space grid of the logits, canonical axes
   * @param original grid of the image as it came, any orientation
   * @param classes class value of each channel
   */
  constructor(coarse: Geometry, original: Geometry, classes: readonly number[]) {
    this.#coarse = coarse;
    this.#original = original;
    this.#classes = classes;
    this.#fine = canonical({ geometry: original, voxels: new Uint8Array(voxelCountOf(original.size)) });
    const along = (axis: 0 | 1 | 2) => tapsAlong(coarse, this.#fine.geometry, axis);
    this.#taps = [along(0), along(1), along(2)];
  }

  /** The next planes of logits. */
  add({ first, count, logits }: FinishedSlices): void {
    const [tz] = this.#taps;
    const [depth, ,] = this.#fine.geometry.size;
    const plane = this.#coarse.size[1] * this.#coarse.size[2];
    const planeAt = (z: number, channel: number): Float32Array => {
      if (z >= first)
        return logits.subarray((channel * count + z - first) * plane, (channel * count + z - first + 1) * plane);
      return this.#previous!.subarray(channel * plane, (channel + 1) * plane);
    };
    for (; this.#nextFine < depth; this.#nextFine++) {
      const z = this.#nextFine;
      if (tz.lower[z]! < 0) continue;
      if (tz.upper[z]! >= first + count) break;
      this.#fillPlane(z, planeAt);
    }
    const last = new Float32Array(this.#classes.length * plane);
    this.#classes.forEach((_, channel) => {
      last.set(planeAt(first + count - 1, channel), channel * plane);
    });
    this.#previous = last;
  }

  /** The segmentation on the original grid; call it once, after the last planes. */
  finish(): LabelMap {
    return resampleLabels(this.#fine, this.#original);
  }

  #fillPlane(z: number, planeAt: (z: number, channel: number) => Float32Array): void {
    const [tz, ty, tx] = this.#taps;
    const [, height, width] = this.#fine.geometry.size;
    const columns = this.#coarse.size[2];
    const best = new Float64Array(height * width).fill(Number.NEGATIVE_INFINITY);
    const winner = this.#fine.voxels.subarray(z * height * width, (z + 1) * height * width);
    const plane = new Float64Array(this.#coarse.size[1] * columns);
    const row = new Float64Array(columns);
    this.#classes.forEach((value, channel) => {
      blend(planeAt(tz.lower[z]!, channel), planeAt(tz.upper[z]!, channel), tz.weight[z]!, plane);
      for (let y = 0; y < height; y++) {
        if (ty.lower[y]! < 0) continue;
        const low = plane.subarray(ty.lower[y]! * columns, (ty.lower[y]! + 1) * columns);
        const high = plane.subarray(ty.upper[y]! * columns, (ty.upper[y]! + 1) * columns);
        blend(low, high, ty.weight[y]!, row);
        for (let x = 0, at = y * width; x < width; x++, at++) {
          const left = tx.lower[x]!;
          if (left < 0) continue;
          const logit = row[left]! + (row[tx.upper[x]!]! - row[left]!) * tx.weight[x]!;
          if (logit <= best[at]!) continue;
          best[at] = logit;
          winner[at] = value;
        }
      }
    });
  }
}

function blend(
  low: Float32Array | Float64Array,
  high: Float32Array | Float64Array,
  weight: number,
  out: Float64Array,
): void {
  for (let index = 0; index < out.length; index++) out[index] = low[index]! + (high[index]! - low[index]!) * weight;
}

/** A respaced grid ends at most a quarter of its voxel before the box it covers, and that half a voxel beyond a centre. */
const reachVoxels = 0.75;

/** Both grids have the same axes. */
function tapsAlong(coarse: Geometry, fine: Geometry, axis: 0 | 1 | 2): Taps {
  const count = fine.size[axis];
  const direction = coarse.axes[axis];
  const offsetMm = [0, 1, 2].reduce(
    (sum, world) => sum + (fine.originMm[world]! - coarse.originMm[world]!) * direction[world]!,
    0,
  );
  const lower = new Int32Array(count).fill(-1);
  const upper = new Int32Array(count);
  const weight = new Float64Array(count);
  const last = coarse.size[axis] - 1;
  for (let index = 0; index < count; index++) {
    const position = (offsetMm + index * fine.spacingMm[axis]) / coarse.spacingMm[axis];
    if (position < -reachVoxels || position > last + reachVoxels) continue;
    const clamped = Math.min(Math.max(position, 0), last);
    lower[index] = Math.floor(clamped);
    upper[index] = Math.min(lower[index]! + 1, last);
    weight[index] = clamped - lower[index]!;
  }
  return { lower, upper, weight };
}

function voxelCountOf([z, y, x]: Triple): number {
  return z * y * x;
}
