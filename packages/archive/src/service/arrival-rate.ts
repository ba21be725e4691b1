/** How many instances came in each of the last minutes, for a page that shows whether something is coming. */
import type { ArchiveClock } from '../archive-clock.ts';
import type { ArchiveEvents } from '../archive-events.ts';

const minuteMs = 60_000;
const minutesShown = 60;

export class ArrivalRate implements Disposable {
  readonly #clock: ArchiveClock;
  readonly #listening: Disposable;
  /** By the number of the minute since 1970. */
  readonly #counts = new Map<number, number>();

  constructor(events: ArchiveEvents, clock: ArchiveClock) {
    this.#clock = clock;
    this.#listening = events.listen(({ kind }) => {
      if (kind !== 'stored') return;
      const now = this.#minute();
      const before = this.#counts.get(now);
      this.#counts.set(now, (before ?? 0) + 1);
      if (before !== undefined) return;
      for (const minute of this.#counts.keys()) if (minute <= now - minutesShown) this.#counts.delete(minute);
    });
  }

  /** The oldest minute first, the one that is not over last. */
  counts(): { readonly minuteMs: number; readonly instances: readonly number[] } {
    const now = this.#minute();
    const instances = Array.from(
      { length: minutesShown },
      (_, at) => this.#counts.get(now - minutesShown + 1 + at) ?? 0,
    );
    return { minuteMs: now * minuteMs, instances };
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  #minute(): number {
    return Math.floor(this.#clock.nowMs() / minuteMs);
  }
}
