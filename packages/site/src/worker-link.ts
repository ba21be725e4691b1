/**
 * The worker's end of its line to the service: parses what comes, does one task at a time, answers each. How messages
 * travel is injected.
 */
import { blobIdOf, type Clock, chunkIdOf } from '@consilium/federation';
import {
  type BlobId,
  type Contribution,
  chunkBytes,
  type Task,
  type TaskId,
  type TaskProgress,
} from '@consilium/protocol';
import { BlobCache } from './blob-cache.ts';
import type { LocalLog } from './ports/local-log.ts';
import { detailOf, failureOf, SiteError } from './site-error.ts';
import { WorkPace } from './work-pace.ts';
import { type FromWorker, parseToWorker, type ToWorker } from './worker-messages.ts';

/** Does tasks. `putBlob` sends a blob ahead of the contribution that names it. */
export interface TaskPerformer {
  perform(task: Task, context: TaskContext): Promise<Contribution>;
}

export interface TaskContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TaskProgress) => void;
  getBlob(blob: BlobId): Promise<Uint8Array>;
  putBlob(bytes: Uint8Array): Promise<BlobId>;
}

export interface LinkOptions {
  /** Resolves when the message has been handed over. */
  readonly send: (message: FromWorker) => Promise<void>;
  /** Begins with the settings; throws if they are wrong. */
  readonly configure: (settings: unknown) => { readonly performer: TaskPerformer; readonly log: LocalLog };
  readonly clock: Clock;
  /** Memory of this process. */
  readonly residentBytes: () => number;
  /** The service wants no more of this process. */
  readonly onStop: () => void;
}

/** The forward graph and the weights of a few jobs that run at once. */
const blobsKept = 8;

export class WorkerLink {
  readonly #options: LinkOptions;
  readonly #blobs: BlobCache;
  readonly #running = new Map<TaskId, AbortController>();
  #configured: ReturnType<LinkOptions['configure']> | null = null;
  #queue: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#blobs = new BlobCache({
      ask: (blob) => void options.send({ kind: 'blob-wanted', blob }),
      keep: blobsKept,
    });
  }

  /** Takes a message as it came. A malformed one is ignored: nothing of it can be trusted, not even whom to answer. */
  async receive(received: unknown): Promise<void> {
    const message = parseToWorker(received);
    if (message === undefined) {
      this.#configured?.log.write('malformed message');
      return;
    }
    switch (message.kind) {
      case 'configure':
        return this.#configure(message);
      case 'task': {
        const { task } = message;
        const abort = new AbortController();
        this.#running.set(task.taskId, abort);
        this.#queue = this.#queue.then(() => this.#perform(task, abort.signal));
        return;
      }
      case 'abort':
        this.#running.get(message.taskId)?.abort();
        return;
      case 'chunk':
        return this.#blobs.arrived(message.blob, message.bytes, message.isLast);
      case 'blob-missing':
        return this.#blobs.missing(message.blob);
      case 'stop':
        for (const abort of this.#running.values()) abort.abort();
        await this.#queue;
        return this.#options.onStop();
    }
  }

  async #configure(message: Extract<ToWorker, { kind: 'configure' }>): Promise<void> {
    const { send, configure, onStop } = this.#options;
    try {
      this.#configured = configure(message.settings);
    } catch (error) {
      await send({ kind: 'refused', failure: { ...failureOf(error), lasting: true } });
      return onStop();
    }
    this.#configured.log.write('worker ready');
    await send({ kind: 'ready' });
  }

  async #perform(task: Task, signal: AbortSignal): Promise<void> {
    const { taskId } = task;
    const { send, clock, residentBytes } = this.#options;
    const { performer, log } = this.#configured!;
    const pace = new WorkPace(clock, residentBytes);
    log.write('task', { taskId, kind: task.kind });
    try {
      signal.throwIfAborted();
      const contribution = await performer.perform(task, {
        signal,
        onProgress: (progress) => void send({ kind: 'progress', taskId, progress: pace.measured(progress) }),
        getBlob: (blob) => this.#blobs.get(blob),
        putBlob: (bytes) => this.#putBlob(bytes),
      });
      await send({ kind: 'contribution', taskId, contribution });
      log.write('contribution', { taskId });
    } catch (error) {
      const aborted = new SiteError('site.aborted', 'The task was given up because the coordinator asked for it.');
      const failure = failureOf(signal.aborted ? aborted : error);
      log.write('failure', { taskId, code: failure.code, detail: detailOf(error) });
      await send({ kind: 'failure', taskId, failure });
    } finally {
      this.#running.delete(taskId);
    }
  }

  async #putBlob(bytes: Uint8Array): Promise<BlobId> {
    const { send } = this.#options;
    const chunks = [];
    for (let begin = 0; begin < bytes.length; begin += chunkBytes) {
      const chunk = bytes.subarray(begin, begin + chunkBytes);
      chunks.push(chunkIdOf(chunk));
      await send({ kind: 'chunk', bytes: chunk });
    }
    const manifest = { bytes: bytes.length, chunks };
    await send({ kind: 'manifest', manifest });
    return blobIdOf(manifest);
  }
}
