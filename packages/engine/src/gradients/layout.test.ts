import { createRandom } from '@consilium/numerics';
import { describe, it } from 'vitest';
import type { GraphBuilder } from '../graph-builder.ts';
import { codeOf } from '../model-codec.ts';
import type { Value } from '../value.ts';
import { expectDerivative, fixed, int64, randomTensor } from './finite-difference.fixture.ts';

type Build = (g: GraphBuilder, ...inputs: Value[]) => Value;
const bounds = (g: GraphBuilder, ...lists: number[][]): Value[] => lists.map((list) => g.int64s(...list));

/** All are linear in the input: differences are exact. */
const layouts: readonly [name: string, shape: number[], build: Build][] = [
  ['Reshape', [2, 3, 4], (g, x) => g.op('Reshape', [x!, g.int64s(4, -1)])],
  ['Flatten', [2, 3, 4], (g, x) => g.op('Flatten', [x!], { axis: 2 })],
  ['Transpose', [2, 3, 4], (g, x) => g.op('Transpose', [x!], { perm: [2, 0, 1] })],
  ['Transpose that reverses', [2, 3, 4], (g, x) => g.op('Transpose', [x!])],
  ['Squeeze', [2, 1, 4, 1], (g, x) => g.op('Squeeze', [x!, g.int64s(1, -1)])],
  ['Unsqueeze', [2, 4], (g, x) => g.op('Unsqueeze', [x!, g.int64s(0, -1)])],
  ['Expand', [3, 1, 2], (g, x) => g.op('Expand', [x!, g.int64s(4, 3, 5, 2)])],
  ['Tile', [2, 3], (g, x) => g.op('Tile', [x!, g.int64s(2, 3)])],
  ['Slice', [6, 7], (g, x) => g.op('Slice', [x!, ...bounds(g, [1, -5], [5, 100], [0, 1])])],
  ['Slice with steps', [9, 8], (g, x) => g.op('Slice', [x!, ...bounds(g, [1, 0], [9, 8], [0, 1], [3, 2])])],
  ['Slice backwards', [7, 5], (g, x) => g.op('Slice', [x!, ...bounds(g, [-1, 3], [-100, 0], [0, 1], [-2, -1])])],
  ['Pad', [3, 4], (g, x) => g.op('Pad', [x!, g.int64s(1, 0, 2, 3), g.scalar(5, 'float64')])],
  ['Pad that cuts', [5, 4], (g, x) => g.op('Pad', [x!, g.int64s(-1, 2, 1, -2)])],
  ['Pad by reflection', [4, 5], (g, x) => g.op('Pad', [x!, g.int64s(2, 0, 3, 1)], { mode: 'reflect' })],
  ['Pad by the edge', [4, 5], (g, x) => g.op('Pad', [x!, g.int64s(2, 0, 3, 1)], { mode: 'edge' })],
  ['Pad of one axis', [4, 5], (g, x) => g.op('Pad', [x!, g.int64s(2, 1), null, g.int64s(-1)])],
  ['Gather', [4, 3, 2], (g, x) => g.op('Gather', [x!, fixed(g, int64(2, -1, 2, 0))], { axis: 1 })],
  ['Gather of one', [4, 3], (g, x) => g.op('Gather', [x!, g.scalar(-2, 'int64')], { axis: 0 })],
  ['Cast', [5], (g, x) => g.op('Cast', [g.op('Cast', [x!], { to: codeOf('float32') })], { to: codeOf('float64') })],
  ['CumSum', [3, 5], (g, x) => g.op('CumSum', [x!, g.scalar(1, 'int64')], { exclusive: 1 })],
  ['Dropout', [3, 5], (g, x) => g.op('Dropout', [x!])],
];

describe('the derivative of', () => {
  it.each(layouts)('%s is the movement back', async (name, shape, build) => {
    const random = createRandom('layout', name);
    const inputs = [randomTensor(random, shape, { dtype: 'float64' })];
    await expectDerivative(random, { inputs, build, step: 0.5, tolerance: name === 'Cast' ? 1e-5 : 1e-9 });
  });

  it('Concat hands each input its part', async () => {
    const random = createRandom('concat');
    const inputs = [2, 1, 4].map((size) => randomTensor(random, [3, size, 2], { dtype: 'float64' }));
    await expectDerivative(random, {
      inputs,
      build: (g, ...parts) => g.op('Concat', parts, { axis: -2 }),
      step: 0.5,
      tolerance: 1e-9,
    });
  });

  it('Split joins the parts, of which some may be unused', async () => {
    const random = createRandom('split');
    const inputs = [randomTensor(random, [3, 7], { dtype: 'float64' })];
    const build: Build = (g, x) => {
      const [a, , c] = g.ops('Split', [x!, g.int64s(2, 3, 2)], 3, { axis: 1 });
      return g.op('Mul', [a!, c!]);
    };
    await expectDerivative(random, { inputs, build, step: 1e-5, tolerance: 1e-7 });
  });

  it.each<[string, number[], number[]]>([
    ['matrices', [3, 4], [4, 2]],
    ['stacks that broadcast', [2, 1, 3, 4], [5, 4, 2]],
    ['a vector and a matrix', [4], [2, 4, 3]],
    ['a matrix and a vector', [2, 3, 4], [4]],
    ['two vectors', [4], [4]],
  ])('MatMul holds for %s', async (_, left, right) => {
    const random = createRandom('matmul', ...left);
    const inputs = [left, right].map((shape) => randomTensor(random, shape, { dtype: 'float64' }));
    await expectDerivative(random, {
      inputs,
      build: (g, a, b) => g.op('MatMul', [a!, b!]),
      step: 0.5,
      tolerance: 1e-9,
    });
  });

  it.each([0, 1, 2, 3])('Gemm holds, transposed or not (%d)', async (bits) => {
    const random = createRandom('gemm', bits);
    const [transA, transB] = [bits & 1, bits >> 1];
    const a = randomTensor(random, transA === 1 ? [4, 3] : [3, 4], { dtype: 'float64' });
    const b = randomTensor(random, transB === 1 ? [2, 4] : [4, 2], { dtype: 'float64' });
    const inputs = [a, b, randomTensor(random, [2], { dtype: 'float64' })];
    const build: Build = (g, ...values) => g.op('Gemm', values, { transA, transB, alpha: 0.7, beta: 1.5 });
    await expectDerivative(random, { inputs, build, step: 0.5, tolerance: 1e-6 });
  });
});
