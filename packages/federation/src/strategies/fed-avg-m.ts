/**
 * FedAvg with momentum on the server (FedAvgM; Hsu et al. 2019): with Δ the mean difference between the weights that
 * were sent and those that came back, v ← βv + Δ and w ← w - ηv. v starts as zeros.
 */
import { z } from 'zod';
import { ConstantWeights } from '../constant-weights.ts';
import { meanDifference } from '../mean-difference.ts';
import { everyone, type Strategy } from '../strategy.ts';
import { mapWeights, WeightsFile } from '../weights.ts';

export const fedAvgMSpec = z.object({
  kind: z.literal('fed-avg-m'),
  /** β */
  momentum: z.number().min(0).lt(1),
  /** η, of the server */
  learningRate: z.number().positive(),
});

export function fedAvgM({ momentum, learningRate }: Omit<z.infer<typeof fedAvgMSpec>, 'kind'>): Strategy {
  return {
    ...everyone,
    needsMeanOnly: true,
    aggregateTrain: async ({ trained, global, state, store }) => {
      const past = state['velocity'];
      const velocity = past ? await WeightsFile.open(store, past) : new ConstantWeights(global.shape, 0);
      const [weights, next] = await mapWeights(
        store,
        { readers: [global, velocity, meanDifference(trained)], outputs: 2 },
        ({ values: [w, v, difference] }, [newW, newV]) => {
          for (let index = 0; index < w!.length; index++) {
            const velocity = momentum * v![index]! - difference![index]!;
            newV![index] = velocity;
            newW![index] = w![index]! - learningRate * velocity;
          }
        },
      );
      return { weights: weights!, state: { velocity: next! } };
    },
  };
}
