/**
 * One life of the worker: a child process, from its start to its end. Messages in both directions are parsed before they
 * are looked at; blobs are in the site's store before the contribution that names them is passed on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { BlobStore, Clock } from '@consilium/federation';
import type { BlobId, Contribution, Failure, Task, TaskId, TaskProgress } from '@consilium/protocol';
import { type FromWorker, parseFromWorker, type ToWorker } from './worker-messages.ts';

export interface WorkerProcessOptions {
  /** The program: `worker-main.ts`. */
  readonly entry: URL;
  /** The site's own settings; passed on unread. */
  readonly settings: unknown;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** A worker that says nothing for this long is taken for dead. A living one is heard every few seconds. */
  readonly idleMs: number;
  readonly execArgv: readonly string[];
}

/** How the process ended. `stderr` may name files: for the local log only. */
export interface WorkerEnd {
  readonly code: `site.${string}`;
  readonly message: string;
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  /** The last 4000 characters. */
  readonly stderr: string;
}

export type WorkerReply =
  | { readonly kind: 'contribution'; readonly contribution: Contribution }
  | { readonly kind: 'failure'; readonly failure: Failure };

interface PendingTask {
  readonly onProgress: (progress: TaskProgress) => void;
  readonly settle: (reply: WorkerReply) => void;
  readonly fail: (error: unknown) => void;
}

const stderrCharactersMax = 4000;

