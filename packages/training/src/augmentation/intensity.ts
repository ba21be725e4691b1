/**
 * Changes of a patch's intensities, in nnU-Net's order: noise, blur, brightness, contrast, low resolution, gamma of the
 * negative, gamma. The label is never touched.
 */
import type { Triple } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import type { AugmentationSpec } from './augmentation-spec.ts';
import type { Patch } from './spatial.ts';

/** Changes `patch.image` in place: as often and as much as the specification says. */
export function augmentIntensity(patch: Pick<Patch, 'image' | 'size'>, spec: AugmentationSpec, random: Random): void {
  const { image, size } = patch;
  if (random.chance(spec.noise.probability)) addNoise(image, random.between(...spec.noise.std), random);
  if (random.chance(spec.blur.probability)) blur(image, size, random.between(...spec.blur.sigmaVoxels));
  if (random.chance(spec.brightness.probability)) scale(image, random.between(...spec.brightness.factor));
  if (random.chance(spec.contrast.probability)) changeContrast(image, random.between(...spec.contrast.factor));
  if (random.chance(spec.lowResolution.probability)) {
    lowerResolution(image, size, random.between(...spec.lowResolution.zoom));
  }
  const { exponent } = spec.gamma;
  if (random.chance(spec.gamma.invertedProbability)) {
    scale(image, -1);
    changeGamma(image, drawExponent(exponent, random));
    scale(image, -1);
  }
  if (random.chance(spec.gamma.probability)) changeGamma(image, drawExponent(exponent, random));
}

/** Gaussian, of the given standard deviation. */
export function addNoise(image: Float32Array, std: number, random: Random): void {
  for (let index = 0; index < image.length; index++) image[index]! += std * random.normal();
}

export function scale(image: Float32Array, factor: number): void {
  for (let index = 0; index < image.length; index++) image[index]! *= factor;
}

/** Spreads the values about their mean, within the range they had. */
export function changeContrast(image: Float32Array, factor: number): void {
  const { low, high, mean } = statisticsOf(image);
  for (let index = 0; index < image.length; index++) {
    image[index] = Math.min(Math.max((image[index]! - mean) * factor + mean, low), high);
  }
}

/** Raises the values, scaled to 0 .. 1, to `exponent`; then restores their mean and standard deviation. */
export function changeGamma(image: Float32Array, exponent: number): void {
  const before = statisticsOf(image);
  const range = before.high - before.low;
  if (range === 0 || exponent === 1) return;
  for (let index = 0; index < image.length; index++) {
    image[index] = ((image[index]! - before.low) / range) ** exponent;
  }
  const after = statisticsOf(image);
  const factor = after.std === 0 ? 0 : before.std / after.std;
  for (let index = 0; index < image.length; index++) {
    image[index] = (image[index]! - after.mean) * factor + before.mean;
  }
}

/** Below and above 1 equally often, where the range allows. */
function drawExponent([low, high]: readonly [number, number], random: Random): number {
  const below = random.chance(0.5);
  if (low < 1 && (below || high <= 1)) return random.between(low, Math.min(1, high));
  return random.between(Math.max(1, low), high);
}

/** Gaussian filter with the patch continued by its edge values, cut off at 3 standard deviations. */
export function blur(image: Float32Array, size: Triple, sigmaVoxels: number): void {
  const radius = Math.max(1, Math.ceil(3 * sigmaVoxels));
  const kernel = Array.from({ length: radius + 1 }, (_, k) => Math.exp(-(k * k) / (2 * sigmaVoxels * sigmaVoxels)));
  const sum = kernel.reduce((total, value, k) => total + (k === 0 ? value : 2 * value), 0);
  const weights = Float64Array.from(kernel, (value) => value / sum);
  for (const axis of [0, 1, 2] as const) filterAlong(image, size, axis, weights);
}

