/**
 * The process in which models compute, as whoever asks sees it: begun when it is needed and ended when nothing is left, so that
 * its memory goes back. Ending it is how work is cancelled, since a network that runs listens to nobody.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { ReadingError } from '../reading-error.ts';
import type { AskMessage, ModelAnswers, ModelTask, WorkerMessage } from './model-tasks.ts';

export interface AskOptions {
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the process, and with it all that it was asked. */
  readonly signal?: AbortSignal;
}

export class ModelWorker {
  readonly #entry: URL;
  #life: WorkerLife | undefined;

  /** @param entry the process's program. */
  constructor(entry: URL = new URL(import.meta.resolve('#model-worker'))) {
    this.#entry = entry;
  }

  /**
   * One after the other, in order.
   * @throws ReadingError `reading.model-crashed` if the process ended, `reading.model-failed`, or as the task says; the
   * signal's reason
   */
  async ask<T extends ModelTask>(task: T, { onProgress, signal }: AskOptions = {}): Promise<ModelAnswers[T['kind']]> {
    signal?.throwIfAborted();
    const life = this.#life?.isOver === false ? this.#life : new WorkerLife(this.#entry);
    this.#life = life;
    const { promise: cancelled, reject } = Promise.withResolvers<never>();
    const cancel = () => {
      reject(signal!.reason);
      life.end();
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await Promise.race([life.ask(task, onProgress), cancelled]);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  get isRunning(): boolean {
    return this.#life !== undefined && !this.#life.isOver;
  }

  /** Ends the process, if it runs; the next question begins another. */
  rest(): void {
    this.#life?.end();
    this.#life = undefined;
  }
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: AskOptions['onProgress'];
}

const stderrCharactersMax = 4000;

/** From the beginning of one process to its end. */
class WorkerLife {
  isOver = false;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #number = 0;

  constructor(entry: URL) {
    const isSource = entry.pathname.endsWith('.ts');
    this.#child = fork(entry, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Without Maglev: docs/decisions/0009-same-bytes.md.
      execArgv: ['--no-maglev', ...(isSource ? ['--conditions=consilium-source'] : [])],
    });
    let stderr = '';
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-stderrCharactersMax);
    });
    this.#child.on('message', (message: WorkerMessage) => this.#hear(message));
    this.#child.on('error', () => {});
    this.#child.once('close', () => {
      this.isOver = true;
      const message = 'The process that runs the models ended: it may need more memory than there is.';
      const error = new ReadingError('reading.model-crashed', message, { detail: stderr });
      for (const { reject } of this.#pending.values()) reject(error);
    });
  }

  async ask<T extends ModelTask>(task: T, onProgress: AskOptions['onProgress']): Promise<ModelAnswers[T['kind']]> {
    const { promise, resolve, reject } = Promise.withResolvers<ModelAnswers[T['kind']]>();
    const number = ++this.#number;
    this.#pending.set(number, { resolve, reject, onProgress });
    // A failure to send means that the process has ended: `close` follows.
    this.#child.send({ number, task } satisfies AskMessage, () => {});
    return promise.finally(() => this.#pending.delete(number));
  }

  end(): void {
    this.isOver = true;
    this.#child.kill('SIGKILL');
  }

  #hear(message: WorkerMessage): void {
    const pending = this.#pending.get(message.number);
    if (message.kind === 'progress') pending?.onProgress?.(message.done, message.total);
    else if (message.kind === 'answer') pending?.resolve(message.answer as never);
    else pending?.reject(failureOf(message));
  }
}

function failureOf({ code, detail, message }: Extract<WorkerMessage, { kind: 'failure' }>): ReadingError {
  if (/^reading\.[a-z-]+$/.test(code)) return new ReadingError(code as `reading.${string}`, message, { detail });
  return new ReadingError('reading.model-failed', 'The model could not be run on the case.', {
    detail: `${code}: ${message} ${detail}`,
  });
}
