/** What the coordinator asks of a site. A task is the same whenever it is repeated, and so is its answer. */
import { z } from 'zod';
import { blobIdSchema } from './blob.ts';
import { caseSelectionSchema } from './case-selection.ts';
import { encodingSchema } from './encoding.ts';
import { jobIdSchema, modelNameSchema, taskIdSchema } from './id.ts';
import { jsonSchema } from './json.ts';
import { overlapBodySchema } from './overlap.ts';
import { introduceBodySchema } from './peers.ts';
import { privacySchema } from './privacy.ts';
import {
  secureAggregationSchema,
  secureInputBodySchema,
  secureKeysBodySchema,
  secureSharesBodySchema,
  secureSurvivorsBodySchema,
  secureUnmaskBodySchema,
} from './secure-aggregation.ts';
import { statisticsBodySchema } from './statistics.ts';

/** Names of tensors; `*` stands for any text. */
const tensorPatterns = z.array(z.string().min(1).max(500)).max(10_000);

/** Facts about the site's training cases from which a plan can be derived. */
const fingerprintBodySchema = z.object({ kind: z.literal('fingerprint') });

/** Preprocess every case of the training and validation split to the site's cache. */
const prepareBodySchema = z.object({ kind: z.literal('prepare'), plan: jsonSchema });

/**
 * Train on the site's training cases. The answer is a pure function of the task and the site's data: the optimiser
 * starts each round anew, so nothing but the weights connects two rounds, and a task can be repeated after a crash.
 */
const trainBodySchema = z.object({
  kind: z.literal('train'),
  round: z.int().min(1),
  plan: jsonSchema,
  /** The forward graph, `model.onnx`. */
  model: blobIdSchema,
  /** safetensors. */
  weights: blobIdSchema,
  steps: z.int().min(1),
  /** Steps that came before this round, for the learning-rate schedule. */
  firstStep: z.int().min(0),
  /** Steps of the whole job if it runs to its last round, for the learning-rate schedule. */
  totalSteps: z.int().min(1),
  seed: z.int(),
  /** FedProx: strength of the pull towards `weights`; 0 for none. */
  proximalMu: z.number().min(0),
  /** SCAFFOLD: the server's control variate, shaped as the weights; null for none. The site keeps its own. */
  control: blobIdSchema.nullable(),
  /** Tensors that stay at the site and are neither sent nor overwritten (FedBN, partial sharing). */
  keepLocal: tensorPatterns,
  /** Ditto: the site also trains a model of its own, pulled towards the shared one with this strength; null for none. */
  personalLambda: z.number().min(0).nullable(),
  /** How the weights come back. */
  reply: encodingSchema,
  /** Which of the site's training cases; all of them, with their own labels, if it is not there. */
  selection: caseSelectionSchema.optional(),
  /** What protects the patients; nothing if it is not there. */
  privacy: privacySchema.optional(),
  /** The weights stay at the site until they are masked; they come back as they are if it is not there. */
  secureAggregation: secureAggregationSchema.optional(),
});
export type TrainTask = Extract<Task, { kind: 'train' }>;

export const Split = { Train: 'train', Validation: 'validation', Test: 'test' } as const;
export type Split = (typeof Split)[keyof typeof Split];

/** Score a model on the site's own cases. */
const evaluateBodySchema = z.object({
  kind: z.literal('evaluate'),
  plan: jsonSchema,
  model: blobIdSchema,
  weights: blobIdSchema,
  split: z.enum([Split.Validation, Split.Test]),
  /** The test split answers once for each name: the same weights get the stored answer, other weights are refused. */
  modelName: modelNameSchema,
  /** Also draw prediction and reference over the images, for the site's own eyes: only file names are returned. */
  pictures: z.boolean(),
  /** Tensors that are not those of `weights` but what the site kept of them while it trained in the job. */
  keepLocal: tensorPatterns.optional(),
  /** Ditto: score the personal model that the site has trained in the job, not `weights`. */
  personal: z.boolean().optional(),
  /** The job whose newest memory is meant by both; without it, this job, as this round has left it. */
  memoryOf: jobIdSchema.optional(),
});
export type EvaluateTask = Extract<Task, { kind: 'evaluate' }>;
export type OverlapTask = Extract<Task, { kind: 'overlap' }>;
export type StatisticsTask = Extract<Task, { kind: 'statistics' }>;

/** A task before it is addressed. */
export const taskBodySchema = z.discriminatedUnion('kind', [
  fingerprintBodySchema,
  prepareBodySchema,
  trainBodySchema,
  evaluateBodySchema,
  statisticsBodySchema,
  introduceBodySchema,
  overlapBodySchema,
  secureKeysBodySchema,
  secureSharesBodySchema,
  secureInputBodySchema,
  secureSurvivorsBodySchema,
  secureUnmaskBodySchema,
]);
export type TaskBody = z.infer<typeof taskBodySchema>;

const address = {
  taskId: taskIdSchema,
  jobId: jobIdSchema,
  /** Counted from 1: how often the site has been asked. A failure of an earlier attempt is no longer of interest. */
  attempt: z.int().min(1),
  /** The job as it was signed; absent where nobody signed it. */
  mandate: blobIdSchema.optional(),
  /** W3C Trace Context of the coordinator's span, where it traces. No part of what is asked. */
  traceparent: z
    .string()
    .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
    .optional(),
};

export const taskSchema = z.discriminatedUnion('kind', [
  fingerprintBodySchema.extend(address),
  prepareBodySchema.extend(address),
  trainBodySchema.extend(address),
  evaluateBodySchema.extend(address),
  statisticsBodySchema.extend(address),
  introduceBodySchema.extend(address),
  overlapBodySchema.extend(address),
  secureKeysBodySchema.extend(address),
  secureSharesBodySchema.extend(address),
  secureInputBodySchema.extend(address),
  secureSurvivorsBodySchema.extend(address),
  secureUnmaskBodySchema.extend(address),
]);
export type Task = z.infer<typeof taskSchema>;
export type TaskKind = Task['kind'];
