/** What every step of a round is given, and how it reads and adds to what is durable. */
import type { BlobId, Json } from '@consilium/protocol';
import type { InquiryOptions } from './inquiry.ts';
import type { Job } from './job.ts';
import type { Ports } from './ports.ts';
import { keyOf, type RoundRecord } from './round-record.ts';
import type { Slots } from './slots.ts';
import type { Strategy, StrategyState } from './strategy.ts';
import { WeightsFile } from './weights.ts';

/** What stays the same through all rounds of a job. */
export interface RoundSetting {
  readonly job: Job;
  readonly strategy: Strategy;
  /** What the ledger holds of this job; kept up as rounds add to it. */
  readonly entries: Map<string, Json>;
}

export interface RoundContext extends RoundSetting, InquiryOptions {
  readonly round: number;
  /** The rounds before. */
  readonly rounds: readonly RoundRecord[];
  readonly ports: Ports;
  /** Contributions are read a few at a time: memory must not grow with the number of sites. */
  readonly admissions: Slots;
}

export function recalled<T>({ entries, round }: RoundContext, step: string): T | undefined {
  return entries.get(keyOf(round, step)) as T | undefined;
}

export async function record({ ports, job, round, entries }: RoundContext, step: string, value: object): Promise<void> {
  await ports.store.record(job.jobId, keyOf(round, step), value as Json);
  entries.set(keyOf(round, step), value as Json);
}

export function holderOf(
  { job, round }: Pick<RoundContext, 'job' | 'round'>,
  what: 'contributions' | 'weights',
): string {
  return `${job.jobId}/${round}/${what}`;
}

/** The weights that a round starts from: this one, unless another is named. */
export function globalWeights({ rounds, round, job }: RoundContext, of: number = round): BlobId {
  return rounds[of - 2]?.weights ?? job.initialWeights;
}

/** What the strategy remembered of the round before, or begins with. */
export async function stateOf({ rounds, job, strategy, ports: { store } }: RoundContext): Promise<StrategyState> {
  const last = rounds.at(-1);
  if (last !== undefined) return last.state;
  const { shape } = await WeightsFile.open(store, job.initialWeights);
  const initial = await strategy.initialState(store, shape);
  await store.retain(Object.values(initial), holderOf({ job, round: 0 }, 'weights'));
  return initial;
}
