/** The machine's time and timers. */
import { setTimeout } from 'node:timers/promises';
import type { ArchiveClock } from '../archive-clock.ts';

export const systemClock: ArchiveClock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal, ref: false }).catch(() => {}),
};
