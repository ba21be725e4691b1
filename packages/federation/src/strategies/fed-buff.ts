/**
 * Asynchronous aggregation by a buffer (FedBuff; Nguyen et al. 2022, Algorithm 1): a round closes as soon as K sites have
 * contributed; the others work on, and what they send counts in the round in which it comes. A difference, taken from the
 * weights that its site started from, that is τ rounds old counts by 1/√(1 + τ): w ← w + η/K Σ Δᵢ/√(1 + τᵢ).
 *
 * The paper bounds the staleness of what is counted, τᵢ ≤ τ_max; FLSim, its authors' own code, rejects what comes later
 * (`max_staleness`). Here nobody waits for it to come: as soon as a round begins in which it would be too stale, the site
 * is told to give it up and trains from the newest weights, as in PAPAYA (Huba et al. 2022).
 *
 * A site that has contributed gets its next task when the buffer is full, so none is in a buffer twice. A round that
 * closes with fewer, because sites were lost, divides by as many as it has.
 */
import { z } from 'zod';
import { sumOfDifferences } from '../mean-difference.ts';
import { everyone, type Strategy } from '../strategy.ts';
import { mapWeights } from '../weights.ts';

export const fedBuffSpec = z.object({
  kind: z.literal('fed-buff'),
  /** K */
  bufferSize: z.int().min(1),
  /** η, of the server */
  learningRate: z.number().positive(),
  /** τ_max: work that more rounds have overtaken is set aside, and its site begins anew. Default: none is too old. */
  maxStaleness: z.int().min(0).optional(),
});

export function fedBuff({
  bufferSize,
  learningRate,
  maxStaleness = Number.POSITIVE_INFINITY,
}: Omit<z.infer<typeof fedBuffSpec>, 'kind'>): Strategy {
  return {
    ...everyone,
    late: 'keep',
    maxStaleness,
    closesAfter: (asked) => Math.min(asked, bufferSize),
    objection: ({ participants, minimumSites }) => {
      if (bufferSize > participants)
        return `a buffer of ${bufferSize} is never full with ${participants} participants.`;
      if (bufferSize < minimumSites) {
        return `a round closes after ${bufferSize} contributions, but minimumSites is ${minimumSites}.`;
      }
      return null;
    },
    aggregateTrain: async ({ trained, global, store }) => {
      const step = sumOfDifferences(
        trained,
        ({ staleness }) => learningRate / trained.length / Math.sqrt(1 + staleness),
      );
      const [weights] = await mapWeights(
        store,
        { readers: [global, step], outputs: 1 },
        ({ values: [w, change] }, [out]) => {
          for (let index = 0; index < w!.length; index++) out![index] = w![index]! + change![index]!;
        },
      );
      return { weights: weights!, state: {} };
    },
  };
}
