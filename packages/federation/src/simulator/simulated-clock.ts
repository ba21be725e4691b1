/** Time that passes only when nothing else is left to do, in jumps to the next timer. */
import type { Clock } from '../ports.ts';

interface Timer {
  readonly atMs: number;
  readonly ring: () => void;
}

export class SimulatedClock implements Clock {
  #nowMs = 0;
  #timers: Timer[] = [];
  #pumping = false;

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer: Timer = {
        atMs: this.#nowMs + ms,
        ring: () => {
          signal.removeEventListener('abort', cancel);
          resolve();
        },
      };
      const cancel = () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        resolve();
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.#timers.push(timer);
      this.#pump();
    });
  }

  /** The event loop reaches `setImmediate` only after every promise that could go on has gone on. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (first === undefined || timer.atMs < first.atMs ? timer : first),
        undefined,
      );
      if (next === undefined) return;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.ring();
      this.#pump();
    });
  }
}
