/**
 * The life of a job as the ledger keeps it: what it was submitted as, and what people and rounds did to it since, one
 * entry after another. Where it stands is read off the last one.
 */
import type { JobId, Json } from '@consilium/protocol';
import type { LeftOutSite } from './left-out-site.ts';
import type { JobReason } from './reason.ts';
import type { Ledger } from './store.ts';

export type JobState = 'queued' | 'running' | 'paused' | 'completed' | 'failed' | 'aborted';

/** What can happen to a job from outside its rounds. `end` is terminal, unless a failed job is taken up again. */
export type JobLogEntry =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | {
      readonly kind: 'end';
      readonly state: 'completed' | 'failed' | 'aborted';
      readonly reason: JobReason;
      /** Of a survey: who has not answered. */
      readonly leftOut: readonly LeftOutSite[];
    };

export const submittedKey = 'submitted';

const prefix = 'log/';

export function jobLog(entries: ReadonlyMap<string, Json>): readonly JobLogEntry[] {
  return [...entries]
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [Number(key.slice(prefix.length)), value as unknown as JobLogEntry] as const)
    .sort(([one], [other]) => one - other)
    .map(([, entry]) => entry);
}

/** Where the next entry goes. */
export function nextLogKey(entries: ReadonlyMap<string, Json>): string {
  return `${prefix}${jobLog(entries).length + 1}`;
}

/** How the job ended; null if it has not, or was taken up again. */
export function endOfJob(entries: ReadonlyMap<string, Json>): Extract<JobLogEntry, { kind: 'end' }> | null {
  const last = jobLog(entries).at(-1);
  return last?.kind === 'end' ? last : null;
}

/** Whether it ended, without reading all that the ledger has of the job. */
export async function hasEnded(ledger: Ledger, jobId: JobId): Promise<boolean> {
  let last: JobLogEntry | undefined;
  for (let number = 1; ; number++) {
    const entry = await ledger.entry(jobId, `${prefix}${number}`);
    if (entry === undefined) return last?.kind === 'end';
    last = entry as unknown as JobLogEntry;
  }
}

export function isPaused(entries: ReadonlyMap<string, Json>): boolean {
  return jobLog(entries).at(-1)?.kind === 'pause';
}
