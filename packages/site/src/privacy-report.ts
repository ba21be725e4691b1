/** What a site's people want to know of its privacy budget: what each job has spent, and what is left. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { epsilonOf } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import { PrivacyBudget, type RecordedSpend } from './privacy-budget.ts';
import { privacySettingsOf, type SiteSettings } from './settings.ts';

export interface PrivacyReport {
  readonly unit: 'patient';
  readonly delta: number;
  /** Of all jobs together; less than the sum of theirs. */
  readonly epsilon: number;
  /** null: no limit is set. */
  readonly epsilonMax: number | null;
  /** In the order of their first round. */
  readonly jobs: readonly {
    readonly jobId: JobId;
    /** Trainings that were paid for. */
    readonly rounds: number;
    /** If it were the only one. */
    readonly epsilon: number;
    /** Some of its noise came from a known seed and has protected nobody. */
    readonly isSeeded: boolean;
    /** On how many other sites its promise depends, at most: they add their part of the noise, and do not tell it. */
    readonly othersTrusted: number;
  }[];
}

/** @throws SiteError `site.privacy-ledger-failed` */
export async function privacyReport(directory: string, settings: SiteSettings): Promise<PrivacyReport> {
  const { unit, epsilonMax, deltaMax } = privacySettingsOf(settings);
  const spends = await spendsIn(directory, deltaMax);
  const jobs = [...Map.groupBy(spends, ({ jobId }) => jobId)].map(([jobId, own]) => ({
    jobId,
    rounds: own.length,
    epsilon: epsilonOf(own, deltaMax),
    isSeeded: own.some(({ isSeeded }) => isSeeded),
    othersTrusted: Math.max(...own.map(({ othersTrusted }) => othersTrusted)),
  }));
  return { unit, delta: deltaMax, epsilon: epsilonOf(spends, deltaMax), epsilonMax: epsilonMax ?? null, jobs };
}

async function spendsIn(directory: string, deltaMax: number): Promise<readonly RecordedSpend[]> {
  if (!existsSync(join(directory, 'privacy.sqlite'))) return [];
  using budget = await PrivacyBudget.open(directory, { deltaMax });
  return budget.spends();
}
