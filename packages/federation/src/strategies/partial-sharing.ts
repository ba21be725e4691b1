/**
 * Some tensors stay at each site, all others are averaged as in FedAvg. With the tensors of the normalisation layers kept
 * (`*.norm.*`) this is FedBN (Li et al. 2021); with those of the last layers, FedPer (Arivazhagan et al. 2019). The
 * global weights hold the initial values of what is kept; every site evaluates with its own.
 */
import { z } from 'zod';
import { everyone, plainInstructions, type Strategy } from '../strategy.ts';
import { matchesAny } from '../tensor-pattern.ts';
import { fedAvg } from './fed-avg.ts';

export const partialSharingSpec = z.object({
  kind: z.literal('partial-sharing'),
  /** What stays at the sites: names, `*` for any text. */
  keepLocal: z.array(z.string().min(1).max(500)).min(1).max(10_000),
});

export function partialSharing({ keepLocal }: { readonly keepLocal: readonly string[] }): Strategy {
  return {
    ...fedAvg(),
    evaluation: { ...everyone.evaluation, keepLocal },
    objection: ({ shape }) => {
      const names = [...shape.keys()];
      const idle = keepLocal.find((pattern) => !names.some((name) => matchesAny(name, [pattern])));
      if (idle !== undefined) return `no tensor is called "${idle}", which is to stay at the sites.`;
      if (names.every((name) => matchesAny(name, keepLocal)))
        return 'every tensor stays at the sites: nothing is shared.';
      return null;
    },
    configureTrain: ({ available }) =>
      available.map((siteId) => ({ siteId, instructions: { ...plainInstructions, keepLocal } })),
  };
}
