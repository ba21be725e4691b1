/**
 * The record of a whole project: two phases of annotation, the experiments, and what leads each number back to the job and the
 * ledger entry it came from. Whoever ran the project fills it in; `parseProjectRecord` is the only way in. Cases are
 * pseudonyms.
 */
import { z } from 'zod';
import { type ExperimentRecord, parseExperimentRecord } from '../experiment/experiment-record.ts';
import { StudyError } from '../study-error.ts';

const count = z.int().min(0);
const fraction = z.number().min(0).max(1).nullable();
const id = z.string().min(1);

const readingSchema = z.object({
  siteId: id,
  study: id,
  part: z.enum(['train', 'validation', 'test']),
  /** Of the project: every study is read in the first, most again in the second. */
  phase: z.enum(['first', 'second']),
  how: z.enum(['manual', 'assisted']),
  reader: id,
  /** Of active time. */
  minutes: z.number().min(0),
  structures: z.array(
    z.object({
      number: z.int().min(0),
      minutes: z.number().min(0),
      editedVoxels: count,
      fate: z.enum(['accepted', 'edited', 'redrawn', 'absent']),
      /** Of what was proposed with what was handed in. */
      proposalDice: fraction,
    }),
  ),
  /** By structure, of the approved label with what is true; only where that is known, as of phantoms. */
  truthDice: z.record(z.string(), fraction).nullable(),
});
export type ReadingRecord = z.output<typeof readingSchema>;

const siteSchema = z.object({
  id,
  name: z.string(),
  profile: z
    .object({ scanner: z.string(), sliceSpacingMm: z.string(), contrastPhases: z.string(), labelling: z.string() })
    .partial(),
  /** From the door to the parts of the split. */
  flow: z.object({
    admitted: count,
    excluded: z.array(z.object({ reason: z.string(), studies: count })),
    split: z.object({ train: count, validation: count, test: count }),
  }),
  /** Whether the first model was let to propose there; null: it did not come so far. */
  gate: z
    .object({ isChampion: z.boolean(), reason: z.string(), cases: count, dice: z.record(z.string(), z.number()) })
    .nullable(),
});

const pictureSchema = z.object({
  siteId: id,
  case: id,
  /** Worst first. */
  rank: z.int().min(1),
  dice: fraction,
  caption: z.string(),
  /** Base64 of a PNG file. */
  png: z.base64(),
});

const recordSchema = z.object({
  version: z.literal(1),
  title: z.string(),
  /** Any patient in it was generated, and readers were simulated. */
  synthetic: z.boolean(),
  seed: z.number(),
  software: z.record(z.string(), z.string()),
  machine: z.string(),
  command: z.string(),
  sites: z.array(siteSchema).min(1),
  structures: z.array(z.object({ number: z.int().min(1), name: z.string() })),
  /** What predictions were compared with, as the object of "against". */
  scoredAgainst: z.string(),
  /** Network, voxels, patches, loss and optimiser of both phases, in words. */
  plan: z.string(),
  /** By whom, and how far apart: read by hand and with help by the same person. */
  readings: z.array(readingSchema),
  /** How readers were simulated; null: people read. */
  readerModel: z
    .object({
      text: z.string(),
      constants: z.array(z.object({ name: z.string(), value: z.number(), unit: z.string(), source: z.string() })),
    })
    .nullable(),
  /** `alone`: each hospital by itself, and all together; absent in records of before. */
  experiments: z.object({
    ...{ phaseOne: z.unknown(), labels: z.unknown(), studies: z.unknown() },
    alone: z.unknown().optional(),
  }),
  /** Where each job stands in the coordinator's audit log; null: not found there. */
  jobs: z.array(z.object({ jobId: id, ledgerEntry: count.nullable() })),
  ledger: z.object({ entries: count, rootSha256: z.string(), keySha256: z.string() }).nullable(),
  pictures: z.array(pictureSchema).default([]),
  pictureLegend: z.array(z.object({ label: z.string(), colour: z.string() })).default([]),
  privacy: z.array(z.string()).default([]),
  /** Wall time, of the run that came to the end. */
  stages: z.array(z.object({ name: z.string(), seconds: z.number().min(0) })),
  warnings: z.array(z.string()).default([]),
});
type RecordShape = z.output<typeof recordSchema>;
export type ProjectRecordInput = z.input<typeof recordSchema>;
export type ProjectRecord = Omit<RecordShape, 'experiments'> & {
  readonly experiments: Readonly<Record<'phaseOne' | 'labels' | 'studies', ExperimentRecord>> & {
    readonly alone?: ExperimentRecord;
  };
};

/** @throws StudyError `study.record-malformed`, `study.record-inconsistent` */
export function parseProjectRecord(value: unknown): ProjectRecord {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const { message, path } = parsed.error.issues[0]!;
    throw new StudyError('study.record-malformed', `the record of the project: ${path.join('.')}: ${message}`);
  }
  const { experiments, ...rest } = parsed.data;
  const sites = new Set(rest.sites.map((site) => site.id));
  if (sites.size !== rest.sites.length || rest.readings.some(({ siteId }) => !sites.has(siteId))) {
    throw new StudyError('study.record-inconsistent', 'the record of the project: a reading is of no known site');
  }
  return {
    ...rest,
    experiments: {
      phaseOne: parseExperimentRecord(experiments.phaseOne),
      labels: parseExperimentRecord(experiments.labels),
      studies: parseExperimentRecord(experiments.studies),
      ...(experiments.alone === undefined ? {} : { alone: parseExperimentRecord(experiments.alone) }),
    },
  };
}
