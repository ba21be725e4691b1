/** What a site returns for a task: counts, scores, weights. Never a voxel, a path, a header value or a patient's name. */
import { z } from 'zod';
import { blobIdSchema } from './blob.ts';
import { encodingSchema } from './encoding.ts';
import { filterNamesSchema } from './filter-names.ts';
import { pseudonymSchema } from './id.ts';
import { jsonSchema } from './json.ts';
import { overlapContributionSchema } from './overlap.ts';
import { introduceContributionSchema } from './peers.ts';
import {
  secureInputContributionSchema,
  secureKeysContributionSchema,
  secureSharesContributionSchema,
  secureSurvivorsContributionSchema,
  secureUnmaskContributionSchema,
  withheldContributionSchema,
} from './secure-aggregation.ts';
import { siteDescriptionSchema } from './site-description.ts';
import { statisticsContributionSchema } from './statistics.ts';

const count = z.int().min(0);

/** A case that could not be used, and why. */
const leftOutCaseSchema = z.object({
  case: pseudonymSchema,
  code: z.string().max(200),
  message: z.string().max(2000),
});
export type LeftOutCase = z.infer<typeof leftOutCaseSchema>;

/** How many usable cases the site holds in each split. */
const caseCountsSchema = z.object({ train: count, validation: count, test: count });
export type CaseCounts = z.infer<typeof caseCountsSchema>;

const fingerprintContributionSchema = z.object({
  kind: z.literal('fingerprint'),
  /** Numbers only; the format is the training package's. */
  fingerprint: jsonSchema,
  /** Beside the fingerprint, not in it: no plan and no digest depends on it. Absent from sites of before. */
  description: siteDescriptionSchema.exactOptional(),
  cases: caseCountsSchema,
  leftOut: z.array(leftOutCaseSchema),
});

const prepareContributionSchema = z.object({
  kind: z.literal('prepare'),
  cases: caseCountsSchema,
  leftOut: z.array(leftOutCaseSchema),
});

const trainContributionSchema = z.object({
  kind: z.literal('train'),
  /** safetensors with the names, shapes and dtypes that were sent, as far as `encoding` and the task do not say otherwise. */
  weights: blobIdSchema,
  encoding: encodingSchema,
  /** SCAFFOLD: how the site's control variate changed, shaped as the weights; null where the task had none. */
  controlChange: blobIdSchema.nullable(),
  /** Training cases used: the contribution's weight in the average. */
  cases: z.int().min(1),
  steps: count,
  /** null where the training was private: a loss is as telling as a gradient. */
  meanLoss: z.number().nullable(),
  /** What the site did to the weights before they left it, by name and in order; absent if nothing. */
  filters: filterNamesSchema.optional(),
  /** SHA-256 of the site's own record of which labels it trained on, salted; absent from sites that keep none. */
  labels: z.hash('sha256').optional(),
});
export type TrainContribution = z.infer<typeof trainContributionSchema>;

/** Metrics of one region of one case, by metric name; null where the metric is undefined (an empty mask). */
const metricsSchema = z.record(z.string().max(100), z.number().nullable());

const caseScoreSchema = z.object({
  case: pseudonymSchema,
  /** Which cases are of one patient: patients counted from 1 as their cases come. Absent in validation. */
  patient: z.int().min(1).optional(),
  /** Groups that the case belongs to, such as `sex` to `female`, as far as the site tells: words of closed lists. */
  groups: z.record(z.string().regex(/^[a-z]{1,20}$/), z.string().regex(/^[a-z0-9-]{1,40}$/)).optional(),
  /** By region, as the plan names them. */
  regions: z.record(z.string().max(100), metricsSchema),
  /** Names of files in the site's own `pictures` directory. */
  pictures: z.array(z.string().regex(/^[a-z0-9._-]{1,200}\.png$/)),
});
export type CaseScore = z.infer<typeof caseScoreSchema>;

/**
 * How often a network was right where it gave which probability: ten bins of equal width from 0 to 1, and of each its voxels,
 * the sum of their probabilities, and how many of them the reference has in the region. Sums over test cases, by region.
 */
export const reliabilitySchema = z.record(
  z.string().max(100),
  z.array(z.object({ voxels: count, probability: z.number().min(0), reference: count })).length(10),
);
export type Reliability = z.infer<typeof reliabilitySchema>;

export const evaluateContributionSchema = z.object({
  kind: z.literal('evaluate'),
  scores: z.array(caseScoreSchema),
  /** Mean over cases of the mean region Dice; null if there is no case. */
  meanDice: z.number().nullable(),
  leftOut: z.array(leftOutCaseSchema),
  /**
   * Of a test, over all cases, of regions that enough patients have for the site to tell it. Absent in validation, from sites
   * that are older than this, and of networks that are clicked on.
   */
  reliability: reliabilitySchema.optional(),
});
export type EvaluateContribution = z.infer<typeof evaluateContributionSchema>;

export const contributionSchema = z.discriminatedUnion('kind', [
  fingerprintContributionSchema,
  prepareContributionSchema,
  trainContributionSchema,
  evaluateContributionSchema,
  statisticsContributionSchema,
  introduceContributionSchema,
  overlapContributionSchema,
  withheldContributionSchema,
  secureKeysContributionSchema,
  secureSharesContributionSchema,
  secureInputContributionSchema,
  secureSurvivorsContributionSchema,
  secureUnmaskContributionSchema,
]);
export type Contribution = z.infer<typeof contributionSchema>;
export type ContributionTo<K extends Contribution['kind']> = Extract<Contribution, { kind: K }>;
