/**
 * Federated averaging: every site trains from the global weights, and the new global weights are their mean, weighted by
 * the sites' numbers of training cases (McMahan et al. 2017, Algorithm 1). With `mu` > 0 each site's loss also pulls
 * towards the global weights: FedProx (Li et al. 2020, Algorithm 2); the averaging is the same.
 */
import { z } from 'zod';
import { everyone, plainInstructions, type Strategy } from '../strategy.ts';
import { weightedMean } from '../weighted-mean.ts';

export const fedAvgSpec = z.object({ kind: z.literal('fed-avg') });
export const fedProxSpec = z.object({ kind: z.literal('fed-prox'), mu: z.number().min(0) });

export function fedAvg({ proximalMu = 0 }: { readonly proximalMu?: number } = {}): Strategy {
  return {
    ...everyone,
    needsMeanOnly: true,
    configureTrain: ({ available }) =>
      available.map((siteId) => ({ siteId, instructions: { ...plainInstructions, proximalMu } })),
    aggregateTrain: async ({ trained, store }) => ({
      weights: await weightedMean(
        store,
        trained.map(({ weights, cases }) => ({ weights, weight: cases })),
      ),
      state: {},
    }),
  };
}
