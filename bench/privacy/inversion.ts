/**
 * Gradient inversion (Zhu et al. 2019, arXiv:1906.08935; Geiping et al. 2020, arXiv:2003.14053): the coordinator holds the
 * weights that it sent and a contribution, and looks for the patch whose gradient points where the contribution does. It
 * is given the segmentation of the patch, the worst case for the patient.
 *
 * The distance is 1 - cos, and what is differentiated by the patch is the engine's own gradient graph: the training graph
 * taken for a network, with the patch as its parameter.
 */
import {
  createTrainingProgram,
  deriveTrainingGraph,
  type GraphBuilder,
  type TrainingProgram,
  type Value,
} from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { protectedUpdate } from '@consilium/federation';
import { createRandom, type Tensor, tensor, type Weights } from '@consilium/numerics';
import { buildNetwork, lossFor } from '@consilium/training';
import { patient, plan, seededNoise } from './problem.ts';

const size = [4, 16, 16] as const;
const voxels = 4 * 16 * 16;
const iterations = 1000;
const plainSgd = { kind: 'sgd', momentum: 0, nesterov: false } as const;

export interface Inversion {
  readonly name: string;
  /**
   * Pearson correlation of the reconstruction with the patch it was made of, within the classes of the segmentation: what
   * the attacker was given anyhow does not count. null for the patch itself.
   */
  readonly correlation: number | null;
  /** Of one slice. */
  readonly slice: readonly number[];
}

interface Patch {
  readonly image: Float32Array;
  readonly label: Tensor;
}

export async function measureInversion(say: (line: string) => void): Promise<Inversion[]> {
  await using attack = await Attack.open();
  const victim = patchOf('victim');
  const gradient = await attack.gradientAt(victim);
  const results: Inversion[] = [{ name: 'the patch', correlation: null, slice: sliceOf(victim.image) }];
  const tryOn = async (name: string, contribution: Weights) => {
    const found = await attack.reconstruct(contribution, victim.label);
    const correlation = correlationWithin(victim.label.data as Float32Array, found, victim.image);
    say(`inversion, ${name}: correlation ${correlation.toFixed(2)}`);
    results.push({ name, correlation, slice: sliceOf(found) });
  };
  await tryOn('one step', gradient);
  await tryOn('shortened', noisy(gradient, { part: 0.1, noiseMultiplier: 0 }));
  for (const noiseMultiplier of [0.01, 0.1]) {
    await tryOn(`noise z = ${noiseMultiplier}`, noisy(gradient, { part: 1, noiseMultiplier }));
  }
  await tryOn('12 steps, 6 patients', await attack.ordinaryContribution(victim));
  return results;
}

/** The contribution shortened to a part of its norm, with noise in units of that. */
function noisy(gradient: Weights, { part, noiseMultiplier }: { part: number; noiseMultiplier: number }): Weights {
  const start: Weights = new Map([...gradient].map(([name, { shape }]) => [name, tensor('float32', shape)]));
  const clipNorm = part * Math.sqrt(dot(gradient, gradient));
  const privacy = { kind: 'noisy-update', clipNorm, noiseMultiplier } as const;
  const noise = seededNoise(createRandom(1, 'noise', String(noiseMultiplier)));
  return protectedUpdate({ start, trained: gradient, privacy, clipNorm, noise }).weights;
}

/** Four slices through the middle of a patient. */
function patchOf(name: string): Patch {
  const { image, label } = patient(5, name);
  const [from, to] = [6 * 256, 10 * 256];
  return {
    image: image.slice(from, to),
    label: tensor('float32', [1, 1, ...size], Float32Array.from(label.subarray(from, to))),
  };
}

class Attack implements AsyncDisposable {
  readonly #network: TrainingProgram;
  readonly #search: TrainingProgram;
  readonly #weights: Weights;

  static async open(): Promise<Attack> {
    const spec = { ...plan.network, channels: [8, 16] };
    const network = buildNetwork(spec, { patchSize: size, batchSize: 1, random: createRandom(1, 'network') });
    const training = { model: network, loss: lossFor(plan.loss), optimiser: plainSgd, threads: 1 };
    const { model } = deriveTrainingGraph(training);
    const search = await createTrainingProgram(nodeRuntime(), {
      model: {
        ...model,
        graph: { ...model.graph, inputs: model.graph.inputs.filter(({ name }) => name !== 'image') },
        parameters: new Map([['image', tensor('float32', [1, 1, ...size])]]),
      },
      loss: distance,
      optimiser: { kind: 'adam', beta2: 0.99 },
      threads: 1,
    });
    return new Attack(await createTrainingProgram(nodeRuntime(), training), search, network.parameters);
  }

