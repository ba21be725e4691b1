/**
 * A network that can be trained: its graph, the loss and their gradients as one session, and an optimiser beside it. One
 * call of `step` is one training step; everything it changes is in this object and can be saved and restored.
 */
import { type Tensor, tensor, type Weights } from '@consilium/numerics';
import { EngineError } from './engine-error.ts';
import { gradients } from './gradients.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { assertSameLayout, type Model } from './model.ts';
import { importModel } from './model-import.ts';
import { clippingFactor, createOptimiser, globalNorm, type Optimiser, type OptimiserSpec } from './optimiser.ts';
import type { Runtime, RuntimeOptions, Session } from './runtime/runtime.ts';
import type { Value } from './value.ts';

export interface TrainingSpec extends RuntimeOptions {
  /** The forward graph, of static shapes. */
  readonly model: Model;
  /** Adds the loss to the graph; may declare further inputs, such as the label. Monitors are returned by every step. */
  readonly loss: (
    g: GraphBuilder,
    outputs: Readonly<Record<string, Value>>,
  ) => { readonly loss: Value; readonly monitors?: Readonly<Record<string, Value>> };
  readonly optimiser: OptimiserSpec;
  /** Gradients are scaled so that their global norm is at most this. */
  readonly clipNorm?: number;
  /** FedProx: adds mu / 2 |w - anchor|^2 to the loss that is minimised (not to the one reported). Li et al. 2020. */
  readonly proximalMu?: number;
  /** SCAFFOLD: `setControlVariate` will be called. Karimireddy et al. 2020. */
  readonly controlVariate?: boolean;
  /** Keeps an exponential moving average of the weights: average = decay average + (1 - decay) weights. */
  readonly averageDecay?: number;
  /** Which parameters are trained; all unless told. The others stay as they are. */
  readonly trainable?: (name: string) => boolean;
}

export interface StepResult {
  readonly loss: number;
  /** Of the gradients with proximal term and control variate, before clipping. */
  readonly gradientNorm: number;
  readonly monitors: Record<string, Tensor>;
}

