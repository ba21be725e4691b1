/**
 * One life of a process. What it asked of time, disk and network is answered through `enter`, and only while it lives:
 * after a kill nothing that it had begun goes on, as after SIGKILL. While it is frozen, as a laptop whose lid is closed,
 * answers wait, and time leaps forward for it when it wakes.
 */
import type { Clock } from '../ports.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { Timer } from './timer-heap.ts';

export class SimulatedProcess {
  /** Sleeps end with the life. */
  readonly clock: Clock;
  readonly #world: SimulatedClock;
  readonly #onStep: () => void;
  readonly #timers = new Set<Timer>();
  readonly #mourners: (() => void)[] = [];
  #isAlive = true;
  /** What waits for it to wake; null while it is awake. */
  #waiting: (() => void)[] | null = null;

  /** `onStep` is called before each step that it makes, and may kill it. */
  constructor(world: SimulatedClock, onStep: () => void = () => {}) {
    this.#world = world;
    this.#onStep = onStep;
    this.clock = { nowMs: () => world.nowMs(), sleep: (ms, signal) => this.#sleep(ms, signal) };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Goes on with something in this process: now, when it wakes, or never. */
  enter(action: () => void): void {
    if (!this.#isAlive) return;
    if (this.#waiting !== null) {
      this.#waiting.push(action);
      return;
    }
    this.#onStep();
    if (this.#isAlive) action();
  }

  onDeath(mourn: () => void): void {
    if (this.#isAlive) this.#mourners.push(mourn);
    else mourn();
  }

  kill(): void {
    this.#isAlive = false;
    this.#waiting = null;
    for (const timer of this.#timers) this.#world.cancel(timer);
    this.#timers.clear();
    for (const mourn of this.#mourners.splice(0)) mourn();
  }

  freeze(): void {
    this.#waiting ??= [];
  }

  thaw(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const action of waiting) this.#world.after(0, () => this.enter(action));
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#isAlive) return;
      if (signal.aborted) return resolve();
      const timer = this.#world.after(ms, () => {
        this.#timers.delete(timer);
        this.enter(() => {
          signal.removeEventListener('abort', cancel);
          resolve();
        });
      });
      const cancel = () => {
        this.#timers.delete(timer);
        this.#world.cancel(timer);
        resolve();
      };
      this.#timers.add(timer);
      signal.addEventListener('abort', cancel, { once: true });
    });
  }
}
