import { createRandom, type Tensor } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../graph-builder.ts';
import { nodeRuntime } from './node.ts';

/** The same numbers, beginning at another place in memory. */
function movedBy(elements: number, { shape, data }: Tensor<'float32'>): Tensor<'float32'> {
  const moved = new Float32Array(data.length + 16).subarray(elements, elements + data.length);
  moved.set(data);
  return { dtype: 'float32', shape, data: moved };
}

describe('ONNX Runtime in Node', () => {
  it('gives the same bytes wherever in memory the inputs and the places for the outputs begin', async () => {
    const g = new GraphBuilder({ name: 'reductions' });
    const x = g.input('x', 'float32', [3, 1001]);
    g.output('mean', g.op('ReduceMean', [x, g.int64s(1)], { keepdims: 0 }));
    g.output('all', g.op('ReduceSum', [g.op('Mul', [x, x])], { keepdims: 0 }));
    g.output('soft', g.op('Softmax', [g.op('Sigmoid', [x])], { axis: 1 }));
    g.output('exp', g.op('Exp', [x]));
    await using session = await nodeRuntime().open(g.build(), { threads: 1 });
    const random = createRandom('alignment');
    const data = Float32Array.from({ length: 3003 }, () => random.normal());
    const whole: Tensor<'float32'> = { dtype: 'float32', shape: [3, 1001], data };
    const results = new Set<string>();
    for (let elements = 0; elements < 16; elements++) {
      const into = { exp: movedBy(elements, whole), soft: movedBy(15 - elements, whole) };
      const made = await session.run({ x: movedBy(elements, whole) }, { into });
      results.add(
        ['mean', 'all', 'soft', 'exp']
          .map((name) => Buffer.from(Float32Array.from(made[name]!.data as Float32Array).buffer).toString('hex'))
          .join(),
      );
    }
    expect(results.size).toBe(1);
  });
});