  private constructor(network: TrainingProgram, search: TrainingProgram, weights: Weights) {
    this.#network = network;
    this.#search = search;
    this.#weights = weights;
  }

  /** By the weights: what a site sends after one step, but for its sign and the learning rate. */
  async gradientAt({ image, label }: Patch, weights = this.#weights): Promise<Weights> {
    this.#network.setWeights(weights);
    const feeds = { image: tensor('float32', [1, 1, ...size], image), label };
    return scaled((await this.#network.gradients(feeds)).gradients, 1);
  }

  /** Twelve steps on the patches of six patients, the victim among them: the sum of the gradients on the way. */
  async ordinaryContribution(victim: Patch): Promise<Weights> {
    const patches = [victim, ...Array.from({ length: 5 }, (_, index) => patchOf(`other-${index}`))];
    let weights = this.#weights;
    for (let step = 0; step < 12; step++) {
      weights = along(weights, await this.gradientAt(patches[step % 6]!, weights), -0.05);
    }
    return along(this.#weights, weights, -1);
  }

  async reconstruct(contribution: Weights, label: Tensor): Promise<Float32Array> {
    const random = createRandom(1, 'guess');
    const guess = Float32Array.from({ length: voxels }, () => 0.1 * random.normal());
    const sent = scaled(contribution, 1 / Math.sqrt(dot(contribution, contribution)));
    const feeds = {
      label,
      ...Object.fromEntries(this.#weights),
      ...Object.fromEntries([...sent].map(([name, value]) => [`sent/${name}`, value])),
    };
    this.#search.setWeights(new Map([['image', tensor('float32', [1, 1, ...size], guess)]]));
    for (let step = 1; step <= iterations; step++) {
      await this.#search.step(feeds, { learningRate: 0.05 * (1 + Math.cos((Math.PI * step) / iterations)) });
    }
    return this.#search.weights().get('image')!.data as Float32Array;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
    await this.#search[Symbol.asyncDispose]();
  }
}

/** 1 - cos between the gradients that the graph computes and those that were sent, of length 1. */
function distance(g: GraphBuilder, outputs: Readonly<Record<string, Value>>): { loss: Value } {
  const sums = { own: [] as Value[], both: [] as Value[] };
  const total = (values: readonly Value[]) => values.reduce((a, b) => g.op('Add', [a, b]));
  for (const [name, gradient] of Object.entries(outputs)) {
    if (!name.startsWith('gradient/')) continue;
    const sent = g.input(name.replace('gradient/', 'sent/'), 'float32', gradient.shape);
    const sumOf = (product: Value) => g.op('ReduceSum', [product], { keepdims: 0 });
    sums.own.push(sumOf(g.op('Mul', [gradient, gradient])));
    sums.both.push(sumOf(g.op('Mul', [gradient, sent])));
  }
  return { loss: g.op('Sub', [g.scalar(1), g.op('Div', [total(sums.both), g.op('Sqrt', [total(sums.own)])])]) };
}

function dot(one: Weights, other: Weights): number {
  let sum = 0;
  for (const [name, { data }] of one) {
    const values = other.get(name)!.data;
    for (let index = 0; index < data.length; index++) sum += Number(data[index]) * Number(values[index]);
  }
  return sum;
}

/** one + factor · other. */
function along(one: Weights, other: Weights, factor: number): Weights {
  return new Map(
    [...one].map(([name, { shape, data }]) => {
      const values = other.get(name)!.data;
      const sum = Float32Array.from(data as Float32Array, (value, index) => value + factor * Number(values[index]));
      return [name, tensor('float32', shape, sum)];
    }),
  );
}

function scaled(weights: Weights, factor: number): Weights {
  return new Map([...weights].map(([name, value]) => [name, scaledTensor(value, factor)]));
}

function scaledTensor({ shape, data }: Tensor, factor: number): Tensor {
  return tensor(
    'float32',
    shape,
    Float32Array.from(data as Float32Array, (value) => factor * value),
  );
}

function sliceOf(image: Float32Array): number[] {
  return [...image.subarray(2 * 256, 3 * 256)];
}

function correlationWithin(label: Float32Array, one: Float32Array, other: Float32Array): number {
  const centred = (values: Float32Array) => {
    const means = [0, 1, 2].map((wanted) => {
      const own = values.filter((_, index) => label[index] === wanted);
      return own.reduce((sum, value) => sum + value, 0) / own.length;
    });
    return values.map((value, index) => value - means[label[index]!]!);
  };
  const [a, b] = [centred(one), centred(other)];
  const product = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}
