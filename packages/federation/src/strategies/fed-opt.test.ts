import { describe, expect, it } from 'vitest';
import { Aggregation } from './aggregation.fixture.ts';
import { type FedOptSpec, fedOpt } from './fed-opt.ts';

const common = { learningRate: 0.05, beta1: 0.9, tau: 0.01 };
const beta2 = 0.98;
/** What every round adds; large and small beside τ. */
const delta = [0.5, -0.2, 0.001, 0];

/** The second moment after `rounds` equal differences, by summing the geometric series of the rule. */
const secondMoment = {
  'fed-adam': (square, rounds) => beta2 ** rounds * common.tau ** 2 + (1 - beta2 ** rounds) * square,
  // Below Δ² it rises by the same amount each round; above, it falls by it.
  'fed-yogi': (square, rounds) => common.tau ** 2 + Math.sign(square - common.tau ** 2) * rounds * (1 - beta2) * square,
  'fed-adagrad': (square, rounds) => common.tau ** 2 + rounds * square,
} satisfies Record<FedOptSpec['kind'], (square: number, rounds: number) => number>;

describe.each([
  { kind: 'fed-adam', ...common, beta2 },
  { kind: 'fed-yogi', ...common, beta2 },
  { kind: 'fed-adagrad', ...common },
] satisfies FedOptSpec[])('$kind', (spec) => {
  it('takes the steps of the closed form where sites always move alike', async () => {
    const strategy = fedOpt(spec);
    const aggregation = await Aggregation.from([1, 2, 3, 4], strategy);
    let expected = [1, 2, 3, 4];
    for (let round = 1; round <= 20; round++) {
      // Three cases of twice the difference and three of none: Δ is their mean.
      const answers = [2, 0].map((factor) => ({
        cases: 3,
        weights: expected.map((value, index) => value + factor * delta[index]!),
      }));
      const weights = await aggregation.round(strategy, answers);
      expected = expected.map((value, index) => {
        const mean = (1 - common.beta1 ** round) * delta[index]!;
        const square = secondMoment[spec.kind](delta[index]! ** 2, round);
        return value + (common.learningRate * mean) / (Math.sqrt(square) + common.tau);
      });
      weights.forEach((value, index) => {
        expect(value).toBeCloseTo(expected[index]!, 9);
      });
    }
  });

  it('with τ far above all differences is a plain step', async () => {
    const strategy = fedOpt({ ...spec, tau: 1e6, learningRate: 1e6, beta1: 0, initialSecondMoment: 0 });
    const aggregation = await Aggregation.from([0, 0], strategy);
    const weights = await aggregation.round(strategy, [{ weights: [0.5, -0.25] }]);
    expect(weights[0]).toBeCloseTo(0.5, 6);
    expect(weights[1]).toBeCloseTo(-0.25, 6);
  });
});
