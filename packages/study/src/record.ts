/**
 * The record of one rehearsal: everything the statistics and the report are made from, as plain JSON. Whoever ran the
 * jobs fills it in; `parseRecord` is the only way in, and behind it the record is trusted.
 *
 * Numbers that do not exist are `null`: a Dice where both masks are empty, an HD95 where one of them is (see
 * `ScoreRow`). Units are in the names; arrays along image axes are in the order z, y, x.
 */
import { reliabilitySchema } from '@consilium/protocol';
import { z } from 'zod';
import { StudyError } from './study-error.ts';

/** `Infinity` and `NaN` do not survive JSON; both mean "no such distance" here, and become `null`. */
const measured = z.preprocess(
  (value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value),
  z.number().nullable(),
);
const fraction = z.preprocess(
  (value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value),
  z.number().min(0).max(1).nullable(),
);
const count = z.int().min(0);
const id = z.string().min(1);
const triple = z.tuple([z.number(), z.number(), z.number()]);

const siteSchema = z.object({
  id,
  name: z.string(),
  /** Studies in each part of the split that the site fixed, by patient, before training. */
  studies: z.object({ train: count, validation: count, test: count }),
  /** Cases that the site refused to use, and why. `case` is a pseudonym. */
  excluded: z.array(z.object({ case: z.string(), code: z.string(), message: z.string() })).default([]),
  /** What makes this site differ from the others, a phrase each; whatever is unknown is left out. */
  profile: z
    .object({
      scanner: z.string().optional(),
      sliceSpacingMm: z.string().optional(),
      contrastPhases: z.string().optional(),
      labelling: z.string().optional(),
    })
    .default({}),
});

const roundSchema = z.object({
  /** Counted from 1. */
  round: z.int().min(1),
  seconds: z.number().min(0),
  /** Mean training loss of the round by site id. */
  trainLoss: z.record(z.string(), measured),
  /** Validation score (mean Dice over the regions), by site id and as the mean weighted by validation cases. */
  validation: z.object({ mean: fraction, sites: z.record(z.string(), fraction) }),
  contributors: z.array(id),
  leftOut: z.array(z.object({ siteId: id, reason: z.string() })).default([]),
});

const jobSchema = z.object({
  /** Names the model in `scores`. */
  id,
  kind: z.enum(['federated', 'local', 'pooled']),
  /** The site whose own model this is; only for `local`. */
  siteId: id.optional(),
  rounds: z.array(roundSchema),
  /** A sentence or phrase a person can read. */
  stopReason: z.string(),
  /** Round whose weights were kept; `null` if the job never got that far. */
  bestRound: z.int().min(1).nullable(),
  weightsSha256: z.string().nullable(),
});

const scoreSchema = z.object({
  /** Id of the job that trained the model. */
  model: id,
  /** The site whose test set holds the case. */
  siteId: id,
  /** Pseudonyms. */
  case: id,
  patient: id,
  region: id,
  /** `null`: neither the reference nor the prediction holds the region, so there is nothing to compare. */
  dice: fraction,
  /** Normalised surface Dice at the record's tolerance; `null` as for `dice`. */
  nsd: fraction,
  /** 95th percentile of the surface distances. `null` with a Dice: exactly one mask is empty, the distance is infinite. */
  hd95Mm: measured,
  /** Predicted volume less reference volume. */
  volumeErrorMl: measured,
  /** Share of the reference's lesions of which the prediction covers at least a tenth; `null` without lesions. */
  lesionSensitivity: fraction,
  /** Predicted components of which less than a tenth lies in the reference. */
  falsePositives: z.preprocess((value) => (Number.isNaN(value) ? null : value), count.nullable()),
  /** Brier score and expected calibration error near the region; `null` where it is not, and in older records. */
  brier: fraction.default(null),
  ece: fraction.default(null),
});

const pictureSchema = z.object({
  siteId: id,
  case: id,
  kind: z.enum(['best', 'median', 'worst']),
  /** Base64 of a PNG file, or its bytes. */
  png: z.preprocess(
    (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value),
    z.base64(),
  ),
  dice: fraction,
  caption: z.string(),
});

const planSchema = z.object({
  network: z.string(),
  parameterCount: count.optional(),
  spacingMm: triple,
  patchSize: triple,
  batchSize: count,
  loss: z.string(),
  optimiser: z.string(),
  /** How contributions become one model, e.g. "FedAvg, weighted by training cases". */
  aggregation: z.string(),
  stepsPerRound: count,
  roundsMax: count,
  /** Rounds without a gain of at least `minimumGain` after which training stops. */
  patience: count,
  minimumGain: z.number(),
});

