/**
 * A network over a volume larger than its patch: windows overlap and are averaged with Gaussian weights, so that a
 * window's middle, where the network sees most around it, counts most (Isensee et al. 2021).
 *
 * Windows stand on a grid, one position list an axis, and the Gaussian is a product of one factor an axis; so the sum of
 * all windows' weights at a voxel is a product of three numbers and needs no volume. Windows are taken slice by slice:
 * what is finished is handed over and forgotten, and memory is one patch depth of the volume.
 */
import type { Triple } from '@consilium/imaging';
import { mirror } from './augmentation/spatial.ts';

/** Logits `[c, z, y, x]` of one patch `[z, y, x]`. The result may be reused by the next call. */
export type PatchNetwork = (patch: Float32Array) => Promise<Float32Array>;

export interface SlidingWindow {
  readonly network: PatchNetwork;
  readonly patchSize: Triple;
  /** Output channels. */
  readonly classes: number;
  /** Share of a patch that the next one covers again, 0 .. 0.9. */
  readonly overlap: number;
  /** Axes `[z, y, x]` over whose mirrored patches is averaged. */
  readonly flips: readonly [boolean, boolean, boolean];
  /** What lies around the volume. */
  readonly outside: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Finished planes of the volume: `logits` is `[c, count, y, x]`, valid until the callback's promise resolves. */
export interface FinishedSlices {
  readonly first: number;
  readonly count: number;
  readonly logits: Float32Array;
}

/** Standard deviation of the weights in patch lengths (nnU-Net). */
const sigmaOfPatch = 1 / 8;

/** Calls `onSlices` with every plane of the volume once, from first to last. */
export async function slideOver(
  volume: { readonly voxels: Float32Array; readonly size: Triple },
  options: SlidingWindow,
  onSlices: (slices: FinishedSlices) => void | Promise<void>,
): Promise<void> {
  const { size } = volume;
  const { patchSize, overlap, classes } = options;
  const along = (axis: 0 | 1 | 2) => axisOf(size[axis], patchSize[axis], overlap);
  const axes = [along(0), along(1), along(2)] as const;
  const [zAxis, yAxis, xAxis] = axes;
  const plane = size[1] * size[2];
  const depth = Math.min(patchSize[0], size[0]);
  const slab = new Float32Array(classes * depth * plane);
  const windows = axes.reduce((product, { starts }) => product * starts.length, 1);
  let done = 0;
  for (let k = 0; k < zAxis.starts.length; k++) {
    const z0 = zAxis.starts[k]!;
    for (const y0 of yAxis.starts) {
      for (const x0 of xAxis.starts) {
        options.signal?.throwIfAborted();
        const start: Triple = [z0, y0, x0];
        const logits = await averagedOverFlips(cutWindow(volume, start, options), options);
        addWindow(logits, { start, size, depth, axes, patchSize, classes }, slab);
        options.onProgress?.(++done, windows);
      }
    }
    const first = Math.max(z0, 0);
    const end = k + 1 < zAxis.starts.length ? zAxis.starts[k + 1]! : size[0];
    await onSlices({ first, count: end - first, logits: takeSlices(slab, { classes, depth, plane }, end - first) });
  }
}

interface Axis {
  /** First voxel of each window; negative where the patch is larger than the volume. */
  readonly starts: readonly number[];
  /** Of the patch's voxels along this axis, for each window divided by their sum at that voxel: `[window][voxel]`. */
  readonly shares: ReadonlyMap<number, Float64Array>;
}

/** Where the windows of one axis stand and what share each has of each voxel; the shares at a voxel sum to 1. */
export function axisOf(size: number, patch: number, overlap: number): Axis {
  const starts = startsAlong(size, patch, overlap);
  const weights = gaussian(patch);
  const sums = new Float64Array(size);
  const eachVoxel = (start: number, visit: (voxel: number, inPatch: number) => void): void => {
    for (let k = 0; k < patch; k++) if (start + k >= 0 && start + k < size) visit(start + k, k);
  };
  for (const start of starts) {
    eachVoxel(start, (voxel, k) => {
      sums[voxel]! += weights[k]!;
    });
  }
  const shares = new Map<number, Float64Array>();
  for (const start of starts) {
    const share = new Float64Array(patch);
    eachVoxel(start, (voxel, k) => {
      share[k] = weights[k]! / sums[voxel]!;
    });
    shares.set(start, share);
  }
  return { starts, shares };
}

/** Evenly spread, first and last flush with the volume; a volume smaller than the patch stands in its middle. */
function startsAlong(size: number, patch: number, overlap: number): number[] {
  if (patch >= size) return [-Math.floor((patch - size) / 2)];
  const steps = Math.ceil((size - patch) / Math.max(1, patch * (1 - overlap)));
  return Array.from({ length: steps + 1 }, (_, index) => Math.round((index * (size - patch)) / steps));
}

function gaussian(length: number): Float64Array {
  const middle = (length - 1) / 2;
  const sigma = length * sigmaOfPatch;
  return Float64Array.from({ length }, (_, k) => Math.exp(-((k - middle) ** 2) / (2 * sigma * sigma)));
}

function cutWindow(
  { voxels, size }: { voxels: Float32Array; size: Triple },
  [z0, y0, x0]: Triple,
  { patchSize, outside }: SlidingWindow,
): Float32Array {
  const patch = new Float32Array(patchSize[0] * patchSize[1] * patchSize[2]).fill(outside);
  const xFrom = Math.max(0, -x0);
  const xTo = Math.min(patchSize[2], size[2] - x0);
  for (let z = Math.max(0, -z0); z < Math.min(patchSize[0], size[0] - z0); z++) {
    for (let y = Math.max(0, -y0); y < Math.min(patchSize[1], size[1] - y0); y++) {
      const from = ((z0 + z) * size[1] + y0 + y) * size[2] + x0;
      patch.set(voxels.subarray(from + xFrom, from + xTo), (z * patchSize[1] + y) * patchSize[2] + xFrom);
    }
  }
  return patch;
}

/** The mean of the network's answers to the patch and its mirror images, each mirrored back. */
async function averagedOverFlips(patch: Float32Array, window: SlidingWindow): Promise<Float32Array> {
  if (!window.flips.includes(true)) return window.network(patch);
  const sum = new Float32Array(window.classes * patch.length);
  for await (const { logits, images } of mirroredAnswers(patch, window)) {
    for (let index = 0; index < sum.length; index++) sum[index]! += logits[index]! / images;
  }
  return sum;
}

/** One after the other: what the network answers to the patch and to each of its mirror images, mirrored back. */
export async function* mirroredAnswers(
  patch: Float32Array,
  { network, patchSize, classes, flips }: Pick<SlidingWindow, 'network' | 'patchSize' | 'classes' | 'flips'>,
): AsyncGenerator<{ readonly logits: Float32Array; readonly images: number }> {
  const axes = ([0, 1, 2] as const).filter((axis) => flips[axis]);
  const images = 2 ** axes.length;
  const voxels = patch.length;
  for (let combination = 0; combination < images; combination++) {
    const mirrored = axes.filter((_, bit) => (combination >> bit) & 1);
    const turned = patch.slice();
    for (const axis of mirrored) mirror(turned, patchSize, axis);
    const logits = (await network(turned)).slice();
    for (let channel = 0; channel < classes; channel++) {
      for (const axis of mirrored) mirror(logits.subarray(channel * voxels, (channel + 1) * voxels), patchSize, axis);
    }
    yield { logits, images };
  }
}

interface Placement {
  readonly start: Triple;
  readonly size: Triple;
  readonly depth: number;
  readonly axes: readonly [Axis, Axis, Axis];
  readonly patchSize: Triple;
  readonly classes: number;
}

/** Adds a window's weighted logits to the slab (out), whose plane 0 is the window's first plane inside the volume. */
function addWindow(logits: Float32Array, placement: Placement, slab: Float32Array): void {
  const { start, size, depth, axes, patchSize, classes } = placement;
  const [z0, y0, x0] = start;
  const [zShares, yShares, xShares] = axes.map(({ shares }, axis) => shares.get(start[axis]!)!) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const zSkipped = Math.max(0, -z0);
  const xFrom = Math.max(0, -x0);
  const xTo = Math.min(patchSize[2], size[2] - x0);
  for (let channel = 0; channel < classes; channel++) {
    for (let z = zSkipped; z < Math.min(patchSize[0], size[0] - z0); z++) {
      for (let y = Math.max(0, -y0); y < Math.min(patchSize[1], size[1] - y0); y++) {
        const share = zShares[z]! * yShares[y]!;
        const from = ((channel * patchSize[0] + z) * patchSize[1] + y) * patchSize[2];
        const to = ((channel * depth + z - zSkipped) * size[1] + y0 + y) * size[2] + x0;
        for (let x = xFrom; x < xTo; x++) slab[to + x]! += share * xShares[x]! * logits[from + x]!;
      }
    }
  }
}

/** The slab's first `count` planes; the rest moves to its front, zeros follow. */
function takeSlices(
  slab: Float32Array,
  { classes, depth, plane }: { classes: number; depth: number; plane: number },
  count: number,
): Float32Array {
  const taken = new Float32Array(classes * count * plane);
  for (let channel = 0; channel < classes; channel++) {
    const own = slab.subarray(channel * depth * plane, (channel + 1) * depth * plane);
    taken.set(own.subarray(0, count * plane), channel * count * plane);
    own.copyWithin(0, count * plane);
    own.fill(0, (depth - count) * plane);
  }
  return taken;
}
