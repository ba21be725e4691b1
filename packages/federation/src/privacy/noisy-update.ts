/**
 * Privacy of a whole contribution: the difference to the weights that were sent is shortened to the norm S, and Gaussian
 * noise of standard deviation z S is added to each number (McMahan et al. 2018, arXiv:1710.06963, on the site's side of
 * the wall). Optionally S follows a quantile of the site's own norms (Andrew et al. 2021, arXiv:1905.03871).
 */
import { type NoiseSource, type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { NoisyUpdate, Privacy } from '@consilium/protocol';
import type { PrivacySpend } from './privacy-loss.ts';

interface UpdateToProtect {
  /** Where training began, and where it ended: float32 or float64, the same tensors. */
  readonly start: Weights;
  readonly trained: Weights;
  readonly privacy: NoisyUpdate;
  /** S of this round. */
  readonly clipNorm: number;
  readonly noise: NoiseSource;
  /**
   * Which part of the noise's standard deviation is this site's to add; 1 unless told. Where n sites' contributions are
   * only ever seen as their sum, 1/√n of each makes the whole.
   */
  readonly noiseShare?: number;
}

interface ProtectedUpdate {
  /** `start` plus the noisy difference, of the same types. */
  readonly weights: Weights;
  /** S for the next round. */
  readonly nextClipNorm: number;
}

/** Slightly less than the norm, lest rounding makes it more. */
const justBelow = 1 - 2 ** -40;

/** A difference that is not finite is taken for none: an error would tell of it. */
export function protectedUpdate(options: UpdateToProtect): ProtectedUpdate {
  const { start, trained, privacy, clipNorm, noise, noiseShare = 1 } = options;
  const differences = new Map([...trained].map(([name, value]) => [name, differenceOf(value, start.get(name)!)]));
  const norm = Math.sqrt([...differences.values()].reduce((sum, values) => sum + squaresOf(values), 0));
  const factor = Number.isFinite(norm) ? Math.min(1, clipNorm / norm) * justBelow : 0;
  const weights = new Map<string, Tensor>();
  for (const [name, difference] of differences) {
    for (let index = 0; index < difference.length; index++) {
      difference[index] = factor === 0 ? 0 : factor * difference[index]!;
    }
    noise.addGaussian(difference, noiseShare * privacy.noiseMultiplier * clipNorm);
    weights.set(name, sumOf(start.get(name)!, difference));
  }
  return { weights, nextClipNorm: nextClipNorm(clipNorm, norm <= clipNorm, privacy.adaptive, noise) };
}

/** Andrew et al. 2021, Section 2: S ← S e^(-rate (b - quantile)), b being whether the norm was at most S, with noise. */
function nextClipNorm(
  clipNorm: number,
  wasWithin: boolean,
  adaptive: NoisyUpdate['adaptive'],
  noise: NoiseSource,
): number {
  if (adaptive === undefined) return clipNorm;
  const told = Float64Array.of(wasWithin ? 1 : 0);
  noise.addGaussian(told, adaptive.countNoise);
  const within = Math.min(2, Math.max(-1, told[0]!)); // after the noise: one unlucky draw is not to end the training
  return clipNorm * Math.exp(-adaptive.rate * (within - adaptive.quantile));
}

/**
 * What a round of such training costs.
 *
 * DP-SGD protects that a patient takes part at all. A noisy update protects all that a site holds: whatever changes
 * there, one patient or every one, the shortened difference moves by at most 2 S, so its noise counts half. With the noisy
 * bit of adaptive clipping, which moves by 1, both are one Gaussian mechanism of (4/z² + 1/b²)^-1/2.
 */
export function spendOf(privacy: Privacy, steps: number): PrivacySpend {
  if (privacy.kind === 'dp-sgd') {
    const { samplingRate, noiseMultiplier } = privacy;
    return { samplingRate, noiseMultiplier, steps };
  }
  const { noiseMultiplier, adaptive } = privacy;
  const count = adaptive === undefined ? 0 : adaptive.countNoise ** -2;
  return { samplingRate: 1, noiseMultiplier: (4 * noiseMultiplier ** -2 + count) ** -0.5, steps: 1 };
}

type Floats = Float32Array | Float64Array;

function differenceOf(trained: Tensor, start: Tensor): Float64Array {
  const before = start.data as Floats;
  return Float64Array.from(trained.data as Floats, (value, index) => value - before[index]!);
}

function squaresOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function sumOf(start: Tensor, difference: Float64Array): Tensor {
  const before = start.data as Floats;
  const sum = difference.map((value, index) => value + before[index]!);
  return start.dtype === 'float64'
    ? tensor('float64', start.shape, sum)
    : tensor('float32', start.shape, Float32Array.from(sum));
}
