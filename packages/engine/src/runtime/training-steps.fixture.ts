/**
 * Three training steps of a small 3-D U-Net with everything the large ones have: strided convolution, instance norm,
 * LeakyReLU, transposed convolution, a skip connection, Dice and cross-entropy. The same in Node and in a browser.
 */
import { createRandom, elementCount, type Random, type Tensor, tensor } from '@consilium/numerics';
import { GraphBuilder } from '../graph-builder.ts';
import type { Model } from '../model.ts';
import { createTrainingProgram } from '../training-program.ts';
import type { Value } from '../value.ts';
import type { Runtime } from './runtime.ts';

export interface TrainingSteps {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  /** After the last step, by name. */
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

const stepCount = 3;
const classCount = 3;
/** [n, c, z, y, x] of a batch of images. */
const imageShape = [2, 1, 8, 6, 8] as const;

/** @throws EngineError */
export async function trainingSteps(runtime: Runtime): Promise<TrainingSteps> {
  const random = createRandom(20, 'training-steps');
  await using program = await createTrainingProgram(runtime, {
    model: network(random.fork('weights')),
    loss: (g, { logits }) => diceAndCrossEntropy(g, logits!),
    optimiser: { kind: 'adamw', weightDecay: 0.02 },
    clipNorm: 0.5,
  });
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  for (let step = 0; step < stepCount; step++) {
    const { loss, gradientNorm } = await program.step(batch(random.fork('batch', step)), { learningRate: 0.01 });
    losses.push(loss);
    gradientNorms.push(gradientNorm);
  }
  const weights = [...program.weights()].map(([name, { data }]) => [name, [...(data as Float32Array)]] as const);
  return { losses, gradientNorms, weights: Object.fromEntries(weights) };
}

/** No bias before a norm: its gradient is exactly zero but for rounding, of which Adam would make a whole step. */
function network(random: Random): Model {
  const g = new GraphBuilder({ name: 'training-steps' });
  const weight = (name: string, shape: readonly number[]): Value => {
    const limit = Math.sqrt(6 / elementCount(shape.slice(1)));
    return g.parameter(name, uniform(random.fork(name), shape, { low: -limit, high: limit }));
  };
  const normalised = (name: string, x: Value): Value => {
    const scale = g.parameter(`${name}.scale`, uniform(random.fork(name), [x.shape[1]!], { low: 0.5, high: 1.5 }));
    const bias = g.parameter(`${name}.bias`, tensor('float32', [x.shape[1]!]));
    return g.op('LeakyRelu', [g.op('InstanceNormalization', [x, scale, bias])], { alpha: 0.1 });
  };
  const block = (name: string, x: Value, channels: number, stride: number): Value => {
    const w = weight(`${name}.weight`, [channels, x.shape[1]!, 3, 3, 3]);
    return normalised(name, g.op('Conv', [x, w], { pads: [1, 1, 1, 1, 1, 1], strides: [stride, stride, stride] }));
  };
  const fine = block('fine', g.input('image', 'float32', imageShape), 4, 1);
  const coarse = block('coarse', fine, 8, 2);
  const up = g.op('ConvTranspose', [coarse, weight('up.weight', [8, 4, 2, 2, 2])], { strides: [2, 2, 2] });
  const merged = block('merged', g.op('Concat', [fine, up], { axis: 1 }), 4, 1);
  const bias = g.parameter('head.bias', tensor('float32', [classCount]));
  g.output('logits', g.op('Conv', [merged, weight('head.weight', [classCount, 4, 1, 1, 1]), bias]));
  return g.build();
}

/** Mean cross-entropy of the voxels plus 1 - mean soft Dice of the classes over the batch. */
function diceAndCrossEntropy(g: GraphBuilder, logits: Value): { loss: Value } {
  const label = g.input('label', 'int64', imageShape);
  const classes = g.constant(tensor('int64', [1, classCount, 1, 1, 1], BigInt64Array.of(0n, 1n, 2n)));
  const truth = g.op('Cast', [g.op('Equal', [label, classes])], { to: 1 });
  const logLikelihood = g.op('Mul', [g.op('LogSoftmax', [logits], { axis: 1 }), truth]);
  const entropy = g.op('Mul', [g.op('ReduceMean', [logLikelihood], { keepdims: 0 }), g.scalar(-classCount)]);
  const probabilities = g.op('Softmax', [logits], { axis: 1 });
  const sum = (value: Value): Value => g.op('ReduceSum', [value, g.int64s(0, 2, 3, 4)], { keepdims: 0 });
  const shared = g.op('Mul', [sum(g.op('Mul', [probabilities, truth])), g.scalar(2)]);
  const all = g.op('Add', [sum(probabilities), sum(truth)]);
  const dice = g.op('Div', [g.op('Add', [shared, g.scalar(1)]), g.op('Add', [all, g.scalar(1)])]);
  const overlap = g.op('ReduceMean', [dice], { keepdims: 0 });
  return { loss: g.op('Add', [entropy, g.op('Sub', [g.scalar(1), overlap])]) };
}

/** Noise in which class 1 is brighter and class 2 darker. */
function batch(random: Random): { image: Tensor; label: Tensor } {
  const image = uniform(random, imageShape, { low: -1, high: 1 });
  const label = tensor('int64', imageShape);
  for (let index = 0; index < label.data.length; index++) {
    const which = random.integer(0, classCount);
    label.data[index] = BigInt(which);
    image.data[index]! += [0, 1, -1][which]!;
  }
  return { image, label };
}

function uniform(random: Random, shape: readonly number[], { low, high }: { low: number; high: number }) {
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => random.between(low, high)),
  );
}