const recordSchema = z.object({
  title: z.string(),
  /** True when any patient in it was generated. Then every document made from the record says so. */
  synthetic: z.boolean(),
  /** ISO 8601. */
  startedAt: z.iso.datetime({ offset: true }),
  seconds: z.number().min(0),
  seed: z.number(),
  /** Name to version. */
  software: z.record(z.string(), z.string()),
  machine: z.string(),
  command: z.string(),
  sites: z.array(siteSchema).min(1),
  classes: z.array(z.object({ value: count, name: z.string() })),
  /** Overlapping evaluation classes: `kidney-and-masses`, `masses`, `tumour`. The mean Dice is the mean over these. */
  regions: z.array(z.object({ id, name: z.string(), classes: z.array(count) })).min(1),
  plan: planSchema,
  /** Tolerance of the normalised surface Dice. */
  toleranceMm: z.number().positive(),
  /** What predictions were compared with, as the object of "against": "each site's own segmentations". */
  scoredAgainst: z.string().default("the sites' reference segmentations"),
  jobs: z.array(jobSchema),
  scores: z.array(scoreSchema),
  /** How often a model was right where it gave which probability; of the sites that tell it. Empty in older records. */
  reliability: z.array(z.object({ model: id, siteId: id, regions: reliabilitySchema })).default([]),
  pictures: z.array(pictureSchema).default([]),
  /** What the colours in the pictures mean. */
  pictureLegend: z.array(z.object({ label: z.string(), colour: z.string() })).default([]),
  /** What was seen of the promises of a private rehearsal, in sentences; empty where it was none. */
  protection: z.array(z.string()).default([]),
  warnings: z.array(z.string()).default([]),
});

export type RehearsalRecord = z.output<typeof recordSchema>;
/** What may be given to `parseRecord`: defaults left out, `Infinity` and PNG bytes allowed. */
export type RehearsalRecordInput = z.input<typeof recordSchema>;
export type SiteRecord = RehearsalRecord['sites'][number];
export type JobRecord = RehearsalRecord['jobs'][number];
export type ScoreRow = RehearsalRecord['scores'][number];
export type PictureRecord = RehearsalRecord['pictures'][number];

/**
 * Checks a record and fills in its defaults.
 * @throws StudyError `study.record-malformed` if a field is missing or of the wrong type,
 *   `study.record-inconsistent` if ids do not match each other or a score occurs twice.
 */
export function parseRecord(value: unknown): RehearsalRecord {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    const more = parsed.error.issues.length > 5 ? ` (and ${parsed.error.issues.length - 5} more)` : '';
    throw new StudyError('study.record-malformed', `the record of the rehearsal: ${issues.join('; ')}${more}`);
  }
  checkConsistency(parsed.data);
  return parsed.data;
}

function checkConsistency(record: RehearsalRecord): void {
  const siteIds = uniqueIds('site', record.sites);
  const jobIds = uniqueIds('job', record.jobs);
  const regionIds = uniqueIds('region', record.regions);
  for (const kind of ['federated', 'pooled'] as const) {
    if (record.jobs.filter((job) => job.kind === kind).length > 1) fail(`more than one ${kind} job`);
  }
  const owners = new Set<string>();
  for (const job of record.jobs) {
    if (job.kind !== 'local') continue;
    if (job.siteId === undefined || !siteIds.has(job.siteId)) fail(`the local job ${job.id} names no known site`);
    if (owners.has(job.siteId)) fail(`more than one local job of site ${job.siteId}`);
    owners.add(job.siteId);
  }
  const seen = new Set<string>();
  for (const row of record.scores) {
    if (!siteIds.has(row.siteId)) fail(`a score names the unknown site ${row.siteId}`);
    if (!jobIds.has(row.model)) fail(`a score names the unknown job ${row.model}`);
    if (!regionIds.has(row.region)) fail(`a score names the unknown region ${row.region}`);
    const key = JSON.stringify([row.model, row.siteId, row.case, row.region]);
    if (seen.has(key)) fail(`the score of ${row.model} on case ${row.case} in ${row.region} occurs twice`);
    seen.add(key);
  }
  for (const { model, siteId } of record.reliability) {
    if (!siteIds.has(siteId)) fail(`reliability is of the unknown site ${siteId}`);
    if (!jobIds.has(model)) fail(`reliability is of the unknown job ${model}`);
  }
}

function uniqueIds(what: string, items: readonly { readonly id: string }[]): Set<string> {
  const ids = new Set(items.map((item) => item.id));
  if (ids.size !== items.length) fail(`two entries share one ${what} id`);
  return ids;
}

function fail(message: string): never {
  throw new StudyError('study.record-inconsistent', `the record of the rehearsal: ${message}`);
}
