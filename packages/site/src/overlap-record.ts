/**
 * What a site knows of the patients whom it shares with others: `overlap/<job>.json`, which only its owner can read and
 * which never leaves. While sites still compare, it holds what the next step needs, and no identifier; afterwards who is
 * where, and the part that all sites give the patient.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { laterPart } from '@consilium/federation';
import { type JobId, Split, siteIdSchema } from '@consilium/protocol';
import { makeDirectory, writeDurably } from '@consilium/transport';
import { z } from 'zod';
import { readJson } from './json-file.ts';

const splitSchema = z.enum([Split.Train, Split.Validation, Split.Test]);

const sharedPatientSchema = z.object({
  /** Source and patient, as in `cohort.json`. */
  patient: z.string(),
  at: z.array(siteIdSchema),
  /** At all of them: the latest of train, validation, test at which any has the patient. */
  part: splitSchema,
  /** Where this site had the patient before; null: nowhere yet. */
  here: splitSchema.nullable(),
});
export type SharedPatient = z.infer<typeof sharedPatientSchema>;

const recordSchema = z.object({
  identifier: z.string(),
  /** Whom it compares with, and how many identifiers each of them may have tried. */
  peers: z.array(siteIdSchema),
  capacity: z.int(),
  state: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('comparing'),
      patients: z.array(z.object({ patient: z.string(), part: splitSchema, here: splitSchema.nullable() })),
      /** For each identifier, whose it is: places in `patients`. */
      owners: z.array(z.array(z.int())),
      /** The list as it was sent, base64, and which identifier stands at each place; -1: nobody's. */
      list: z.string(),
      order: z.array(z.int()),
    }),
    z.object({ kind: z.literal('found'), patients: z.array(sharedPatientSchema) }),
  ]),
});
export type OverlapRecord = z.infer<typeof recordSchema>;
export type Comparing = Extract<OverlapRecord['state'], { kind: 'comparing' }>;

export class OverlapRecords {
  readonly #directory: string;

  constructor(workDirectory: string) {
    this.#directory = join(workDirectory, 'overlap');
  }

  async of(jobId: JobId): Promise<OverlapRecord | undefined> {
    const kept = await readJson(this.#path(jobId));
    return kept === undefined ? undefined : recordSchema.parse(kept);
  }

  /** Durable when it resolves. */
  async keep(jobId: JobId, record: OverlapRecord): Promise<void> {
    await makeDirectory(this.#directory);
    await writeDurably(this.#path(jobId), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  }

  /** How many identifiers others may have tried in all jobs but this. */
  async triedIn({ otherThan }: { readonly otherThan: JobId }): Promise<number> {
    const records = await this.#all(otherThan);
    return records.reduce((sum, { peers, capacity }) => sum + peers.length * capacity, 0);
  }

  /** The part of each patient who is elsewhere too, after all jobs: the latest. */
  async settledParts(): Promise<ReadonlyMap<string, Split>> {
    const settled = new Map<string, Split>();
    for (const { state } of await this.#all()) {
      if (state.kind !== 'found') continue;
      for (const { patient, part } of state.patients)
        settled.set(patient, laterPart(part, settled.get(patient) ?? part));
    }
    return settled;
  }

  async #all(otherThan?: JobId): Promise<OverlapRecord[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const jobIds = names.flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []).filter((id) => id !== otherThan);
    const records = await Promise.all(jobIds.sort().map((jobId) => this.of(jobId as JobId)));
    return records.filter((record) => record !== undefined);
  }

  #path(jobId: JobId): string {
    return join(this.#directory, `${jobId}.json`);
  }
}
