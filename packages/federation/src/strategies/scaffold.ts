/**
 * SCAFFOLD (Karimireddy et al. 2020, Algorithm 1 with option II): every site corrects its steps by the difference between
 * the server's control variate c and its own cᵢ, and sends with its weights how cᵢ changed. With S the sites of a round
 * and N those of the job: w ← w + η/|S| Σ Δwᵢ and c ← c + 1/N Σ Δcᵢ. All control variates start as zeros, and all
 * sites weigh the same. The site's half is `local-control.ts`.
 */
import { z } from 'zod';
import { ConstantWeights } from '../constant-weights.ts';
import { sumOfDifferences } from '../mean-difference.ts';
import { everyone, plainInstructions, type Strategy } from '../strategy.ts';
import { WeightedSum } from '../weighted-sum.ts';
import { mapWeights, WeightsFile } from '../weights.ts';

export const scaffoldSpec = z.object({
  kind: z.literal('scaffold'),
  /** η, of the server; the paper's experiments use 1. */
  learningRate: z.number().positive(),
});

export function scaffold({ learningRate }: { readonly learningRate: number }): Strategy {
  return {
    ...everyone,
    initialState: async (store, shape) => {
      const [control] = await mapWeights(store, { readers: [new ConstantWeights(shape, 0)], outputs: 1 }, () => {});
      return { control: control! };
    },
    configureTrain: ({ available, state }) =>
      available.map((siteId) => ({ siteId, instructions: { ...plainInstructions, control: state['control']! } })),
    aggregateTrain: async ({ trained, global, state, participants, store }) => {
      const control = await WeightsFile.open(store, state['control']!);
      const change = new WeightedSum(
        trained.map(({ controlChange }) => ({ weights: controlChange!, factor: 1 / participants })),
      );
      const difference = sumOfDifferences(trained, () => learningRate / trained.length);
      const [weights, newControl] = await mapWeights(
        store,
        { readers: [global, difference, control, change], outputs: 2 },
        ({ values: [w, step, c, cStep] }, [newW, newC]) => {
          for (let index = 0; index < w!.length; index++) {
            newW![index] = w![index]! + step![index]!;
            newC![index] = c![index]! + cStep![index]!;
          }
        },
      );
      return { weights: weights!, state: { control: newControl! } };
    },
  };
}
