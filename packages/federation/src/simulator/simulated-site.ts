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
  type Weights,
} from '@consilium/numerics';
import type {
  BlobId,
  Contribution,
  EvaluateContribution,
  EvaluateTask,
  JobId,
  Pseudonym,
  SiteId,
  Task,
  TaskId,
  TrainTask,
  Verdict,
} from '@consilium/protocol';
import { getBlob, putBlob } from '../blob.ts';
import { statisticsTask } from '../local-statistics.ts';
import { type Clock, leaving, type PerformOptions, type SiteConnection, type TaskReply } from '../ports.ts';
import type { BlobStore } from '../store.ts';
import { matchesAny } from '../tensor-pattern.ts';
import type { LocalState } from './local-state.ts';
import { simulatedIntroduction, simulatedOverlap } from './simulated-overlap.ts';
import { simulatedTraining } from './simulated-training.ts';

/** What goes wrong with a task, if anything. */
export type Mishap =
  | 'lost'
  | 'hang'
  | 'slow'
  | 'fails'
  | 'fails-for-good'
  | 'not-finite'
  | 'other-shape'
  | 'other-names'
  | 'other-dtype'
  | 'other-encoding'
  | 'no-control'
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
  /** Its disk: outlives it if the next one is given the same. */
  readonly state: LocalState;
  readonly mishap?: (task: Task) => Mishap | undefined;
}

interface Work {
  readonly reply: Promise<TaskReply>;
  readonly abort: AbortController;
}

