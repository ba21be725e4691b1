import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HistogramBuilder, histogramCount, histogramMoments, histogramQuantile, mergeHistograms } from './histogram.ts';

const bins = { binWidth: 1, low: -100, high: 100 };
const histogramOf = (values: readonly number[]) => {
  const builder = new HistogramBuilder(bins);
  for (const value of values) builder.add(value);
  return builder.build();
};
const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 60 });

describe('a histogram', () => {
  it('of all values is the sum of the histograms of the parts, in any order', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const [ha, hb, hc] = [histogramOf(a), histogramOf(b), histogramOf(c)];
        const whole = histogramOf([...a, ...b, ...c]);
        expect(mergeHistograms([ha, hb, hc])).toEqual(whole);
        expect(mergeHistograms([hc, mergeHistograms([hb, ha])])).toEqual(whole);
      }),
    );
  });

  it('has the quantiles and moments of values that stand on its bins', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const sorted = [...all].sort((a, b) => a - b);
        const position = share * (sorted.length - 1);
        const below = sorted[Math.floor(position)]!;
        const expected = below + (sorted[Math.ceil(position)]! - below) * (position % 1);
        const histogram = histogramOf(all);
        expect(histogramQuantile(histogram, share)).toBeCloseTo(expected, 9);
        const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
        const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
        expect(histogramMoments(histogram).mean).toBeCloseTo(mean, 9);
        expect(histogramMoments(histogram).std).toBeCloseTo(Math.sqrt(variance), 9);
        expect(histogramCount(histogram)).toBe(all.length);
      }),
    );
  });

  it('counts values beyond its limits in the outermost bins', () => {
    expect(histogramOf([-5000, 5000])).toEqual({
      binWidth: 1,
      firstBin: -100,
      counts: [1, ...new Array<number>(199).fill(0), 1],
    });
  });
});
