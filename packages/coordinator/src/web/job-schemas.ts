/** What is told of jobs: names of sites and numbers, as the ledger has them. */
import { z } from 'zod';

const reasonSchema = z.object({ code: z.string(), text: z.string() });
const stateSchema = z.enum(['queued', 'running', 'paused', 'completed', 'failed', 'aborted']);
const score = z.number().nullable();

export const statusSchema = z.object({
  jobId: z.string(),
  kind: z.enum(['train', 'survey', 'overlap']),
  state: stateSchema,
  /** Why it ended; null while it has not. */
  reason: reasonSchema.nullable(),
});

export const entrySchema = statusSchema.extend({
  /** Of a survey, what it asks: `fingerprint`, `evaluate`. */
  asks: z.string(),
  participants: z.array(z.string()),
  /** Of training. */
  rounds: z.object({ done: z.number(), max: z.number() }).nullable(),
  /** Of a survey: sites that have answered. */
  answered: z.array(z.string()).nullable(),
  /** The highest validation score so far. */
  score,
});
export type JobEntry = z.infer<typeof entrySchema>;

const roundSchema = z.object({
  round: z.number(),
  /** Validation Dice over all sites; null if none could score. */
  score,
  /** Of the slowest site, waiting in its queue included. */
  seconds: z.number(),
  trained: z.array(
    z.object({
      siteId: z.string(),
      /** null in secure aggregation. */
      cases: z.number().nullable(),
      steps: z.number(),
      /** null where the training was private, or the aggregation is secure. */
      meanLoss: z.number().nullable(),
      seconds: z.number(),
      /** What came; null where nobody knows any more, or only the sum was seen. */
      bytes: z.number().nullable(),
      filters: z.array(z.string()),
    }),
  ),
  evaluated: z.array(z.object({ siteId: z.string(), cases: z.number(), score })),
  leftOut: z.array(
    z.object({ siteId: z.string(), task: z.string(), why: z.string(), code: z.string(), message: z.string() }),
  ),
});
export type JobRound = z.infer<typeof roundSchema>;

export const detailsSchema = entrySchema.extend({
  roundList: z.array(roundSchema),
  /** The round that is under way: who has contributed already. */
  current: z.object({ round: z.number(), trained: z.array(z.string()) }).nullable(),
  best: z.object({ round: z.number(), score }).nullable(),
  /** Of a survey that has ended: who has not answered, and why. */
  leftOut: z.array(z.object({ siteId: z.string(), code: z.string(), message: z.string() })),
  training: z
    .object({
      strategy: z.string(),
      stepsPerRound: z.number(),
      minimumSites: z.number(),
      patience: z.number(),
      minimumGain: z.number(),
      seed: z.number(),
      /** One set of weights as sites fetch it; null if it is not here any more. */
      weightsBytes: z.number().nullable(),
      /** How weights travel from the sites. */
      reply: z.string(),
      privacy: z.string().nullable(),
      secureThreshold: z.number().nullable(),
    })
    .nullable(),
  /** ε at 1e-5 of each site's private trainings in this job; null: unbounded. */
  spent: z.array(z.object({ siteId: z.string(), trainings: z.number(), epsilon: z.number().nullable() })),
});
export type JobDetails = z.infer<typeof detailsSchema>;
