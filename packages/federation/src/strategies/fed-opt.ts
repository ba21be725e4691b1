/**
 * Adaptive optimisers on the server: FedAdam, FedYogi and FedAdagrad (Reddi et al. 2021, Algorithm 2). With Δ the mean
 * difference between the weights that came back and those that were sent:
 *
 *     m ← β₁m + (1 - β₁)Δ
 *     v ← v + Δ²                        FedAdagrad
 *     v ← v - (1 - β₂)Δ² sign(v - Δ²)   FedYogi
 *     v ← β₂v + (1 - β₂)Δ²              FedAdam
 *     w ← w + η m / (√v + τ)
 *
 * m starts as zeros and v as τ², the least that the algorithm allows. Δ is weighted by cases, as in FedAvg; the algorithm
 * as printed weights all sites alike, which is the same where they have as many cases.
 */
import { z } from 'zod';
import { ConstantWeights } from '../constant-weights.ts';
import { meanDifference } from '../mean-difference.ts';
import { everyone, type Strategy } from '../strategy.ts';
import { mapWeights, WeightsFile } from '../weights.ts';

const common = {
  /** η, of the server */
  learningRate: z.number().positive(),
  beta1: z.number().min(0).lt(1),
  /** τ: the larger, the less the step adapts. */
  tau: z.number().positive(),
  /** What v is before the first round; τ² where absent. */
  initialSecondMoment: z.number().min(0).optional(),
};
const beta2 = z.number().min(0).lt(1);

export const fedAdamSpec = z.object({ kind: z.literal('fed-adam'), ...common, beta2 });
export const fedYogiSpec = z.object({ kind: z.literal('fed-yogi'), ...common, beta2 });
export const fedAdagradSpec = z.object({ kind: z.literal('fed-adagrad'), ...common });
export type FedOptSpec = z.infer<typeof fedAdamSpec> | z.infer<typeof fedYogiSpec> | z.infer<typeof fedAdagradSpec>;

export function fedOpt(spec: FedOptSpec): Strategy {
  const { learningRate, beta1, tau, initialSecondMoment = tau ** 2 } = spec;
  const nextSecondMoment = secondMomentOf(spec);
  return {
    ...everyone,
    needsMeanOnly: true,
    aggregateTrain: async ({ trained, global, state, store }) => {
      const remembered = async (name: string, initial: number) => {
        const blob = state[name];
        return blob ? WeightsFile.open(store, blob) : new ConstantWeights(global.shape, initial);
      };
      const first = await remembered('firstMoment', 0);
      const second = await remembered('secondMoment', initialSecondMoment);
      const [weights, firstMoment, secondMoment] = await mapWeights(
        store,
        { readers: [global, first, second, meanDifference(trained)], outputs: 3 },
        ({ values: [w, m, v, difference] }, [newW, newM, newV]) => {
          for (let index = 0; index < w!.length; index++) {
            const delta = difference![index]!;
            const mean = beta1 * m![index]! + (1 - beta1) * delta;
            const square = nextSecondMoment(v![index]!, delta * delta);
            newM![index] = mean;
            newV![index] = square;
            newW![index] = w![index]! + (learningRate * mean) / (Math.sqrt(square) + tau);
          }
        },
      );
      return { weights: weights!, state: { firstMoment: firstMoment!, secondMoment: secondMoment! } };
    },
  };
}

function secondMomentOf(spec: FedOptSpec): (v: number, squared: number) => number {
  switch (spec.kind) {
    case 'fed-adagrad':
      return (v, squared) => v + squared;
    case 'fed-yogi':
      return (v, squared) => v - (1 - spec.beta2) * squared * Math.sign(v - squared);
    case 'fed-adam':
      return (v, squared) => spec.beta2 * v + (1 - spec.beta2) * squared;
  }
}
