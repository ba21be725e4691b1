/**
 * Cyclic weight transfer (Chang et al. 2018): the weights go from site to site; each round one site trains, in turn, and
 * its weights become the global ones. Sites that are gone for good are passed over.
 */
import { z } from 'zod';
import { everyone, plainInstructions, type Strategy } from '../strategy.ts';
import { weightedMean } from '../weighted-mean.ts';

export const cyclicSpec = z.object({ kind: z.literal('cyclic') });

export function cyclic(): Strategy {
  return {
    ...everyone,
    objection: ({ minimumSites }) =>
      minimumSites === 1 ? null : `one site trains in each round, so minimumSites must be 1, not ${minimumSites}.`,
    configureTrain: ({ round, available }) =>
      available.length === 0
        ? []
        : [{ siteId: available[(round - 1) % available.length]!, instructions: plainInstructions }],
    aggregateTrain: async ({ trained, store }) => ({
      weights: await weightedMean(store, [{ weights: trained[0]!.weights, weight: 1 }]),
      state: {},
    }),
  };
}