/** A symmetric filter along one axis: rows of `inner` voxels are weighted and added as a whole. */
function filterAlong(image: Float32Array, size: Triple, axis: 0 | 1 | 2, weights: Float64Array): void {
  const length = size[axis];
  const inner = axis === 0 ? size[1] * size[2] : axis === 1 ? size[2] : 1;
  const from = new Float32Array(length * inner);
  for (let outer = 0; outer < image.length; outer += from.length) {
    from.set(image.subarray(outer, outer + from.length));
    for (let position = 0; position < length; position++) {
      const to = outer + position * inner;
      const centre = position * inner;
      for (let i = 0; i < inner; i++) image[to + i] = from[centre + i]! * weights[0]!;
      for (let k = 1; k < weights.length; k++) {
        const below = Math.max(position - k, 0) * inner;
        const above = Math.min(position + k, length - 1) * inner;
        const weight = weights[k]!;
        for (let i = 0; i < inner; i++) image[to + i]! += (from[below + i]! + from[above + i]!) * weight;
      }
    }
  }
}

/** As if the scan had been coarser: sampled down by `zoom` (nearest voxel), up again (linear). */
export function lowerResolution(image: Float32Array, size: Triple, zoom: number): void {
  const coarse = size.map((each) => Math.max(1, Math.round(each * zoom))) as unknown as Triple;
  if (coarse.every((each, axis) => each === size[axis])) return;
  const [cz, cy, cx] = coarse;
  const [nz, ny, nx] = [0, 1, 2].map((axis) => nearest(size[axis]!, coarse[axis]!)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const small = new Float32Array(cz * cy * cx);
  for (let z = 0, to = 0; z < cz; z++) {
    for (let y = 0; y < cy; y++) {
      const row = (nz[z]! * size[1] + ny[y]!) * size[2];
      for (let x = 0; x < cx; x++) small[to++] = image[row + nx[x]!]!;
    }
  }
  const [tz, ty, tx] = [0, 1, 2].map((axis) => taps(coarse[axis]!, size[axis]!)) as [Taps, Taps, Taps];
  const row = new Float32Array(cx);
  for (let z = 0, to = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      blendRows(small, { cy, cx }, { tz, ty, z, y }, row);
      for (let x = 0; x < size[2]; x++) {
        const left = row[tx.lower[x]!]!;
        image[to++] = left + (row[tx.upper[x]!]! - left) * tx.weight[x]!;
      }
    }
  }
}

interface Taps {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly weight: Float32Array;
}

function blendRows(
  small: Float32Array,
  { cy, cx }: { cy: number; cx: number },
  { tz, ty, z, y }: { tz: Taps; ty: Taps; z: number; y: number },
  row: Float32Array,
): void {
  const a = (tz.lower[z]! * cy + ty.lower[y]!) * cx;
  const b = (tz.lower[z]! * cy + ty.upper[y]!) * cx;
  const c = (tz.upper[z]! * cy + ty.lower[y]!) * cx;
  const d = (tz.upper[z]! * cy + ty.upper[y]!) * cx;
  const wy = ty.weight[y]!;
  const wz = tz.weight[z]!;
  for (let x = 0; x < cx; x++) {
    const near = small[a + x]! + (small[b + x]! - small[a + x]!) * wy;
    const far = small[c + x]! + (small[d + x]! - small[c + x]!) * wy;
    row[x] = near + (far - near) * wz;
  }
}

/** For each coarse voxel the fine one at its centre. */
function nearest(fine: number, coarse: number): Int32Array {
  return Int32Array.from({ length: coarse }, (_, index) => Math.floor(((index + 0.5) * fine) / coarse));
}

/** For each fine voxel the coarse ones on either side of its centre. */
function taps(coarse: number, fine: number): Taps {
  const position = Float64Array.from({ length: fine }, (_, index) =>
    Math.min(Math.max(((index + 0.5) * coarse) / fine - 0.5, 0), coarse - 1),
  );
  const lower = Int32Array.from(position, Math.floor);
  return {
    lower,
    upper: lower.map((index) => Math.min(index + 1, coarse - 1)),
    weight: Float32Array.from(position, (value, index) => value - lower[index]!),
  };
}

function statisticsOf(image: Float32Array): { low: number; high: number; mean: number; std: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let index = 0; index < image.length; index++) {
    const value = image[index]!;
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
  }
  const mean = sum / image.length;
  let squares = 0;
  for (let index = 0; index < image.length; index++) squares += (image[index]! - mean) ** 2;
  return { low, high, mean, std: Math.sqrt(squares / image.length) };
}
