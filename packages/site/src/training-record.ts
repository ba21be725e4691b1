/**
 * Which labels a job trained on, round by round: `trained/<job>/<round>.json` in the work directory, for ever. It never leaves
 * the site; a contribution has its digest, so that nobody can write another one later. The salt keeps others from trying
 * whether a label they know was among them.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobId, Pseudonym, TrainTask } from '@consilium/protocol';
import { writeDurably } from '@consilium/transport';
import type { LabelName } from './case-reader.ts';
import type { CohortCase } from './cohort.ts';
import { readJson } from './json-file.ts';
import { secretBytes } from './ports/secret-bytes.ts';

interface TrainingRecord {
  readonly jobId: JobId;
  readonly round: number;
  readonly salt: string;
  readonly labels: readonly (LabelName & { readonly case: Pseudonym })[];
}

interface Recording {
  readonly members: readonly Pick<CohortCase, 'pseudonym' | 'source'>[];
  /** Makes the salt of rehearsals and tests; else nobody can guess it. */
  readonly noiseSeed: number | undefined;
}

/** Doing it again gives the same. @returns SHA-256, hexadecimal, of the record's bytes. */
export async function recordLabels(
  workDirectory: string,
  { jobId, round }: Pick<TrainTask, 'jobId' | 'round'>,
  { members, noiseSeed }: Recording,
): Promise<string> {
  const path = join(workDirectory, 'trained', jobId, `${round}.json`);
  const before = (await readJson(path)) as TrainingRecord | undefined;
  const labels: (LabelName & { readonly case: Pseudonym })[] = [];
  for (const { pseudonym, source } of members) labels.push({ case: pseudonym, ...(await source.labelName()) });
  const record: TrainingRecord = { jobId, round, salt: before?.salt ?? saltOf(jobId, round, noiseSeed), labels };
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await mkdir(dirname(path), { recursive: true });
  await writeDurably(path, text);
  return createHash('sha256').update(text).digest('hex');
}

function saltOf(jobId: JobId, round: number, noiseSeed: number | undefined): string {
  if (noiseSeed === undefined) return Buffer.from(secretBytes(32)).toString('hex');
  return createHash('sha256').update(`labels ${noiseSeed} ${jobId} ${round}`).digest('hex');
}
