/**
 * Between a site's line and its worker: in a job with secure aggregation the weights that the worker has trained stay at
 * the site, and what leaves it is masked. Everything else passes through.
 */
import { SafetensorsError } from '@consilium/numerics';
import type { BlobId, Contribution, JobId, Json, SecureAggregation, Task, TrainTask } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';
import { shapeMismatch } from '../shape-mismatch.ts';
import type { Worker } from '../site-agent.ts';
import type { BlobStore } from '../store.ts';
import { matchesAny } from '../tensor-pattern.ts';
import { WeightsFile } from '../weights.ts';
import { latticeOf } from './lattice.ts';
import { type Mask, roundingKey } from './mask.ts';
import { writeMasked } from './masked-weights.ts';
import { trainingDigest } from './session.ts';
import { revealedKey, type SessionPorts, SiteSession, termsChanged } from './site-session.ts';

export interface MaskingWorkerOptions extends SessionPorts {
  readonly worker: Worker;
  readonly blobs: BlobStore;
  /** What is thrown where the site does not train on such terms, or without secure aggregation; null if it does. */
  readonly refusal?: (settings: SecureAggregation | undefined) => Error | null;
}

type WorkerOptions = Parameters<Worker['perform']>[1];
type SecureTask = Extract<Task, { kind: `secure-${string}` }>;
type KeysTask = Extract<Task, { kind: 'secure-keys' }>;
type InputTask = Extract<Task, { kind: 'secure-input' }>;

/** What the site keeps of a training whose weights have not left it. */
export interface Withheld {
  readonly weights: BlobId;
  /** What it was sent. */
  readonly base: BlobId;
  readonly keepLocal: readonly string[];
  readonly cases: number;
  readonly steps: number;
  readonly seed: number;
  readonly training: string;
}

interface Agreed {
  readonly settings: SecureAggregation;
}

