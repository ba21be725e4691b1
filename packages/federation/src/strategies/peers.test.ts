import { describe, expect, it } from 'vitest';
import recorded from '../recorded/strategies.json' with { type: 'json' };
import type { Strategy } from '../strategy.ts';
import { Aggregation } from './aggregation.fixture.ts';
import { fedAvgM } from './fed-avg-m.ts';
import { type FedOptSpec, fedOpt } from './fed-opt.ts';
import { krum } from './krum.ts';
import { median } from './median.ts';
import { scaffold } from './scaffold.ts';
import { trimmedMean } from './trimmed-mean.ts';

/** Federated rounds as a peer ran them; the script that recorded them is `recording/record_strategies.py`. */
interface Rounds {
  readonly initial: readonly number[];
  readonly cases?: readonly number[];
  readonly rounds: readonly { readonly answers: readonly (readonly number[])[]; readonly weights: readonly number[] }[];
}

/** `strategyIn`: the strategy of each round, counted from 1. */
async function expectSameRounds({ initial, cases, rounds }: Rounds, strategyIn: (round: number) => Strategy) {
  const aggregation = await Aggregation.from(initial, strategyIn(1));
  for (const [index, { answers, weights }] of rounds.entries()) {
    const sites = answers.map((answer, site) => ({ weights: answer, cases: cases?.[site] ?? 1 }));
    expectClose(await aggregation.round(strategyIn(index + 1), sites), weights);
  }
}

function expectClose(got: readonly number[], expected: readonly number[]) {
  expect(got).toHaveLength(expected.length);
  got.forEach((value, index) => {
    expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-12);
  });
}

describe(`what Flower ${recorded.versions.flwr} does`, () => {
  const { flower } = recorded;
  const opt = { learningRate: 0.05, beta1: 0.9, beta2: 0.99, tau: 1e-3 };

  it('is what FedAvgM does', async () => {
    await expectSameRounds(flower.fedAvgM, () => fedAvgM({ momentum: 0.9, learningRate: 0.7 }));
  });

  it('is what FedYogi and FedAdagrad do that start from no second moment', async () => {
    await expectSameRounds(flower.fedYogi, () => fedOpt({ kind: 'fed-yogi', ...opt, initialSecondMoment: 0 }));
    const { beta2: _, ...adagrad } = { ...opt, beta1: 0 };
    await expectSameRounds(flower.fedAdagrad, () =>
      fedOpt({ kind: 'fed-adagrad', ...adagrad, initialSecondMoment: 0 }),
    );
  });

  it('is what FedAdam does with the learning rate corrected for bias, which is not in its paper', async () => {
    const spec = { kind: 'fed-adam', ...opt, initialSecondMoment: 0 } satisfies FedOptSpec;
    await expectSameRounds(flower.fedAdam, (round) => {
      const correction = Math.sqrt(1 - 0.99 ** (round + 1)) / (1 - 0.9 ** (round + 1));
      return fedOpt({ ...spec, learningRate: 0.05 * correction });
    });
  });

  it('is what the median and the trimmed mean do', async () => {
    await expectSameRounds(flower.median, () => median());
    await expectSameRounds(flower.medianOfEven, () => median());
    await expectSameRounds(flower.trimmedMean, () => trimmedMean({ fraction: 0.2 }));
  });

  it('is what Krum and multi-Krum do where all sites have as many cases', async () => {
    await expectSameRounds(flower.krum, () => krum({ malicious: 2, keep: 1 }));
    await expectSameRounds(flower.multiKrum, () => krum({ malicious: 2, keep: 3 }));
  });
});

describe(`what NVFlare ${recorded.versions.nvflare} does`, () => {
  const { nvflare } = recorded;

  it('is what FedAvgM does, with the optimiser SGD of torch', async () => {
    await expectSameRounds(nvflare.sgd, () => fedAvgM({ momentum: 0.6, learningRate: 0.7 }));
  });

  it('is what FedAdam does with learning rate and tau corrected for bias, with the optimiser Adam of torch', async () => {
    await expectSameRounds(nvflare.adam, (round) => {
      const root = Math.sqrt(1 - 0.99 ** round);
      return fedOpt({
        kind: 'fed-adam',
        learningRate: (0.05 * root) / (1 - 0.9 ** round),
        beta1: 0.9,
        beta2: 0.99,
        tau: 1e-3 * root,
        initialSecondMoment: 0,
      });
    });
  });

  it('is what SCAFFOLD does where all sites take part and make as many steps', async () => {
    const strategy = scaffold({ learningRate: 1 });
    const aggregation = await Aggregation.from(nvflare.scaffold.initial, strategy);
    for (const { answers, changes, weights, control } of nvflare.scaffold.rounds) {
      const sites = answers.map((answer, site) => ({ weights: answer, controlChange: changes[site]! }));
      expectClose(await aggregation.round(strategy, sites), weights);
      expectClose(await aggregation.state('control'), control);
    }
  });
});
