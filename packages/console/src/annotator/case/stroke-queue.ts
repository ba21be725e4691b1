/**
 * Strokes on their way to the reading room. Each is written down in the browser the moment it is drawn, sent in order, and
 * forgotten when the reading room has acknowledged it: what was drawn is in at least one of the two places at any moment.
 */
import { ServiceError } from '../../parts/service-error.ts';
import type { WireStroke } from '../reading-asking.ts';
import type { StrokeStore } from './stroke-store.ts';

export type QueueState =
  /** All is with the reading room. */
  | 'kept'
  | 'sending'
  /** The reading room does not answer; strokes wait here. */
  | 'offline'
  /** The task is drawn on in another window: strokes wait here until it is taken back. */
  | 'shut-out'
  /** The reading room refuses a stroke. */
  | 'refused';

export interface StrokeQueueOptions {
  /** The one of the task, under which strokes are written down. */
  readonly taskKey: string;
  readonly draftId: string;
  /** The last that the reading room has. */
  readonly lastSeq: number;
  /** Numbered from there on. */
  readonly waiting: readonly WireStroke[];
  readonly store: StrokeStore;
  /** @returns the last that is kept. @throws ServiceError */
  readonly send: (strokes: readonly WireStroke[]) => Promise<number>;
  /** Whether the lease could be had again after it ran out. @throws ServiceError */
  readonly renew: () => Promise<boolean>;
  readonly later: (ms: number, work: () => void) => () => void;
}

const strokesPerSending = 200;
/** Characters of Base64 that are sent together. */
const charactersPerSending = 16 * 2 ** 20;
const againMs = [1000, 2000, 4000, 8000] as const;

export class StrokeQueue {
  readonly #options: StrokeQueueOptions;
  readonly #listeners = new Set<() => void>();
  readonly #waiting: WireStroke[];
  #keptSeq: number;
  #lastSeq: number;
  #state: QueueState = 'kept';
  #error: ServiceError | undefined;
  #written: Promise<void> = Promise.resolve();
  #sending: Promise<void> | undefined;
  #isSending = false;
  #cancelRetry: (() => void) | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(options: StrokeQueueOptions) {
    this.#options = options;
    this.#keptSeq = options.lastSeq;
    this.#waiting = [...options.waiting];
    this.#lastSeq = this.#keptSeq + this.#waiting.length;
    this.flush();
  }

  /** The last stroke that the reading room has. */
  get keptSeq(): number {
    return this.#keptSeq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get error(): ServiceError | undefined {
    return this.#error;
  }

  readonly state = (): QueueState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(stroke: Omit<WireStroke, 'seq'>): void {
    this.#lastSeq++;
    const numbered: WireStroke = { ...stroke, seq: this.#lastSeq };
    this.#waiting.push(numbered);
    const { draftId, store, taskKey } = this.#options;
    // A browser without room still has the reading room.
    this.#written = this.#written.then(() => store.put(taskKey, draftId, numbered)).catch(() => {});
    this.flush();
  }

  /** Sends what waits, now. */
  readonly flush = (): void => {
    const isStopped = this.#isClosed || this.#state === 'shut-out' || this.#state === 'refused';
    if (isStopped || this.#isSending || this.#waiting.length === 0) return;
    this.#cancelRetry?.();
    this.#isSending = true;
    this.#sending = this.#send();
  };

  /** Whether all that there is now is with the reading room, after one more try. */
  async settle(): Promise<boolean> {
    const lastSeq = this.#lastSeq;
    this.flush();
    await this.#sending;
    return this.#keptSeq >= lastSeq;
  }

  /** The reading room says that another window has the task. */
  shutOut(): void {
    this.#become('shut-out');
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
  }

  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#isClosed) {
        if (this.#state !== 'offline') this.#become('sending');
        try {
          this.#acknowledge(await this.#options.send(this.#batch()));
        } catch (error) {
          if (!(await this.#survives(error))) return;
        }
      }
    } finally {
      // At once with the last look at what waits: what is added from now on begins anew.
      this.#isSending = false;
    }
  }

  #batch(): readonly WireStroke[] {
    let characters = 0;
    const end = this.#waiting.findIndex(({ change }, at) => {
      characters += change?.runs.length ?? 0;
      return at > 0 && (at >= strokesPerSending || characters > charactersPerSending);
    });
    return end < 0 ? [...this.#waiting] : this.#waiting.slice(0, end);
  }

  #acknowledge(keptSeq: number): void {
    this.#failures = 0;
    this.#error = undefined;
    this.#keptSeq = Math.max(this.#keptSeq, keptSeq);
    const kept = this.#waiting.findIndex(({ seq }) => seq > this.#keptSeq);
    this.#waiting.splice(0, kept < 0 ? this.#waiting.length : kept);
    const { store, taskKey } = this.#options;
    const upTo = this.#keptSeq;
    const { draftId } = this.#options;
    this.#written = this.#written.then(() => store.forget(taskKey, draftId, upTo)).catch(() => {});
    this.#become(this.#waiting.length === 0 ? 'kept' : 'sending');
  }

  /** Whether sending can go on at once. */
  async #survives(error: unknown): Promise<boolean> {
    if (!(error instanceof ServiceError)) throw error;
    this.#error = error;
    if (error.code === 'reading.lease-expired') {
      try {
        if (await this.#options.renew()) return true;
      } catch (renewing) {
        if (renewing instanceof ServiceError && isPassing(renewing)) return this.#waitAWhile();
      }
      this.#become('shut-out');
      return false;
    }
    if (isPassing(error)) return this.#waitAWhile();
    this.#become(elsewhere.has(error.code) ? 'shut-out' : 'refused');
    return false;
  }

  #waitAWhile(): false {
    const ms = againMs[Math.min(this.#failures, againMs.length - 1)]!;
    this.#failures++;
    this.#become('offline');
    this.#cancelRetry = this.#options.later(ms, this.flush);
    return false;
  }

  #become(state: QueueState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Another window has drawn on the task. */
const elsewhere: ReadonlySet<string> = new Set(['reading.stroke-conflict', 'reading.stroke-gap']);

function isPassing({ code, status }: ServiceError): boolean {
  return status === 0 || status >= 500 || code === 'people.login-wanted';
}
