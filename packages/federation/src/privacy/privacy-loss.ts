/**
 * What a series of noisy releases about the same units costs together: divergences add up order by order, and become
 * (ε, δ) at the end.
 */
import { renyiDivergence, renyiOrders, type SubsampledGaussian } from './renyi-divergence.ts';

/** The same mechanism, `steps` times. */
export interface PrivacySpend extends SubsampledGaussian {
  readonly steps: number;
}

/**
 * The smallest ε for which all of it together is (ε, δ)-differentially private, as far as Rényi divergences tell:
 * Canonne, Kamath and Steinke 2020 (arXiv:2004.00010), Proposition 12. Infinite if some of it has no noise.
 */
export function epsilonOf(spends: readonly PrivacySpend[], delta: number, orders = renyiOrders): number {
  const curve = composed(spends, orders);
  const epsilons = orders.map((order, index) => epsilonAt(order, curve[index]!, delta));
  return Math.max(0, Math.min(...epsilons));
}

/**
 * The smallest noise multiplier, to a relative 1e-4 and rounded up, with which `steps` at this rate are
 * (`epsilon`, `delta`)-private.
 */
export function noiseMultiplierFor({
  samplingRate,
  steps,
  epsilon,
  delta,
}: {
  readonly samplingRate: number;
  readonly steps: number;
  readonly epsilon: number;
  readonly delta: number;
}): number {
  if (!(epsilon > 0 && delta > 0 && delta < 1)) throw new RangeError('ε must be positive, δ between 0 and 1');
  const costs = (noiseMultiplier: number) => epsilonOf([{ samplingRate, noiseMultiplier, steps }], delta);
  let high = 1;
  while (costs(high) > epsilon) high *= 2;
  let low = high / 2;
  while (costs(low) <= epsilon) [high, low] = [low, low / 2];
  while (high / low > 1.0001) {
    const middle = Math.sqrt(low * high);
    if (costs(middle) > epsilon) low = middle;
    else high = middle;
  }
  return high;
}

/** The divergence of all of it at each order. */
function composed(spends: readonly PrivacySpend[], orders: readonly number[]): number[] {
  const stepsOf = new Map<string, PrivacySpend>();
  for (const spend of spends) {
    const key = `${spend.samplingRate} ${spend.noiseMultiplier}`;
    stepsOf.set(key, { ...spend, steps: (stepsOf.get(key)?.steps ?? 0) + spend.steps });
  }
  return orders.map((order) =>
    [...stepsOf.values()].reduce((sum, { steps, ...each }) => sum + timesSteps(steps, renyiDivergence(each, order)), 0),
  );
}

function timesSteps(steps: number, divergence: number): number {
  return steps === 0 ? 0 : steps * divergence;
}

function epsilonAt(order: number, divergence: number, delta: number): number {
  // So little was released that δ covers it alone: δ ≤ √(1 - e^-KL).
  if (delta ** 2 + Math.expm1(-divergence) > 0) return 0;
  return divergence + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
}