export class MaskingWorker implements Worker {
  readonly #options: MaskingWorkerOptions;
  /** The step before: they look at what the others have kept. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: MaskingWorkerOptions) {
    this.#options = options;
  }

  perform(task: Task, options: WorkerOptions): Promise<Contribution> {
    if (task.kind === 'train') return this.#train(task, options);
    if (!isSecure(task)) return this.#options.worker.perform(task, options);
    const answer = this.#turn.then(() => this.#step(task));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #train(task: TrainTask, options: WorkerOptions): Promise<Contribution> {
    const { worker, secrets, blobs, refusal = () => null } = this.#options;
    const { jobId, round, secureAggregation: settings } = task;
    const before = (await secrets.entry(jobId, 'agreed')) as unknown as Agreed | undefined;
    const refused = refusal(settings);
    if (refused !== null) throw refused;
    if (settings === undefined) {
      if (before === undefined) return worker.perform(task, options);
      const text = 'The job began with secure aggregation, and the coordinator asks for weights without it.';
      throw new FederationError('federation.secure-aggregation-withdrawn', text);
    }
    if (before !== undefined && !isSame(before.settings, settings)) throw termsChanged();
    await secrets.record(jobId, 'agreed', { settings } satisfies Agreed as unknown as Json);
    const trained = await worker.perform(task, withoutLoss(options));
    if (trained.kind !== 'train') return trained;
    const { weights, cases, steps, filters } = trained;
    if (cases > settings.casesMax) {
      const text = 'The site has more training cases than the job’s casesMax has room for.';
      throw new FederationError('federation.secure-cases-above-max', text);
    }
    const { weights: base, keepLocal, seed } = task;
    await this.#checkShape(weights, task);
    await blobs.retain([weights], holderOf(jobId, round));
    await this.#withhold(task, { weights, base, keepLocal, cases, steps, seed, training: trainingDigest(task) });
    return { kind: 'withheld', steps, ...(filters === undefined ? {} : { filters }) };
  }

  /** As the coordinator would; whether all numbers are finite is seen when they are masked. */
  async #checkShape(weights: BlobId, { weights: sent, keepLocal }: TrainTask): Promise<void> {
    const { blobs } = this.#options;
    const { shape } = await WeightsFile.open(blobs, sent);
    const trained = await WeightsFile.open(blobs, weights).catch((error: unknown) => {
      if (!(error instanceof SafetensorsError)) throw error;
      throw new FederationError('federation.weights-malformed', 'The weights are not a well-formed safetensors file.');
    });
    const wrong = shapeMismatch(trained.shape, new Map([...shape].filter(([name]) => !matchesAny(name, keepLocal))));
    if (wrong !== null) throw new FederationError(wrong.code, wrong.message);
  }

  /** What was trained anew, on other data say, takes the place of what has not been masked yet. */
  async #withhold({ jobId, round }: TrainTask, withheld: Withheld): Promise<void> {
    const { secrets } = this.#options;
    const key = withheldKey(round);
    const before = await secrets.entry(jobId, key);
    if (before !== undefined && !isSame(before, withheld)) {
      const keys = [...(await secrets.recall(jobId)).keys()];
      const isMasked = keys.some((each) => each.startsWith(`session/${round}.`) && each.endsWith('/input'));
      if (isMasked || keys.includes(revealedKey(round))) throw sessionOver();
      await secrets.erase(jobId, key);
    }
    await secrets.record(jobId, key, withheld as unknown as Json);
  }

  async #step(task: SecureTask): Promise<Contribution> {
    const { jobId, session: at } = task;
    const session = new SiteSession(this.#options, jobId, at);
    if (await this.#options.secrets.entry(jobId, overKey(at))) throw sessionOver();
    switch (task.kind) {
      case 'secure-keys':
        await this.#begin(task);
        return session.keys({ jobId, ...at, ...(await this.#agreedTerms(task)) });
      case 'secure-shares':
        return session.shares(task);
      case 'secure-input':
        return session.input(task, (masks, { participants }) =>
          this.#mask(task, { masks, sites: participants.length }),
        );
      case 'secure-survivors':
        return session.survivors(task);
      case 'secure-unmask':
        return session.unmask(task);
    }
  }

  /**
   * A session begins only for what was trained and of which no sum was opened: two sums over the same trainings of almost
   * the same sites would differ by the weights of one. With it, all sessions before are over, and their secrets gone.
   */
  async #begin(task: KeysTask): Promise<void> {
    const { secrets, signer } = this.#options;
    const { jobId, session, settings, participants } = task;
    const entries = await secrets.recall(jobId);
    const own = `session/${session.round}.${session.number}/`;
    if (entries.has(`${own}keys`)) return;
    if (entries.has(revealedKey(session.round))) throw sessionOver();
    const agreed = entries.get('agreed') as unknown as Agreed | undefined;
    if (agreed === undefined || !entries.has(withheldKey(session.round))) {
      const text = 'The site was asked for a secure sum of a round in which it has not trained.';
      throw new FederationError('federation.secure-out-of-order', text);
    }
    const isMajority = settings.threshold > participants.length / 2;
    const isWhole = participants.includes(signer.siteId) && settings.threshold <= participants.length;
    if (!isSame(agreed.settings, settings) || !isMajority || !isWhole) throw termsChanged();
    const earlier = new Set([...entries.keys()].flatMap((key) => /^session\/(\d+\.\d+)\//.exec(key)?.[1] ?? []));
    for (const each of earlier) {
      const [round, number] = each.split('.').map(Number) as [number, number];
      await secrets.record(jobId, overKey({ round, number }), true);
      await secrets.erase(jobId, `session/${each}/`);
    }
    for (const key of entries.keys()) {
      const round = Number(/^withheld\/(\d+)\/$/.exec(key)?.[1] ?? Number.NaN);
      if (!(round < session.round)) continue;
      await this.#options.blobs.release(holderOf(jobId, round));
      await secrets.erase(jobId, key);
    }
  }

  async #agreedTerms({ jobId, session: { round }, settings, participants }: KeysTask) {
    const { training } = (await this.#options.secrets.entry(jobId, withheldKey(round))) as unknown as Withheld;
    return { settings, participants, training };
  }

  async #mask(
    { jobId, session: { round }, weights: sent }: InputTask,
    { masks, sites }: { readonly masks: readonly Mask[]; readonly sites: number },
  ): Promise<BlobId> {
    const { blobs, secrets, signer } = this.#options;
    const withheld = (await secrets.entry(jobId, withheldKey(round))) as unknown as Withheld;
    const { settings } = (await secrets.entry(jobId, 'agreed')) as unknown as Agreed;
    const { weights, base, keepLocal, cases, seed } = withheld;
    const lattice = latticeOf(settings, sites);
    if (sent !== base || lattice === null) throw termsChanged();
    const isStochastic = settings.rounding === 'stochastic';
    const masked = await writeMasked(blobs, {
      trained: await WeightsFile.open(blobs, weights),
      base: await WeightsFile.open(blobs, base),
      keepLocal,
      cases,
      lattice,
      rounding: isStochastic ? roundingKey({ jobId, round, siteId: signer.siteId, seed }) : null,
      masks,
    });
    if (masked !== null) return masked;
    const text = 'The weights that the site has trained hold values that are not finite numbers.';
    throw new FederationError('federation.weights-not-finite', text);
  }
}

/** A loss is of this site's patients alone. */
function withoutLoss({ signal, onProgress }: WorkerOptions): WorkerOptions {
  return {
    signal,
    onProgress: (progress) => onProgress(progress.kind === 'step' ? { ...progress, loss: null } : progress),
  };
}

function isSecure(task: Task): task is SecureTask {
  return task.kind.startsWith('secure-');
}

/** Where it is among the site's secrets. */
export function withheldKey(round: number): string {
  return `withheld/${round}/`;
}

function holderOf(jobId: JobId, round: number): string {
  return `${jobId}/withheld/${round}`;
}

function overKey({ round, number }: { readonly round: number; readonly number: number }): string {
  return `over/${round}.${number}`;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function sessionOver(): FederationError {
  const text = 'The coordinator asks for a secure sum that is over, or for another one of what was summed already.';
  return new FederationError('federation.secure-session-over', text);
}