export interface TrainingProgram extends AsyncDisposable {
  /**
   * One step on one batch.
   * @throws EngineError `engine.loss-not-finite` if the loss or the gradient norm is; nothing has changed then.
   */
  step(feeds: Readonly<Record<string, Tensor>>, options: { readonly learningRate: number }): Promise<StepResult>;
  /**
   * Loss and gradients of one batch at the present weights; nothing changes. The gradients are the loss's alone, float32
   * as the graph computes them, and may be infinite or not a number; they are overwritten by the next call.
   */
  gradients(feeds: Readonly<Record<string, Tensor>>): Promise<{ readonly loss: number; readonly gradients: Weights }>;
  /**
   * The network's outputs at the present weights, without loss or gradients; nothing changes. The first call opens a
   * second session, of the forward graph alone.
   */
  outputs(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  /**
   * One step of the optimiser along gradients that were made elsewhere, which may be those that `gradients` gave.
   * Proximal term, control variate and clipping come after, as in `step`.
   * @returns the gradient norm as in `StepResult`
   * @throws EngineError `engine.loss-not-finite` if it is not finite; nothing has changed then. `engine.weights-mismatch`
   */
  update(gradients: Weights, options: { readonly learningRate: number }): number;
  /** A copy. */
  weights(): Weights;
  /** Copies; the moments stay. @throws EngineError `engine.weights-mismatch` */
  setWeights(weights: Weights): void;
  /** A copy of everything but the weights: moments, step count, average, anchor, control variate. */
  state(): Weights;
  /** @throws EngineError `engine.state-mismatch` if the state is of another program. */
  setState(state: Weights): void;
  /** The weights that the proximal term pulls to: those the round began with. Copied. */
  setAnchor(weights: Weights): void;
  /** Added to every gradient. Names of the trained parameters. Copied. */
  setControlVariate(control: Weights): void;
  /** The moving average, a copy; the weights themselves before the first step. */
  averagedWeights(): Weights;
}

/** @throws EngineError `engine.operator-not-differentiable` before any session is opened. */
export async function createTrainingProgram(runtime: Runtime, spec: TrainingSpec): Promise<TrainingProgram> {
  const derived = deriveTrainingGraph(spec);
  const options: RuntimeOptions = {
    ...(spec.threads === undefined ? {} : { threads: spec.threads }),
    ...(spec.keepMemory === undefined ? {} : { keepMemory: spec.keepMemory }),
  };
  const session = await runtime.open(derived.model, options);
  return new Program(spec, derived, { session, openForward: () => runtime.open(forwardGraph(spec.model), options) });
}

/** The network with its weights as inputs. */
function forwardGraph(model: Model): Model {
  const { g, outputs } = importModel(model, { parametersAs: 'inputs' });
  for (const [name, value] of Object.entries(outputs)) g.output(name, value);
  return g.build();
}

interface TrainingGraph {
  readonly model: Model;
  /** Parameters that the graph uses at all. */
  readonly fed: readonly string[];
  readonly trained: readonly string[];
  readonly monitors: readonly string[];
}

const lossOutput = 'loss';
const gradientOutput = (name: string): string => `gradient/${name}`;
const monitorOutput = (name: string): string => `monitor/${name}`;

/** Forward graph, loss and gradients: inputs are the weights and the batch, outputs the loss, gradients and monitors. */
export function deriveTrainingGraph({ model, loss, trainable }: TrainingSpec): TrainingGraph {
  const { g, outputs, parameters } = importModel(model, { parametersAs: 'inputs' });
  const built = loss(g, outputs);
  const trained = [...parameters.keys()].filter((name) => trainable?.(name) ?? true);
  for (const name of trained) {
    if (model.parameters.get(name)!.dtype !== 'float32') {
      throw new EngineError('engine.model-unsupported', `only float32 parameters are trained, not ${name}`);
    }
  }
  const derivatives = gradients(
    g,
    built.loss,
    trained.map((name) => parameters.get(name)!),
  );
  g.output(lossOutput, built.loss);
  trained.forEach((name, index) => {
    g.output(gradientOutput(name), derivatives[index]!);
  });
  const monitors = Object.entries(built.monitors ?? {});
  for (const [name, value] of monitors) g.output(monitorOutput(name), value);
  return { model: g.build(), fed: [...parameters.keys()], trained, monitors: monitors.map(([name]) => name) };
}

/** Names in a saved state. Parameter names follow the slash. */
const stateName = {
  step: 'step',
  first: (name: string): string => `first/${name}`,
  second: (name: string): string => `second/${name}`,
  average: (name: string): string => `average/${name}`,
  anchor: (name: string): string => `anchor/${name}`,
  control: (name: string): string => `control/${name}`,
} as const;

class Program implements TrainingProgram {
  readonly #spec: TrainingSpec;
  readonly #graph: TrainingGraph;
  readonly #session: Session;
  readonly #openForward: () => Promise<Session>;
  readonly #optimiser: Optimiser;
  readonly #weights: Map<string, Tensor>;
  readonly #gradients: Map<string, Tensor>;
  readonly #first: Map<string, Tensor>;
  readonly #second: Map<string, Tensor>;
  #average: Map<string, Tensor> | undefined;
  #anchor: Map<string, Tensor> | undefined;
  #control: Map<string, Tensor> | undefined;
  #forward: Promise<Session> | undefined;
  #step = 0;

