import { readFileSync } from 'node:fs';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CaseOwner, drawResamples, estimate, quantile } from './bootstrap.ts';

/** What NumPy and SciPy say; see recording/record_statistics.py. */
const recorded: {
  readonly cases: CaseOwner[];
  readonly federated: number[];
  readonly local: number[];
  readonly probabilities: number[];
  readonly quantiles: number[];
  readonly weights: number[][];
  readonly weightedInterval: [number, number];
  readonly mean: number;
  readonly independentInterval: [number, number];
  readonly clusteredInterval: [number, number];
  readonly togetherInterval: [number, number];
  readonly pairedMean: number;
  readonly pairedClusteredInterval: [number, number];
} = JSON.parse(readFileSync(new URL('./recorded/statistics.json', import.meta.url), 'utf8'));

const federated = Float64Array.from(recorded.federated);
const differences = federated.map((value, index) => value - recorded.local[index]!);
const onePatientEach = (count: number): CaseOwner[] =>
  Array.from({ length: count }, (_, index) => ({ siteId: 'site', patient: `${index}` }));
/** With 100 000 resamples on both sides, the ends of the recorded intervals agree to about 3e-4. */
const chance = 8e-4;

describe('a quantile', () => {
  it('is NumPy’s', () => {
    const sorted = federated.toSorted();
    recorded.probabilities.forEach((probability, index) => {
      expect(quantile(sorted, probability)).toBeCloseTo(recorded.quantiles[index]!, 12);
    });
  });

  it('of nothing is not a number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('an estimate', () => {
  it('is NumPy’s on the same resamples', () => {
    const resamples = {
      count: recorded.weights.length,
      caseCount: federated.length,
      weights: Uint16Array.from(recorded.weights.flat()),
      withinSites: true,
    };
    const { mean, low, high, cases } = estimate(federated, resamples);
    expect(mean).toBeCloseTo(recorded.mean, 12);
    expect(low).toBeCloseTo(recorded.weightedInterval[0], 12);
    expect(high).toBeCloseTo(recorded.weightedInterval[1], 12);
    expect(cases).toBe(federated.length);
  });

  it('has SciPy’s percentile interval where every case is a patient of one site', () => {
    const resamples = drawResamples(onePatientEach(federated.length), createRandom(11), 100_000);
    const { low, high } = estimate(federated, resamples);
    expect(Math.abs(low - recorded.independentInterval[0])).toBeLessThan(chance);
    expect(Math.abs(high - recorded.independentInterval[1])).toBeLessThan(chance);
  });

  it('draws patients with all their cases, within their site', () => {
    const resamples = drawResamples(recorded.cases, createRandom(12), 100_000);
    const single = estimate(federated, resamples);
    expect(Math.abs(single.low - recorded.clusteredInterval[0])).toBeLessThan(chance);
    expect(Math.abs(single.high - recorded.clusteredInterval[1])).toBeLessThan(chance);
    const paired = estimate(differences, resamples);
    expect(paired.mean).toBeCloseTo(recorded.pairedMean, 12);
    expect(Math.abs(paired.low - recorded.pairedClusteredInterval[0])).toBeLessThan(chance);
    expect(Math.abs(paired.high - recorded.pairedClusteredInterval[1])).toBeLessThan(chance);
  });

  it('draws patients from all sites together where one site has too few', () => {
    const lonely = { siteId: 'site-3', patient: 'alone' };
    const owners = recorded.cases.map((one, index) => (index === 0 ? lonely : one));
    expect(drawResamples(owners, createRandom(18), 10).withinSites).toBe(false);
    const single = recorded.cases.map(({ patient }) => ({ siteId: 'site', patient }));
    const together = estimate(federated, drawResamples(single, createRandom(19), 100_000));
    expect(Math.abs(together.low - recorded.togetherInterval[0])).toBeLessThan(chance);
    expect(Math.abs(together.high - recorded.togetherInterval[1])).toBeLessThan(chance);
  });

  it('is not certain because each site has a single patient', () => {
    const owners = Array.from({ length: 6 }, (_, index) => ({ siteId: `site-${index}`, patient: 'p' }));
    const values = Float64Array.of(0.1, 0.3, 0.5, 0.6, 0.8, 0.9);
    const { low, high } = estimate(values, drawResamples(owners, createRandom(20), 2000));
    expect(high - low).toBeGreaterThan(0.2);
  });

  it('matches all 256 possible resamples of four cases', () => {
    const values = [0.1, 0.4, 0.45, 0.9];
    const means: number[] = [];
    for (const a of values)
      for (const b of values) for (const c of values) for (const d of values) means.push(a + b + c + d);
    const exact = Float64Array.from(means, (sum) => sum / 4).sort();
    const { low, high } = estimate(
      Float64Array.from(values),
      drawResamples(onePatientEach(4), createRandom(13), 50_000),
    );
    expect(low).toBeCloseTo(quantile(exact, 0.025), 10);
    expect(high).toBeCloseTo(quantile(exact, 0.975), 10);
  });

  it('lies within its interval, and the interval within the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.integer(),
        (values, seed) => {
          const resamples = drawResamples(onePatientEach(values.length), createRandom(seed), 400);
          const { mean, low, high } = estimate(Float64Array.from(values), resamples);
          expect(low).toBeLessThanOrEqual(mean + 1e-12);
          expect(high).toBeGreaterThanOrEqual(mean - 1e-12);
          expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-12);
          expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-12);
        },
      ),
    );
  });

  it('moves and stretches with its values', () => {
    const resamples = drawResamples(recorded.cases, createRandom(14), 2000);
    const plain = estimate(federated, resamples);
    const changed = estimate(
      federated.map((value) => 3 * value - 1),
      resamples,
    );
    expect(changed.low).toBeCloseTo(3 * plain.low - 1, 10);
    expect(changed.high).toBeCloseTo(3 * plain.high - 1, 10);
  });

  it('leaves cases without a value out, and says nothing about none', () => {
    const resamples = drawResamples(onePatientEach(4), createRandom(15), 2000);
    const some = estimate(Float64Array.of(Number.NaN, 0.25, Number.NaN, 0.5), resamples);
    expect(some.mean).toBeCloseTo(0.375, 12);
    expect([some.low, some.high, some.cases]).toEqual([0.25, 0.5, 2]);
    const none = estimate(new Float64Array(4).fill(Number.NaN), resamples);
    expect(none).toEqual({ mean: Number.NaN, low: Number.NaN, high: Number.NaN, cases: 0 });
  });
});

