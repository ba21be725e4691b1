/** Trying again until it works: after half a second at first, then ever later, each time at a moment of chance. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TransportError } from './transport-error.ts';

export interface BackOffOptions {
  readonly signal: AbortSignal;
  readonly firstMs?: number;
  readonly lastMs?: number;
  readonly onRetry?: ((error: TransportError) => void) | undefined;
}

/** Gives up only when `signal` aborts, or for an error that is no TransportError: a refusal. */
export async function persist<Result>(
  attempt: () => Promise<Result>,
  { signal, firstMs = 500, lastMs = 30_000, onRetry }: BackOffOptions,
): Promise<Result> {
  for (let waitMs = firstMs; ; waitMs = Math.min(2 * waitMs, lastMs)) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransportError)) throw error;
      onRetry?.(error);
    }
    // So that sites which lost the same coordinator do not all come back at the same moment.
    await sleep(randomInt(Math.ceil(waitMs / 2), waitMs + 1), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    );
  }
}
