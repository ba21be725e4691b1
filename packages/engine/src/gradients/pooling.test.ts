import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { tensorOf } from '../constant-folding.ts';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { distinctTensor, expectDerivative, randomTensor } from './finite-difference.fixture.ts';

describe.each([1, 2, 3])('the derivative of a pooling over %d axes', (rank) => {
  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    'agrees with differences for any window (seed %d)',
    async (seed) => {
      const random = createRandom('pool', rank, seed);
      const several = (low: number, high: number): number[] =>
        Array.from({ length: rank }, () => random.integer(low, high + 1));
      const tiling = seed < 2;
      const kernel = several(2, 3);
      const strides = tiling ? kernel : several(1, 3);
      const half = kernel.map((size) => random.integer(0, Math.floor(size / 2) + 1));
      const pads = tiling ? undefined : { pads: [...half, ...half] };
      const dilations = tiling ? undefined : { dilations: several(1, 2) };
      const size = tiling ? kernel.map((each) => each * 3) : several(7, 10);
      const shape = [random.integer(1, 3), random.integer(1, 3), ...size];
      const attributes = { kernel_shape: kernel, strides, ceil_mode: tiling ? 0 : seed % 2, ...pads };
      await expectDerivative(random, {
        inputs: [distinctTensor(random, shape)],
        build: (g, x) => g.op('MaxPool', [x!], { ...attributes, ...dilations }),
        step: 1e-2,
        tolerance: 1e-3,
      });
      await expectDerivative(random, {
        inputs: [randomTensor(random, shape)],
        build: (g, x) => g.op('AveragePool', [x!], { ...attributes, ceil_mode: 0, count_include_pad: seed >> 2 }),
        step: 0.5,
        tolerance: 1e-4,
      });
    },
  );

  it.each(['GlobalAveragePool', 'GlobalMaxPool'])('agrees with differences for %s', async (type) => {
    const random = createRandom(type, rank);
    const inputs = [distinctTensor(random, [2, 3, ...Array.from({ length: rank }, () => 3)])];
    await expectDerivative(random, { inputs, build: (g, x) => g.op(type, [x!]), step: 1e-2, tolerance: 1e-3 });
  });
});

describe('a maximum that several elements attain', () => {
  it('loses none of the gradient and counts none twice', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [1, 1, 2, 2]);
    const y = g.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    g.output('dx', gradients(g, g.op('ReduceSum', [y], { keepdims: 0 }), [x])[0]!);
    await using session = await nodeRuntime().open(g.build());
    const { dx } = await session.run({ x: tensorOf('float32', [1, 1, 2, 2], [3, 1, 3, 0]) });
    expect((dx!.data as Float32Array).reduce((a, b) => a + b)).toBe(1);
    expect(dx!.data[1]).toBe(0);
  });
});
