/**
 * The site's end of its line to the coordinator: parses what comes, does one task at a time, answers each. How messages
 * travel is injected, so that a TLS connection can take the place of the parent process.
 */
import { createHash } from 'node:crypto';
import {
  type Contribution,
  type CoordinatorMessage,
  checkProtocolVersion,
  parseCoordinatorMessage,
  protocolVersion,
  type Sha256,
  type SiteMessage,
  type Task,
  type TaskId,
  type TaskProgress,
} from '@consilium/protocol';
import { BlobCache } from './blob-cache.ts';
import type { LocalLog } from './ports/local-log.ts';
import { detailOf, failureOf, SiteError } from './site-error.ts';

/** Does tasks. `putBlob` sends a blob ahead of the contribution that names it. */
export interface Worker {
  perform(task: Task, context: TaskContext): Promise<Contribution>;
}

export interface TaskContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TaskProgress) => void;
  getBlob(sha256: Sha256): Promise<Uint8Array>;
  putBlob(bytes: Uint8Array): Promise<Sha256>;
}

export interface LinkOptions {
  /** Resolves when the message has been handed over. */
  readonly send: (message: SiteMessage) => Promise<void>;
  /** Begins with the settings from the coordinator; throws if they are wrong. */
  readonly configure: (settings: unknown) => {
    readonly worker: Worker;
    readonly siteId: string;
    readonly log: LocalLog;
  };
  /** The coordinator wants no more of this process. */
  readonly onStop: () => void;
}

/** The forward graph and the weights of a few jobs that run at once. */
const blobsKept = 8;

export class CoordinatorLink {
  readonly #options: LinkOptions;
  readonly #blobs: BlobCache;
  readonly #running = new Map<TaskId, AbortController>();
  #configured: ReturnType<LinkOptions['configure']> | null = null;
  #queue: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#blobs = new BlobCache({
      ask: (sha256) => void options.send({ kind: 'blob-wanted', sha256 }),
      keep: blobsKept,
    });
  }

  /** Takes a message as it came. A malformed one is ignored: nothing of it can be trusted, not even whom to answer. */
  async receive(received: unknown): Promise<void> {
    let message: CoordinatorMessage;
    try {
      message = parseCoordinatorMessage(received);
    } catch (error) {
      this.#configured?.log.write('malformed message', { detail: detailOf(error) });
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
      case 'blob':
        return this.#blobs.arrived(message.sha256, message.bytes);
      case 'blob-missing':
        return this.#blobs.missing(message.sha256);
      case 'stop':
        for (const abort of this.#running.values()) abort.abort();
        await this.#queue;
        return this.#options.onStop();
    }
  }

  async #configure(message: Extract<CoordinatorMessage, { kind: 'configure' }>): Promise<void> {
    const { send, configure, onStop } = this.#options;
    try {
      checkProtocolVersion(message.protocolVersion);
      this.#configured = configure(message.settings);
    } catch (error) {
      await send({ kind: 'refused', failure: { ...failureOf(error), lasting: true } });
      return onStop();
    }
    const { siteId, log } = this.#configured;
    log.write('ready', { siteId });
    await send({ kind: 'ready', protocolVersion, siteId: siteId as never });
  }

  async #perform(task: Task, signal: AbortSignal): Promise<void> {
    const { taskId } = task;
    const { send } = this.#options;
    const { worker, log } = this.#configured!;
    log.write('task', { taskId, kind: task.kind });
    try {
      signal.throwIfAborted();
      const contribution = await worker.perform(task, {
        signal,
        onProgress: (progress) => void send({ kind: 'progress', taskId, progress }),
        getBlob: (sha256) => this.#blobs.get(sha256),
        putBlob: async (bytes) => {
          const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
          await send({ kind: 'blob', sha256, bytes });
          return sha256;
        },
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
}
