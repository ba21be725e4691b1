/**
 * What the ledger keeps of a round. Keys of round r: `round/r/asked` where late contributions are kept,
 * `round/r/train/<site>` for each accepted contribution, `round/r/aggregate` once the round is closed to contributions,
 * `round/r/evaluate/<site>`, and `round/r/record` when the round is complete.
 */
import type { BlobId, Encoding, Json, SiteId } from '@consilium/protocol';
import type { LeftOutSite } from './left-out-site.ts';
import type { Decision } from './stopping.ts';
import type { EvaluatedSite, StrategyState } from './strategy.ts';

/** A contribution as the ledger keeps it. */
export interface TrainedRecord {
  readonly siteId: SiteId;
  /** null in secure aggregation: only the sum is known. */
  readonly weights: BlobId | null;
  readonly encoding: Encoding;
  /** SCAFFOLD only. */
  readonly controlChange: BlobId | null;
  /** The round in which it was sent its task: an earlier one where late contributions are kept. */
  readonly askedIn: number;
  /** Training cases; null in secure aggregation. */
  readonly cases: number | null;
  readonly steps: number;
  /** null where the training was private, or the aggregation is secure. */
  readonly meanLoss: number | null;
  /** What the site did to the weights before they left it; absent if nothing. */
  readonly filters?: readonly string[];
  /** Digest of the site's own record of the labels it trained on; absent if it keeps none. */
  readonly labels?: string;
  /** From the sending of the task, waiting in the site's queue included. */
  readonly ms: number;
}

/** A round that is closed to contributions. */
export interface AggregateRecord {
  /** The global weights after the round. */
  readonly weights: BlobId;
  readonly state: StrategyState;
  readonly trained: readonly TrainedRecord[];
  readonly leftOut: readonly LeftOutSite[];
}

/** A completed round. Every list is in site order. */
export interface RoundRecord {
  readonly round: number;
  /** The global weights after the round. */
  readonly weights: BlobId;
  /** What the strategy remembers. */
  readonly state: StrategyState;
  /** The federated validation score; null if no site could score. */
  readonly score: number | null;
  readonly trained: readonly TrainedRecord[];
  readonly evaluated: readonly EvaluatedSite[];
  readonly leftOut: readonly (LeftOutSite & { readonly task: 'train' | 'evaluate' })[];
  readonly decision: Decision;
}

/** The rounds that the ledger holds complete, in order. */
export function completedRounds(entries: ReadonlyMap<string, Json>): RoundRecord[] {
  const rounds: RoundRecord[] = [];
  for (;;) {
    const record = entries.get(keyOf(rounds.length + 1, 'record'));
    if (record === undefined) return rounds;
    rounds.push(record as unknown as RoundRecord);
  }
}

export function keyOf(round: number, step: string): string {
  return `round/${round}/${step}`;
}
