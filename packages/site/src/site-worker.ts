/**
 * The worker of a site: a process that is started for its first task and again after it has ended. Training happens
 * there; ending it is how a task is stopped that does not stop by itself.
 */
import type { BlobStore, Clock, Worker } from '@consilium/federation';
import type { Contribution, Task, TaskProgress } from '@consilium/protocol';
import { TaskFailure } from './site-error.ts';
import { type WorkerEnd, WorkerProcess } from './worker-process.ts';

export interface SiteWorkerOptions {
  /** The program; `worker-main.ts` unless a test says otherwise. */
  readonly entry?: URL;
  /** For the worker. */
  readonly settings: unknown;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** A worker that says nothing for this long is taken for dead. */
  readonly idleMs?: number;
  /** A worker that does not give up a task this long after it was told to is ended. */
  readonly graceMs?: number;
  /** Options of Node for the worker, by default those of this process. */
  readonly execArgv?: readonly string[];
  /** Told each time the process ends unasked. */
  readonly onEnd?: (end: WorkerEnd) => void;
}

export class SiteWorker implements Worker, AsyncDisposable {
  readonly #options: SiteWorkerOptions;
  readonly #graceMs: number;
  #process: WorkerProcess | null = null;
  #isStopping = false;
  /** The task before: a worker does one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SiteWorkerOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs ?? 10_000;
  }

  /** Undefined while it is not running. */
  get pid(): number | undefined {
    return this.#process?.isRunning ? this.#process.pid : undefined;
  }

  /** Its memory, as it said last. Undefined while it is not running. */
  get residentBytes(): number | undefined {
    return this.#process?.isRunning ? this.#process.residentBytes : undefined;
  }

  /** @throws TaskFailure with what may be said outside */
  perform(
    task: Task,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: TaskProgress) => void },
  ): Promise<Contribution> {
    const answer = this.#turn.then(() => this.#perform(task, options));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Lets the process end by itself, within the grace. No task can follow. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    const running = this.#process;
    if (running === null) return;
    const stopped = new AbortController();
    running.stop();
    void this.#killLater(running, stopped.signal);
    await running.ended;
    stopped.abort();
  }

  async #perform(
    task: Task,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TaskProgress) => void },
  ): Promise<Contribution> {
    signal.throwIfAborted();
    const running = await this.#running();
    const refusal = await running.ready;
    if (refusal !== null) throw new TaskFailure(refusal);
    signal.throwIfAborted();
    const answered = new AbortController();
    const abort = () => {
      running.abort(task.taskId);
      void this.#killLater(running, answered.signal);
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      const reply = await running.answer(task, onProgress);
      signal.throwIfAborted();
      if (reply.kind === 'failure') throw new TaskFailure(reply.failure);
      return reply.contribution;
    } finally {
      signal.removeEventListener('abort', abort);
      answered.abort();
    }
  }

  async #killLater(running: WorkerProcess, over: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#graceMs, over);
    if (!over.aborted) {
      running.kill({ code: 'site.worker-silent', message: 'It did not give up a task and was ended.' });
    }
  }

  async #running(): Promise<WorkerProcess> {
    if (this.#process?.isRunning) return this.#process;
    await this.#process?.ended;
    const { entry, settings, blobs, clock, idleMs, execArgv, onEnd = () => {} } = this.#options;
    const started = new WorkerProcess({
      entry: entry ?? new URL(import.meta.resolve('@consilium/site/worker')),
      settings,
      blobs,
      clock,
      idleMs: idleMs ?? 300_000,
      execArgv: execArgv ?? process.execArgv,
    });
    void started.ended.then((end) => {
      if (!this.#isStopping) onEnd(end);
    });
    this.#process = started;
    return started;
  }
}
