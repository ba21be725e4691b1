/**
 * Trains on the site's training cases from the weights it was sent, and returns its own; with whatever the job's strategy
 * has a site do besides.
 */
import { controlAfter, controlCorrection, encodeWeights, matchesAny } from '@consilium/federation';
import { decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/numerics';
import type { BlobId, ContributionTo, TrainTask } from '@consilium/protocol';
import { parsePlan, type TrainResult } from '@consilium/training';
import { JobMemory } from './job-memory.ts';
import { preparedMembers } from './prepare-task.ts';
import type { TrainerNeeds } from './trainer-bench.ts';
import type { TaskContext } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

export async function trainTask(
  task: TrainTask,
  workplace: Workplace,
  context: TaskContext,
): Promise<ContributionTo<'train'>> {
  const { cohort, siteId, workDirectory } = workplace;
  const { signal, getBlob, putBlob } = context;
  const plan = parsePlan(task.plan);
  const members = await preparedMembers('train', plan, workplace, signal);
  cohort.require('train');
  const needs: TrainerNeeds = { siteId, plan, cases: members.map(({ prepared }) => prepared), getBlob };
  const load = async (blob: BlobId): Promise<Weights> => decodeSafetensors(await getBlob(blob)).tensors;

  const memory = new JobMemory(workDirectory, task.jobId);
  const before = await memory.recall(task.round);
  const sent = await load(task.weights);
  const start = overlaid(sent, before.kept);
  const control = task.control === null ? null : { control: await load(task.control), own: before.control };

  const trainer = await workplace.bench.take(task, needs);
  trainer.setWeights(start);
  if (control !== null) trainer.setControlVariate(controlCorrection(control));
  const result = await stepsOf(task, context, trainer);
  const trained = trainer.weights();

  const stays = (name: string): boolean => matchesAny(name, task.keepLocal);
  const kept = selected(trained, stays);
  const outgoing = selected(trained, (name) => !stays(name));
  const { tensors, residual } = encodeWeights({
    weights: outgoing,
    base: sent,
    residual: before.residual,
    encoding: task.reply,
  });
  const changed = control === null ? null : controlAfter({ ...control, sent: start, trained, rateSum: result.rateSum });
  const personal = await personalWeights(task, workplace, context, { needs, sent, own: before.personal });
  await memory.keep(task.round, { kept, residual, personal, control: changed?.own ?? new Map() });
  return {
    kind: 'train',
    weights: await putBlob(encodeSafetensors(tensors)),
    encoding: task.reply,
    controlChange: changed === null ? null : await putBlob(encodeSafetensors(changed.change)),
    cases: members.length,
    steps: result.steps,
    meanLoss: result.meanLoss,
  };
}

/** Ditto (Li et al. 2021, Algorithm 1): the site's own model takes the same steps, pulled towards the shared one. */
async function personalWeights(
  task: TrainTask,
  { bench }: Workplace,
  context: TaskContext,
  { needs, sent, own }: { needs: TrainerNeeds; sent: Weights; own: Weights },
): Promise<Weights> {
  if (task.personalLambda === null) return new Map();
  const trainer = await bench.take({ ...task, proximalMu: task.personalLambda, control: null }, needs);
  trainer.setWeights(own.size === 0 ? sent : own);
  if (task.personalLambda > 0) trainer.setAnchor(sent);
  await stepsOf(task, { ...context, onProgress: () => {} }, trainer);
  return trainer.weights();
}

async function stepsOf(
  { steps, firstStep, totalSteps }: TrainTask,
  { signal, onProgress }: TaskContext,
  trainer: Awaited<ReturnType<Workplace['bench']['take']>>,
): Promise<TrainResult> {
  const result = await trainer.train({
    steps,
    firstStep,
    totalSteps,
    signal,
    onStep: ({ step, loss }) => onProgress({ kind: 'step', step: step - firstStep + 1, of: steps, loss }),
  });
  signal.throwIfAborted();
  return result;
}

/** The tensors of `over` in place of those of the same name. */
export function overlaid(weights: Weights, over: Weights): Weights {
  return new Map([...weights].map(([name, value]) => [name, over.get(name) ?? value]));
}

function selected(weights: Weights, isWanted: (name: string) => boolean): Weights {
  return new Map([...weights].filter(([name]) => isWanted(name)));
}
