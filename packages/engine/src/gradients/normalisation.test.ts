import { createRandom } from '@consilium/numerics';
import { describe, it } from 'vitest';
import { expectDerivative, fixed, randomTensor } from './finite-difference.fixture.ts';

const loose = { step: 1e-2, tolerance: 5e-3 };

describe('the derivative of', () => {
  it.each([[[2, 3, 7]], [[1, 4, 5, 6]], [[2, 2, 4, 3, 5]]])(
    'InstanceNormalization of %o agrees with differences',
    async (shape) => {
      const random = createRandom('instance', ...shape);
      const inputs = [
        randomTensor(random, shape, { low: -2, high: 3 }),
        randomTensor(random, [shape[1]!]),
        randomTensor(random, [shape[1]!]),
      ];
      await expectDerivative(random, {
        inputs,
        build: (g, ...values) => g.op('InstanceNormalization', values),
        ...loose,
      });
    },
  );

  it.each([1, 2, 3, 6])('GroupNormalization in %d groups agrees with differences', async (groups) => {
    const random = createRandom('group', groups);
    const inputs = [randomTensor(random, [2, 6, 3, 4]), randomTensor(random, [6]), randomTensor(random, [6])];
    await expectDerivative(random, {
      inputs,
      build: (g, ...values) => g.op('GroupNormalization', values, { num_groups: groups }),
      ...loose,
    });
  });

  it.each([-1, 1, 2])('LayerNormalization from axis %d agrees with differences', async (axis) => {
    const random = createRandom('layer', axis);
    const shape = [2, 3, 4];
    const own = shape.slice(axis);
    const inputs = [randomTensor(random, shape), randomTensor(random, own), randomTensor(random, own)];
    await expectDerivative(random, { inputs, build: (g, ...v) => g.op('LayerNormalization', v, { axis }), ...loose });
  });

  it('BatchNormalization by fixed statistics agrees with differences', async () => {
    const random = createRandom('batch');
    const inputs = [randomTensor(random, [2, 3, 4, 5]), randomTensor(random, [3]), randomTensor(random, [3])];
    const mean = randomTensor(random, [3]);
    const variance = randomTensor(random, [3], { low: 0.5, high: 2 });
    await expectDerivative(random, {
      inputs,
      build: (g, ...v) => g.op('BatchNormalization', [...v, fixed(g, mean), fixed(g, variance)]),
      ...loose,
    });
  });

  it('BatchNormalization by the statistics of the batch agrees with differences', async () => {
    const random = createRandom('batch statistics');
    const inputs = [randomTensor(random, [3, 3, 4, 5]), randomTensor(random, [3]), randomTensor(random, [3])];
    const statistics = randomTensor(random, [3], { low: 0.5, high: 2 });
    await expectDerivative(random, {
      inputs,
      build: (g, ...v) =>
        g.ops('BatchNormalization', [...v, fixed(g, statistics), fixed(g, statistics)], 3, { training_mode: 1 })[0]!,
      ...loose,
    });
  });
});
