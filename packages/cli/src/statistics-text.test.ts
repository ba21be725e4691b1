import { pooledHistogram, pooledSummary, type StatisticsOutcome } from '@consilium/federation';
import type { SiteId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { statisticsAsJson, statisticsText } from './statistics-text.ts';

const [mainz, bonn] = ['mainz', 'bonn'] as [SiteId, SiteId];
const edges = [0, 10, 20, 30];
const outcome: StatisticsOutcome = {
  state: 'completed',
  reason: { code: 'answered', text: '' },
  summaries: new Map([
    [
      'class-1-volume-ml',
      pooledSummary(
        new Map([
          [mainz, { count: 9, sum: 100, squaredDeviations: 10, range: { min: 0, max: 30 } }],
          [bonn, { count: 6, sum: 50, squaredDeviations: 5, range: null }],
        ]),
      ),
    ],
    ['class-2-volume-ml', null],
  ]),
  histograms: new Map([
    [
      'class-1-volume-ml',
      pooledHistogram(
        new Map([
          [mainz, { count: 9, bins: [null, 8, null, null, null] }],
          [bonn, { count: 6, bins: [null, 2, 4, null, null] }],
        ]),
        edges,
      ),
    ],
  ]),
  leftOut: [
    { siteId: 'ulm' as SiteId, why: 'lost', code: 'federation.site-absent', message: 'It is away.', lasting: false },
  ],
};

describe('statistics of all sites', () => {
  it('are a table and a histogram for people, and say what was not told', () => {
    expect(statisticsText(outcome)).toMatchInlineSnapshot(`
      "variable           sites  values  mean  deviation  5 %     median  95 %
      class-1-volume-ml  2      15      10    1.75       0 – 10  0 – 10  10 – 30

      class-1-volume-ml
        0 – 10   ████████████████████████████████████████ 10
        10 – 20  ████████████████ 4
        20 – 30  0
        and 1 in bins of too few values at a site to tell

      No site has enough values of class-2-volume-ml.
      ulm is not in it: It is away."
    `);
  });

  it('are numbers for scripts: null where no site has enough values', () => {
    expect(statisticsAsJson(outcome)).toMatchObject({
      variables: {
        'class-1-volume-ml': {
          count: 15,
          mean: 10,
          sites: ['bonn', 'mainz'],
          histogram: { edges, told: [0, 10, 4, 0, 0] },
          quantiles: { 0.5: { low: 0, high: 10 }, 0.95: { low: 10, high: 30 } },
        },
        'class-2-volume-ml': null,
      },
      leftOut: [{ siteId: 'ulm' }],
    });
  });
});
