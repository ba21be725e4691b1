/** A training job as it is submitted: what is trained, by whom, and when it ends. */
import { decodeSafetensors, type Weights } from '@consilium/numerics';
import type { JobId, Json, Sha256, SiteId } from '@consilium/protocol';
import { FederationError } from './federation-error.ts';
import type { Store } from './store.ts';

export type StrategySpec = { readonly kind: 'fed-avg' } | { readonly kind: 'fed-prox'; readonly mu: number };

export interface Job {
  readonly kind: 'train';
  readonly jobId: JobId;
  /** One is enough: a site's own model is a job with one participant. */
  readonly participants: readonly SiteId[];
  /** The training plan; passed on to the sites unread. */
  readonly plan: Json;
  /** The forward graph, `model.onnx`; passed on unread. */
  readonly model: Uint8Array;
  /** safetensors, float32 or float64. */
  readonly initialWeights: Uint8Array;
  readonly rounds: { readonly max: number };
  readonly stepsPerRound: number;
  /** A round with fewer contributions fails, and the job with it. */
  readonly minimumSites: number;
  /** A round waits this long for all sites; then, as soon as `minimumSites` have contributed, it goes on without the rest. */
  readonly stragglerMs: number;
  /** How often in one round a site that is lost each time is asked, the first time included. */
  readonly attempts: number;
  readonly stopping: {
    /** Rounds without a gain before the job stops. */
    readonly patience: number;
    /** Smallest rise of the validation score that counts as a gain. */
    readonly minimumGain: number;
  };
  readonly seed: number;
  readonly strategy: StrategySpec;
}

/**
 * The job's initial weights.
 * @throws FederationError `federation.bad-job`
 */
export function checkJob(job: Job): Weights {
  const bad = (text: string) => new FederationError('federation.bad-job', `Job ${job.jobId}: ${text}`);
  const whole = (value: number, low: number) => Number.isSafeInteger(value) && value >= low;
  if (job.participants.length === 0) throw bad('there is no participant.');
  if (new Set(job.participants).size !== job.participants.length) throw bad('a participant is named twice.');
  if (!whole(job.minimumSites, 1) || job.minimumSites > job.participants.length) {
    throw bad(`minimumSites is ${job.minimumSites}, but there are ${job.participants.length} participants.`);
  }
  if (!whole(job.rounds.max, 1) || !whole(job.stepsPerRound, 1) || !whole(job.attempts, 1)) {
    throw bad('rounds, steps and attempts must be whole numbers of at least 1.');
  }
  if (!whole(job.stopping.patience, 1) || !(job.stopping.minimumGain >= 0)) {
    throw bad('patience must be at least 1 and the minimum gain at least 0.');
  }
  if (!(job.stragglerMs > 0)) throw bad('stragglerMs must be above 0.');
  let tensors: Weights;
  try {
    tensors = decodeSafetensors(job.initialWeights).tensors;
  } catch {
    throw bad('the initial weights are not a safetensors file.');
  }
  for (const [name, { dtype }] of tensors) {
    if (dtype !== 'float32' && dtype !== 'float64')
      throw bad(`weights must be float32 or float64; ${name} is ${dtype}.`);
  }
  return tensors;
}

/**
 * Writes down, once and for all, what the job is. The limits on waiting may differ when it is resumed; all else may not.
 * @throws FederationError `federation.job-changed`
 */
export async function recordJob(
  job: Job,
  blobs: { readonly model: Sha256; readonly initialWeights: Sha256 },
  store: Store,
): Promise<void> {
  const definition: Json = {
    kind: job.kind,
    participants: [...job.participants].sort(),
    plan: job.plan,
    ...blobs,
    rounds: { max: job.rounds.max },
    stepsPerRound: job.stepsPerRound,
    minimumSites: job.minimumSites,
    stopping: { patience: job.stopping.patience, minimumGain: job.stopping.minimumGain },
    seed: job.seed,
    strategy: job.strategy,
  };
  await recordDefinition(job.jobId, definition, store);
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
