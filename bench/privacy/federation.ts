/** Federated averaging of the small problem in one process, with whatever protects the patients. */
import type { Model } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { protectedUpdate } from '@consilium/federation';
import { createRandom, type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { Privacy } from '@consilium/protocol';
import { type Plan, type PreparedCase, Trainer } from '@consilium/training';
import { plan, seededNoise } from './problem.ts';

export interface FederationOptions {
  readonly model: Model;
  /** The patients of each site. */
  readonly sites: readonly (readonly PreparedCase[])[];
  readonly rounds: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly optimiser?: Plan['optimiser'];
  readonly privacy: Privacy | null;
  readonly seed: number;
}

/** The weights after the last round. */
export async function federated(options: FederationOptions): Promise<Weights> {
  const { model, sites, rounds, steps, learningRate, privacy, seed } = options;
  const own: Plan = {
    ...plan,
    ...(options.optimiser === undefined ? {} : { optimiser: options.optimiser }),
    schedule: { kind: 'polynomial', initial: learningRate, power: 0.9, warmUpSteps: 0 },
  };
  let global: Weights = model.parameters;
  for (let round = 0; round < rounds; round++) {
    const contributions: Weights[] = [];
    for (const [site, cases] of sites.entries()) {
      await using trainer = await Trainer.create({
        runtime: nodeRuntime(),
        plan: own,
        model,
        cases,
        random: createRandom(seed, 'train', site),
        threads: 1,
        ...(privacy?.kind === 'dp-sgd' ? { privacy: { ...privacy, units: cases.map((one) => [one]) } } : {}),
      });
      const noise = seededNoise(createRandom(seed, 'noise', site, round));
      trainer.setWeights(global);
      await trainer.train({ steps, firstStep: round * steps, totalSteps: rounds * steps, noise });
      const trained = trainer.weights();
      contributions.push(
        privacy?.kind === 'noisy-update'
          ? protectedUpdate({ start: global, trained, privacy, clipNorm: privacy.clipNorm, noise }).weights
          : trained,
      );
    }
    global = meanOf(contributions);
  }
  return global;
}

function meanOf(all: readonly Weights[]): Weights {
  return new Map(
    [...all[0]!].map(([name, { shape, data }]): [string, Tensor] => [
      name,
      tensor(
        'float32',
        shape,
        Float32Array.from({ length: data.length }, (_, index) =>
          all.reduce((sum, each) => sum + Number(each.get(name)!.data[index]) / all.length, 0),
        ),
      ),
    ]),
  );
}
