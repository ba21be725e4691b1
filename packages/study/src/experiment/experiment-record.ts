/**
 * The record of an experiment: everything that was run and measured, as plain JSON, from which all of its statistics and
 * figures are made. Every number stands with the job, the round and the digest it came from. Cases are pseudonyms.
 */
import { jsonSchema, reliabilitySchema } from '@consilium/protocol';
import { z } from 'zod';
import { StudyError } from '../study-error.ts';
import { type Experiment, parseExperiment } from './experiment-file.ts';
import { runSettingsSchema } from './run-settings.ts';
import { testLedgerSchema } from './test-ledger.ts';

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const score = z.number().min(0).max(1).nullable();

const roundSchema = z.object({
  round: z.int().min(1),
  /** Validation Dice, weighted by the sites' cases. */
  score,
  /** Of the slowest site, waiting in its queue included. */
  seconds: z.number().min(0),
  /** The name of the blob of the global weights after the round. */
  weights: z.string(),
  /** What is null, the coordinator did not see. */
  trained: z.array(
    z.object({
      siteId: z.string(),
      cases: count.nullable(),
      steps: count,
      ms: z.number().min(0),
      meanLoss: z.number().nullable(),
    }),
  ),
  evaluated: z.array(z.object({ siteId: z.string(), score })),
  leftOut: z.array(z.object({ siteId: z.string(), reason: z.string() })),
});

export const runRecordSchema = z.object({
  digest: sha256,
  /** Id of the configuration. */
  configuration: z.string(),
  settings: runSettingsSchema,
  jobId: z.string(),
  state: z.enum(['completed', 'failed']),
  reason: z.string(),
  planSha256: sha256,
  /** The name of the blob of the graph. */
  model: z.string(),
  parameters: count,
  batchSize: count,
  /** Of one set of weights as it travels. */
  weightsBytes: count,
  /** Of the whole machine while the run went on, where it tells and does nothing else; null: not reported. */
  energyJoules: z.number().min(0).nullable(),
  rounds: z.array(roundSchema),
  best: z.object({ round: z.int().min(1), score, weights: z.string() }).nullable(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

const testScoreSchema = z.object({
  run: sha256,
  siteId: z.string(),
  case: z.string(),
  patient: z.string(),
  /** Division to group, as far as the site tells. */
  groups: z.record(z.string(), z.string()).default({}),
  /** By region and metric; null: undefined there. */
  regions: z.record(z.string(), z.record(z.string(), z.number().nullable())),
});
export type TestScore = z.infer<typeof testScoreSchema>;

const recordSchema = z.object({
  version: z.literal(1),
  experiment: jsonSchema,
  experimentSha256: sha256,
  /** Any patient in it was generated. */
  synthetic: z.boolean(),
  software: z.record(z.string(), z.string()),
  machine: z.string(),
  command: z.string(),
  data: z.object({
    sha256,
    sites: z.array(
      z.object({
        siteId: z.string(),
        cases: z.object({ train: count, validation: count, test: count }),
        fingerprint: jsonSchema,
        /** What the site tells beyond it; absent in records of before. */
        description: jsonSchema.optional(),
      }),
    ),
  }),
  configurations: z.array(z.object({ id: z.string(), label: z.string(), settings: runSettingsSchema })).min(1),
  runs: z.array(runRecordSchema),
  /** What each rung of successive halving decided, by validation. */
  rungs: z.array(
    z.object({
      rounds: z.int().min(1),
      standings: z.array(z.object({ configuration: z.string(), score })),
      promoted: z.array(z.string()),
    }),
  ),
  choice: z.object({
    rule: z.string(),
    standings: z.array(z.object({ configuration: z.string(), score })),
    /** Configurations that the test patients were asked about. */
    chosen: z.array(z.string()),
  }),
  ledger: testLedgerSchema,
  scores: z.array(testScoreSchema),
  /** How often a model was right where it gave which probability; of the sites that tell it. Empty in older records. */
  reliability: z.array(z.object({ run: sha256, siteId: z.string(), regions: reliabilitySchema })).default([]),
});
type RecordShape = z.infer<typeof recordSchema>;
export type ExperimentRecord = Omit<RecordShape, 'experiment'> & { readonly experiment: Experiment };

/** @throws StudyError `study.record-malformed`, `study.experiment-malformed`, `study.record-inconsistent` */
export function parseExperimentRecord(value: unknown): ExperimentRecord {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new StudyError(
      'study.record-malformed',
      `the record of the experiment: ${first!.path.join('.')}: ${first!.message}`,
    );
  }
  const record = { ...parsed.data, experiment: parseExperiment(parsed.data.experiment) };
  const configurations = new Set(record.configurations.map(({ id }) => id));
  const runs = new Set(record.runs.map(({ digest }) => digest));
  const strangers = [
    ...record.runs.filter(({ configuration }) => !configurations.has(configuration)).map(({ digest }) => digest),
    ...[...record.scores, ...record.reliability].filter(({ run }) => !runs.has(run)).map(({ run }) => run),
  ];
  if (strangers.length === 0 && runs.size === record.runs.length) return record;
  throw new StudyError(
    'study.record-inconsistent',
    'the record of the experiment: a run or a score belongs to nothing in it',
  );
}
