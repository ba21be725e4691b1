/** The machine's monotonic clock. */
import type { Clock } from '@consilium/federation';

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      // A longer time than setTimeout can count is as good as for ever.
      const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1));
      timer.unref();
      signal.addEventListener('abort', end, { once: true });
    }),
};
