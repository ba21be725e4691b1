/**
 * Krum and multi-Krum (Blanchard et al. 2017): of n sites of which at most f are hostile, take the one
 * whose weights are nearest to those of its n - f - 2 nearest neighbours, by the sum of squared distances; or the mean of
 * the best `keep` of them. All distances come from one pass over the contributions. Equal scores: the first in site order.
 */
import { z } from 'zod';
import { everyone, type Strategy, type TrainedSite } from '../strategy.ts';
import { weightedMean } from '../weighted-mean.ts';
import { type Floats, forEachStretch, type WeightsReader } from '../weights.ts';

export const krumSpec = z.object({
  kind: z.literal('krum'),
  /** f: hostile or faulty sites that are to do no harm. */
  malicious: z.int().min(0),
  /** Sites whose mean is taken; 1 is Krum, more is multi-Krum. */
  keep: z.int().min(1),
});

export function krum({ malicious, keep }: Omit<z.infer<typeof krumSpec>, 'kind'>): Strategy {
  return {
    ...everyone,
    objection: ({ minimumSites }) => {
      const needed = 2 * malicious + 3;
      if (minimumSites < needed) {
        return `Krum against ${malicious} sites needs ${needed} contributions; minimumSites is ${minimumSites}.`;
      }
      if (keep > minimumSites - malicious) {
        return `the ${keep} nearest of ${minimumSites} sites would take in some of the ${malicious} it is to leave out.`;
      }
      return null;
    },
    aggregateTrain: async ({ trained, store }) => {
      const chosen = await nearest(trained, { malicious, keep });
      const weights = await weightedMean(
        store,
        chosen.map((site) => ({ weights: site.weights, weight: 1 })),
      );
      return { weights, state: {} };
    },
  };
}

/** The `keep` sites with the lowest scores, in site order. */
async function nearest(
  trained: readonly TrainedSite[],
  { malicious, keep }: { readonly malicious: number; readonly keep: number },
): Promise<readonly TrainedSite[]> {
  const distances = await squaredDistances(trained.map(({ weights }) => weights));
  const neighbours = trained.length - malicious - 2;
  const scores = distances.map((row, self) =>
    row
      .filter((_, other) => other !== self)
      .sort((one, other) => one - other)
      .slice(0, neighbours)
      .reduce((sum, distance) => sum + distance, 0),
  );
  const ranked = trained.map((_, index) => index).sort((one, other) => scores[one]! - scores[other]! || one - other);
  const chosen = new Set(ranked.slice(0, keep));
  return trained.filter((_, index) => chosen.has(index));
}

/** Between all pairs of models. */
async function squaredDistances(models: readonly WeightsReader[]): Promise<number[][]> {
  const distances = models.map(() => new Array<number>(models.length).fill(0));
  await forEachStretch(models, ({ values }) => {
    for (let one = 0; one < values.length; one++) {
      for (let other = 0; other < one; other++) {
        const distance = squaredDistance(values[one]!, values[other]!);
        distances[one]![other]! += distance;
        distances[other]![one]! += distance;
      }
    }
  });
  return distances;
}

function squaredDistance(one: Floats, other: Floats): number {
  let sum = 0;
  for (let index = 0; index < one.length; index++) sum += (one[index]! - other[index]!) ** 2;
  return sum;
}
