import { describe, expect, it } from 'vitest';
import { Aggregation } from './aggregation.fixture.ts';
import { fedAvgM } from './fed-avg-m.ts';

describe('FedAvgM', () => {
  it('is the heavy ball on quadratics: the distance to the optimum follows its recurrence', async () => {
    // Sites make one step of gradient descent on ½(w - t)², so the mean difference is 0.4 (w - mean of t).
    const [momentum, learningRate, rate] = [0.8, 0.6, 0.4];
    const sites = [
      { cases: 3, target: [1, -2, 0] },
      { cases: 1, target: [5, 6, 0.5] },
    ];
    const optimum = [2, 0, 0.125];
    const strategy = fedAvgM({ momentum, learningRate });
    const aggregation = await Aggregation.from([0, 0, 0], strategy);
    let before = optimum.map((value) => -value);
    let distance = before;
    for (let round = 1; round <= 30; round++) {
      const weights = distance.map((value, index) => value + optimum[index]!);
      const answers = sites.map(({ cases, target }) => ({
        cases,
        weights: weights.map((value, index) => value - rate * (value - target[index]!)),
      }));
      const next = await aggregation.round(strategy, answers);
      const expected = distance.map((now, index) => {
        return (1 + momentum - learningRate * rate) * now - momentum * before[index]!;
      });
      next.forEach((value, index) => {
        expect(value - optimum[index]!).toBeCloseTo(expected[index]!, 10);
      });
      [before, distance] = [distance, expected];
    }
    for (const value of distance) expect(Math.abs(value)).toBeLessThan(0.2);
  });

  it('without momentum and with a learning rate of 1 is FedAvg', async () => {
    const strategy = fedAvgM({ momentum: 0, learningRate: 1 });
    const aggregation = await Aggregation.from([7, 7], strategy, 'float32');
    const answers = [
      { cases: 3, weights: [1, -2] },
      { cases: 1, weights: [5, 6] },
    ];
    expect(await aggregation.round(strategy, answers)).toEqual([2, 0]);
  });
});
