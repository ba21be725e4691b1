import {
  createTrainingProgram,
  decodeModel,
  encodeModel,
  type Model,
  specialise,
  withWeights,
} from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import type { Triple } from '@consilium/imaging';
import { createRandom, elementCount, type Tensor, tensor } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NetworkSpecInput, networkSpecSchema } from '../network-spec.ts';
import recordedNetworks from '../recorded/networks.json' with { type: 'json' };
import { pseudo } from '../recorded/pseudo.fixture.ts';
import { buildNetwork, totalStride } from './network.ts';

interface RecordedNetwork {
  readonly spec: NetworkSpecInput;
  readonly patchSize: Triple;
  readonly batchSize: number;
  /** Name, shape, norm of the gradient, its product with pseudo-random numbers. */
  readonly parameters: readonly (readonly [string, readonly number[], number, number])[];
  readonly shapes: readonly (readonly number[])[];
  /** Of each output, every k-th value. */
  readonly logits: readonly (readonly number[])[];
  /** Sum of all logits times pseudo-random numbers. */
  readonly score: number;
}
const recorded = recordedNetworks as unknown as readonly RecordedNetwork[];
const described = recorded.map((each) => {
  const { kind, norm = 'instance', activation = 'leaky-relu', upSampling = 'transposed', channels } = each.spec;
  return [[kind, channels.join('-'), norm, activation, upSampling].join(' '), each] as const;
});

const outputName = (index: number): string => (index === 0 ? 'logits' : `logits_${index}`);
const build = (spec: NetworkSpecInput, patchSize: Triple, batchSize = 1, seed = 1): Model =>
  buildNetwork(networkSpecSchema.parse(spec), { patchSize, batchSize, random: createRandom(seed) });

/** The network with the weights that the recording script gave it. */
function withRecordedWeights({ spec, patchSize, batchSize, parameters }: RecordedNetwork): Model {
  const model = build(spec, patchSize, batchSize);
  return withWeights(model, new Map(parameters.map(([name, shape], key) => [name, recordedValue(name, shape, key)])));
}

/** As `value_of` in the recording script. */
function recordedValue(name: string, shape: readonly number[], key: number): Tensor {
  const values = pseudo(elementCount(shape), key);
  const bound = Math.sqrt(6 / elementCount(shape.slice(1)));
  const scaled = (value: number): number => {
    if (shape.length > 1) return bound * value;
    if (name.endsWith('bias')) return 0.2 * value;
    return values.length > 1 ? 1 + 0.3 * value : 0.25;
  };
  return tensor('float32', shape, Float32Array.from(values, scaled));
}

function imageFor({ patchSize, batchSize }: RecordedNetwork): Tensor {
  const shape = [batchSize, 1, ...patchSize];
  return tensor('float32', shape, Float32Array.from(pseudo(elementCount(shape), 999)));
}

async function run(model: Model, image: Tensor): Promise<Record<string, Tensor>> {
  await using session = await nodeRuntime().open(model, { threads: 1 });
  return await session.run({ image });
}

/** Weights before less weights after one plain step of length 1: the gradient of the score. */
async function gradientsOfScore(each: RecordedNetwork, model: Model): Promise<Map<string, Float32Array>> {
  await using program = await createTrainingProgram(nodeRuntime(), {
    model,
    optimiser: { kind: 'sgd', momentum: 0, nesterov: false },
    threads: 1,
    loss: (g, outputs) => {
      const scores = each.shapes.map((shape, index) => {
        const data = Float32Array.from(pseudo(elementCount(shape), 600 + index));
        const product = g.op('Mul', [outputs[outputName(index)]!, g.constant(tensor('float32', shape, data))]);
        return g.op('ReduceSum', [product], { keepdims: 0 });
      });
      return { loss: scores.reduce((a, b) => g.op('Add', [a, b])) };
    },
  });
  const before = program.weights();
  const { loss } = await program.step({ image: imageFor(each) }, { learningRate: 1 });
  expect(Math.abs(loss - each.score)).toBeLessThan(1e-4 * (1 + Math.abs(each.score)));
  const after = program.weights();
  return new Map(
    [...before].map(([name, { data }]) => [
      name,
      Float32Array.from(data as Float32Array, (value, index) => value - Number(after.get(name)!.data[index])),
    ]),
  );
}

function lengthOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

