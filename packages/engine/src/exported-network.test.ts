/** A network exported from PyTorch by both of its exporters, trained here and there (`recording/record_network.py`). */
import { readFileSync } from 'node:fs';
import type { Tensor } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { tensorOf } from './constant-folding.ts';
import type { Model } from './model.ts';
import { decodeModel, encodeModel } from './model-codec.ts';
import { specialise } from './model-import.ts';
import type { OptimiserSpec } from './optimiser.ts';
import recorded from './recorded/exported-network.json' with { type: 'json' };
import { nodeRuntime } from './runtime/node.ts';
import { createTrainingProgram, type TrainingSpec } from './training-program.ts';

const { size, classes } = recorded;
const voxels = size.reduce((all, each) => all * each, 1);

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

const images = new Float32Array(bytesOf(recorded.images).buffer);
const labels = bytesOf(recorded.labels);

function exported(file: string): Model {
  return decodeModel(readFileSync(new URL(`recorded/${file}`, import.meta.url)));
}

/** The images and their labels, one channel a class, of some of the three cases. */
function batchOf(...cases: number[]): Record<string, Tensor> {
  const image = cases.flatMap((index) => [...images.subarray(index * voxels, (index + 1) * voxels)]);
  const truth = cases.flatMap((index) => {
    const own = labels.subarray(index * voxels, (index + 1) * voxels);
    return Array.from({ length: classes }, (_, value) => [...own].map((label) => Number(label === value))).flat();
  });
  return {
    image: tensorOf('float32', [cases.length, 1, ...size], image),
    truth: tensorOf('float32', [cases.length, classes, ...size], truth),
  };
}

/** Mean cross-entropy over voxels. */
const crossEntropy: TrainingSpec['loss'] = (g, { logits }) => {
  const truth = g.input('truth', 'float32', logits!.shape);
  const found = g.op('Mul', [g.op('LogSoftmax', [logits!], { axis: 1 }), truth]);
  const total = g.op('ReduceSum', [found], { keepdims: 0 });
  return { loss: g.op('Div', [total, g.scalar(-logits!.shape[0]! * voxels)]) };
};

const optimisers: Record<string, { spec: OptimiserSpec; learningRate: number; losses: number[] }> = {
  sgd: {
    spec: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 1e-3 },
    learningRate: 0.05,
    losses: recorded.losses.sgd,
  },
  adam: { spec: { kind: 'adam' }, learningRate: 0.01, losses: recorded.losses.adam },
};

describe.each(['exported.onnx', 'exported-by-script.onnx'])('%s', (file) => {
  it('has its batch open and can be bound to any', async () => {
    const model = exported(file);
    expect(model.graph.inputs.map(({ shape }) => shape)).toEqual([['batch', 1, ...size]]);
    for (const count of [1, 3] as const) {
      const bound = specialise(model, { image: [count, 1, ...size] });
      expect(bound.graph.outputs).toEqual([{ name: 'logits', dtype: 'float32', shape: [count, classes, ...size] }]);
      await using session = await nodeRuntime().open(bound);
      const { image } = batchOf(...[0, 1, 2].slice(0, count));
      const { logits } = await session.run({ image: image! });
      const expected = new Float32Array(bytesOf(recorded.logits[count]).buffer);
      const error = Math.max(...expected.map((value, index) => Math.abs(value - Number(logits!.data[index]))));
      expect(error).toBeLessThan(1e-5);
    }
  });

  it('gives the same as it is, with its batch open', async () => {
    await using session = await nodeRuntime().open(exported(file));
    const { logits } = await session.run({ image: batchOf(1)['image']! });
    expect(logits!.shape).toEqual([1, classes, ...size]);
  });

  it('must be bound before it is trained', async () => {
    const spec = { model: exported(file), loss: crossEntropy, optimiser: optimisers['adam']!.spec };
    await expect(createTrainingProgram(nodeRuntime(), spec)).rejects.toMatchObject({ code: 'engine.shape-mismatch' });
  });

  it.each(Object.keys(optimisers))('trains as in PyTorch for 20 steps: %s', async (kind) => {
    const { spec, learningRate, losses } = optimisers[kind]!;
    const model = specialise(exported(file), { image: [2, 1, ...size] });
    const isParameter = (name: string): boolean => name !== 'ramp'; // the older exporter does not say that it is a buffer
    await using program = await createTrainingProgram(nodeRuntime(), {
      model,
      loss: crossEntropy,
      optimiser: spec,
      trainable: isParameter,
    });
    const elements = [...program.weights()].reduce(
      (sum, [name, { data }]) => sum + Number(isParameter(name)) * data.length,
      0,
    );
    expect(elements).toBe(recorded.parameterCount);
    for (const [step, expected] of losses.entries()) {
      const { loss } = await program.step(batchOf(step % 3, (step + 1) % 3), { learningRate });
      expect(Math.abs(loss / expected - 1), `loss of step ${step}`).toBeLessThan(1e-3);
    }
  });

  it('comes back from its own file the same, trained weights inside', async () => {
    const model = specialise(exported(file), { image: [2, 1, ...size] });
    const again = decodeModel(encodeModel(model));
    expect([...again.parameters]).toEqual([...model.parameters]);
    expect(again.graph).toEqual(model.graph);
    expect(encodeModel(again)).toEqual(encodeModel(model));
  });
});

describe('the newer exporter', () => {
  it('says which tensors are buffers, and the ones and zeros of GroupNorm are no parameters', () => {
    const { parameters } = exported('exported.onnx');
    expect([...parameters.keys()].filter((name) => !name.startsWith('val_'))).toEqual(
      recorded.parameters.filter((name) => name !== 'ramp' && !name.startsWith('norm.')),
    );
    expect([...parameters].filter(([name]) => name.startsWith('val_')).map(([, { shape }]) => shape)).toEqual([
      [8, 1, 1, 1],
      [8, 1, 1, 1],
    ]);
  });
});
