import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { experimentFigures } from '../experiment/experiment-figures.ts';
import { wasserstein } from './histogram-distance.ts';
import { wassersteinOfMasses } from './intensity-alignment.ts';
import { siteDifferences } from './site-differences.ts';
import { type ToldSite, toldSites } from './told-sites.fixture.ts';

const site = (changes: Partial<ToldSite> = {}): ToldSite => ({
  ...{ cases: 30, shiftHu: 0, enhanced: 15, thicknessMm: 2, ...changes },
});
const differencesOf = (sites: Readonly<Record<string, ToldSite>>) =>
  siteDifferences({ data: { sha256: '', sites: toldSites(sites) }, scores: [] });
const effectsOf = (sites: Readonly<Record<string, ToldSite>>) => {
  const [intensity, spacing, features] = differencesOf(sites).harmonisation;
  return { intensity: intensity!, spacing: spacing!, features: features! };
};
/** Of the first two sites, by measure. */
const firstPair = ({
  measures,
}: {
  readonly measures: readonly { readonly distances: readonly (readonly number[])[] }[];
}) => measures.map(({ distances }) => distances[0]![1]!);

describe('what harmonisation does', () => {
  it('is not told of sites of before, or of one site', () => {
    const old = toldSites({ a: site(), b: site() }).map(({ description: _, ...rest }) => rest);
    const { harmonisation, sites } = siteDifferences({ data: { sha256: '', sites: old }, scores: [] });
    expect(harmonisation).toEqual([]);
    expect(sites[0]).toMatchObject({ scanners: { vendor: {}, kernel: {} }, sliceThicknessMm: null });
    expect(differencesOf({ a: site() }).harmonisation).toEqual([]);
  });

  it('to densities: phases are brought together by phase, scanners by quantiles only', () => {
    const phases = effectsOf({ a: site({ enhanced: 25 }), b: site({ enhanced: 5 }) }).intensity;
    const [raw, byPhase, byQuantiles] = firstPair(phases);
    expect(raw).toBeGreaterThan(40);
    expect(byPhase).toBeLessThan(8);
    expect(byQuantiles).toBeLessThan(3);
    const scanners = effectsOf({ a: site(), b: site({ shiftHu: 20 }) }).intensity;
    const [before, after, aligned] = firstPair(scanners);
    expect(after! / before!).toBeGreaterThan(0.4);
    expect(aligned).toBeLessThan(before! / 5);
  });

  it('to densities, where no phase is at two sites, leaves out what cannot be shown', () => {
    const { intensity } = effectsOf({ a: site({ enhanced: 30 }), b: site({ enhanced: 0 }) });
    expect(intensity.measures.map(({ name }) => name)).toEqual(['As imaged', 'Quantiles aligned']);
    expect(intensity.finding).toContain('No phase of contrast is told by two hospitals');
  });

  it('to densities takes phases for untold that come without a histogram', () => {
    const sites = toldSites({ a: site(), b: site() }).map((one) => ({
      ...one,
      fingerprint: { ...one.fingerprint, phases: [{ phase: 'nephrographic', cases: 15 }] },
    }));
    const [intensity] = siteDifferences({ data: { sha256: '', sites }, scores: [] }).harmonisation;
    expect(intensity!.finding).toContain('No phase of contrast is told by two hospitals');
    expect(intensity!.finding).not.toContain('NaN');
  });

  it('to spacing: the grid becomes the same, the thickness of slices does not', () => {
    const { spacing } = effectsOf({ a: site({ thicknessMm: 1 }), b: site({ thicknessMm: 5 }) });
    expect(firstPair(spacing)).toEqual([expect.closeTo(4, 6), 0, expect.closeTo(4, 6)]);
    expect(spacing.caution).toContain('small tumours stay blurred');
  });

  it('to features: a scanner’s shift is beyond chance, and ComBat takes it out', () => {
    const { features } = effectsOf({ a: site(), b: site({ shiftHu: 30 }), c: site() });
    const [before, after] = firstPair(features);
    const [alike] = features.measures.map(({ distances }) => distances[0]![2]!);
    expect(before).toBeGreaterThan(features.chance![0]![1]!);
    expect(alike).toBeLessThan(features.chance![0]![2]!);
    expect(after).toBeLessThan(before! / 3);
    expect(features.finding).toContain('of 3 pairs');
    expect(features.finding).toContain('with the phase of contrast as a covariate');
  });

  it('to features: what is of the phase stays where sites share phases, and goes where they do not', () => {
    const mixed = effectsOf({ a: site({ enhanced: 25 }), b: site({ enhanced: 5 }) }).features;
    const [before, after] = firstPair(mixed);
    expect(after).toBeGreaterThan(before! / 2);
    const apart = effectsOf({ a: site({ enhanced: 30 }), b: site({ enhanced: 0 }) }).features;
    expect(firstPair(apart)[1]).toBeLessThan(0.2);
    expect(apart.caution).toContain('could not be told apart from the hospital');
    const one = effectsOf({ a: site({ enhanced: 30 }), b: site({ enhanced: 30 }) }).features;
    expect(one.caution).toContain('All cases are of one phase of contrast');
  });

  it('to features: chance is alike both ways, and less with more cases', () => {
    const { chance } = effectsOf({
      a: site(),
      b: site(),
      c: site({ cases: 300, enhanced: 150 }),
      d: site({ cases: 300, enhanced: 150 }),
    }).features;
    expect(chance![0]![1]).toBe(chance![1]![0]);
    expect(chance![2]![3]).toBeLessThan(chance![0]![1]! / 2);
  });

  it('is drawn with its words and its numbers, a row for each pair', async () => {
    const differences = differencesOf({ a: site(), b: site({ shiftHu: 30, thicknessMm: 5 }), c: site() });
    const figures = await experimentFigures({ configurations: [], curves: [] }, differences);
    const drawn = figures.filter(({ name }) => name.startsWith('harmonisation-'));
    expect(drawn.map(({ name }) => name)).toEqual([
      ...['harmonisation-intensity', 'harmonisation-spacing', 'harmonisation-features'],
    ]);
    for (const { csv, svg, words } of drawn) {
      expect(svg).not.toMatch(/NaN|undefined/);
      expect(svg).toContain('a – b');
      expect(csv.trim().split('\r\n')).toHaveLength(4);
      expect(words!.caution.length).toBeGreaterThan(20);
    }
  });
});

it('measures masses as histograms', () => {
  const histogram = fc.record({
    ...{ binWidth: fc.constant(2), firstBin: fc.integer({ min: -9, max: 9 }) },
    counts: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }).filter((counts) => counts.some((n) => n > 0)),
  });
  type Counted = { readonly binWidth: number; readonly firstBin: number; readonly counts: readonly number[] };
  const massesOf = ({ binWidth, counts, firstBin }: Counted) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count, index) => ({ at: (firstBin + index) * binWidth, share: count / total }));
  };
  fc.assert(
    fc.property(histogram, histogram, (one, other) => {
      expect(wassersteinOfMasses(massesOf(one), massesOf(other))).toBeCloseTo(wasserstein(one, other), 8);
    }),
  );
});
