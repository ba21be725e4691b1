/**
 * One life of a site's process: from its start to its end. Messages in both directions are parsed before they are looked
 * at; blobs are in the store before the contribution that names them is passed on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { BlobStore, Clock, TaskReply } from '@consilium/federation';
import {
  type CoordinatorMessage,
  checkProtocolVersion,
  type Failure,
  ProtocolError,
  parseSiteMessage,
  protocolVersion,
  type SiteId,
  type SiteMessage,
  type Task,
  type TaskId,
  type TaskProgress,
} from '@consilium/protocol';
import { CoordinatorError } from './coordinator-error.ts';

export interface ChildSiteOptions {
  readonly siteId: SiteId;
  /** The program: `@consilium/site/main`. */
  readonly entry: URL;
  /** The site's own settings; passed on unread. */
  readonly settings: unknown;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** A site that says nothing for this long is taken for dead. A living one is heard every few seconds. */
  readonly idleMs: number;
  readonly execArgv: readonly string[];
}

/** How the process ended, for the local log only: `stderr` is the site's own and may name its files. */
export interface SiteEnd {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  /** The last 4000 characters. */
  readonly stderr: string;
}

interface PendingTask {
  readonly onProgress: (progress: TaskProgress) => void;
  readonly settle: (reply: TaskReply) => void;
  readonly fail: (error: unknown) => void;
}

const stderrCharactersMax = 4000;

export class ChildSite {
  /** Resolves once, when the process is gone. */
  readonly ended: Promise<SiteEnd>;
  readonly #options: ChildSiteOptions;
  readonly #process: ChildProcess;
  readonly #pending = new Map<TaskId, PendingTask>();
  readonly #ready = Promise.withResolvers<Failure | null>();
  #end: SiteEnd | null = null;
  #verdict: { code: string; message: string } | null = null;
  #handled: Promise<void> = Promise.resolve();
  #heardMs: number;
  #stderr = '';

  constructor(options: ChildSiteOptions) {
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
    this.#send({ kind: 'configure', protocolVersion, settings: options.settings });
    void this.#watch();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Null when the site can take tasks; the failure if it refuses to start; rejects never. Ended sites are `ended`. */
  get ready(): Promise<Failure | null> {
    return this.#ready.promise;
  }

  get isRunning(): boolean {
    return this.#end === null && this.#verdict === null;
  }

  /** Resolves with the site's own answer, or `lost`. Rejects if our side cannot store the contribution. */
  answer(task: Task, onProgress: (progress: TaskProgress) => void): Promise<TaskReply> {
    if (this.#end !== null) return Promise.resolve(lost(this.#end));
    const { promise, resolve, reject } = Promise.withResolvers<TaskReply>();
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
  kill(verdict?: { code: `coordinator.${string}` | `protocol.${string}`; message: string }): void {
    if (verdict !== undefined) this.#verdict ??= verdict;
    this.#process.kill('SIGKILL');
  }

  #send(message: CoordinatorMessage): void {
    // A failure to send means that the process has ended: `close` follows.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  async #handle(received: unknown): Promise<void> {
    const message = parseSiteMessage(received);
    switch (message.kind) {
      case 'alive':
        return;
      case 'ready':
        checkProtocolVersion(message.protocolVersion);
        if (message.siteId !== this.#options.siteId) {
          throw new ProtocolError('protocol.malformed-message', 'The site calls itself by another name.');
        }
        return this.#ready.resolve(null);
      case 'refused':
        return this.#ready.resolve(message.failure);
      case 'blob-wanted':
        return this.#sendBlob(message);
      case 'blob': {
        const sha256 = await this.#options.blobs.putBlob(message.bytes);
        if (sha256 !== message.sha256) {
          throw new ProtocolError('protocol.malformed-message', 'A blob does not have the hash it was announced with.');
        }
        return;
      }
      case 'progress':
        return this.#pending.get(message.taskId)?.onProgress(message.progress);
      case 'contribution':
        return this.#settle(message.taskId, { kind: 'contribution', contribution: message.contribution });
      case 'failure':
        return this.#settle(message.taskId, { kind: 'failure', failure: message.failure });
    }
  }

  async #sendBlob({ sha256 }: Extract<SiteMessage, { kind: 'blob-wanted' }>): Promise<void> {
    const { blobs } = this.#options;
    if (await blobs.hasBlob(sha256)) this.#send({ kind: 'blob', sha256, bytes: await blobs.getBlob(sha256) });
    else this.#send({ kind: 'blob-missing', sha256 });
  }

  #settle(taskId: TaskId, reply: TaskReply): void {
    this.#pending.get(taskId)?.settle(reply);
    this.#pending.delete(taskId);
  }

  /** A site that breaks the protocol is ended; a fault of our own side is the caller's to know. */
  #fail(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.kill({ code: error.code as `protocol.${string}`, message: error.message });
      return;
    }
    for (const { fail } of this.#pending.values()) fail(error);
    this.#pending.clear();
  }

  /** Ends a site from which nothing has been heard for too long. */
  async #watch(): Promise<void> {
    const { clock, idleMs } = this.#options;
    const over = new AbortController();
    void this.ended.then(() => over.abort());
    while (!over.signal.aborted) {
      await clock.sleep(idleMs / 4, over.signal);
      if (clock.nowMs() - this.#heardMs > idleMs) {
        const message = `It had not been heard of for ${(idleMs / 1000).toFixed(0)} s and was ended.`;
        return this.kill({ code: 'coordinator.site-silent', message });
      }
    }
  }

  #close(exitCode: number | null, exitSignal: string | null): SiteEnd {
    const { code, message } = this.#verdict ?? {
      code: 'coordinator.site-ended',
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

function lost({ code, message }: SiteEnd): TaskReply {
  return { kind: 'lost', code, message };
}

/** For callers that need a site and got none. */
export function notRunning(siteId: SiteId): CoordinatorError {
  return new CoordinatorError(
    'coordinator.site-stopped',
    `The process of ${siteId} was stopped and takes no more tasks.`,
  );
}
