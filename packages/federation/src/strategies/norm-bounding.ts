/**
 * Norm bounding (Sun et al. 2019): the difference that a site sends is shortened to a given Euclidean norm, over
 * all tensors together, if it is longer; then the mean of the differences is added. Whoever wants to move the model far
 * must do so in many rounds. All sites weigh the same: a number of cases is only a claim.
 */
import { z } from 'zod';
import { sumOfDifferences } from '../mean-difference.ts';
import { everyone, type Strategy, type TrainedSite } from '../strategy.ts';
import { forEachStretch, mapWeights } from '../weights.ts';

export const normBoundingSpec = z.object({
  kind: z.literal('norm-bounding'),
  /** M: the largest norm of a difference. */
  norm: z.number().positive(),
});

export function normBounding({ norm }: { readonly norm: number }): Strategy {
  return {
    ...everyone,
    aggregateTrain: async ({ trained, global, store }) => {
      const factors: number[] = [];
      for (const site of trained) factors.push(1 / Math.max(1, (await lengthOf(site)) / norm) / trained.length);
      const step = sumOfDifferences(trained, (_, index) => factors[index]!);
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

/** The Euclidean norm of the site's difference. */
async function lengthOf({ weights, base }: TrainedSite): Promise<number> {
  let squares = 0;
  await forEachStretch([weights, base], ({ values: [w, b] }) => {
    for (let index = 0; index < w!.length; index++) squares += (w![index]! - b![index]!) ** 2;
  });
  return Math.sqrt(squares);
}
