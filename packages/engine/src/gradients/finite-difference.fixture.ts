/**
 * Checks derivative rules numerically: loss = sum(y * R) with random R, and along a random direction v
 *   (loss(x + h v) - loss(x - h v)) / 2h = <gradient, v>.
 * Results are summed in float64 outside the graph, so that float32 graphs can be checked with a useful tolerance.
 */
import { elementCount, type Random, type Tensor, tensor } from '@consilium/numerics';
import { expect } from 'vitest';
import { tensorOf } from '../constant-folding.ts';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { nodeRuntime } from '../runtime/node.ts';
import type { Value } from '../value.ts';

export interface DerivativeCase {
  /** Differentiated inputs. */
  readonly inputs: readonly Tensor[];
  readonly build: (g: GraphBuilder, ...inputs: Value[]) => Value;
  /** Step h. Large where the operator is linear in each input, as the difference is exact then. */
  readonly step?: number;
  readonly tolerance?: number;
}

/** Uniform in [low, high). */
export function randomTensor(
  random: Random,
  shape: readonly number[],
  options: { dtype?: 'float32' | 'float64'; low?: number; high?: number } = {},
): Tensor {
  const { dtype = 'float32', low = -1, high = 1 } = options;
  return tensorOf(
    dtype,
    shape,
    Array.from({ length: elementCount(shape) }, () => random.between(low, high)),
  );
}

/** Values at least `gap` apart, shuffled: no kink or tie within a small step. */
export function distinctTensor(
  random: Random,
  shape: readonly number[],
  dtype: 'float32' | 'float64' = 'float32',
): Tensor {
  const count = elementCount(shape);
  const values = random.shuffle(Array.from({ length: count }, (_, index) => (index - count / 2 + 0.37) / 8));
  return tensorOf(dtype, shape, values);
}

const dot = (a: Tensor, b: Tensor): number => {
  let total = 0;
  for (let index = 0; index < a.data.length; index++) total += Number(a.data[index]) * Number(b.data[index]);
  return total;
};

/** Expects every input's gradient to agree with the central difference along random directions. */
export async function expectDerivative(
  random: Random,
  { inputs, build, step = 1e-3, tolerance = 2e-3 }: DerivativeCase,
): Promise<void> {
  const g = new GraphBuilder();
  const values = inputs.map((input, index) => g.input(`x${index}`, input.dtype, input.shape));
  const y = build(g, ...values);
  const weight = randomTensor(random, y.shape, { dtype: y.dtype as 'float32' });
  const loss = g.op('ReduceSum', [g.op('Mul', [y, g.constant(weight, 'loss_weight')])], { keepdims: 0 });
  gradients(g, loss, values).forEach((gradient, index) => {
    g.output(`d${index}`, gradient);
  });
  g.output('y', y);
  await using session = await nodeRuntime().open(g.build());
  const feeds = (moved: readonly Tensor[]) => Object.fromEntries(moved.map((value, index) => [`x${index}`, value]));
  const analytic = await session.run(feeds(inputs));
  for (const [index, input] of inputs.entries()) {
    const gradient = analytic[`d${index}`]!;
    expect(gradient.shape).toEqual(input.shape);
    const direction = randomTensor(random, input.shape, { dtype: input.dtype as 'float32' });
    const lossAt = async (h: number): Promise<number> => {
      const values = Array.from(
        input.data as Float32Array,
        (value, each) => Number(value) + h * Number(direction.data[each]),
      );
      const moved = inputs.with(index, tensorOf(input.dtype, input.shape, values));
      return dot((await session.run(feeds(moved), ['y']))['y']!, weight);
    };
    const numeric = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    const size = Math.sqrt(dot(gradient, gradient)) + 1e-3;
    const error = Math.abs(numeric - dot(gradient, direction)) / size;
    expect(
      error,
      `gradient of input ${index} [${input.shape}]: ${dot(gradient, direction)} against ${numeric}`,
    ).toBeLessThan(tolerance);
  }
}

/** A tensor that takes part but is not differentiated. */
export function fixed(g: GraphBuilder, value: Tensor): Value {
  return g.constant(value);
}

export const int64 = (...values: number[]): Tensor =>
  tensor('int64', [values.length], BigInt64Array.from(values, BigInt));
