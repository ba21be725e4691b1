/**
 * A site whose data are one number and whose network is a vector: training moves the weights towards the number, with
 * noise from the seed. Its answers are a pure function of the task, as a real site's are; when they come, is chance.
 */
import {
  createRandom,
  decodeSafetensors,
  encodeSafetensors,
  type Random,
  type Tensor,
  tensor,
} from '@consilium/numerics';
import type { Contribution, EvaluateContribution, Pseudonym, SiteId, Task, TrainTask } from '@consilium/protocol';
import type { Clock, SiteConnection, TaskReply } from '../ports.ts';
import type { BlobStore } from '../store.ts';

/** What goes wrong with a task, if anything. */
export type Mishap =
  | 'lost'
  | 'hang'
  | 'fails'
  | 'fails-for-good'
  | 'not-finite'
  | 'other-shape'
  | 'other-names'
  | 'other-dtype'
  | 'another-kind'
  | 'junk';

export interface SimulatedSiteOptions {
  readonly siteId: SiteId;
  readonly clock: Clock;
  readonly blobs: BlobStore;
  /** For the time that answers take. */
  readonly random: Random;
  readonly cases: number;
  /** Where this site's data would have the weights. */
  readonly target: number;
  readonly mishap?: (task: Task) => Mishap | undefined;
}

export class SimulatedSite implements SiteConnection {
  readonly siteId: SiteId;
  /** Tasks that were carried out, by kind and round. */
  readonly log: Task[] = [];
  readonly #options: SimulatedSiteOptions;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: SimulatedSiteOptions) {
    this.siteId = options.siteId;
    this.#options = options;
  }

  perform(task: Task, { signal }: { signal: AbortSignal }): Promise<TaskReply> {
    const reply = this.#busy.then(() => this.#answer(task, signal));
    this.#busy = reply.catch(() => {});
    return reply;
  }

  async #answer(task: Task, signal: AbortSignal): Promise<TaskReply> {
    const { clock, random, mishap } = this.#options;
    const wrong = mishap?.(task);
    await clock.sleep(wrong === 'hang' ? 1e12 : random.between(1000, 9000), signal);
    if (signal.aborted) return { kind: 'aborted' };
    this.log.push(task);
    switch (wrong) {
      case 'lost':
        return { kind: 'lost', code: 'coordinator.site-ended', message: 'Its process was killed.' };
      case 'another-kind':
        return { kind: 'contribution', contribution: await this.#prepare() };
      case 'fails':
      case 'fails-for-good': {
        const lasting = wrong === 'fails-for-good';
        return { kind: 'failure', failure: { code: 'site.no-usable-case', message: 'No case.', lasting } };
      }
      default:
        return { kind: 'contribution', contribution: await this.#work(task, wrong) };
    }
  }

  async #work(task: Task, wrong: Mishap | undefined): Promise<Contribution> {
    switch (task.kind) {
      case 'train':
        return this.#train(task, wrong);
      case 'evaluate':
        return this.#evaluate(task.weights);
      case 'prepare':
        return this.#prepare();
      case 'fingerprint':
        return {
          kind: 'fingerprint',
          fingerprint: { target: this.#options.target },
          cases: { train: this.#options.cases, validation: 1, test: 1 },
          leftOut: [],
        };
    }
  }

  async #prepare(): Promise<Contribution> {
    return { kind: 'prepare', cases: { train: this.#options.cases, validation: 1, test: 1 }, leftOut: [] };
  }

  async #train(task: TrainTask, wrong: Mishap | undefined): Promise<Contribution> {
    const { blobs, target, cases } = this.#options;
    const random = createRandom(task.seed, this.siteId, task.round);
    const weights = new Map<string, Tensor>();
    for (const [name, sent] of decodeSafetensors(await blobs.getBlob(task.weights)).tensors) {
      const data = Float32Array.from(
        sent.data as Float32Array,
        (value) => value + 0.3 * (target - value) + 0.01 * random.normal(),
      );
      if (wrong === 'not-finite') data[data.length - 1] = Number.NaN;
      const shape = wrong === 'other-shape' ? [sent.data.length, 1] : sent.shape;
      const named = wrong === 'other-names' ? `${name}x` : name;
      weights.set(named, wrong === 'other-dtype' ? tensor('float64', shape) : { dtype: 'float32', shape, data });
    }
    const bytes = wrong === 'junk' ? new Uint8Array(20) : encodeSafetensors(weights);
    return { kind: 'train', weights: await blobs.putBlob(bytes), cases, steps: task.steps, meanLoss: 1 / task.round };
  }

  async #evaluate(sha256: EvaluateTaskWeights): Promise<EvaluateContribution> {
    const { blobs, target } = this.#options;
    const [first] = decodeSafetensors(await blobs.getBlob(sha256)).tensors.values();
    const dice = 1 / (1 + Math.abs(Number(first!.data[0]) - target));
    const scores = [{ case: 'case-01' as Pseudonym, regions: { tumour: { dice } }, pictures: [] }];
    return { kind: 'evaluate', scores, meanDice: dice, leftOut: [] };
  }
}

type EvaluateTaskWeights = Extract<Task, { kind: 'evaluate' }>['weights'];
