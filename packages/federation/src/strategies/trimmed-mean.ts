/**
 * The mean over sites, coordinate by coordinate, without the largest and the smallest values (Yin et al. 2018, Algorithm
 * 1, option II): of m sites, ⌊βm⌋ at either end are left out, and all others weigh the same.
 */
import { z } from 'zod';
import { mapSorted } from '../sorted-weights.ts';
import { everyone, type Strategy } from '../strategy.ts';

export const trimmedMeanSpec = z.object({
  kind: z.literal('trimmed-mean'),
  /** β: which share is left out at either end. */
  fraction: z.number().positive().lt(0.5),
});

export function trimmedMean({ fraction }: { readonly fraction: number }): Strategy {
  return {
    ...everyone,
    objection: ({ minimumSites }) =>
      trimmedOf(minimumSites, fraction) === 0
        ? `of ${minimumSites} sites a fraction of ${fraction} leaves out none: raise minimumSites or the fraction.`
        : null,
    aggregateTrain: async ({ trained, store }) => {
      const trimmed = trimmedOf(trained.length, fraction);
      const weights = await mapSorted(store, trained, (sorted) => {
        let sum = 0;
        for (let place = trimmed; place < sorted.length - trimmed; place++) sum += sorted[place]!;
        return sum / (sorted.length - 2 * trimmed);
      });
      return { weights, state: {} };
    },
  };
}

/** 0.29 · 100 is a hair less than 29. */
function trimmedOf(sites: number, fraction: number): number {
  return Math.floor(fraction * sites + 1e-9);
}
