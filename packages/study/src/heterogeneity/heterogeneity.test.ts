import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordedComparisons } from '../recorded-comparisons.fixture.ts';
import { type Histogram, histogramQuantile, jensenShannon, wasserstein } from './histogram-distance.ts';
import { siteDifferences } from './site-differences.ts';

const histogramOf = fc.record({
  binWidth: fc.constant(2),
  firstBin: fc.integer({ min: -20, max: 20 }),
  counts: fc
    .array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 20 })
    .filter((counts) => counts.some((count) => count > 0)),
});
const shifted = (histogram: Histogram, bins: number): Histogram => ({
  ...histogram,
  firstBin: histogram.firstBin + bins,
});

describe('the distance of histograms', () => {
  it('is SciPy’s', () => {
    const { binWidth, first, second, ...truth } = recordedComparisons.histograms;
    const [one, other] = [first, second].map((counts) => ({ binWidth, firstBin: 0, counts }));
    expect(wasserstein(one!, other!)).toBeCloseTo(truth.wasserstein, 10);
    expect(jensenShannon(one!, other!)).toBeCloseTo(truth.jensenShannon, 10);
  });

  it('is 0 to oneself, alike both ways, no longer by a third, and how far everything is moved', () => {
    fc.assert(
      fc.property(histogramOf, histogramOf, histogramOf, fc.integer({ min: -30, max: 30 }), (a, b, c, bins) => {
        for (const distance of [wasserstein, jensenShannon]) {
          expect(distance(a, a)).toBeCloseTo(0, 9);
          expect(distance(a, b)).toBeCloseTo(distance(b, a), 9);
          expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c) + 1e-9);
        }
        expect(wasserstein(a, shifted(a, bins))).toBeCloseTo(2 * Math.abs(bins), 8);
        expect(jensenShannon(a, shifted(a, 100))).toBeCloseTo(1, 9);
      }),
    );
  });

  it('is not a number where one is empty; so is a quantile of nothing', () => {
    const [some, none] = [[1], []].map((counts) => ({ binWidth: 1, firstBin: 0, counts }));
    expect(wasserstein(some!, none!)).toBeNaN();
    expect(histogramQuantile(none!, 0.5)).toBeNaN();
    expect(histogramQuantile({ binWidth: 2, firstBin: 3, counts: [1, 2, 1] }, 0.5)).toBe(8);
  });
});

describe('how sites differ', () => {
  const histogram = (firstBin: number, binWidth = 1) => ({ binWidth, firstBin, counts: [2, 5, 3] });
  const site = (siteId: string, hu: number) => ({
    siteId,
    cases: { train: 10, validation: 2, test: 3 },
    fingerprint: {
      ...{ version: 1, cases: 10, spacingMm: [histogram(150, 0.02), histogram(40, 0.02), histogram(40, 0.02)] },
      ...{
        foregroundHu: histogram(hu),
        classes: [
          { value: 2, cases: 4, totalMm3: 80_000 },
          { value: 3, cases: 0, totalMm3: 0 },
        ],
      },
      phases: [{ phase: 'nephrographic', cases: 8, foregroundHu: histogram(1) }],
    },
  });
  const score = (siteId: string, index: number, boundaryBiasMm: number | null) => ({
    ...{ run: 'ab'.repeat(32), siteId, case: `case-${index}`, patient: `${index}`, groups: {} },
    regions: { tumour: { dice: 0.5, boundaryBiasMm } },
  });
  const scores = [1, 2, 3].flatMap((index) => [score('b', index, 0.5), score('a', index, null)]);
  const data = { sha256: '', sites: [site('b', 140), site('a', 100)] };

  it('follows from what they have told, and from the test of a model', () => {
    const { distances, sites } = siteDifferences({ data, scores });
    expect(sites).toMatchObject([
      {
        ...{ siteId: 'a', cases: 10, classMl: { 2: 20 }, phases: { nephrographic: 8 }, boundaryBiasMm: null },
        quantiles: { sliceSpacingMm: { median: 3.02 }, organHu: { low: 100, median: 101, high: 102 } },
      },
      { siteId: 'b', boundaryBiasMm: -0.5 },
    ]);
    expect(sites[0]!.classMl).toEqual({ 2: 20 });
    expect(distances.organHu.wasserstein[0]).toEqual([0, expect.closeTo(40, 9)]);
    expect(distances.organHu.wasserstein[1]).toEqual([expect.closeTo(40, 9), 0]);
    expect(distances.sliceSpacingMm.jensenShannon[0]![1]).toBe(0);
  });

  it('keeps to itself a mean of few test cases', () => {
    expect(siteDifferences({ data, scores: scores.slice(0, 4) }).sites[1]!.boundaryBiasMm).toBeNull();
  });

  it('is refused where a site has described itself in another form', () => {
    const odd = { ...data, sites: [{ ...site('a', 1), fingerprint: { version: 2 } }] };
    expect(() => siteDifferences({ data: odd, scores })).toThrow(
      expect.objectContaining({ code: 'study.input-malformed' }),
    );
  });
});
