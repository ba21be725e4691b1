import { createRandom, type Tensor } from '@consilium/numerics';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { randomTensor } from './gradients/finite-difference.fixture.ts';
import { GraphBuilder } from './graph-builder.ts';
import { lowered } from './lowering.ts';
import type { Attributes, Model } from './model.ts';
import { openOnnxSession } from './runtime/onnx-session.ts';

interface Case {
  readonly type: 'Conv' | 'ConvTranspose';
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attributes: Attributes;
}

async function outputOf(model: Model, feeds: Record<string, Tensor>): Promise<Float32Array> {
  await using session = await openOnnxSession(ort, model, { session: { logSeverityLevel: 3 }, writesInPlace: true });
  return (await session.run(feeds))['y']!.data as Float32Array;
}

/** Expects another form, and the same numbers but for rounding. */
async function expectSame({ type, x, w, attributes }: Case): Promise<void> {
  const random = createRandom('lowering', type, ...x, ...w);
  const channels = type === 'Conv' ? w[0]! : w[1]!;
  const feeds = { x: randomTensor(random, x), w: randomTensor(random, w), b: randomTensor(random, [channels]) };
  const g = new GraphBuilder();
  const inputs = Object.entries(feeds).map(([name, { dtype, shape }]) => g.input(name, dtype, shape));
  g.output('y', g.op(type, inputs, attributes));
  const model = g.build();
  const other = lowered(model);
  expect(other.graph.nodes.length).toBeGreaterThan(1);
  const [expected, actual] = [await outputOf(model, feeds), await outputOf(other, feeds)];
  expect(actual.length).toBe(expected.length);
  const worst = expected.reduce((most, value, index) => Math.max(most, Math.abs(value - actual[index]!)), 0);
  expect(worst).toBeLessThan(1e-4);
}

describe('a convolution folded in depth computes what Conv does', () => {
  const pads = (depth: number[], plane: number[]): number[] => [depth[0]!, ...plane, depth[1]!, ...plane];
  it.each([
    { name: 'padded by half the kernel', kernel: [3, 3, 3], pads: pads([1, 1], [1, 1]) },
    { name: 'without padding', kernel: [3, 3, 3], pads: pads([0, 0], [0, 0]) },
    { name: 'padded on one side', kernel: [2, 3, 3], pads: pads([0, 1], [1, 1]) },
    { name: 'of five taps, padded by more than a dilation', kernel: [5, 3, 1], pads: pads([2, 2], [1, 0]) },
    { name: 'padded by more than it reaches', kernel: [3, 1, 3], pads: pads([3, 4], [0, 1]) },
    { name: 'dilated in depth', kernel: [3, 3, 3], dilations: [2, 1, 2], pads: pads([2, 2], [1, 2]) },
    { name: 'with strides in the plane', kernel: [3, 3, 3], strides: [1, 2, 3], pads: pads([1, 1], [1, 1]) },
  ])('$name', async ({ name: _, kernel, ...rest }) => {
    const attributes = { kernel_shape: kernel, ...rest };
    await expectSame({ type: 'Conv', x: [2, 9, 7, 6, 8], w: [5, 9, ...kernel], attributes });
  });
});

describe('an up-sampling by a matrix product computes what ConvTranspose does', () => {
  it.each([
    { kernel: [2, 2, 2], spatial: [3, 4, 5] },
    { kernel: [1, 2, 2], spatial: [3, 2, 48] },
    { kernel: [2, 3, 1], spatial: [2, 3, 37] },
    { kernel: [2, 4], spatial: [5, 64] },
    { kernel: [3], spatial: [7] },
  ])('with the kernel $kernel', async ({ kernel, spatial }) => {
    const attributes = { kernel_shape: kernel, strides: kernel };
    await expectSame({ type: 'ConvTranspose', x: [2, 3, ...spatial], w: [3, 4, ...kernel], attributes });
  });
});
