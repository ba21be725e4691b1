/** Certificates last for days; who runs for weeks has a new one each time two thirds of that are over. */
import type { Clock } from '@consilium/federation';
import { z } from 'zod';
import type { CoordinatorClient } from './coordinator-client.ts';
import type { IdentityDirectory } from './identity-directory.ts';

export interface RenewalOptions {
  readonly identity: IdentityDirectory;
  readonly client: CoordinatorClient;
  readonly clock: Clock;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  readonly onRenewed?: () => void;
  /** Told of each attempt that failed; it is made again. */
  readonly onError?: (error: unknown) => void;
}

const answerSchema = z.object({ certificate: z.string().max(10_000) });
const retryMsMax = 15 * 60 * 1000;

/** Runs until `signal` aborts; never rejects. */
export async function keepRenewed(options: RenewalOptions): Promise<void> {
  const { identity, client, clock, nowMs, signal, onRenewed = () => {}, onError = () => {} } = options;
  while (!signal.aborted) {
    const { fromMs, toMs } = identity.validity;
    const dueMs = fromMs + (2 / 3) * (toMs - fromMs);
    await clock.sleep(Math.max(0, dueMs - nowMs()), signal);
    if (signal.aborted) return;
    if (nowMs() < dueMs) continue; // the clock was set back, or cannot count so far
    try {
      const answer = await client.post('/v1/renewals', { request: identity.request }, signal);
      await identity.admitted({ ...answerSchema.parse(answer), authority: identity.authority });
      client.replaceCredentials(identity.credentials);
      onRenewed();
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      await clock.sleep(Math.min(retryMsMax, (toMs - fromMs) / 100), signal);
    }
  }
}
