/**
 * One site's local training: draws batches, takes steps, keeps nothing else. Everything that is random is keyed by the
 * global step, so that training ten steps, and training five, stopping, and training five more from a checkpoint, give
 * the same bytes.
 */
import {
  createTrainingProgram,
  EngineError,
  learningRateAt,
  type Model,
  type OptimiserSpec,
  type Runtime,
  type Schedule,
  type TrainingProgram,
} from '@consilium/engine';
import {
  decodeSafetensors,
  encodeSafetensors,
  type NoiseSource,
  type Random,
  type Tensor,
  tensor,
  type Weights,
} from '@consilium/numerics';
import { lossFor } from './losses/loss.ts';
import type { Plan } from './plan.ts';
import type { PreparedCase } from './preprocess.ts';
import { type PrivacyOptions, privateGradient } from './private-step.ts';
import type { Batch } from './sampling.ts';
import { sampleExamples } from './training-batch.ts';
import { TrainingError } from './training-error.ts';

export interface TrainerOptions {
  readonly runtime: Runtime;
  readonly plan: Plan;
  /** Its weights are where training starts; its input `image` has the plan's batch and patch size. */
  readonly model: Model;
  readonly cases: readonly PreparedCase[];
  /** The batch of step s is drawn from `random.fork('step', s)`; the stream itself is not advanced. */
  readonly random: Random;
  readonly threads?: number;
  /** FedProx (Li 2020, arXiv:1812.06127): pulls the weights towards those last given to `setWeights`. */
  readonly proximalMu?: number;
  /** SCAFFOLD (Karimireddy 2020, arXiv:1910.06378): allows `setControlVariate`. */
  readonly controlVariate?: boolean;
  /** Keeps an exponential moving average of the weights with this decay a step. */
  readonly averageDecay?: number;
  /** Steps are taken along noisy gradients of clipped units; `train` needs a source of noise, and tells no loss. */
  readonly privacy?: PrivacyOptions;
}

export interface TrainOptions {
  readonly steps: number;
  /** Global number of the first step, counted from 0 over all rounds: decides learning rate and batches. */
  readonly firstStep: number;
  /** Length of the schedule. */
  readonly totalSteps: number;
  /** Stops before the next step; what was done stays done. */
  readonly signal?: AbortSignal;
  /** The loss is null in private training, which reveals nothing but gradients. */
  readonly onStep?: (step: { readonly step: number; readonly loss: number | null }) => void;
  /** For private training: everything random comes from it. */
  readonly noise?: NoiseSource;
  /** Told of the cases of a unit that private training had to leave out of a step, for the site's own log. */
  readonly onUnusable?: (caseIds: readonly string[]) => void;
}

export interface TrainResult {
  /** Steps done: fewer than asked for if the signal stopped them. */
  readonly steps: number;
  /** NaN if no step was done; null in private training. */
  readonly meanLoss: number | null;
  /** Of the learning rates of the steps that were done. */
  readonly rateSum: number;
}

export class Trainer implements AsyncDisposable {
  readonly #options: TrainerOptions;
  readonly #program: TrainingProgram;

  private constructor(options: TrainerOptions, program: TrainingProgram) {
    this.#options = options;
    this.#program = program;
  }