export class SimulatedSite implements SiteConnection {
  readonly siteId: SiteId;
  /** Tasks that were carried out, by kind and round. */
  readonly log: Task[] = [];
  /** What the coordinator said of each contribution. */
  readonly verdicts: Verdict[] = [];
  readonly #options: SimulatedSiteOptions;
  /** Work that goes on although the coordinator has turned to something else, until it asks again. */
  readonly #left = new Map<TaskId, Work>();
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: SimulatedSiteOptions) {
    this.siteId = options.siteId;
    this.#options = options;
  }

  async perform(task: Task, { signal }: Pick<PerformOptions, 'signal'>): Promise<TaskReply> {
    const { reply, abort } = this.#left.get(task.taskId) ?? this.#begin(task);
    const { promise: turnedAway, resolve } = Promise.withResolvers<TaskReply>();
    const turnAway = () => {
      if (signal.reason !== leaving) abort.abort();
      resolve({ kind: 'aborted' });
    };
    if (signal.aborted) turnAway();
    signal.addEventListener('abort', turnAway, { once: true });
    try {
      return await Promise.race([turnedAway, reply]);
    } finally {
      signal.removeEventListener('abort', turnAway);
      if (signal.reason !== leaving) this.#left.delete(task.taskId);
    }
  }

  abandon(work: JobId | TaskId): void {
    for (const [taskId, { abort }] of this.#left) {
      if (!`${taskId}/`.startsWith(`${work}/`)) continue;
      abort.abort();
      this.#left.delete(taskId);
    }
  }

  #begin(task: Task): Work {
    const abort = new AbortController();
    const reply = this.#busy.then(() => this.#answer(task, abort.signal));
    this.#busy = reply.catch(() => {});
    const work: Work = { reply, abort };
    this.#left.set(task.taskId, work);
    return work;
  }

  async #answer(task: Task, signal: AbortSignal): Promise<TaskReply> {
    const { clock, random, mishap } = this.#options;
    const wrong = mishap?.(task);
    const ms = random.between(1000, 9000);
    await clock.sleep(wrong === 'hang' ? 1e12 : wrong === 'slow' ? 20 * ms : ms, signal);
    if (signal.aborted) return { kind: 'aborted' };
    this.log.push(task);
    switch (wrong) {
      case 'lost':
        return { kind: 'lost', code: 'coordinator.site-ended', message: 'Its process was killed.' };
      case 'another-kind':
        return this.#answerWith(await this.#prepare());
      case 'fails':
      case 'fails-for-good': {
        const lasting = wrong === 'fails-for-good';
        return { kind: 'failure', failure: { code: 'site.no-usable-case', message: 'No case.', lasting } };
      }
      default:
        return this.#answerWith(await this.#work(task, wrong));
    }
  }

  #answerWith(contribution: Contribution): TaskReply {
    return { kind: 'contribution', contribution, acknowledge: (verdict) => this.verdicts.push(verdict) };
  }

  async #work(task: Task, wrong: Mishap | undefined): Promise<Contribution> {
    switch (task.kind) {
      case 'train':
        return this.#train(task, wrong);
      case 'evaluate':
        return this.#evaluate(task);
      case 'prepare':
        return this.#prepare();
      case 'fingerprint':
        return {
          kind: 'fingerprint',
          fingerprint: { target: this.#options.target },
          cases: { train: this.#options.cases, validation: 1, test: 1 },
          leftOut: [],
        };
      case 'introduce':
        return { kind: 'introduce', introduction: simulatedIntroduction(this.siteId, task.jobId) };
      case 'overlap':
        return simulatedOverlap(task, this.#options, this.#options.blobs);
      case 'secure-keys':
      case 'secure-shares':
      case 'secure-input':
      case 'secure-survivors':
      case 'secure-unmask':
        throw new Error('a masking worker answers these before they come here');
      case 'statistics': {
        const values = Array.from({ length: this.#options.cases }, (_, index) => this.#options.target + index);
        const random = createRandom('secret', this.siteId);
        return statisticsTask({ value: values }, task, { minimumCount: 1, random });
      }
    }
  }

  async #prepare(): Promise<Contribution> {
    return { kind: 'prepare', cases: { train: this.#options.cases, validation: 1, test: 1 }, leftOut: [] };
  }

  async #train(task: TrainTask, wrong: Mishap | undefined): Promise<Contribution> {
    const { siteId, blobs, target, cases, state } = this.#options;
    const read = async (blob: BlobId): Promise<Weights> => decodeSafetensors(await getBlob(blobs, blob)).tensors;
    const sent = await read(task.weights);
    const control = task.control === null ? null : await read(task.control);
    const { tensors, controlChange } = simulatedTraining({ task, siteId, target, sent, control, state });
    const bytes = wrong === 'junk' ? new Uint8Array(20) : encodeSafetensors(spoilt(tensors, wrong));
    return {
      kind: 'train',
      weights: await putBlob(blobs, bytes),
      encoding: wrong === 'other-encoding' ? { ...task.reply, onlyChanged: !task.reply.onlyChanged } : task.reply,
      controlChange:
        controlChange === null || wrong === 'no-control'
          ? null
          : await putBlob(blobs, encodeSafetensors(controlChange)),
      cases,
      steps: task.steps,
      meanLoss: 1 / task.round,
    };
  }

  async #evaluate({ taskId, weights, keepLocal = [], personal = false }: EvaluateTask): Promise<EvaluateContribution> {
    const { blobs, target, state } = this.#options;
    const [[name, sent]] = [...decodeSafetensors(await getBlob(blobs, weights)).tensors] as [[string, Tensor]];
    const round = Number(taskId.split('/')[1]);
    const own = state.before(round + 1, personal ? 'personal' : 'kept').get(name);
    const first = personal || matchesAny(name, keepLocal) ? (own ?? sent) : sent;
    const dice = 1 / (1 + Math.abs(Number(first.data[0]) - target));
    const scores = [{ case: 'case-01' as Pseudonym, regions: { tumour: { dice } }, pictures: [] }];
    return { kind: 'evaluate', scores, meanDice: dice, leftOut: [] };
  }
}

/** Weights that a faulty site would send. */
function spoilt(tensors: Weights, wrong: Mishap | undefined): Weights {
  return new Map(
    [...tensors].map(([name, { dtype, shape, data }]): [string, Tensor] => {
      switch (wrong) {
        case 'not-finite':
          return [name, tensor('float32', shape, Float32Array.from(data as Float32Array).fill(Number.NaN, 1))];
        case 'other-shape':
          return [name, tensor('float32', [data.length, 1], data as Float32Array)];
        case 'other-names':
          return [`${name}x`, { dtype, shape, data } as Tensor];
        case 'other-dtype':
          return [name, tensor('float64', shape)];
        default:
          return [name, { dtype, shape, data } as Tensor];
      }
    }),
  );
}
