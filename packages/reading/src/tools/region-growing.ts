/**
 * Region growing that learns how bright the region is: all voxels connected with the seeds whose intensity lies within some
 * standard deviations of the mean; then mean and deviation are those of what was found, and again. The same as ITK's
 * ConfidenceConnectedImageFilter, but for a barrier that is never crossed.
 */
import type { Triple } from '@consilium/imaging';
import type { ToolVolume } from './tool-volume.ts';

export interface RegionGrowing {
  /** `[z, y, x]`, in the volume. */
  readonly seeds: readonly Triple[];
  /** Standard deviations to each side of the mean. */
  readonly multiplier?: number;
  readonly iterations?: number;
  /** Of the neighbourhood of the seeds from which the first mean comes; voxels. */
  readonly radius?: number;
  /** Where it must not grow: 1, such as other structures or a line that was drawn. */
  readonly barrier?: Uint8Array;
}

/** @returns 1 in the region `[z, y, x]`; empty if no seed is free. */
export function growRegion(volume: ToolVolume, options: RegionGrowing): Uint8Array {
  const { barrier, iterations = 4, multiplier = 2.5, radius = 1 } = options;
  const { voxels } = volume;
  const seeds = options.seeds.map((seed) => indexOf(volume.size, seed)).filter((at) => !barrier?.[at]);
  if (seeds.length === 0) return new Uint8Array(voxels.length);
  const brightness = seeds.map((at) => voxels[at]!);
  const [darkest, brightest] = [Math.min(...brightness), Math.max(...brightness)];
  const spread = neighbourhoodSpread(volume, { seeds: options.seeds, radius, barrier });
  let region = new Uint8Array(voxels.length);
  for (let round = 0, { mean, variance } = spread; round <= iterations; round++) {
    const reach = multiplier * Math.sqrt(variance);
    // The seeds always belong to it.
    const limits = { low: Math.min(mean - reach, darkest), high: Math.max(mean + reach, brightest) };
    region = flood(volume, { seeds, barrier, ...limits });
    ({ mean, variance } = regionSpread(voxels, region));
    if (!(variance > Number.EPSILON)) break;
  }
  return region;
}

interface Spread {
  readonly mean: number;
  readonly variance: number;
}

function neighbourhoodSpread(
  { size, voxels }: ToolVolume,
  { barrier, radius, seeds }: { seeds: readonly Triple[]; radius: number; barrier: Uint8Array | undefined },
): Spread {
  let [count, sum, squares] = [0, 0, 0];
  // Beyond the border lies what lies at it, as in ITK.
  const clamped = (at: number, axis: 0 | 1 | 2) => Math.max(0, Math.min(size[axis] - 1, at));
  for (const [z, y, x] of seeds) {
    for (let k = z - radius; k <= z + radius; k++) {
      for (let j = y - radius; j <= y + radius; j++) {
        for (let i = x - radius; i <= x + radius; i++) {
          const at = indexOf(size, [clamped(k, 0), clamped(j, 1), clamped(i, 2)]);
          if (barrier?.[at]) continue;
          const value = voxels[at]!;
          count++;
          sum += value;
          squares += value * value;
        }
      }
    }
  }
  return spreadOf({ count, sum, squares });
}

function regionSpread(voxels: ToolVolume['voxels'], region: Uint8Array): Spread {
  let [count, sum, squares] = [0, 0, 0];
  for (let at = 0; at < region.length; at++) {
    if (region[at] === 0) continue;
    const value = voxels[at]!;
    count++;
    sum += value;
    squares += value * value;
  }
  return spreadOf({ count, sum, squares });
}

function spreadOf({ count, squares, sum }: { count: number; sum: number; squares: number }): Spread {
  const mean = sum / count;
  // Of one voxel nothing is known; rounding may fall below zero.
  return { mean, variance: count < 2 ? 0 : Math.max(0, (squares - mean * sum) / (count - 1)) };
}

interface Flood {
  readonly seeds: readonly number[];
  readonly barrier: Uint8Array | undefined;
  readonly low: number;
  readonly high: number;
}

/** Voxels that share a face are connected. */
function flood({ size, voxels }: ToolVolume, { barrier, high, low, seeds }: Flood): Uint8Array<ArrayBuffer> {
  const region = new Uint8Array(voxels.length);
  const [depth, rows, columns] = size;
  const plane = rows * columns;
  const waiting: number[] = [];
  const visit = (at: number) => {
    const value = voxels[at]!;
    if (region[at] !== 0 || value < low || value > high || barrier?.[at]) return;
    region[at] = 1;
    waiting.push(at);
  };
  for (const seed of seeds) visit(seed);
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const x = at % columns;
    const y = Math.floor(at / columns) % rows;
    const z = Math.floor(at / plane);
    if (x > 0) visit(at - 1);
    if (x < columns - 1) visit(at + 1);
    if (y > 0) visit(at - columns);
    if (y < rows - 1) visit(at + columns);
    if (z > 0) visit(at - plane);
    if (z < depth - 1) visit(at + plane);
  }
  return region;
}

function indexOf(size: Triple, [z, y, x]: Triple): number {
  return (z * size[1] + y) * size[2] + x;
}
