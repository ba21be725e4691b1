/** A training job as it is submitted: what is trained, by whom, and when it ends. */
import { SafetensorsError } from '@consilium/numerics';
import {
  blobIdSchema,
  caseSelectionSchema,
  encodingSchema,
  isNameOfScales,
  type JobId,
  type Json,
  jobIdSchema,
  jsonSchema,
  privacySchema,
  secureAggregationSchema,
  siteIdSchema,
} from '@consilium/protocol';
import { z } from 'zod';
import { FederationError } from './federation-error.ts';
import { sharedNoiseObjection } from './privacy/shared-noise.ts';
import { checkSecureAggregation } from './secure-sum/secure-job.ts';
import type { Store } from './store.ts';
import { strategyOf, strategySpecSchema } from './strategies.ts';
import { WeightsFile } from './weights.ts';

export const jobSchema = z.object({
  kind: z.literal('train'),
  jobId: jobIdSchema,
  /** One is enough: a site's own model is a job with one participant. */
  participants: z.array(siteIdSchema).min(1),
  /** The training plan; passed on to the sites unread. */
  plan: jsonSchema,
  /** The forward graph, `model.onnx`; passed on unread. */
  model: blobIdSchema,
  /** safetensors, float32 or float64. */
  initialWeights: blobIdSchema,
  rounds: z.object({ max: z.int().min(1) }),
  stepsPerRound: z.int().min(1),
  /** A round with fewer contributions fails, and the job with it. */
  minimumSites: z.int().min(1),
  /** A round waits this long for all sites; then, as soon as `minimumSites` have contributed, it goes on without the rest. */
  stragglerMs: z.number().positive(),
  /** How often in one round a site that is lost each time is asked, the first time included. */
  attempts: z.int().min(1),
  stopping: z.object({
    /** Rounds without a gain before the job stops. */
    patience: z.int().min(1),
    /** Smallest rise of the validation score that counts as a gain. */
    minimumGain: z.number().min(0),
  }),
  /** The model is scored after every so many rounds, and after the last; default: after each. */
  evaluateEvery: z.int().min(1).optional(),
  seed: z.int(),
  strategy: strategySpecSchema,
  /** How weights travel from the sites. */
  reply: encodingSchema,
  /** Which of its training cases each site uses; all if it is not there. */
  selection: caseSelectionSchema.optional(),
  /** What sites shall do so that their answers say little about any one patient; they may do more. */
  privacy: privacySchema.optional(),
  /** The coordinator learns the sum of the sites' weights, and no site's. */
  secureAggregation: secureAggregationSchema.optional(),
  /** The job as it was signed, in the store; absent where nobody signed it. */
  mandate: blobIdSchema.optional(),
});
export type Job = z.infer<typeof jobSchema>;

/**
 * @throws FederationError `federation.bad-job` if the job makes no sense or its blobs are not there, `federation.secure-*`
 * if its secure aggregation could not work.
 */
export async function checkJob(received: unknown, store: Store): Promise<Job> {
  const parsed = jobSchema.safeParse(received);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new FederationError('federation.bad-job', `The job is wrong at "${path.join('.')}": ${message}.`);
  }
  const job = parsed.data;
  const bad = (text: string) => new FederationError('federation.bad-job', `Job ${job.jobId}: ${text}`);
  if (new Set(job.participants).size !== job.participants.length) throw bad('a participant is named twice.');
  if (job.minimumSites > job.participants.length) {
    throw bad(`minimumSites is ${job.minimumSites}, but there are ${job.participants.length} participants.`);
  }
  if ((await store.getManifest(job.model)) === undefined) throw bad('its model is not in the store.');
  if ((await store.getManifest(job.initialWeights)) === undefined)
    throw bad('its initial weights are not in the store.');
  const { shape } = await WeightsFile.open(store, job.initialWeights).catch((error) => {
    throw error instanceof SafetensorsError ? bad('the initial weights are not a safetensors file.') : error;
  });
  for (const [name, { dtype }] of shape) {
    if (dtype !== 'float32' && dtype !== 'float64')
      throw bad(`weights must be float32 or float64; ${name} is ${dtype}.`);
    if (job.reply.numbers === 'int8' && isNameOfScales(name)) throw bad(`tensor ${name} cannot travel as int8.`);
  }
  const { participants, minimumSites } = job;
  const objection = strategyOf(job.strategy).objection({ participants: participants.length, minimumSites, shape });
  if (objection !== null) throw bad(objection);
  const noise = sharedNoiseObjection(job);
  if (noise !== null) throw bad(noise);
  checkSecureAggregation(job);
  return job;
}

/** What a job begins with stays, however long it waits for its turn. */
export async function retainBlobs(
  { jobId, ...job }: { readonly jobId: JobId } & Partial<Pick<Job, 'model' | 'initialWeights' | 'mandate'>>,
  store: Store,
): Promise<void> {
  const blobs = [job.model, job.initialWeights, job.mandate].filter((blob) => blob !== undefined);
  await store.retain(blobs, `${jobId}/job`);
}

/**
 * Writes down, once and for all, what the job is. The limits on waiting may differ when it is resumed; all else may not.
 * @throws FederationError `federation.job-changed`
 */
export async function recordJob(job: Job, store: Store): Promise<void> {
  const { stragglerMs: _, attempts: __, mandate: ___, jobId, ...definition } = job;
  await retainBlobs(job, store);
  await recordDefinition(jobId, { ...definition, participants: [...job.participants].sort() } as Json, store);
}

/** @throws FederationError `federation.job-changed` */
export async function recordDefinition(jobId: JobId, definition: Json, store: Store): Promise<void> {
  try {
    await store.record(jobId, 'job', definition);
  } catch (error) {
    if (!(error instanceof FederationError) || error.code !== 'federation.ledger-conflict') throw error;
    throw new FederationError(
      'federation.job-changed',
      `Job ${jobId} was begun with other settings, data or weights. Resume it with the same, or start a new one.`,
    );
  }
}
