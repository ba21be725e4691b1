import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import recorded from '../recorded/privacy.json' with { type: 'json' };
import { epsilonOf, noiseMultiplierFor, type PrivacySpend } from './privacy-loss.ts';
import { renyiDivergence, renyiOrders } from './renyi-divergence.ts';

const off = (own: number, peer: number) => Math.abs(own - peer) / Math.max(peer, 1e-3);

describe('the price of noise', () => {
  it('is that of Opacus, that of dp-accounting at whole orders, and never more than that of dp-accounting', () => {
    expect(renyiOrders).toEqual(recorded.orders);
    expect(recorded.grid.length).toBeGreaterThan(200);
    const wholeOrders = renyiOrders.filter(Number.isInteger);
    for (const { epsilon, atWholeOrders, opacus, delta, ...spend } of recorded.grid) {
      const own = epsilonOf([spend], delta);
      const what = JSON.stringify({ ...spend, delta, own, epsilon, opacus });
      if (epsilon > 0) expect(off(own, opacus), what).toBeLessThan(1e-6);
      expect(off(epsilonOf([spend], delta, wholeOrders), atWholeOrders), what).toBeLessThan(1e-6);
      // At other orders dp-accounting adds the magnitudes of an alternating series, which is a bound and no more.
      expect(own, what).toBeLessThanOrEqual(epsilon * (1 + 1e-6));
      if (epsilon < 15) expect(off(own, epsilon), what).toBeLessThan(0.01);
    }
  });

  it('of unlike mechanisms one after another is theirs too, and no less than the tightest bound known', () => {
    for (const { spends, delta, epsilon, opacus, tight } of recorded.composed) {
      const own = epsilonOf(spends, delta);
      expect(off(own, epsilon)).toBeLessThan(0.01);
      expect(off(own, opacus)).toBeLessThan(0.01);
      expect(own).toBeGreaterThan(tight);
    }
  });

  it('can be turned round: the noise for a given price', () => {
    for (const { samplingRate, steps, epsilon, delta, noiseMultiplier } of recorded.inverse) {
      const own = noiseMultiplierFor({ samplingRate, steps, epsilon, delta });
      expect(off(own, noiseMultiplier)).toBeLessThan(0.01);
      const paid = epsilonOf([{ samplingRate, steps, noiseMultiplier: own }], delta);
      expect(paid).toBeLessThanOrEqual(epsilon);
      expect(off(paid, epsilon)).toBeLessThan(0.01);
    }
    expect(() => noiseMultiplierFor({ samplingRate: 0.1, steps: 10, epsilon: 0, delta: 1e-5 })).toThrow(RangeError);
  });

  it('is nothing for nothing, and without bound where there is no noise', () => {
    expect(epsilonOf([], 1e-5)).toBe(0);
    expect(epsilonOf([{ samplingRate: 0.5, noiseMultiplier: 1, steps: 0 }], 1e-5)).toBe(0);
    expect(epsilonOf([{ samplingRate: 0.5, noiseMultiplier: 0, steps: 1 }], 1e-5)).toBe(Number.POSITIVE_INFINITY);
  });

  const spend = fc.record({
    samplingRate: fc.double({ min: 0.001, max: 0.9, noNaN: true }),
    noiseMultiplier: fc.double({ min: 0.4, max: 8, noNaN: true }),
    steps: fc.integer({ min: 1, max: 2000 }),
  });
  const factor = fc.double({ min: 1, max: 3, noNaN: true });
  /** The series are cut, so a little more noise may seem to cost a trifle more. */
  const notMore = (one: number, other: number) => expect(one).toBeLessThanOrEqual(other * (1 + 1e-9) + 1e-12);

  it('never falls with more steps, more of the units, or less noise', () => {
    fc.assert(
      fc.property(spend, factor, (cheap, by) => {
        const costs = (changes: Partial<PrivacySpend>) => epsilonOf([{ ...cheap, ...changes }], 1e-5);
        notMore(costs({}), costs({ steps: cheap.steps + Math.ceil(by) }));
        notMore(costs({}), costs({ samplingRate: Math.min(1, cheap.samplingRate * by) }));
        notMore(costs({}), costs({ noiseMultiplier: cheap.noiseMultiplier / by }));
      }),
      { numRuns: 30 },
    );
  });

  it('does not depend on the order of the releases, nor on how steps are counted together', () => {
    fc.assert(
      fc.property(fc.array(spend, { minLength: 1, maxLength: 4 }), (spends) => {
        const whole = epsilonOf(spends, 1e-5);
        expect(off(epsilonOf([...spends].reverse(), 1e-5), whole)).toBeLessThan(1e-9);
        const apart = spends.flatMap((each) => [
          { ...each, steps: 1 },
          { ...each, steps: each.steps - 1 },
        ]);
        expect(off(epsilonOf(apart, 1e-5), whole)).toBeLessThan(1e-9);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the divergence of the subsampled Gaussian', () => {
  it('is α / 2z² where everybody takes part', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 50, noNaN: true }), fc.constantFrom(...renyiOrders), (z, order) => {
        expect(renyiDivergence({ samplingRate: 1, noiseMultiplier: z }, order)).toBeCloseTo(order / (2 * z * z), 9);
        const nearly = renyiDivergence({ samplingRate: 1 - 1e-9, noiseMultiplier: Math.max(z, 1) }, 8);
        expect(nearly).toBeCloseTo(8 / (2 * Math.max(z, 1) ** 2), 6);
      }),
    );
    expect(renyiDivergence({ samplingRate: 0, noiseMultiplier: 1 }, 2)).toBe(0);
  });

  it('is the integral that defines it', () => {
    for (const [q, z] of [
      [0.01, 0.8],
      [0.1, 1],
      [0.3, 2],
      [0.5, 0.7],
    ] as const) {
      for (const order of [1.7, 2, 3.5, 7.1, 12]) {
        const own = renyiDivergence({ samplingRate: q, noiseMultiplier: z }, order);
        const exact = byQuadrature(q, z, order);
        expect(own, `q ${q}, z ${z}, order ${order}`).toBeGreaterThan(exact * (1 - 1e-6));
        expect(own, `q ${q}, z ${z}, order ${order}`).toBeLessThan(exact * 1.005);
      }
    }
  });
});

/** ln E[((1 - q) + q e^((2x - 1) / 2z²))^α] / (α - 1), x ~ N(0, z²), by the trapezoidal rule. */
function byQuadrature(q: number, z: number, order: number): number {
  const step = z / 200;
  let sum = 0;
  for (let x = -12 * z; x < order + 12 * z; x += step) {
    const ratio = 1 - q + q * Math.exp((2 * x - 1) / (2 * z * z));
    sum += Math.exp(order * Math.log(ratio) - x ** 2 / (2 * z * z)) * step;
  }
  return Math.log(sum / (z * Math.sqrt(2 * Math.PI))) / (order - 1);
}
