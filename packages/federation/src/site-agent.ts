/**
 * The site's end of the line: keeps a connection, does the tasks that come, and delivers what was done until the
 * coordinator has taken it. What is finished is spooled before it is delivered, so that no work is lost or done twice
 * whichever side dies. Network, disk, worker, time and chance are injected: production and the simulator run this code.
 */
import {
  type BlobId,
  type Contribution,
  type CoordinatorMessage,
  checkProtocolVersion,
  type Failure,
  type Hello,
  parseSiteMessage,
  protocolVersion,
  type Revocations,
  type SiteMessage,
  type Task,
  type TaskId,
  type TaskProgress,
  type Verdict,
} from '@consilium/protocol';
import { manifestOf, unaskedBytesMax } from './blob.ts';
import type { Clock } from './ports.ts';
import { blobsNeeded, blobsOf } from './site-line.ts';
import type { BlobStore } from './store.ts';

/** How the site reaches its coordinator. */
export interface CoordinatorPort {
  /** A line on which tasks come; it ends, or throws, when the connection does. */
  openLine(hello: Hello, signal: AbortSignal): AsyncIterable<CoordinatorMessage>;
  /** Rejects if it is not known to have arrived. */
  send(message: SiteMessage, signal: AbortSignal): Promise<Verdict>;
  /** Brings a blob into the site's store. Goes on through broken connections; rejects if the blob cannot be had. */
  fetchBlob(id: BlobId, signal: AbortSignal): Promise<void>;
  /** Brings a blob of the site's store to the coordinator, likewise. */
  offerBlob(id: BlobId, signal: AbortSignal): Promise<void>;
}

/** What does the work. Blobs that the task names are in the site's store, and so are those of the contribution. */
export interface Worker {
  perform(
    task: Task,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: TaskProgress) => void },
  ): Promise<Contribution>;
}

/** A task that was done. */
export interface Finished {
  readonly task: Task;
  readonly outcome:
    | { readonly kind: 'contribution'; readonly contribution: Contribution }
    | { readonly kind: 'failure'; readonly failure: Failure };
}

/** Where finished tasks wait for their delivery; they survive the end of the process. What a power cut takes is done again. */
export interface Spool {
  put(finished: Finished): Promise<void>;
  remove(taskId: TaskId): Promise<void>;
  list(): Promise<readonly Finished[]>;
}

export type AgentEvent =
  | { readonly kind: 'connected' }
  /** `error` is what broke the line, or undefined if the coordinator ended it. */
  | { readonly kind: 'disconnected'; readonly error?: unknown; readonly retryMs: number }
  | { readonly kind: 'task-received'; readonly task: Task }
  /** A person at the site has to decide about it first. */
  | { readonly kind: 'task-waiting'; readonly task: Task }
  | { readonly kind: 'task-started'; readonly task: Task }
  | {
      readonly kind: 'task-finished';
      readonly task: Task;
      readonly outcome: Finished['outcome'];
      readonly error?: unknown;
    }
  | { readonly kind: 'task-given-up'; readonly taskId: TaskId }
  | { readonly kind: 'delivered'; readonly task: Task; readonly verdict: Verdict };

export interface SiteAgentOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of waits. */
  readonly chance: () => number;
  readonly coordinator: CoordinatorPort;
  readonly worker: Worker;
  readonly spool: Spool;
  readonly blobs: BlobStore;
  /** What may be said outside about an error of the worker. */
  readonly failureOf: (error: unknown) => Failure;
  /**
   * Resolves when the task may be done at all, rejects if not. It takes no place among the tasks that run: a person may
   * have to decide, in days; `onWaiting` says so to the coordinator.
   */
  readonly permit?: (
    task: Task,
    options: { readonly signal: AbortSignal; readonly onWaiting: () => void },
  ) => Promise<void>;
  /** Resolves when this site is willing to begin a task: at night only, say, or when its machine is free. */
  readonly admit?: (task: Task, signal: AbortSignal) => Promise<void>;
  /** Which members were revoked, told before the tasks that come after it. What it throws ends the line. */
  readonly onRevocations?: (revocations: Revocations) => Promise<void>;
  readonly tasksAtOnce?: number;
  /** Larger blobs of a contribution are sent only when they are asked for. */
  readonly unaskedBytesMax?: number;
  readonly onEvent?: (event: AgentEvent) => void;
}

interface HeldTask {
  task: Task;
  readonly abort: AbortController;
  finished: Finished['outcome'] | null;
  /** For a person's decision. */
  isWaiting: boolean;
  delivering: boolean;
  /** It was asked for while it was being delivered: the verdict may be one of before, so it is delivered once more. */
  askedAgain: boolean;
}

