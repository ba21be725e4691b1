/** What must be true of every simulated job with secure aggregation when all is over. */
import { encodeSafetensors, type Weights } from '@consilium/numerics';
import type { BlobId, Json, SecureAggregation, Task } from '@consilium/protocol';
import { putBlob } from '../blob.ts';
import type { Job } from '../job.ts';
import { MemoryStore } from '../memory-store.ts';
import type { RoundRecord } from '../round-record.ts';
import { latticeOf } from '../secure-sum/lattice.ts';
import { roundingKey } from '../secure-sum/mask.ts';
import { unmaskedMean, writeMasked } from '../secure-sum/masked-weights.ts';
import { strategyOf } from '../strategies.ts';
import { WeightsFile } from '../weights.ts';
import type { SimulatedProject } from './simulated-project.ts';

export interface SecureRoundToCheck {
  readonly project: SimulatedProject;
  readonly job: Job;
  readonly record: RoundRecord;
  /** The weights that the round began with. */
  readonly base: BlobId;
  /** What each of those in the sum has trained. */
  readonly contributions: readonly { readonly siteId: string; readonly cases: number; readonly trained: Weights }[];
}

/** What a site has trained was never at the coordinator: it has every blob that was in its archive. */
export async function checkHidden(
  { archive, chronicle }: SimulatedProject,
  task: Task,
  trained: Weights,
): Promise<void> {
  const clear = await putBlob(new MemoryStore(), encodeSafetensors(trained));
  if ((await archive.getManifest(clear)) === undefined) return;
  chronicle.violated('no contribution in the clear', `that to ${task.taskId} came as it was`);
}

/**
 * The round's weights are what the strategy makes of the plain sum on the lattice. What is plain stays out of the archive: a job
 * that is looked at later may have trained the same.
 */
export async function checkSecureRound({
  project,
  job,
  record,
  base,
  contributions,
}: SecureRoundToCheck): Promise<void> {
  const { archive, chronicle } = project;
  const settings = job.secureAggregation!;
  const strategy = strategyOf(job.strategy);
  const { keepLocal } = strategy.evaluation;
  const aside = new MemoryStore();
  const lattice = latticeOf(settings, job.participants.length)!;
  const { round } = record;
  const inputs: BlobId[] = [];
  for (const { siteId, cases, trained } of contributions) {
    const input = await writeMasked(aside, {
      trained: await WeightsFile.open(aside, await putBlob(aside, encodeSafetensors(trained))),
      base: await WeightsFile.open(archive, base),
      keepLocal,
      cases,
      lattice,
      rounding: roundingOf(settings, { jobId: job.jobId, round, siteId, seed: job.seed }),
      masks: [],
    });
    inputs.push(input!);
  }
  const sent = await WeightsFile.open(archive, base);
  const plain = await unmaskedMean(aside, { inputs, base: sent, keepLocal, lattice, unmasking: [] });
  const { siteId, steps } = record.trained[0]!;
  const weights = await WeightsFile.open(aside, plain.weights);
  const expected = await strategy.aggregateTrain({
    round,
    trained: [{ siteId, cases: plain.cases, steps, base: sent, staleness: 0, weights, controlChange: null }],
    global: sent,
    state: {},
    participants: job.participants.length,
    store: aside,
  });
  if (expected.weights !== record.weights) {
    chronicle.violated('the masked sum is the plain sum', `round ${round} of ${job.jobId} has other weights`);
  }
}

/** Of a session that was given up before its sum was settled, nobody has told anything. */
export function checkGivenUp({ chronicle }: SimulatedProject, job: Job, entries: ReadonlyMap<string, Json>): void {
  for (const key of entries.keys()) {
    const [, round, number] = /^round\/(\d+)\/secure-failed\.(\d+)$/.exec(key) ?? [];
    if (round === undefined || !chronicle.secure.unmasked.has(`${job.jobId}/${round}.${number}`)) continue;
    chronicle.violated('below the threshold nothing is told', `${job.jobId}: ${key}`);
  }
}

function roundingOf({ rounding }: SecureAggregation, task: Parameters<typeof roundingKey>[0]): Uint8Array | null {
  return rounding === 'stochastic' ? roundingKey(task) : null;
}
