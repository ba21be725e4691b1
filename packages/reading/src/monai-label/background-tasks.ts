/** What MONAI Label calls tasks: work that goes on after its request was answered, one of a kind at a time, the last ones kept. */
import { randomUUID } from 'node:crypto';
import type { ArchiveClock } from '@consilium/archive';
import { ReadingError } from '../reading-error.ts';

export type TaskKind = 'batch_infer' | 'scoring' | 'train';

/** As clients read it; times are UTC. */
export interface TaskAnswer {
  readonly id: string;
  readonly status: 'SUBMITTED' | 'RUNNING' | 'DONE' | 'ERROR' | 'STOPPED';
  readonly request: Readonly<Record<string, unknown>>;
  readonly start_ts: string;
  readonly end_ts?: string;
  readonly details: readonly string[];
  readonly result?: unknown;
}

export interface TaskWork {
  readonly signal: AbortSignal;
  /** A line that who asks for the status is shown. */
  readonly say: (line: string) => void;
}

interface Entry {
  answer: TaskAnswer;
  readonly stop: AbortController;
  readonly ended: Promise<TaskAnswer>;
}

const keptMax = 50;
const detailsMax = 20;

export class BackgroundTasks {
  readonly #clock: ArchiveClock;
  readonly #entries = new Map<TaskKind, Entry[]>();

  constructor(clock: ArchiveClock) {
    this.#clock = clock;
  }

  /**
   * @param work what it resolves to is the result. It fails with coded errors; of others nothing is told.
   * @throws ReadingError `reading.task-running`
   */
  begin(kind: TaskKind, request: Readonly<Record<string, unknown>>, work: (task: TaskWork) => Promise<unknown>): Entry {
    if (this.running(kind) !== undefined) {
      throw new ReadingError(
        'reading.task-running',
        'Work of this kind is under way already: wait for it, or stop it.',
      );
    }
    const stop = new AbortController();
    const answer: TaskAnswer = { id: randomUUID(), status: 'RUNNING', request, start_ts: this.#now(), details: [] };
    const entry: Entry = { answer, stop, ended: Promise.resolve(answer) };
    const say = (line: string) => {
      entry.answer = { ...entry.answer, details: [...entry.answer.details, line].slice(-detailsMax) };
    };
    const end = (status: TaskAnswer['status'], more: Partial<TaskAnswer> = {}) => {
      if (stop.signal.aborted) return entry.answer;
      entry.answer = { ...entry.answer, ...more, status, end_ts: this.#now() };
      return entry.answer;
    };
    const ended = work({ signal: stop.signal, say }).then(
      (result) => end('DONE', result === undefined ? {} : { result }),
      (error: unknown) => {
        say(sayable(error));
        return end('ERROR');
      },
    );
    const list = [...(this.#entries.get(kind) ?? []), Object.assign(entry, { ended })];
    this.#entries.set(kind, list.slice(-keptMax));
    return entry;
  }

  running(kind: TaskKind): TaskAnswer | undefined {
    return this.all(kind).find(({ status }) => status === 'RUNNING');
  }

  /** The oldest first. */
  all(kind: TaskKind): readonly TaskAnswer[] {
    return (this.#entries.get(kind) ?? []).map(({ answer }) => answer);
  }

  /** The one that runs, or else the last one as it ended; undefined if there was none. */
  stop(kind: TaskKind): TaskAnswer | undefined {
    const entry = this.#entries.get(kind)?.at(-1);
    if (entry?.answer.status === 'RUNNING') {
      entry.answer = { ...entry.answer, status: 'STOPPED', end_ts: this.#now() };
      entry.stop.abort();
    }
    return entry?.answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of this.#entries.keys()) this.stop(kind);
    await Promise.all([...this.#entries.values()].flat().map(({ ended }) => ended));
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ');
  }
}

function sayable(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  return typeof code === 'string' && /^(?:reading|archive)\./.test(code)
    ? `${code}: ${message}`
    : 'reading.failed: The reading room failed: the log of the archive says more.';
}