  constructor(
    spec: TrainingSpec,
    graph: TrainingGraph,
    { session, openForward }: { readonly session: Session; readonly openForward: () => Promise<Session> },
  ) {
    this.#spec = spec;
    this.#graph = graph;
    this.#session = session;
    this.#openForward = openForward;
    this.#optimiser = createOptimiser(spec.optimiser);
    this.#weights = copied(spec.model.parameters);
    const trained = new Map(graph.trained.map((name) => [name, this.#weights.get(name)!]));
    this.#gradients = zeros(trained);
    this.#first = zeros(trained);
    this.#second = this.#optimiser.moments.length > 1 ? zeros(trained) : new Map();
    if (spec.averageDecay !== undefined) this.#average = copied(this.#weights);
  }

  async step(feeds: Readonly<Record<string, Tensor>>, { learningRate }: { learningRate: number }): Promise<StepResult> {
    const { loss, results } = await this.#run(feeds);
    if (!Number.isFinite(loss)) throw notFinite('the loss');
    const gradientNorm = this.#descend(learningRate);
    const monitors = Object.fromEntries(this.#graph.monitors.map((name) => [name, results[monitorOutput(name)]!]));
    return { loss, gradientNorm, monitors };
  }

  async gradients(feeds: Readonly<Record<string, Tensor>>): Promise<{ loss: number; gradients: Weights }> {
    const { loss } = await this.#run(feeds);
    return { loss, gradients: this.#gradients };
  }

  async outputs(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    this.#forward ??= this.#openForward();
    const session = await this.#forward;
    return session.run({ ...feeds, ...Object.fromEntries(this.#weights) });
  }

  update(gradients: Weights, { learningRate }: { learningRate: number }): number {
    assertSameLayout(this.#gradients, gradients);
    if (gradients !== this.#gradients) overwrite(this.#gradients, gradients);
    return this.#descend(learningRate);
  }

  /** Leaves the gradients in `#gradients`. */
  async #run(
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<{ loss: number; results: Readonly<Record<string, Tensor>> }> {
    const all: Record<string, Tensor> = { ...feeds };
    for (const name of this.#graph.fed) all[name] = this.#weights.get(name)!;
    const into: Record<string, Tensor> = {};
    for (const [name, gradient] of this.#gradients) into[gradientOutput(name)] = gradient;
    const results = await this.#session.run(all, { into });
    return { loss: Number((results[lossOutput]!.data as Float32Array)[0]), results };
  }

  #descend(learningRate: number): number {
    this.#addToGradients();
    const gradientNorm = globalNorm(this.#gradients);
    if (!Number.isFinite(gradientNorm)) throw notFinite('the gradient');
    this.#update(learningRate, clippingFactor(gradientNorm, this.#spec.clipNorm));
    return gradientNorm;
  }

  #addToGradients(): void {
    const mu = this.#spec.proximalMu ?? 0;
    for (const [name, gradient] of this.#gradients) {
      const g = gradient.data as Float32Array;
      if (mu !== 0 && this.#anchor !== undefined) {
        const w = this.#weights.get(name)!.data as Float32Array;
        const anchor = this.#anchor.get(name)!.data as Float32Array;
        for (let index = 0; index < g.length; index++) g[index]! += mu * (w[index]! - anchor[index]!);
      }
      const control = this.#control?.get(name)?.data as Float32Array | undefined;
      if (control !== undefined) for (let index = 0; index < g.length; index++) g[index]! += control[index]!;
    }
  }

  #update(learningRate: number, gradientScale: number): void {
    this.#step += 1;
    const none = new Float32Array(0);
    for (const [name, gradient] of this.#gradients) {
      const slot = {
        weight: this.#weights.get(name)!.data as Float32Array,
        gradient: gradient.data as Float32Array,
        first: this.#first.get(name)!.data as Float32Array,
        second: (this.#second.get(name)?.data as Float32Array | undefined) ?? none,
      };
      this.#optimiser.update(slot, { step: this.#step, learningRate, gradientScale });
      if (this.#average === undefined) continue;
      const average = this.#average.get(name)!.data as Float32Array;
      const decay = this.#spec.averageDecay!;
      for (let index = 0; index < average.length; index++) {
        average[index] = decay * average[index]! + (1 - decay) * slot.weight[index]!;
      }
    }
  }

  weights(): Weights {
    return copied(this.#weights);
  }

  setWeights(weights: Weights): void {
    assertSameLayout(this.#weights, weights);
    overwrite(this.#weights, weights);
    if (this.#step === 0 && this.#average !== undefined) overwrite(this.#average, weights);
  }

  averagedWeights(): Weights {
    return copied(this.#average ?? this.#weights);
  }

  setAnchor(weights: Weights): void {
    assertSameLayout(this.#weights, weights);
    this.#anchor = copied(weights);
  }

  setControlVariate(control: Weights): void {
    if (this.#spec.controlVariate !== true) throw new TypeError('the program was created without control variates');
    assertSameLayout(this.#gradients, control);
    this.#control = copied(control);
  }

  state(): Weights {
    const saved = new Map<string, Tensor>([[stateName.step, tensor('float64', [], Float64Array.of(this.#step))]]);
    for (const [kind, tensors] of this.#remembered()) {
      for (const [name, value] of tensors) saved.set(stateName[kind](name), copyOf(value));
    }
    return saved;
  }

  #remembered(): [Exclude<keyof typeof stateName, 'step'>, ReadonlyMap<string, Tensor>][] {
    return [
      ['first', this.#first],
      ['second', this.#second],
      ['average', this.#average ?? new Map()],
      ['anchor', this.#anchor ?? new Map()],
      ['control', this.#control ?? new Map()],
    ];
  }

  setState(state: Weights): void {
    const step = state.get(stateName.step);
    const refuse: (reason: string) => never = (reason) => {
      throw new EngineError('engine.state-mismatch', `the saved training state does not fit: ${reason}`);
    };
    if (step?.dtype !== 'float64') refuse('it has no step count');
    let known = 1;
    const part = (kind: Exclude<keyof typeof stateName, 'step'>, layout: ReadonlyMap<string, Tensor>) => {
      const own = new Map([...layout.keys()].map((name) => [name, state.get(stateName[kind](name))]));
      const present = [...own].filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
      known += present.length;
      try {
        if (present.length > 0) assertSameLayout(layout, new Map(present));
      } catch (error) {
        refuse(error instanceof Error ? error.message : kind);
      }
      return present.length > 0 ? new Map(present) : undefined;
    };
    const first = part('first', this.#first) ?? (this.#first.size > 0 ? refuse('it has no moments') : new Map());
    const second = part('second', this.#second) ?? (this.#second.size > 0 ? refuse('it has no moments') : new Map());
    const average = part('average', this.#weights);
    if ((average === undefined) !== (this.#average === undefined)) refuse('one has an average of weights, one has not');
    const anchor = part('anchor', this.#weights);
    const control = this.#spec.controlVariate === true ? part('control', this.#gradients) : undefined;
    if (known < state.size) refuse('it remembers something that this training does not');
    overwrite(this.#first, first);
    overwrite(this.#second, second);
    if (average !== undefined) this.#average = copied(average);
    this.#anchor = anchor && copied(anchor);
    this.#control = control && copied(control);
    this.#step = (step.data as Float64Array)[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#forward)?.[Symbol.asyncDispose]();
    await this.#session[Symbol.asyncDispose]();
  }
}

function notFinite(what: string): EngineError {
  return new EngineError(
    'engine.loss-not-finite',
    `${what} is not a finite number; the weights are as before the step`,
  );
}

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: data.slice() as Tensor['data'] };
}

function copied(tensors: Weights): Map<string, Tensor> {
  return new Map([...tensors].map(([name, value]) => [name, copyOf(value)]));
}

function zeros(tensors: Weights): Map<string, Tensor> {
  return new Map([...tensors].map(([name, { dtype, shape }]) => [name, tensor(dtype, shape)]));
}

function overwrite(target: ReadonlyMap<string, Tensor>, source: Weights): void {
  for (const [name, { data }] of target) (data as Float32Array).set(source.get(name)!.data as Float32Array);
}