describe('resamples', () => {
  it('keep the number of patients of every site', () => {
    const owners = recorded.cases.filter(
      (one, index) => recorded.cases.findIndex((other) => other.patient === one.patient) === index,
    );
    const { weights, count, caseCount } = drawResamples(owners, createRandom(16), 200);
    for (let resample = 0; resample < count; resample++) {
      const drawn = { 'site-0': 0, 'site-1': 0, 'site-2': 0 } as Record<string, number>;
      owners.forEach(({ siteId }, index) => {
        drawn[siteId]! += weights[resample * caseCount + index]!;
      });
      expect(drawn).toEqual({ 'site-0': 5, 'site-1': 6, 'site-2': 7 });
    }
  });

  it('are the same for the same seed and differ for another', () => {
    const draw = (seed: number): Uint16Array => drawResamples(recorded.cases, createRandom(seed), 50).weights;
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('take patients of one name at two sites for two patients', () => {
    const patients = ['1', '2', '3', '4', '5'];
    const owners = ['a', 'b'].flatMap((siteId) => patients.map((patient) => ({ siteId, patient })));
    const { weights } = drawResamples(owners, createRandom(17), 50);
    const pairs = Array.from({ length: 50 }, (_, row) => weights.subarray(row * 10, row * 10 + 10));
    expect(pairs.some((row) => patients.some((_, index) => row[index] !== row[index + 5]))).toBe(true);
  });
});
