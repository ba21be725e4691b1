import { createRandom } from '@consilium/numerics';
import type { ContributionTo, JobId, SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statisticsTask } from './local-statistics.ts';
import { MemoryStore } from './memory-store.ts';
import type { Ports } from './ports.ts';
import { simulatedPorts, siteIds } from './simulator/simulation.ts';
import { commonEdges, pooledHistogram, pooledSummary, quantileBounds } from './statistics.ts';
import { runStatistics, type StatisticsSurvey } from './statistics-survey.ts';
import { runSurvey, type Survey } from './survey.ts';

const guard = { minimumCount: 1, random: createRandom('of the site alone') };
type Groups = readonly (readonly number[])[];

/** What sites that hold these values of a variable `v` answer. */
function summaries(groups: Groups, minimumCount: number, widenedByMax = 0) {
  const question = { kind: 'summary' as const, variables: ['v'], range: { widenedByMax } };
  return answersOf(
    groups,
    (values) => statisticsTask({ v: values }, { kind: 'statistics', minimumCount, question }, guard),
    'summary',
  );
}

function histograms(groups: Groups, minimumCount: number, edges: readonly number[]) {
  const question = { kind: 'histogram' as const, edges: { v: [...edges] } };
  return answersOf(
    groups,
    (values) => statisticsTask({ v: values }, { kind: 'statistics', minimumCount, question }, guard),
    'histogram',
  );
}

type Answer = ContributionTo<'statistics'>['answer'];
function answersOf<K extends Answer['kind']>(
  groups: Groups,
  ask: (values: readonly number[]) => { readonly answer: Answer },
  kind: K,
) {
  return new Map(
    groups.map((values, index) => {
      const { answer } = ask(values);
      expect(answer.kind).toBe(kind);
      return [`site-${index}` as SiteId, answer.variables['v'] as Extract<Answer, { kind: K }>['variables'][string]];
    }),
  );
}

const anyGroups = fc.array(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 40 }), {
  minLength: 1,
  maxLength: 6,
});
const relative = (value: number) => 1e-9 * Math.max(1, Math.abs(value));

describe('federated statistics', () => {
  it('give the count, mean, variance and range of the pooled values', () => {
    fc.assert(
      fc.property(anyGroups, (groups) => {
        const pooled = groups.flat();
        const summary = pooledSummary(summaries(groups, 1));
        if (pooled.length === 0) {
          expect(summary).toBeNull();
          return;
        }
        const mean = pooled.reduce((sum, value) => sum + value, 0) / pooled.length;
        const squares = pooled.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(summary!.count).toBe(pooled.length);
        expect(Math.abs(summary!.mean - mean)).toBeLessThan(relative(mean));
        if (pooled.length === 1) expect(summary!.variance).toBeNull();
        else {
          const variance = squares / (pooled.length - 1);
          expect(Math.abs(summary!.variance! - variance)).toBeLessThanOrEqual(relative(variance) * 1e3);
        }
        expect(summary!.range).toEqual({ min: Math.min(...pooled) + 0, max: Math.max(...pooled) + 0 });
      }),
    );
  });

  it('keep the variance where values are large and differ little', () => {
    const groups = [
      [1e9, 1e9 + 1, 1e9 + 2],
      [1e9 + 3, 1e9 + 4],
    ];
    expect(pooledSummary(summaries(groups, 1))).toMatchObject({ mean: 1e9 + 2, variance: 2.5 });
  });

  it('enclose every quantile of the pooled values, in one bin where nothing had to be withheld', () => {
    fc.assert(
      fc.property(
        anyGroups,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 20 }),
        (groups, minimumCount, bins) => {
          const answering = groups.filter((values) => values.length >= minimumCount);
          const summary = pooledSummary(summaries(groups, minimumCount));
          if (answering.length === 0) {
            expect(summary).toBeNull();
            return;
          }
          const edges = commonEdges(summary!, bins)!;
          const histogram = pooledHistogram(histograms(groups, minimumCount, edges), edges)!;
          const pooled = answering.flat().sort((one, other) => one - other);
          expect(histogram.count).toBe(pooled.length);
          for (const share of [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]) {
            const quantile = pooled[Math.max(1, Math.ceil(share * pooled.length)) - 1]!;
            const { low, high } = quantileBounds(histogram, share);
            expect(low ?? Number.NEGATIVE_INFINITY).toBeLessThanOrEqual(quantile);
            expect(high ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(quantile);
            if (minimumCount === 1) {
              expect(edges.indexOf(high!) - edges.indexOf(low!)).toBe(1);
            }
          }
        },
      ),
    );
  });

  it('count the values beyond the edges, and say that a quantile lies there', () => {
    const histogram = pooledHistogram(histograms([[-5, 0, 1, 2, 9, 10]], 1, [0, 1, 2]), [0, 1, 2])!;
    expect(histogram.told).toEqual([1, 1, 2, 2]);
    expect(quantileBounds(histogram, 0.1)).toEqual({ low: null, high: 0 });
    expect(quantileBounds(histogram, 0.5)).toEqual({ low: 1, high: 2 });
    expect(quantileBounds(histogram, 1)).toEqual({ low: 2, high: null });
  });

  it('pass over what does not fit: bins of other edges, values that are not numbers', () => {
    const answers = new Map([['a' as SiteId, { count: 3, bins: [3] }]]);
    expect(pooledHistogram(answers, [0, 1])).toBeNull();
    expect(pooledSummary(summaries([[Number.NaN, 1, Number.POSITIVE_INFINITY, 3]], 1))).toMatchObject({
      count: 2,
      mean: 2,
    });
  });
});

