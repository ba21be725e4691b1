/**
 * A training job from its first round to its end. `runJob` reads the ledger first and goes on from the last step that
 * was completed: calling it again after a crash gives the same weights as if nothing had happened.
 */
import type { BlobId } from '@consilium/protocol';
import { FederationError } from './federation-error.ts';
import { checkJob, type Job, recordJob } from './job.ts';
import type { JobEvent } from './job-event.ts';
import type { Ports } from './ports.ts';
import type { JobReason } from './reason.ts';
import { letGo, runRound } from './round.ts';
import { completedRounds, type RoundRecord } from './round-record.ts';
import { bestRound } from './stopping.ts';
import { strategyOf } from './strategies.ts';

export interface JobOutcome {
  /** `failed` and `stopped` jobs go on when `runJob` is called again with the same job and store. */
  readonly state: 'completed' | 'failed' | 'stopped';
  readonly reason: JobReason;
  /** The rounds that were completed. */
  readonly rounds: readonly RoundRecord[];
  /** The best model by validation score; null if no round was completed. */
  readonly best: { readonly round: number; readonly weights: BlobId; readonly score: number | null } | null;
}

export interface JobOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: JobEvent) => void;
}

/**
 * Runs the job to its end. What goes wrong with sites or storage ends in an outcome with a reason.
 * @throws FederationError `federation.job-changed`, `federation.bad-job`
 */
export async function runJob(job: Job, ports: Ports, options: JobOptions = {}): Promise<JobOutcome> {
  const { signal = new AbortController().signal, onEvent = () => {} } = options;
  const rounds: RoundRecord[] = [];
  const ended = await run(job, ports, rounds, { signal, onEvent });
  onEvent({ kind: 'job-ended', jobId: job.jobId, ...ended });
  const best = rounds[bestRound(rounds.map(({ score }) => score)) - 1];
  return {
    ...ended,
    rounds,
    best: best === undefined ? null : { round: best.round, weights: best.weights, score: best.score },
  };
}

/** Appends to `rounds` as they are completed. */
async function run(
  job: Job,
  ports: Ports,
  rounds: RoundRecord[],
  { signal, onEvent }: Required<JobOptions>,
): Promise<Pick<JobOutcome, 'state' | 'reason'>> {
  await checkJob(job, ports.store);
  try {
    await recordJob(job, ports.store);
    const entries = new Map(await ports.store.recall(job.jobId));
    rounds.push(...completedRounds(entries));
    const { jobId, participants } = job;
    onEvent({
      kind: 'job-started',
      jobId,
      participants,
      rounds: job.rounds.max,
      completedRounds: rounds.length,
    });
    const setting = { job, strategy: strategyOf(job.strategy), entries };
    for (;;) {
      await letGo(setting, rounds, ports.store); // also at the start: it may have been interrupted
      const decision = rounds.at(-1)?.decision;
      if (decision?.kind === 'stop') return { state: 'completed', reason: decision.reason };
      if (signal.aborted) return stopped;
      const outcome = await runRound(setting, rounds, ports, { signal, onEvent });
      if (outcome.kind === 'aborted') return stopped;
      if (outcome.kind === 'failed') return { state: 'failed', reason: outcome.reason };
      rounds.push(outcome.record);
    }
  } catch (error) {
    if (error instanceof FederationError && error.code === 'federation.job-changed') throw error;
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      return { state: 'failed', reason: { code: error.code, text: error.message } };
    }
    throw error;
  }
}

const stopped = {
  state: 'stopped',
  reason: { code: 'stopped-by-request', text: 'The job was stopped by request; it can be resumed.' },
} as const;