export class WorkerProcess {
  /** Resolves once, when the process is gone. */
  readonly ended: Promise<WorkerEnd>;
  readonly #options: WorkerProcessOptions;
  readonly #process: ChildProcess;
  readonly #pending = new Map<TaskId, PendingTask>();
  readonly #ready = Promise.withResolvers<Failure | null>();
  #end: WorkerEnd | null = null;
  #verdict: Pick<WorkerEnd, 'code' | 'message'> | null = null;
  #handled: Promise<void> = Promise.resolve();
  #heardMs: number;
  #stderr = '';
  #residentBytes: number | undefined;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#heardMs = options.clock.nowMs();
    this.#process = fork(options.entry, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [...options.execArgv],
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharactersMax);
    });
    this.#process.on('message', (received) => {
      this.#heardMs = options.clock.nowMs();
      this.#handled = this.#handled.then(() => this.#handle(received)).catch((error) => this.#fail(error));
    });
    this.ended = new Promise((resolve) => {
      const end = (exitCode: number | null, exitSignal: string | null) => {
        // What it sent before it ended still counts.
        void this.#handled.then(() => resolve(this.#close(exitCode, exitSignal)));
      };
      this.#process.once('error', () => end(null, null));
      this.#process.once('close', end);
    });
    this.#send({ kind: 'configure', settings: options.settings });
    void this.#watch();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Its memory, as it said last. */
  get residentBytes(): number | undefined {
    return this.#residentBytes;
  }

  /** Null when it can take tasks; the failure if it refuses to start; rejects never. Ended workers are `ended`. */
  get ready(): Promise<Failure | null> {
    return this.#ready.promise;
  }

  get isRunning(): boolean {
    return this.#end === null && this.#verdict === null;
  }

  /** Resolves with the worker's own answer, or how it ended. Rejects if our side cannot store the contribution. */
  answer(task: Task, onProgress: (progress: TaskProgress) => void): Promise<WorkerReply> {
    if (this.#end !== null) return Promise.resolve(lost(this.#end));
    const { promise, resolve, reject } = Promise.withResolvers<WorkerReply>();
    this.#pending.set(task.taskId, { onProgress, settle: resolve, fail: reject });
    this.#send({ kind: 'task', task });
    return promise;
  }

  abort(taskId: TaskId): void {
    if (this.#pending.has(taskId)) this.#send({ kind: 'abort', taskId });
  }

  stop(): void {
    this.#send({ kind: 'stop' });
  }

  /** Ends the process at once. `verdict`: why, where its exit code does not say. */
  kill(verdict?: Pick<WorkerEnd, 'code' | 'message'>): void {
    if (verdict !== undefined) this.#verdict ??= verdict;
    this.#process.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    // A failure to send means that the process has ended: `close` follows.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  async #handle(received: unknown): Promise<void> {
    const message = parseFromWorker(received);
    if (message === undefined) {
      return this.kill({
        code: 'site.worker-malformed',
        message: 'It sent something that is no message, and was ended.',
      });
    }
    switch (message.kind) {
      case 'alive':
        this.#residentBytes = message.residentBytes ?? this.#residentBytes;
        return;
      case 'ready':
        return this.#ready.resolve(null);
      case 'refused':
        return this.#ready.resolve(message.failure);
      case 'blob-wanted':
        return this.#sendBlob(message.blob);
      case 'chunk':
        await this.#options.blobs.putChunk(message.bytes);
        return;
      case 'manifest':
        await this.#options.blobs.putManifest(message.manifest);
        return;
      case 'progress':
        if (message.progress.kind === 'step') {
          this.#residentBytes = message.progress.residentBytes ?? this.#residentBytes;
        }
        return this.#pending.get(message.taskId)?.onProgress(message.progress);
      case 'contribution':
      case 'failure':
        return this.#settle(message);
    }
  }

  async #sendBlob(blob: BlobId): Promise<void> {
    const { blobs } = this.#options;
    const manifest = await blobs.getManifest(blob);
    if (manifest === undefined || manifest.chunks.length === 0) return this.#send({ kind: 'blob-missing', blob });
    for (const [index, chunk] of manifest.chunks.entries()) {
      const bytes = await blobs.getChunk(chunk);
      this.#send({ kind: 'chunk', blob, isLast: index === manifest.chunks.length - 1, bytes });
    }
  }

  #settle(message: Extract<FromWorker, { kind: 'contribution' | 'failure' }>): void {
    const { taskId, ...reply } = message;
    this.#pending.get(taskId)?.settle(reply);
    this.#pending.delete(taskId);
  }

  /** A fault of our own side is the caller's to know. */
  #fail(error: unknown): void {
    for (const { fail } of this.#pending.values()) fail(error);
    this.#pending.clear();
  }

  /** Ends a worker of which nothing has been heard for too long. */
  async #watch(): Promise<void> {
    const { clock, idleMs } = this.#options;
    const over = new AbortController();
    void this.ended.then(() => over.abort());
    while (!over.signal.aborted) {
      await clock.sleep(idleMs / 4, over.signal);
      if (clock.nowMs() - this.#heardMs > idleMs) {
        const message = `It had not been heard of for ${(idleMs / 1000).toFixed(0)} s and was ended.`;
        return this.kill({ code: 'site.worker-silent', message });
      }
    }
  }

  #close(exitCode: number | null, exitSignal: string | null): WorkerEnd {
    const { code, message } = this.#verdict ?? {
      code: 'site.worker-ended',
      message: endMessage(exitCode, exitSignal, this.#stderr),
    };
    this.#end = { code, message, exitCode, exitSignal, stderr: this.#stderr };
    for (const { settle } of this.#pending.values()) settle(lost(this.#end));
    this.#pending.clear();
    this.#ready.resolve(null);
    return this.#end;
  }
}

/** Our own words: nothing of what the process wrote. */
function endMessage(exitCode: number | null, exitSignal: string | null, stderr: string): string {
  if (/heap out of memory|bad_alloc|Cannot allocate memory/.test(stderr)) return 'Its process ran out of memory.';
  if (exitSignal !== null) return `Its process was ended by ${exitSignal}.`;
  if (exitCode !== null) return `Its process ended with exit code ${exitCode}.`;
  return 'Its process could not be started.';
}

function lost({ code, message }: WorkerEnd): WorkerReply {
  return { kind: 'failure', failure: { code, message, lasting: false, worthRetrying: true } };
}
