/** The time in a simulated hospital: it stands until it is set, so that who resumes writes down the same times. */
import type { ArchiveClock } from '@consilium/archive';

export class SimulatedClock implements ArchiveClock {
  timeMs: number;

  constructor(startMs: number) {
    this.timeMs = startMs;
  }

  nowMs(): number {
    return this.timeMs;
  }

  /** Nothing is waited for: whoever sleeps does so until the end. */
  sleep(_ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}
