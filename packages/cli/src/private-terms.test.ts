import { noiseShareOf, shareObjection } from '@consilium/federation';
import type { SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, lossesOf, protectionOf, thresholdOf } from './private-terms.ts';

const siteIds = (count: number) =>
  Array.from({ length: count }, (_, index) => `site-${index + 1}`) as readonly string[] as readonly SiteId[];

describe('the terms of a private rehearsal', () => {
  it('hide each hospital among more than half of all, and let go of no more than that', () => {
    expect(thresholdOf({ threshold: null }, 7)).toBe(4);
    expect(thresholdOf({ threshold: 6 }, 7)).toBe(6);
    for (const threshold of [3, 7]) {
      expect(() => thresholdOf({ threshold }, 7)).toThrow(expect.objectContaining({ code: 'cli.bad-option' }));
    }
    expect(lossesOf(siteIds(6), 4, 16)).toEqual([
      { siteId: 'site-5', round: 2, after: 'secure-shares' },
      { siteId: 'site-6', round: 2, after: 'train' },
    ]);
    expect(lossesOf(siteIds(6), 5, 1)).toEqual([{ siteId: 'site-6', round: 1, after: 'secure-shares' }]);
    expect(lossesOf(siteIds(6), 6, 16)).toEqual([]);
  });

  it('cost what was asked and no more, with parts of the noise that every hospital can add', () => {
    const settings = fc.record({
      mechanism: fc.constant('noisy-update' as const),
      epsilon: fc.constantFrom(0.5, 8, 1000, 100_000),
      clipNorm: fc.constantFrom(0.1, 1, 20),
      rounds: fc.integer({ min: 1, max: 40 }),
      steps: fc.integer({ min: 1, max: 30 }),
    });
    const cases = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(settings, cases, (asked, trainingCases) => {
        const threshold = thresholdOf({ threshold: null }, trainingCases.length);
        const protection = protectionOf(asked, threshold, trainingCases);
        const { privacy, secureAggregation } = protection;
        expect(costOf(protection, asked)).toBeLessThanOrEqual(asked.epsilon);
        expect(costOf(protection, asked)).toBeGreaterThan(0.98 * asked.epsilon);
        if (privacy.kind !== 'noisy-update') expect.unreachable();
        for (const own of trainingCases) {
          const share = noiseShareOf({ sites: threshold, cases: own, casesMax: secureAggregation.casesMax });
          expect(shareObjection(privacy, share, secureAggregation)).toBeNull();
        }
      }),
      { numRuns: 40 },
    );
    const sgd = { mechanism: 'dp-sgd', epsilon: 8, clipNorm: 1, rounds: 2, steps: 4 } as const;
    expect(costOf(protectionOf(sgd, 4, [5, 5, 5, 5, 5, 5, 5]), sgd)).toBeCloseTo(8, 1);
  });
});