const aliveEveryMs = 5000;
const progressEveryMs = 500;
const retryMsMin = 500;
const retryMsMax = 30_000;

export class SiteAgent {
  readonly #options: SiteAgentOptions;
  readonly #held = new Map<TaskId, HeldTask>();
  readonly #waiting: HeldTask[] = [];
  /** Accepted since the line was opened: what still comes on it for them was sent before. */
  readonly #accepted = new Set<TaskId>();
  #running = 0;
  /** Ends everything. */
  #over = new AbortController();

  constructor(options: SiteAgentOptions) {
    this.#options = options;
  }

  /** What it works on or has not yet delivered. */
  get holding(): readonly TaskId[] {
    return [...this.#held.keys()];
  }

  /** Keeps the line until `signal` aborts; then gives up what is running and resolves. Never rejects for network trouble. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, spool, coordinator } = this.#options;
    for (const { task, outcome } of await spool.list()) this.#hold(task).finished = outcome;
    signal.addEventListener('abort', () => this.#over.abort(), { once: true });
    for (let failures = 0; !signal.aborted; ) {
      const line = new AbortController();
      const ending = AbortSignal.any([signal, line.signal]);
      let error: unknown;
      this.#accepted.clear();
      try {
        const hello: Hello = { kind: 'hello', protocolVersion, holding: this.holding.slice(0, 1000) };
        for await (const message of coordinator.openLine(hello, ending)) {
          if (message.kind === 'welcome') {
            checkProtocolVersion(message.protocolVersion);
            if (message.revocations !== undefined) await this.#options.onRevocations?.(message.revocations);
            failures = 0;
            this.#report({ kind: 'connected' });
            void this.#stayAlive(ending);
            for (const held of this.#held.values()) void this.#deliver(held);
          } else {
            await this.#receive(message);
          }
        }
      } catch (thrown) {
        error = thrown;
      }
      line.abort();
      if (signal.aborted) break;
      failures += 1;
      const retryMs = this.#backOffMs(failures);
      this.#report({ kind: 'disconnected', retryMs, ...(error === undefined ? {} : { error }) });
      await clock.sleep(retryMs, signal);
    }
  }

  async #receive(message: Exclude<CoordinatorMessage, { kind: 'welcome' }>): Promise<void> {
    if (message.kind === 'abort') return this.#giveUp(message.taskId);
    if (message.kind === 'revocations') return this.#options.onRevocations?.(message.revocations);
    const { task } = message;
    this.#report({ kind: 'task-received', task });
    if (this.#accepted.has(task.taskId)) return;
    const held = this.#held.get(task.taskId);
    if (held !== undefined && sameWork(held.task, task) && !isToBeTriedAgain(held, task)) {
      held.task = task;
      held.askedAgain = held.delivering;
      if (held.isWaiting) this.#tellWaiting(held);
      void this.#deliver(held);
      return;
    }
    if (held !== undefined) await this.#giveUp(task.taskId);
    await this.#enqueue(this.#hold(task));
  }

  #hold(task: Task): HeldTask {
    const abort = new AbortController();
    const held: HeldTask = { task, abort, finished: null, isWaiting: false, delivering: false, askedAgain: false };
    this.#held.set(task.taskId, held);
    return held;
  }

  async #giveUp(taskId: TaskId): Promise<void> {
    const held = this.#held.get(taskId);
    if (held === undefined) return;
    this.#drop(held);
    held.abort.abort();
    this.#report({ kind: 'task-given-up', taskId });
    await this.#unspool(taskId);
  }

  /** What cannot be removed now is delivered once more after the next start, to no effect. */
  async #unspool(taskId: TaskId): Promise<void> {
    await this.#options.spool.remove(taskId).catch(() => {});
  }

  #drop(held: HeldTask): void {
    if (this.#held.get(held.task.taskId) === held) this.#held.delete(held.task.taskId);
    const place = this.#waiting.indexOf(held);
    if (place >= 0) this.#waiting.splice(place, 1);
  }

  // Permission ---------------------------------------------------------------------------------------------------------

  /** Others may come and go while it is not known whether this one may be done. */
  async #enqueue(held: HeldTask): Promise<void> {
    if (this.#options.permit !== undefined) return void this.#permit(held, this.#options.permit);
    this.#queue(held);
  }