  /** @throws TrainingError `training.no-case`, `training.class-weights-mismatch`; EngineError for a model it refuses */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { runtime, plan, model, threads, proximalMu, controlVariate, averageDecay, privacy } = options;
    if (options.cases.length === 0) {
      throw new TrainingError(
        'training.no-case',
        'There is no case to train on. Add at least one case with a segmentation.',
      );
    }
    const program = await createTrainingProgram(runtime, {
      model,
      loss: lossFor(plan.loss),
      optimiser: plan.optimiser as OptimiserSpec, // what a schema calls optional is absent, never undefined
      // The norm of a noisy gradient is that of the noise: it says nothing of a gradient that exploded.
      ...(privacy === undefined ? { clipNorm: gradientNormMax } : {}),
      ...(threads === undefined ? {} : { threads }),
      ...(proximalMu === undefined ? {} : { proximalMu }),
      ...(controlVariate === undefined ? {} : { controlVariate }),
      ...(averageDecay === undefined ? {} : { averageDecay }),
    });
    return new Trainer(options, program);
  }

  /**
   * @throws TrainingError `training.loss-not-finite`: the weights are as they were before the step; `detail` names the
   *   cases of its batch
   */
  async train(options: TrainOptions): Promise<TrainResult> {
    const { steps, firstStep, totalSteps, signal, onStep } = options;
    const { privacy } = this.#options;
    let lossSum: number | null = privacy === undefined ? 0 : null;
    let rateSum = 0;
    let done = 0;
    for (; done < steps && signal?.aborted !== true; done++) {
      const step = firstStep + done;
      const learningRate = learningRateAt(scheduleOver(this.#options.plan.schedule, totalSteps), step);
      const loss =
        privacy === undefined
          ? await this.#step(step, learningRate)
          : await this.#privateStep(privacy, learningRate, options);
      lossSum = lossSum === null || loss === null ? null : lossSum + loss;
      rateSum += learningRate;
      onStep?.({ step, loss });
      await nextTurn();
    }
    return { steps: done, meanLoss: lossSum === null ? null : lossSum / done, rateSum };
  }

  /** A copy. */
  weights(): Weights {
    return this.#program.weights();
  }

  /** Copies; also the point FedProx pulls towards. The optimiser's moments stay: see `resetOptimiser`. */
  setWeights(weights: Weights): void {
    this.#program.setWeights(weights);
    if (this.#options.proximalMu !== undefined) this.#program.setAnchor(weights);
  }

  /** The point that the proximal term pulls towards, where it is not where training starts (Ditto). */
  setAnchor(weights: Weights): void {
    this.#program.setAnchor(weights);
  }

  /** SCAFFOLD: added to every gradient. */
  setControlVariate(variate: Weights): void {
    this.#program.setControlVariate(variate);
  }

  /** The moving average of the weights, if `averageDecay` was given. */
  averagedWeights(): Weights {
    return this.#program.averagedWeights();
  }

  /** Forgets the optimiser's moments, as a site does at the start of a round so that it depends on the round alone. */
  resetOptimiser(): void {
    const forgotten = /^(step$|first\/|second\/)/;
    const state = [...this.#program.state()].map(([name, value]): [string, Tensor] => [
      name,
      forgotten.test(name) ? tensor(value.dtype, value.shape) : value,
    ]);
    this.#program.setState(new Map(state));
  }

  /** Weights and optimiser as a safetensors file: all that `restore` needs to go on to the same bytes. */
  checkpoint(): Uint8Array {
    const prefixed = (prefix: string, weights: Weights): [string, Tensor][] =>
      [...weights].map(([name, value]) => [`${prefix}${name}`, value]);
    const tensors = [
      ...prefixed(weightsPrefix, this.#program.weights()),
      ...prefixed(statePrefix, this.#program.state()),
    ];
    return encodeSafetensors(new Map(tensors), { format: checkpointFormat });
  }

  /**
   * Goes back to where `checkpoint` was called, in this process or another, with the same plan and network.
   * @throws TrainingError `training.checkpoint-malformed`; the trainer is then as it was
   */
  restore(checkpoint: Uint8Array): void {
    const before = { weights: this.#program.weights(), state: this.#program.state() };
    try {
      const { tensors, metadata } = decodeSafetensors(checkpoint);
      if (metadata['format'] !== checkpointFormat) throw new TypeError('the file is not a checkpoint');
      const under = (prefix: string): Weights =>
        new Map(
          [...tensors].flatMap(([name, value]) =>
            name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
          ),
        );
      this.#program.setWeights(under(weightsPrefix));
      this.#program.setState(under(statePrefix));
      if (!sameBytes(this.checkpoint(), checkpoint)) throw new TypeError('the file holds more than a checkpoint');
    } catch (cause) {
      this.#program.setWeights(before.weights);
      this.#program.setState(before.state);
      throw new TrainingError(
        'training.checkpoint-malformed',
        'The checkpoint is damaged or belongs to another network or optimiser. Start again from the round’s weights.',
        { cause },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }

  async #privateStep(
    privacy: PrivacyOptions,
    learningRate: number,
    { noise, onUnusable }: Pick<TrainOptions, 'noise' | 'onUnusable'>,
  ): Promise<null> {
    if (noise === undefined) throw new TypeError('private training needs a source of noise');
    const sources = { noise, ...(onUnusable === undefined ? {} : { onUnusable }) };
    const { plan, model } = this.#options;
    const gradient = await privateGradient(this.#program, plan, privacy, sources, model.parameters);
    this.#program.update(gradient, { learningRate });
    return null;
  }

  async #step(step: number, learningRate: number): Promise<number> {
    const { plan, cases, random } = this.#options;
    const batch = await sampleExamples(this.#program, plan, cases, random.fork('step', step));
    try {
      const { loss } = await this.#program.step({ image: batch.image, label: batch.label }, { learningRate });
      return loss;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'engine.loss-not-finite') throw notFinite(step, batch, error);
      throw error;
    }
  }
}

function scheduleOver({ initial, ...schedule }: Plan['schedule'], totalSteps: number): Schedule {
  return { ...schedule, base: initial, totalSteps };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** nnU-Net's limit of the gradient's global norm. */
const gradientNormMax = 12;
const checkpointFormat = 'consilium-checkpoint-1';
const weightsPrefix = 'weights/';
const statePrefix = 'state/';

function notFinite(step: number, { caseIds }: Batch, cause: Error): TrainingError {
  return new TrainingError(
    'training.loss-not-finite',
    `The loss or its gradient is not a number at step ${step}. The weights are as before the step. Look at the cases of the batch (named in the site’s own log), or lower the learning rate.`,
    { detail: `step ${step}, cases ${caseIds.join(', ')}`, cause },
  );
}

/** Lets the process hear its messages and signals between two steps. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}
