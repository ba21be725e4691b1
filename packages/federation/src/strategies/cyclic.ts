/**
 * Cyclic weight transfer (Chang et al. 2018): the weights go from site to site; each round one site trains, in turn, and
 * its weights become the global ones. Where it fails, is lost or is refused, the next in turn takes its place; a round in
 * which nobody can train fails.
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
    configureTrain: ({ available, previous: [last], tried }) => {
      const after = last === undefined ? 0 : available.filter((siteId) => siteId <= last).length;
      const inTurn = [...available.slice(after), ...available.slice(0, after)];
      const next = inTurn.find((siteId) => !tried.includes(siteId));
      return next === undefined ? [] : [{ siteId: next, instructions: plainInstructions }];
    },
    aggregateTrain: async ({ trained, store }) => ({
      weights: await weightedMean(store, [{ weights: trained[0]!.weights, weight: 1 }]),
      state: {},
    }),
  };
}