  async #permit(held: HeldTask, permit: NonNullable<SiteAgentOptions['permit']>): Promise<void> {
    const signal = AbortSignal.any([held.abort.signal, this.#over.signal]);
    const onWaiting = () => {
      held.isWaiting = true;
      this.#report({ kind: 'task-waiting', task: held.task });
      this.#tellWaiting(held);
    };
    try {
      await permit(held.task, { signal, onWaiting });
    } catch (error) {
      if (signal.aborted) return;
      return await this.#finish(held, { kind: 'failure', failure: this.#options.failureOf(error) }, error);
    }
    if (signal.aborted) return;
    held.isWaiting = false;
    this.#queue(held);
  }

  /** Lost, it is said again when the task is asked for again. */
  #tellWaiting({ task: { taskId } }: HeldTask): void {
    const progress = { kind: 'waiting', for: 'approval' } as const;
    void this.#options.coordinator.send({ kind: 'progress', taskId, progress }, this.#over.signal).catch(() => {});
  }

  // Work ---------------------------------------------------------------------------------------------------------------

  /** Steps of a secure sum are short, and all other sites wait for them: they take no place among the tasks that run. */
  #queue(held: HeldTask): void {
    if (held.task.kind.startsWith('secure-')) return void this.#work(held);
    this.#waiting.push(held);
    this.#next();
  }

  #next(): void {
    while (this.#running < (this.#options.tasksAtOnce ?? 1)) {
      const held = this.#waiting.shift();
      if (held === undefined || this.#over.signal.aborted) return;
      this.#running += 1;
      void this.#work(held).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #work(held: HeldTask): Promise<void> {
    const { failureOf, admit } = this.#options;
    const signal = AbortSignal.any([held.abort.signal, this.#over.signal]);
    let outcome: Finished['outcome'];
    let error: unknown;
    try {
      await admit?.(held.task, signal);
      signal.throwIfAborted();
      this.#report({ kind: 'task-started', task: held.task });
      outcome = { kind: 'contribution', contribution: await this.#perform(held, signal) };
    } catch (thrown) {
      if (signal.aborted) return;
      error = thrown;
      outcome = { kind: 'failure', failure: failureOf(thrown) };
    }
    if (signal.aborted) return;
    await this.#finish(held, outcome, error);
  }

  async #finish(held: HeldTask, done: Finished['outcome'], cause: unknown): Promise<void> {
    const { spool, failureOf } = this.#options;
    let outcome = done;
    let error = cause;
    try {
      await spool.put({ task: held.task, outcome });
    } catch (thrown) {
      error = thrown;
      outcome = { kind: 'failure', failure: failureOf(thrown) };
    }
    const { taskId } = held.task;
    if (!this.#held.has(taskId)) await this.#unspool(taskId);
    if (this.#held.get(taskId) !== held) return;
    held.finished = outcome;
    this.#report({ kind: 'task-finished', task: held.task, outcome, ...(error === undefined ? {} : { error }) });
    void this.#deliver(held);
  }

  async #perform({ task }: HeldTask, signal: AbortSignal): Promise<Contribution> {
    const { coordinator, blobs, worker } = this.#options;
    const holder = holderOf(task);
    const needed = blobsNeeded(task);
    await blobs.retain(needed, holder);
    for (const id of needed) await coordinator.fetchBlob(id, signal);
    // Once more: what was not there has only now been put. What the old task needed goes after that, since much of it is
    // what the new one needs.
    await blobs.retain(needed, holder);
    await blobs.release(holder, needed);
    const contribution = await worker.perform(task, { signal, onProgress: this.#progressOf(task, signal) });
    // What the coordinator would not read (a loss that is no number) is a failure here, not a message sent for ever.
    parseSiteMessage({ kind: 'contribution', taskId: task.taskId, attempt: task.attempt, contribution });
    await blobs.retain(blobsOf(contribution), holder);
    return contribution;
  }

  /** Tells of progress now and then: that of small steps would cost more than the steps. What is lost does no harm. */
  #progressOf(task: Task, signal: AbortSignal): (progress: TaskProgress) => void {
    const { clock, coordinator } = this.#options;
    let toldMs = Number.NEGATIVE_INFINITY;
    return (progress) => {
      const { taskId } = task;
      if (progress.kind === 'waiting') return; // not of a task that runs
      const isLast = (progress.kind === 'step' ? progress.step : progress.done) === progress.of;
      if (clock.nowMs() - toldMs < progressEveryMs && !isLast) return;
      toldMs = clock.nowMs();
      void coordinator.send({ kind: 'progress', taskId, progress }, signal).catch(() => {});
    };
  }

  // Delivery -----------------------------------------------------------------------------------------------------------

  /** Says what was done until the coordinator has decided. Does nothing if that is under way, or nothing is done yet. */
  async #deliver(held: HeldTask): Promise<void> {
    if (held.finished === null || held.delivering) return;
    held.delivering = true;
    const { clock, coordinator } = this.#options;
    const signal = AbortSignal.any([held.abort.signal, this.#over.signal]);
    try {
      let isOffered = false;
      for (let failures = 0; !signal.aborted; ) {
        const { taskId, attempt } = held.task;
        try {
          if (!isOffered) await this.#offerSmall(held.finished, signal);
          isOffered = true;
          const verdict = await coordinator.send({ ...held.finished, taskId, attempt } as SiteMessage, signal);
          if (verdict.kind === 'blobs-wanted') {
            // Never another than the answer names: some blobs are not for the coordinator.
            for (const id of namedBlobs(held.finished, verdict.blobs)) await coordinator.offerBlob(id, signal);
            continue;
          }
          if (this.#held.get(taskId) !== held) return;
          this.#report({ kind: 'delivered', task: held.task, verdict });
          const isTaken = verdict.kind === 'accepted' && held.finished.kind === 'contribution';
          if (isTaken) this.#accepted.add(taskId);
          else if (this.#isAskedAgain(held)) continue;
          if (verdict.kind === 'not-asked') return; // delivered again when the task comes, or on the next line
          await this.#unspool(taskId);
          if (!isTaken && this.#isAskedAgain(held)) continue;
          this.#drop(held);
          return;
        } catch (error) {
          if (isLost(error)) return await this.#doAgain(held);
          failures += 1;
          await clock.sleep(this.#backOffMs(failures), signal);
        }
      }
    } finally {
      held.delivering = false;
    }
  }

  /** What the coordinator is about to ask for: it wants every blob that a contribution names, unless it has taken it already. */
  async #offerSmall(outcome: Finished['outcome'], signal: AbortSignal): Promise<void> {
    const { blobs, coordinator } = this.#options;
    const bytesMax = this.#options.unaskedBytesMax ?? unaskedBytesMax;
    if (outcome.kind !== 'contribution') return;
    try {
      for (const id of blobsOf(outcome.contribution)) {
        if ((await manifestOf(blobs, id)).bytes <= bytesMax) await coordinator.offerBlob(id, signal);
      }
    } catch (error) {
      // Whether that matters, the coordinator says.
      if (!isLost(error)) throw error;
    }
  }

  /** What was done is not there any more: a power cut or a failing disk has taken it. */
  async #doAgain(held: HeldTask): Promise<void> {
    await this.#giveUp(held.task.taskId);
    await this.#enqueue(this.#hold(held.task));
  }

  #isAskedAgain(held: HeldTask): boolean {
    const { askedAgain } = held;
    held.askedAgain = false;
    return askedAgain;
  }

  async #stayAlive(line: AbortSignal): Promise<void> {
    const { clock, coordinator } = this.#options;
    while (!line.aborted) {
      await clock.sleep(aliveEveryMs, line);
      if (!line.aborted) await coordinator.send({ kind: 'alive' }, line).catch(() => {});
    }
  }

  /** Doubles from half a second to half a minute; half of it is chance, so that sites do not all come back at once. */
  #backOffMs(failures: number): number {
    const ms = Math.min(retryMsMax, retryMsMin * 2 ** (failures - 1));
    return ms * (0.5 + 0.5 * this.#options.chance());
  }

  #report(event: AgentEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** Whether this side's own store lacks what it had. */
function isLost(error: unknown): boolean {
  return /^[a-z]+\.(?:blob-missing|chunk-missing|chunk-damaged)$/.test(
    String((error as { code?: unknown } | null)?.code),
  );
}

/** Whether two tasks ask for the same; only how often it was asked for, and who traces it, may differ. */
function sameWork(one: Task, other: Task): boolean {
  const work = ({ attempt: _, traceparent: __, ...rest }: Task): string => JSON.stringify(rest);
  return work(one) === work(other);
}

/** Whether the coordinator knows that it failed and wants it tried once more. */
function isToBeTriedAgain({ finished, task }: HeldTask, { attempt }: Task): boolean {
  return finished?.kind === 'failure' && attempt > task.attempt;
}

function namedBlobs(outcome: Finished['outcome'], wanted: readonly BlobId[]): readonly BlobId[] {
  const named = outcome.kind === 'contribution' ? blobsOf(outcome.contribution) : [];
  return wanted.filter((id) => named.includes(id));
}

/**
 * Who keeps a task's blobs: what a task brings stays until the second next of its kind, so that what changes little from
 * round to round need not travel again.
 */
function holderOf(task: Task): string {
  const round = task.kind === 'train' ? task.round : 0;
  return `${task.jobId}/${task.kind}/${round % 2}`;
}
