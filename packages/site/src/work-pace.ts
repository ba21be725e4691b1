/** How fast the worker gets on with a task, and in how much memory: added to what it says of each step. */
import type { Clock } from '@consilium/federation';
import type { TaskProgress } from '@consilium/protocol';

/** Steps of late that the pace is the mean of. */
const stepsRemembered = 10;

export class WorkPace {
  readonly #clock: Clock;
  readonly #residentBytes: () => number;
  /** When the last steps ended, the oldest first. */
  #endsMs: number[] = [];

  /** For one task. */
  constructor(clock: Clock, residentBytes: () => number) {
    this.#clock = clock;
    this.#residentBytes = residentBytes;
  }

  measured(progress: TaskProgress): TaskProgress {
    if (progress.kind !== 'step') return progress;
    this.#endsMs = [...this.#endsMs, this.#clock.nowMs()].slice(-stepsRemembered - 1);
    const seconds = (this.#endsMs.at(-1)! - this.#endsMs[0]!) / 1000;
    return {
      ...progress,
      ...(seconds > 0 ? { stepsPerSecond: (this.#endsMs.length - 1) / seconds } : {}),
      residentBytes: this.#residentBytes(),
    };
  }
}
