/** Trains on the site's training cases from the weights it was sent, and returns its own. */
import { decodeSafetensors, encodeSafetensors } from '@consilium/numerics';
import type { ContributionTo, TrainTask } from '@consilium/protocol';
import { parsePlan } from '@consilium/training';
import type { TaskContext } from './coordinator-link.ts';
import { preparedMembers } from './prepare-task.ts';
import type { Workplace } from './workplace.ts';

export async function trainTask(
  task: TrainTask,
  workplace: Workplace,
  { signal, onProgress, getBlob, putBlob }: TaskContext,
): Promise<ContributionTo<'train'>> {
  const { cohort, siteId, bench } = workplace;
  const plan = parsePlan(task.plan);
  const members = await preparedMembers('train', plan, workplace, signal);
  cohort.require('train');
  const cases = members.map(({ prepared }) => prepared);
  const trainer = await bench.take(task, { siteId, plan, cases, getBlob });
  trainer.setWeights(decodeSafetensors(await getBlob(task.weights)).tensors);
  const { steps, firstStep, totalSteps } = task;
  const trained = await trainer.train({
    steps,
    firstStep,
    totalSteps,
    signal,
    onStep: ({ step, loss }) => onProgress({ kind: 'step', step: step - firstStep + 1, of: steps, loss }),
  });
  signal.throwIfAborted();
  return {
    kind: 'train',
    weights: await putBlob(encodeSafetensors(trainer.weights())),
    cases: cases.length,
    steps: trained.steps,
    meanLoss: trained.meanLoss,
  };
}
