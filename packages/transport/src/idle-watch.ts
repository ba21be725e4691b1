/** Notices that nothing has happened for too long, or that the caller has given up: one signal for both. */
import { TransportError } from './transport-error.ts';

export class IdleWatch implements Disposable {
  readonly #either = new AbortController();
  readonly #outer: AbortSignal;
  readonly #idleMs: number;
  readonly #what: string;
  readonly #giveUp = () => this.#either.abort(this.#outer.reason);
  /** undefined while nothing is expected. */
  #timer: NodeJS.Timeout | undefined;

  constructor({ idleMs, signal, what }: { idleMs: number; signal: AbortSignal; what: string }) {
    this.#outer = signal;
    this.#idleMs = idleMs;
    this.#what = what;
    if (signal.aborted) this.#giveUp();
    // Not AbortSignal.any: the caller's signal may live for weeks, and would remember every request.
    signal.addEventListener('abort', this.#giveUp);
    this.resume();
  }

  get signal(): AbortSignal {
    return this.#either.signal;
  }

  /** Something happened. */
  touch(): void {
    this.#timer?.refresh();
  }

  /** Nothing is expected until `resume`. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.pause();
    this.#timer = setTimeout(() => {
      const text = `Nothing was heard from ${this.#what} for ${(this.#idleMs / 1000).toFixed(1)} s.`;
      this.#either.abort(new TransportError('transport.silent', text));
    }, this.#idleMs);
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#outer.removeEventListener('abort', this.#giveUp);
  }
}
