/** Values and gradients against those that PyTorch computed in float64 (`recording/record.py`). */
import { type DType, elementCount, type Tensor, tensor } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { tensorOf } from '../constant-folding.ts';
import { differentiableOperators, gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph-builder.ts';
import type { Attributes } from '../model.ts';
import recorded from '../recorded/operators.json' with { type: 'json' };
import { nodeRuntime } from '../runtime/node.ts';
import type { Value } from '../value.ts';

interface RecordedCase {
  readonly family: string;
  readonly name: string;
  /** Differentiated. */
  readonly inputs: Readonly<Record<string, { shape: number[]; data: string }>>;
  readonly constants: Readonly<Record<string, { dtype: DType; shape: number[]; values: number[] }>>;
  readonly nodes: readonly [type: string, inputs: string[], attributes: Attributes, outputs: number][];
  readonly shape: readonly number[];
  readonly y: string;
  readonly gradients: Readonly<Record<string, string>>;
  /** Largest difference, relative to the largest number recorded. */
  readonly tolerance?: number;
}

const cases = recorded.cases as unknown as readonly RecordedCase[];
const families = [...new Set(cases.map((each) => each.family))];

function unpacked(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
}

/** r of the loss sum(y * r): the numbers that `record.py` uses. */
function weightsOf(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => (((index * 37) % 101) - 50) / 50);
}

/** The recorded nodes, the loss and its gradients as one graph: outputs y and d/<input>. */
function graphOf(each: RecordedCase): GraphBuilder {
  const g = new GraphBuilder();
  const values = new Map<string, Value>();
  for (const [name, { shape }] of Object.entries(each.inputs)) values.set(name, g.input(name, 'float32', shape));
  for (const [name, { dtype, shape, values: numbers }] of Object.entries(each.constants)) {
    values.set(name, g.constant(tensorOf(dtype, shape, numbers)));
  }
  let y: Value | undefined;
  each.nodes.forEach(([type, inputs, attributes, outputs], index) => {
    const given = inputs.map((name) => (name === '' ? null : values.get(name)!));
    const made = g.ops(type, given, outputs, attributes);
    made.forEach((value, output) => {
      values.set(output === 0 ? `n${index}` : `n${index}:${output}`, value);
    });
    y = made[0]!;
  });
  const weighted = g.op('Mul', [
    y!,
    g.constant(tensor('float32', each.shape, weightsOf(elementCount(each.shape))), 'r'),
  ]);
  const names = Object.keys(each.inputs);
  const loss = g.op('ReduceSum', [weighted], { keepdims: 0 });
  const derivatives = gradients(
    g,
    loss,
    names.map((name) => values.get(name)!),
  );
  g.output('y', y!);
  names.forEach((name, index) => {
    g.output(`d/${name}`, derivatives[index]!);
  });
  return g;
}

function expectClose(actual: Tensor, expected: Float32Array, tolerance: number, what: string): void {
  const values = actual.data as Float32Array;
  expect(values.length, what).toBe(expected.length);
  let largest = 1e-2; // below this, differences count as of numbers of this size
  let error = 0;
  for (let index = 0; index < expected.length; index++) {
    largest = Math.max(largest, Math.abs(expected[index]!));
    const difference = Math.abs(values[index]! - expected[index]!);
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  expect(error / largest, what).toBeLessThan(tolerance);
}

describe('value and gradients agree with PyTorch of', () => {
  it.each(families)('%s', async (family) => {
    for (const each of cases.filter((one) => one.family === family)) {
      const feeds = Object.fromEntries(
        Object.entries(each.inputs).map(([name, { shape, data }]) => [name, tensor('float32', shape, unpacked(data))]),
      );
      await using session = await nodeRuntime().open(graphOf(each).build());
      const results = await session.run(feeds);
      const tolerance = each.tolerance ?? 1e-4;
      expect(results['y']!.shape, each.name).toEqual(each.shape);
      expectClose(results['y']!, unpacked(each.y), tolerance, `value of ${family} ${each.name}`);
      for (const [name, expected] of Object.entries(each.gradients)) {
        const what = `gradient of ${family} ${each.name} with respect to ${name}`;
        expectClose(results[`d/${name}`]!, unpacked(expected), tolerance, what);
      }
    }
  });
});

describe('the recording', () => {
  it('has a case of every operator with a rule that PyTorch can record', () => {
    const types = new Set(cases.flatMap((each) => each.nodes.map(([type]) => type)));
    const withoutTwin = ['Cast', 'CastLike', 'Dropout']; // nothing to compute
    expect(differentiableOperators.filter((type) => !types.has(type))).toEqual(withoutTwin);
  });
});
