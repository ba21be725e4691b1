/** What the coordinator asks of a site. A task is the same whenever it is repeated, and so is its answer. */
import { z } from 'zod';
import { jobIdSchema, modelNameSchema, sha256Schema, taskIdSchema } from './id.ts';
import { jsonSchema } from './json.ts';

const base = z.object({ taskId: taskIdSchema, jobId: jobIdSchema });

/** Facts about the site's training cases from which a plan can be derived. */
const fingerprintTaskSchema = base.extend({ kind: z.literal('fingerprint') });

/** Preprocess every case of the training and validation split to the site's cache. */
const prepareTaskSchema = base.extend({ kind: z.literal('prepare'), plan: jsonSchema });

/**
 * Train on the site's training cases. The answer is a pure function of the task and the site's data: the optimiser
 * starts each round anew, so nothing but the weights connects two rounds, and a task can be repeated after a crash.
 */
const trainTaskSchema = base.extend({
  kind: z.literal('train'),
  round: z.int().min(1),
  plan: jsonSchema,
  /** The forward graph, `model.onnx`. */
  model: sha256Schema,
  /** safetensors. */
  weights: sha256Schema,
  steps: z.int().min(1),
  /** Steps that came before this round, for the learning-rate schedule. */
  firstStep: z.int().min(0),
  /** Steps of the whole job if it runs to its last round, for the learning-rate schedule. */
  totalSteps: z.int().min(1),
  seed: z.int(),
  /** FedProx: strength of the pull towards `weights`; 0 for none. */
  proximalMu: z.number().min(0),
});
export type TrainTask = z.infer<typeof trainTaskSchema>;

export const Split = { Train: 'train', Validation: 'validation', Test: 'test' } as const;
export type Split = (typeof Split)[keyof typeof Split];

/** Score a model on the site's own cases. */
const evaluateTaskSchema = base.extend({
  kind: z.literal('evaluate'),
  plan: jsonSchema,
  model: sha256Schema,
  weights: sha256Schema,
  split: z.enum([Split.Validation, Split.Test]),
  /** The test split answers once for each name: the same weights get the stored answer, other weights are refused. */
  modelName: modelNameSchema,
  /** Also draw prediction and reference over the images, for the site's own eyes: only file names are returned. */
  pictures: z.boolean(),
});
export type EvaluateTask = z.infer<typeof evaluateTaskSchema>;

export const taskSchema = z.discriminatedUnion('kind', [
  fingerprintTaskSchema,
  prepareTaskSchema,
  trainTaskSchema,
  evaluateTaskSchema,
]);
export type Task = z.infer<typeof taskSchema>;
export type TaskKind = Task['kind'];
