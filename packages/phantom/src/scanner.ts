/**
 * What the scanner makes of the patient: slice profile, kernel blur, calibration, beam hardening, and noise whose
 * spectrum follows the kernel. Quantised to int16 HU.
 */
import type { Random } from '@consilium/numerics';
import type { Grid } from './canvas.ts';
import { createNoiseField, hashed } from './lattice-noise.ts';
import type { Patient } from './patient.ts';
import type { SiteProfile } from './site-profile.ts';

/** Relative noise at a tube voltage with the usual exposure control. */
const noiseByKvp = { 80: 1.5, 100: 1.2, 120: 1, 140: 0.88 } as const;

export function scan(
  painted: { readonly hu: Float32Array; readonly skinDepth: Float32Array },
  options: {
    readonly grid: Grid;
    readonly profile: SiteProfile;
    readonly patient: Patient;
    readonly sliceSpacingMm: number;
  },
  random: Random,
): Int16Array<ArrayBuffer> {
  const { grid, profile, patient } = options;
  const { scanner, protocol } = profile;
  const hu = new Float32Array(painted.hu);
  const profileWidth = Math.max(protocol.sliceThicknessMm, 0.8 * options.sliceSpacingMm);
  const sideWeight = Math.min(0.22, 0.12 * (profileWidth / options.sliceSpacingMm));
  blurAcrossSlices(hu, grid, sideWeight);
  blurInPlane(hu, grid, gaussianKernel(scanner.blurMm / grid.spacingMm[2]));
  const noise = shapedNoise(grid, scanner.noiseSharpness, scanner.blurMm, random.fork('noise'));
  blurAcrossSlices(noise, grid, 0.15);
  const sigma = noiseSd({ profile, patient, grid }, random.fork('level'));
  return expose({ hu, noise, skinDepth: painted.skinDepth }, { ...options, sigma }, random.fork('bias'));
}

/** SD of noise at the middle of the body, HU. */
function noiseSd(
  { profile, patient, grid }: { readonly profile: SiteProfile; readonly patient: Patient; readonly grid: Grid },
  random: Random,
): number {
  const { halfWidthMm, halfDepthMm } = patient.body;
  const diameter = 2 * Math.sqrt(halfWidthMm * halfDepthMm);
  const bySize = Math.exp(0.006 * (diameter - 270));
  const byThickness = Math.sqrt(3 / Math.max(1, profile.protocol.sliceThicknessMm));
  const byPixel = Math.min(1, Math.sqrt(1.3 / grid.spacingMm[2]));
  const spread = Math.exp(0.1 * random.normal());
  const sigma = profile.scanner.noiseHu * noiseByKvp[patient.kvp] * bySize * byThickness * byPixel * spread;
  return Math.round(Math.min(45, Math.max(3, sigma)) * 1024) / 1024;
}

function expose(
  signal: { readonly hu: Float32Array; readonly noise: Float32Array; readonly skinDepth: Float32Array },
  options: { readonly grid: Grid; readonly profile: SiteProfile; readonly patient: Patient; readonly sigma: number },
  random: Random,
): Int16Array<ArrayBuffer> {
  const { grid, profile, patient, sigma } = options;
  const { cuppingHu, biasHu, offsetHu, scale, paddingHu } = profile.scanner;
  const [slices, rows, columns] = grid.size;
  const voxels = new Int16Array(slices * rows * columns);
  const bias = createNoiseField(random, 90);
  const halfFieldMm = (columns * grid.spacingMm[2]) / 2;
  const middleX = grid.firstMm[0] + ((columns - 1) / 2) * grid.spacingMm[2];
  const middleY = grid.firstMm[1] + ((rows - 1) / 2) * grid.spacingMm[1];
  const round = paddingHu !== null && rows === columns;
  const deepest = patient.body.halfDepthMm;
  let index = 0;
  for (let k = 0; k < slices; k++) {
    const z = grid.firstMm[2] + k * grid.spacingMm[0];
    for (let j = 0; j < rows; j++) {
      const y = grid.firstMm[1] + j * grid.spacingMm[1];
      const fromMiddleY = y - middleY;
      for (let i = 0; i < columns; i++, index++) {
        const x = grid.firstMm[0] + i * grid.spacingMm[2];
        if (round && (x - middleX) * (x - middleX) + fromMiddleY * fromMiddleY > halfFieldMm * halfFieldMm) {
          voxels[index] = paddingHu as number;
          continue;
        }
        const skin = signal.skinDepth[index] as number;
        let value = signal.hu[index] as number;
        let level = 0.42;
        if (skin > 0) {
          const inward = Math.min(1, skin / deepest);
          value += cuppingHu * (inward - 0.5) + biasHu * bias(x, y, z);
          level = 0.62 + 0.5 * inward;
        }
        if (value > -900) value = value * (1 + scale) + offsetHu;
        value += sigma * level * (signal.noise[index] as number);
        voxels[index] = Math.min(3071, Math.max(-1024, Math.round(value)));
      }
    }
  }
  return voxels;
}

