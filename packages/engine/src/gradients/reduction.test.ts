import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { tensorOf } from '../constant-folding.ts';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { distinctTensor, expectDerivative, randomTensor } from './finite-difference.fixture.ts';

const types = ['Sum', 'Mean', 'Max', 'Min', 'SumSquare', 'L1', 'L2', 'LogSum', 'LogSumExp', 'Prod'];

describe('the derivative of a reduction', () => {
  it.each(types)('Reduce%s agrees with differences over any axes', async (type) => {
    for (const [index, axes] of [[], [0], [1, -1], [0, 1, 2]].entries()) {
      const random = createRandom(type, index);
      const positive = type === 'LogSum' || type === 'L1' || type === 'Prod';
      const x = positive ? randomTensor(random, [3, 2, 4], { low: 0.5, high: 1.5 }) : distinctTensor(random, [3, 2, 4]);
      await expectDerivative(random, {
        inputs: [x],
        build: (g, value) =>
          g.op(`Reduce${type}`, [value!, axes.length > 0 ? g.int64s(...axes) : null], { keepdims: index % 2 }),
        step: 1e-2,
        tolerance: 3e-3,
      });
    }
  });

  it('of ReduceL2 is 0 where the norm is 0', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [3]);
    const [dx] = gradients(g, g.op('ReduceL2', [x], { keepdims: 0 }), [x]);
    g.output('dx', dx!);
    await using session = await nodeRuntime().open(g.build());
    const result = await session.run({ x: tensorOf('float32', [3], [0, 0, 0]) });
    expect([...(result['dx']!.data as Float32Array)]).toEqual([0, 0, 0]);
  });
});
