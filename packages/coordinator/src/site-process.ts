/**
 * A site as a child process of the coordinator: how a rehearsal has its hospitals on one machine. If the process ends it
 * is started again for the next task. In production a TLS connection takes this place, behind the same interface.
 */
import type { BlobStore, Clock, SiteConnection, TaskReply } from '@consilium/federation';
import type { SiteId, Task, TaskProgress } from '@consilium/protocol';
import { ChildSite, notRunning, type SiteEnd } from './child-site.ts';
import { systemClock } from './ports/system-clock.ts';
import type { TaskSlots } from './task-slots.ts';

export interface SiteProcessOptions {
  readonly siteId: SiteId;
  /** The program to run: `new URL(import.meta.resolve('@consilium/site/main'))`. */
  readonly entry: URL;
  /** The site's own settings; passed on unread. */
  readonly settings: unknown;
  readonly blobs: BlobStore;
  /** Shared by the sites of one machine, where fewer tasks than sites shall run at once. */
  readonly slots?: TaskSlots;
  readonly clock?: Clock;
  /** A site that says nothing for this long is taken for dead. */
  readonly idleMs?: number;
  /** A site that does not give up a task this long after it was told to is ended. */
  readonly graceMs?: number;
  /** Options of Node for the child, by default those of this process. */
  readonly execArgv?: readonly string[];
  /** Told each time the process ends unasked. For the local log: may hold the site's own words. */
  readonly onEnd?: (siteId: SiteId, end: SiteEnd) => void;
}

export interface SiteProcess extends SiteConnection, AsyncDisposable {
  /** Undefined while it is not running. */
  readonly pid: number | undefined;
  /** Ends the process at once, as a crash would. The next task starts it again. */
  kill(): void;
  /** Lets the process end by itself, within `graceMs`. No task can follow. */
  stop(): Promise<void>;
}

/** Starts the process; its first task waits until it is ready. */
export function startSiteProcess(options: SiteProcessOptions): SiteProcess {
  return new RestartingSite(options);
}

class RestartingSite implements SiteProcess {
  readonly siteId: SiteId;
  readonly #options: SiteProcessOptions;
  readonly #clock: Clock;
  readonly #graceMs: number;
  #child: ChildSite;
  #stopping = false;
  /** The tasks before: a site does one at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SiteProcessOptions) {
    this.siteId = options.siteId;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#graceMs = options.graceMs ?? 30_000;
    this.#child = this.#start();
  }

  get pid(): number | undefined {
    return this.#child.isRunning ? this.#child.pid : undefined;
  }

  perform(
    task: Task,
    { signal, onProgress = () => {} }: { signal: AbortSignal; onProgress?: (progress: TaskProgress) => void },
  ): Promise<TaskReply> {
    const turn = this.#queue;
    const { promise, resolve, reject } = Promise.withResolvers<TaskReply>();
    const giveUp = () => resolve({ kind: 'aborted' });
    signal.addEventListener('abort', giveUp, { once: true });
    this.#queue = turn
      .then(() => this.#perform(task, { signal, onProgress }))
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp));
    if (signal.aborted) giveUp();
    return promise;
  }

  kill(): void {
    this.#child.kill();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const stopped = new AbortController();
    this.#child.stop();
    void this.#clock.sleep(this.#graceMs, stopped.signal).then(() => {
      if (!stopped.signal.aborted) this.#child.kill();
    });
    await this.#child.ended;
    stopped.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** With its turn come. What resolves here late, after `aborted` was answered, still holds the queue. */
  async #perform(
    task: Task,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TaskProgress) => void },
  ): Promise<TaskReply> {
    using slot = this.#options.slots === undefined ? undefined : await this.#options.slots.acquire(signal);
    if (signal.aborted || slot === null) return { kind: 'aborted' };
    if (this.#stopping) throw notRunning(this.siteId);
    if (!this.#child.isRunning) {
      await this.#child.ended;
      this.#child = this.#start();
    }
    const child = this.#child;
    const refusal = await child.ready;
    if (refusal !== null) return { kind: 'failure', failure: refusal };
    if (signal.aborted) return { kind: 'aborted' };
    const answered = new AbortController();
    const abort = () => void this.#abort(child, task, answered.signal);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const reply = await child.answer(task, onProgress);
      return signal.aborted ? { kind: 'aborted' } : reply;
    } finally {
      signal.removeEventListener('abort', abort);
      answered.abort();
    }
  }

  async #abort(child: ChildSite, task: Task, answered: AbortSignal): Promise<void> {
    child.abort(task.taskId);
    await this.#clock.sleep(this.#graceMs, answered);
    if (!answered.aborted) {
      child.kill({ code: 'coordinator.site-silent', message: 'It did not give up a task and was ended.' });
    }
  }

  #start(): ChildSite {
    const { siteId, entry, settings, blobs, onEnd = () => {} } = this.#options;
    const child = new ChildSite({
      siteId,
      entry,
      settings,
      blobs,
      clock: this.#clock,
      idleMs: this.#options.idleMs ?? 300_000,
      execArgv: this.#options.execArgv ?? process.execArgv,
    });
    void child.ended.then((end) => {
      if (!this.#stopping) onEnd(siteId, end);
    });
    return child;
  }
}