/** Unit-variance noise, independent between slices, band-pass in the plane: a narrow blur minus a share of a wide one. */
function shapedNoise(grid: Grid, sharpness: number, blurMm: number, random: Random): Float32Array {
  const [slices, rows, columns] = grid.size;
  const noise = new Float32Array(slices * rows * columns);
  const narrow = gaussianKernel(Math.max(0.32, (1.25 * blurMm) / grid.spacingMm[2]));
  const wide = gaussianKernel(Math.max(0.9, (4 * blurMm) / grid.spacingMm[2]));
  const narrowPower = overlap(narrow, narrow) ** 2;
  const widePower = overlap(wide, wide) ** 2;
  const both = overlap(narrow, wide) ** 2;
  const gain = 1 / Math.sqrt(narrowPower - 2 * sharpness * both + sharpness * sharpness * widePower);
  const planeGrid: Grid = { ...grid, size: [1, rows, columns] };
  const key = random.uint32();
  for (let k = 0; k < slices; k++) {
    const white = whiteNoise(rows * columns, hashed(k, key));
    const smooth = new Float32Array(white);
    blurInPlane(white, planeGrid, narrow);
    blurInPlane(smooth, planeGrid, wide);
    const start = k * rows * columns;
    for (let at = 0; at < white.length; at++) {
      noise[start + at] = gain * ((white[at] as number) - sharpness * (smooth[at] as number));
    }
  }
  return noise;
}

/** The sum of a hash's four bytes and a second hash's: near normal, whole-number arithmetic. Unit variance. */
function whiteNoise(count: number, key: number): Float32Array {
  const noise = new Float32Array(count);
  const sd = Math.sqrt((4 * (256 * 256 - 1)) / 12);
  for (let index = 0; index < count; index++) {
    const bits = hashed(index, key);
    noise[index] = ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) / sd;
  }
  return noise;
}

/** Taps of a normalised Gaussian, rounded so that every machine has the same; `[1]` when narrower than a third of a pixel. */
function gaussianKernel(sigmaPixels: number): Float32Array {
  if (sigmaPixels < 0.3) return Float32Array.of(1);
  const reach = Math.min(12, Math.ceil(2.6 * sigmaPixels));
  const taps = Array.from({ length: 2 * reach + 1 }, (_, index) =>
    Math.round(65536 * Math.exp(-((index - reach) ** 2) / (2 * sigmaPixels * sigmaPixels))),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(taps, (tap) => tap / sum);
}

/** Sum of products of two centred kernels. */
function overlap(a: Float32Array, b: Float32Array): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const shift = (long.length - short.length) / 2;
  return short.reduce((sum, tap, index) => sum + tap * (long[index + shift] as number), 0);
}

/** Each slice convolved with the kernel along x and y, in place; the border repeats. */
function blurInPlane(values: Float32Array, grid: Grid, kernel: Float32Array): void {
  if (kernel.length === 1) return;
  const [slices, rows, columns] = grid.size;
  const reach = (kernel.length - 1) / 2;
  const row = new Float32Array(columns + 2 * reach);
  const plane = new Float32Array(rows * columns);
  for (let k = 0; k < slices; k++) {
    const start = k * rows * columns;
    for (let j = 0; j < rows; j++) {
      const from = start + j * columns;
      row.set(values.subarray(from, from + columns), reach);
      row.fill(values[from] as number, 0, reach);
      row.fill(values[from + columns - 1] as number, reach + columns);
      for (let i = 0; i < columns; i++) {
        let sum = 0;
        for (let tap = 0; tap < kernel.length; tap++) sum += (kernel[tap] as number) * (row[i + tap] as number);
        plane[j * columns + i] = sum;
      }
    }
    values.fill(0, start, start + rows * columns);
    for (let j = 0; j < rows; j++) {
      for (let tap = -reach; tap <= reach; tap++) {
        const source = Math.min(rows - 1, Math.max(0, j + tap)) * columns;
        const weight = kernel[tap + reach] as number;
        const target = start + j * columns;
        for (let i = 0; i < columns; i++) {
          values[target + i] = (values[target + i] as number) + weight * (plane[source + i] as number);
        }
      }
    }
  }
}

/** Slices mixed with their neighbours `[side, 1 - 2 side, side]`, in place; ends repeat. Keeps noise at unit variance when asked. */
function blurAcrossSlices(values: Float32Array, grid: Grid, side: number): void {
  const [slices, rows, columns] = grid.size;
  const area = rows * columns;
  let before = values.slice(0, area);
  for (let k = 0; k < slices; k++) {
    const start = k * area;
    const current = values.slice(start, start + area);
    const next = k + 1 < slices ? start + area : start;
    for (let at = 0; at < area; at++) {
      values[start + at] =
        side * (before[at] as number) + (1 - 2 * side) * (current[at] as number) + side * (values[next + at] as number);
    }
    before = current;
  }
}
