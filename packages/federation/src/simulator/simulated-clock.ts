/** Time that passes only when nothing else is left to do, in jumps to the next timer. */
import type { Clock } from '../ports.ts';
import { type Timer, TimerHeap } from './timer-heap.ts';

export class SimulatedClock implements Clock {
  readonly #timers = new TimerHeap();
  #nowMs = 0;
  #pumping = false;

  nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `ring` after `ms`. */
  after(ms: number, ring: () => void): Timer {
    const timer = this.#timers.add(this.#nowMs + ms, ring);
    this.#pump();
    return timer;
  }

  cancel(timer: Timer): void {
    this.#timers.cancel(timer);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      });
      const cancel = () => {
        this.cancel(timer);
        resolve();
      };
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** The event loop reaches `setImmediate` only after every promise that could go on has gone on. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      const next = this.#timers.take();
      if (next === undefined) return;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.ring();
      if (!this.#timers.isEmpty) this.#pump();
    });
  }
}
