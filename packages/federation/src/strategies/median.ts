/**
 * The median over sites, coordinate by coordinate (Yin et al. 2018, Algorithm 1, option I): as long as fewer than half of
 * the sites are hostile or faulty, no coordinate leaves the range of the others. The mean of the two in the middle where
 * the number of sites is even. All sites weigh the same: a number of cases is only a claim.
 */
import { z } from 'zod';
import { mapSorted } from '../sorted-weights.ts';
import { everyone, type Strategy } from '../strategy.ts';

export const medianSpec = z.object({ kind: z.literal('median') });

export function median(): Strategy {
  return {
    ...everyone,
    objection: ({ minimumSites }) =>
      minimumSites < 3 ? `a median resists nobody with fewer than 3 sites; minimumSites is ${minimumSites}.` : null,
    aggregateTrain: async ({ trained, store }) => ({
      weights: await mapSorted(store, trained, (values) => {
        const upper = values.length >> 1;
        return values.length % 2 === 1 ? values[upper]! : (values[upper - 1]! + values[upper]!) / 2;
      }),
      state: {},
    }),
  };
}