describe('a site that is asked for statistics', () => {
  const ask = (values: Record<string, number[]>, minimumCount: number, own = guard) =>
    statisticsTask(
      values,
      { kind: 'statistics', minimumCount, question: { kind: 'summary', variables: ['v', 'toString'], range: 'none' } },
      own,
    ).answer.variables;

  it('does not answer for fewer values than the task or the site itself wants, or for what it does not have', () => {
    expect(ask({ v: [1, 2, 3] }, 4)).toEqual({ v: null, toString: null });
    expect(ask({ v: [1, 2, 3] }, 1, { ...guard, minimumCount: 4 })).toEqual({ v: null, toString: null });
    expect(ask({ v: [1, 2, 3] }, 3)['v']).toMatchObject({ count: 3, sum: 6, squaredDeviations: 2, range: null });
  });

  it('never tells of a bin with fewer values', () => {
    fc.assert(
      fc.property(anyGroups, fc.integer({ min: 2, max: 8 }), (groups, minimumCount) => {
        for (const answer of histograms(groups, minimumCount, [-1e5, 0, 10, 1e5]).values()) {
          for (const bin of answer?.bins ?? []) expect(bin ?? minimumCount).toBeGreaterThanOrEqual(minimumCount);
        }
      }),
    );
  });

  it('widens the range by no more than the task allows, and by the same whenever it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 2 }), (values) => {
        const [first, second] = [1, 2].map(() => [...summaries([values], 1, 0.3).values()][0]!.range!);
        const [min, max] = [Math.min(...values), Math.max(...values)];
        const span = max > min ? max - min : Math.max(Math.abs(max), 1);
        expect(first).toEqual(second);
        expect(first!.min).toBeLessThanOrEqual(min);
        expect(first!.min).toBeGreaterThanOrEqual(min - 0.3 * span - 1e-9);
        expect(first!.max).toBeGreaterThanOrEqual(max);
        expect(first!.max).toBeLessThanOrEqual(max + 0.3 * span + 1e-9);
      }),
    );
    expect([...summaries([[1, 2]], 1, 0.3).values()][0]!.range!.min).toBeLessThan(1);
  });

  it('move the ends of a range as the site has decided, so that asking for more and for less tells nothing', () => {
    const ranges = [0, 0.1, 5].map((widenedByMax) => {
      const question = { kind: 'summary' as const, variables: ['v'], range: { widenedByMax } };
      const own = { ...guard, widenedBy: 0.2 };
      const { answer } = statisticsTask({ v: [1, 2] }, { kind: 'statistics', minimumCount: 1, question }, own);
      return answer.kind === 'summary' ? answer.variables['v']!.range : null;
    });
    expect(ranges[0]!.min).toBeLessThan(1);
    expect(ranges[1]).toEqual(ranges[0]);
    expect(ranges[2]).toEqual(ranges[0]);
  });
});

describe('a statistics survey', () => {
  const survey: StatisticsSurvey = {
    jobId: 'volumes' as JobId,
    participants: siteIds,
    variables: ['value', 'unknown'],
    bins: 6,
    minimumCount: 3,
    widenedByMax: 0,
    minimumSites: 2,
    stragglerMs: 60_000,
    attempts: 1,
  };
  const at = (ports: Ports) => (each: Survey<'statistics'>) => runSurvey(each, ports);
  /** Simulated sites hold whole numbers from their own number on: 3, 7, 11 and 15 of them. */
  const pooled = [3, 7, 11, 15].flatMap((count, from) => Array.from({ length: count }, (_, index) => from + index));

  it('asks twice, and gives the statistics of all values together', async () => {
    const { state, summaries: found, histograms: counted } = await runStatistics(survey, at(simulatedPorts({})));
    expect(state).toBe('completed');
    expect(found.get('unknown')).toBeNull();
    const mean = pooled.reduce((sum, value) => sum + value, 0) / pooled.length;
    expect(found.get('value')).toMatchObject({ count: 36, range: { min: 0, max: 17 }, sites: siteIds });
    expect(found.get('value')!.mean).toBeCloseTo(mean, 12);
    const median = pooled.sort((one, other) => one - other)[17]!;
    const { low, high } = quantileBounds(counted.get('value')!, 0.5);
    expect(low).toBeLessThanOrEqual(median);
    expect(high).toBeGreaterThanOrEqual(median);
  });

  it('run again asks only who has not answered, and all to count anew if that moves the edges', async () => {
    const store = new MemoryStore();
    const away = siteIds[3]!;
    const first = await runStatistics(
      survey,
      at(simulatedPorts({ store, mishap: (siteId) => (siteId === away ? 'lost' : undefined) })),
    );
    expect(first.summaries.get('value')!.sites).not.toContain(away);
    expect(first.leftOut.map(({ siteId }) => siteId)).toEqual([away, away]);
    const ports = simulatedPorts({ store });
    const second = await runStatistics(survey, at(ports));
    expect(second.histograms.get('value')!.sites).toEqual(siteIds);
    expect([...ports.sites.values()].map(({ log }) => log.length)).toEqual([1, 1, 1, 2]);
  });
});