describe('a network', () => {
  it.each(described)('%s has the parameters and gives the logits that PyTorch gives', async (_, each) => {
    const model = withRecordedWeights(each);
    const results = await run(model, imageFor(each));
    expect(Object.keys(results).sort()).toEqual(each.shapes.map((_, index) => outputName(index)).sort());
    each.shapes.forEach((shape, level) => {
      const { shape: given, data } = results[outputName(level)]!;
      expect(given).toEqual(shape);
      const stride = Math.max(1, Math.floor(data.length / 40));
      const expected = each.logits[level]!;
      const scale = Math.max(...expected.map(Math.abs));
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - Number(data[i * stride]))));
      expect(worst / scale).toBeLessThan(2e-5);
    });
  });

  it.each(described)('%s has the gradients that PyTorch gives', async (_, each) => {
    const gradients = await gradientsOfScore(each, withRecordedWeights(each));
    const total = Math.hypot(...each.parameters.map(([, , norm]) => norm));
    each.parameters.forEach(([name, , norm, along], key) => {
      const gradient = gradients.get(name)!;
      const random = pseudo(gradient.length, key + 300);
      expect(Math.abs(lengthOf(gradient) - norm) / total, `norm for ${name}`).toBeLessThan(1e-3);
      const product = gradient.reduce((sum, value, i) => sum + value * random[i]!, 0);
      expect(Math.abs(product - along) / total, `direction for ${name}`).toBeLessThan(1e-3);
    });
  });

  const small: NetworkSpecInput = {
    kind: 'unet',
    classes: 2,
    channels: [4, 8],
    strides: [
      [1, 1, 1],
      [1, 2, 2],
    ],
    kernelSizes: [
      [1, 3, 3],
      [3, 3, 3],
    ],
    blocksPerLevel: [1, 1],
  };

  it('starts from the same weights for the same seed and from others for another', () => {
    const bytes = (seed: number): Buffer => Buffer.from(encodeModel(build(small, [4, 8, 8], 1, seed)));
    expect(bytes(1).equals(bytes(1))).toBe(true);
    expect(bytes(1).equals(bytes(2))).toBe(false);
  });

  it('starts with the variance of He 2015', () => {
    const spec: NetworkSpecInput = { ...small, channels: [64, 64], activation: 'relu' };
    const weight = build(spec, [4, 8, 8]).parameters.get('encoder.1.convolution.0.weight')!;
    const data = weight.data as Float32Array;
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    expect(variance * 64 * 27).toBeCloseTo(2, 1);
  });

  it('keeps the other layers’ first weights when a layer is added', () => {
    const shallow = build(small, [4, 8, 8]).parameters;
    const deeper = build({ ...small, blocksPerLevel: [1, 2], deepSupervision: true }, [4, 8, 8]).parameters;
    for (const [name, value] of shallow) {
      if (!name.startsWith('decoder')) expect(deeper.get(name), name).toEqual(value);
    }
  });

  it('survives being written and read', () => {
    const model = build(small, [4, 8, 8]);
    expect(Buffer.from(encodeModel(decodeModel(encodeModel(model)))).equals(encodeModel(model))).toBe(true);
  });

  it('gives one score a class and voxel whatever the plan asks for', async () => {
    const anySpec = fc.record({
      kind: fc.constantFrom('unet', 'residual-encoder-unet', 'segresnet'),
      levels: fc.integer({ min: 1, max: 3 }),
      norm: fc.constantFrom('instance', 'group', 'batch', 'none'),
      downSampling: fc.constantFrom('strided-convolution', 'max-pool'),
      upSampling: fc.constantFrom('transposed-convolution', 'nearest', 'linear'),
      activation: fc.constantFrom('relu', 'leaky-relu', 'prelu', 'elu', 'gelu', 'silu', 'mish'),
      stride: fc.constantFrom<Triple>([1, 2, 2], [2, 2, 2], [1, 1, 1], [2, 1, 3]),
    } as const);
    await fc.assert(
      fc.asyncProperty(anySpec, async ({ levels, stride, ...rest }) => {
        const each = <T>(value: T): T[] => new Array<T>(levels).fill(value);
        const spec = networkSpecSchema.parse({
          ...rest,
          classes: 3,
          channels: each(4),
          strides: [[1, 1, 1], ...each(stride).slice(1)],
          kernelSizes: each([3, 3, 3]),
          blocksPerLevel: each(1),
          normGroups: 2,
        });
        const patchSize = totalStride(spec).map((size) => 4 * size) as unknown as Triple;
        const model = buildNetwork(spec, { patchSize, batchSize: 1, random: createRandom(1) });
        const image = tensor('float32', [2, 1, ...patchSize]);
        image.data.set(pseudo(image.data.length, 1));
        const { logits } = await run(specialise(model, { image: image.shape }), image);
        expect(logits!.shape).toEqual([2, 3, ...patchSize]);
        expect((logits!.data as Float32Array).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a patch that its strides do not divide', () => {
    expect(() => build(small, [4, 8, 9])).toThrow(expect.objectContaining({ code: 'training.patch-not-divisible' }));
  });
});

describe('a network specification', () => {
  const valid: NetworkSpecInput = {
    kind: 'unet',
    classes: 2,
    channels: [8, 16],
    strides: [
      [1, 1, 1],
      [2, 2, 2],
    ],
    kernelSizes: [
      [3, 3, 3],
      [3, 3, 3],
    ],
    blocksPerLevel: [2, 2],
  };

  it.each([
    ['another number of strides', { strides: [[1, 1, 1]] }],
    [
      'a first level that is coarser than the image',
      {
        strides: [
          [2, 2, 2],
          [2, 2, 2],
        ],
      },
    ],
    [
      'an even kernel',
      {
        kernelSizes: [
          [3, 3, 3],
          [2, 3, 3],
        ],
      },
    ],
    ['groups that do not divide the channels', { norm: 'group', normGroups: 3 }],
    ['as many decoder levels as encoder levels', { decoderBlocksPerLevel: [1, 1] }],
    ['a misspelt field', { chanels: [8, 16] }],
  ])('with %s is refused', (_, change) => {
    expect(networkSpecSchema.safeParse(valid).success).toBe(true);
    expect(networkSpecSchema.safeParse({ ...valid, ...change }).success).toBe(false);
  });
});
