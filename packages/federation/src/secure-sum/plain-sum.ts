/**
 * The sum of a round as it would be without masks: for who may look into the stores of all its sites, as in a rehearsal,
 * where one person is all hospitals. What is left out is what hides the contributions, and nothing else.
 */
import type { BlobId, JobId, SecureAggregation } from '@consilium/protocol';
import { MemoryStore } from '../memory-store.ts';
import type { BlobStore } from '../store.ts';
import { WeightsFile } from '../weights.ts';
import { latticeOf } from './lattice.ts';
import { roundingKey } from './mask.ts';
import { unmaskedMean, writeMasked } from './masked-weights.ts';
import { type Withheld, withheldKey } from './masking-worker.ts';
import type { SecretStore } from './secret-store.ts';

/** What a site has on its own disk from its training until the next round's sum begins. */
export interface TrainedAlone {
  readonly siteId: string;
  readonly secrets: SecretStore;
  readonly blobs: BlobStore;
}

/**
 * The weights that the round comes to, by the name of their bytes; null if a site has not, or no longer, what it trained.
 * @param sites whose weights are in the sum
 * @param participants how many sites the job has
 */
export async function plainSum(
  sites: readonly TrainedAlone[],
  { jobId, round, settings, participants }: PlainSumOf,
): Promise<BlobId | null> {
  const store = new MemoryStore();
  const lattice = latticeOf(settings, participants)!;
  const inputs: BlobId[] = [];
  let sent: { readonly base: WeightsFile; readonly keepLocal: readonly string[] } | null = null;
  for (const { siteId, secrets, blobs } of sites) {
    const withheld = (await secrets.entry(jobId, withheldKey(round))) as unknown as Withheld | undefined;
    if (withheld === undefined) return null;
    const { cases, keepLocal, seed } = withheld;
    const base = await WeightsFile.open(blobs, withheld.base);
    sent ??= { base, keepLocal };
    const input = await writeMasked(store, {
      trained: await WeightsFile.open(blobs, withheld.weights),
      rounding: settings.rounding === 'nearest' ? null : roundingKey({ jobId, round, siteId, seed }),
      ...{ base, keepLocal, cases, lattice, masks: [] },
    });
    if (input === null) return null;
    inputs.push(input);
  }
  return sent === null ? null : (await unmaskedMean(store, { ...sent, inputs, lattice, unmasking: [] })).weights;
}

interface PlainSumOf {
  readonly jobId: JobId;
  readonly round: number;
  readonly settings: SecureAggregation;
  readonly participants: number;
}
