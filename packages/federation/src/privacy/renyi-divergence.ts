/**
 * Rényi differential privacy of the Poisson-subsampled Gaussian mechanism: each unit takes part with probability q, and
 * to a sum in which it can move at most a distance of 1 Gaussian noise of standard deviation z is added (Mironov, Talwar
 * and Zhang 2019, arXiv:1908.10530). Neighbours are data sets of which one has a unit more.
 *
 * ε(α) = ln A / (α - 1), A = E[((1 - q) + q e^((2x - 1) / 2z²))^α], x ~ N(0, z²): a finite sum for whole orders
 * (Section 3.3), for the others by quadrature. The paper's two series for those alternate in sign and converge slowly; who
 * adds magnitudes instead, as dp-accounting does, gets a bound that is up to a third too large.
 */

/** The orders at which divergences are kept: those of Google's dp-accounting. */
export const renyiOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, index) => 1 + (index + 1) / 10),
  ...Array.from({ length: 53 }, (_, index) => 11 + index),
  128,
  256,
  512,
  1024,
];

export interface SubsampledGaussian {
  /** q: probability with which each unit takes part in a step. */
  readonly samplingRate: number;
  /** z: standard deviation of the noise, in units of the sensitivity. */
  readonly noiseMultiplier: number;
}

/** ε at an order α > 1; infinite where nothing is promised. */
export function renyiDivergence({ samplingRate: q, noiseMultiplier: z }: SubsampledGaussian, order: number): number {
  if (q === 0) return 0;
  if (z === 0) return Number.POSITIVE_INFINITY;
  if (q === 1) return order / (2 * z * z);
  const logA = Number.isInteger(order) ? wholeOrder(q, z, order) : fractionalOrder(q, z, order);
  return Math.max(0, logA / (order - 1));
}

/** ln Σ_k C(α, k) (1 - q)^(α - k) q^k e^((k² - k) / 2z²), k = 0 .. α. */
function wholeOrder(q: number, z: number, order: number): number {
  let logBinomial = 0;
  let logSum = Number.NEGATIVE_INFINITY;
  for (let k = 0; k <= order; k++) {
    const term = logBinomial + k * Math.log(q) + (order - k) * Math.log1p(-q) + (k * k - k) / (2 * z * z);
    logSum = logAdd(logSum, term);
    logBinomial += Math.log(order - k) - Math.log(k + 1);
  }
  return logSum;
}

/**
 * The integral itself, by the trapezoidal rule: over the whole line it converges exponentially in 1/step for what is
 * analytic in a strip. Here the strip ends at πz², where the mixture has its first zero, and the steps are fine enough
 * for an error below e^-39. Beyond 12 standard deviations of the noise about 0 and α lies nothing.
 */
function fractionalOrder(q: number, z: number, order: number): number {
  const step = Math.min(z / 4, (z * z) / 2);
  const [logQ, logRest] = [Math.log(q), Math.log1p(-q)];
  let logSum = Number.NEGATIVE_INFINITY;
  for (let x = -12 * z; x < order + 12 * z; x += step) {
    const logRatio = logAdd(logRest, logQ + (2 * x - 1) / (2 * z * z));
    logSum = logAdd(logSum, order * logRatio - (x * x) / (2 * z * z));
  }
  return logSum + Math.log(step / (z * Math.sqrt(2 * Math.PI)));
}

function logAdd(one: number, other: number): number {
  const larger = Math.max(one, other);
  if (larger === Number.NEGATIVE_INFINITY || larger === Number.POSITIVE_INFINITY) return larger;
  return larger + Math.log1p(Math.exp(Math.min(one, other) - larger));
}
