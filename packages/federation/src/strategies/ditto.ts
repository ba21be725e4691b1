/**
 * Ditto (Li et al. 2021, Algorithm 1): sites train the shared model as in FedAvg, and each trains beside it a personal
 * model that never leaves it, pulled towards the shared one with strength λ: v ← v - η(∇F(v) + λ(v - w)).
 */
import { z } from 'zod';
import { everyone, plainInstructions, type Strategy } from '../strategy.ts';
import { fedAvg } from './fed-avg.ts';

export const dittoSpec = z.object({
  kind: z.literal('ditto'),
  /** λ; 0 makes the personal models local ones. */
  lambda: z.number().min(0),
  /** Whose validation score decides when to stop and which round is the best. */
  score: z.enum(['shared', 'personal']),
});

export function ditto({ lambda, score }: Omit<z.infer<typeof dittoSpec>, 'kind'>): Strategy {
  return {
    ...fedAvg(),
    evaluation: { ...everyone.evaluation, personal: score === 'personal' },
    configureTrain: ({ available }) =>
      available.map((siteId) => ({ siteId, instructions: { ...plainInstructions, personalLambda: lambda } })),
  };
}
