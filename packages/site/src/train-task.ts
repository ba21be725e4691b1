/**
 * Trains on the site's training cases from the weights it was sent, and returns its own; with whatever the job's strategy
 * has a site do besides.
 */
import { controlAfter, controlCorrection, encodeWeights, matchesAny, protectedUpdate } from '@consilium/federation';
import { decodeSafetensors, encodeSafetensors, tensor, type Weights } from '@consilium/numerics';
import type { BlobId, ContributionTo, TrainTask } from '@consilium/protocol';
import { parsePlan, type TrainResult } from '@consilium/training';
import { filterWeights, keepsLoss } from './filters/outgoing-filters.ts';
import { JobMemory } from './job-memory.ts';
import type { LocalLog } from './ports/local-log.ts';
import { preparedMembers } from './prepare-task.ts';
import { payForPrivacy, type TaskPrivacy } from './task-privacy.ts';
import type { TrainerNeeds } from './trainer-bench.ts';
import { recordLabels } from './training-record.ts';
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
  const members = await preparedMembers('train', plan, workplace, { signal, selection: task.selection });
  cohort.require('train');
  const labels = await recordLabels(workDirectory, task, {
    members: members.map(({ member }) => member),
    noiseSeed: workplace.noiseSeed,
  });
  const load = async (blob: BlobId): Promise<Weights> => decodeSafetensors(await getBlob(blob)).tensors;

  const memory = new JobMemory(workDirectory, task.jobId);
  const before = await memory.recall(task.round);
  const sent = await load(task.weights);
  const start = overlaid(sent, before.kept);
  const control = task.control === null ? null : { control: await load(task.control), own: before.control };

  const paid = await payForPrivacy(task, workplace, { members, start, memory: before });
  const cases = members.map(({ prepared }) => prepared);
  const needs: TrainerNeeds = { siteId, plan, cases, privacy: paid?.training ?? null, getBlob };
  const trainer = await workplace.bench.take(task, needs);
  trainer.setWeights(start);
  if (control !== null) trainer.setControlVariate(controlCorrection(control));
  const tellsLoss = paid === null && !keepsLoss(workplace.filters);
  const result = await stepsOf(task, context, trainer, { paid, tellsLoss, log: workplace.log });
  const own = trainer.weights();
  const { trained: unfiltered, clip } = published({ start, own, paid, clip: before.clip });
  const { weights: trained, names } = await filterWeights(unfiltered, {
    filters: workplace.filters,
    sent: start,
    steps: result.steps,
    work: `${task.taskId} ${task.mandate ?? ''}`,
    workDirectory,
  });

  const filters = [...(paid?.imposed == null ? [] : [paid.imposed]), ...names];

  const stays = (name: string): boolean => matchesAny(name, task.keepLocal);
  const kept = selected(own, stays);
  const outgoing = selected(trained, (name) => !stays(name));
  const { tensors, residual } = encodeWeights({
    weights: outgoing,
    base: sent,
    residual: before.residual,
    encoding: task.reply,
  });
  const changed = control === null ? null : controlAfter({ ...control, sent: start, trained, rateSum: result.rateSum });
  const personal = await personalWeights(task, workplace, context, { needs, sent, own: before.personal });
  await memory.keep(task.round, { kept, residual, personal, clip, control: changed?.own ?? new Map() });
  return {
    kind: 'train',
    weights: await putBlob(encodeSafetensors(tensors)),
    encoding: task.reply,
    controlChange: changed === null ? null : await putBlob(encodeSafetensors(changed.change)),
    cases: members.length,
    steps: result.steps,
    meanLoss: tellsLoss ? result.meanLoss : null,
    labels,
    ...(filters.length === 0 ? {} : { filters }),
  };
}

/** What of the trained weights anything that leaves the site is made of; and how far the next noisy update may reach. */
function published({
  start,
  own,
  paid,
  clip,
}: {
  readonly start: Weights;
  readonly own: Weights;
  readonly paid: TaskPrivacy | null;
  readonly clip: Weights;
}): { readonly trained: Weights; readonly clip: Weights } {
  if (paid?.privacy.kind !== 'noisy-update') return { trained: own, clip };
  const { privacy, noise, noiseShare } = paid;
  const clipNorm = (clip.get('norm')?.data as Float64Array | undefined)?.[0] ?? privacy.clipNorm;
  const { weights, nextClipNorm } = protectedUpdate({ start, trained: own, privacy, clipNorm, noise, noiseShare });
  if (privacy.adaptive === undefined) return { trained: weights, clip };
  return { trained: weights, clip: new Map([['norm', tensor('float64', [], Float64Array.of(nextClipNorm))]]) };
}

/** Ditto (Li et al. 2021, Algorithm 1): the site's own model takes the same steps, pulled towards the shared one. */
async function personalWeights(
  task: TrainTask,
  { bench, log }: Workplace,
  context: TaskContext,
  { needs, sent, own }: { needs: TrainerNeeds; sent: Weights; own: Weights },
): Promise<Weights> {
  if (task.personalLambda === null) return new Map();
  const alone = { ...task, proximalMu: task.personalLambda, control: null };
  const trainer = await bench.take(alone, { ...needs, privacy: null }); // it never leaves the site
  trainer.setWeights(own.size === 0 ? sent : own);
  if (task.personalLambda > 0) trainer.setAnchor(sent);
  await stepsOf(task, { ...context, onProgress: () => {} }, trainer, { paid: null, tellsLoss: false, log });
  return trainer.weights();
}

async function stepsOf(
  { steps, firstStep, totalSteps }: TrainTask,
  { signal, onProgress }: TaskContext,
  trainer: Awaited<ReturnType<Workplace['bench']['take']>>,
  { paid, tellsLoss, log }: { readonly paid: TaskPrivacy | null; readonly tellsLoss: boolean; readonly log: LocalLog },
): Promise<TrainResult> {
  const result = await trainer.train({
    steps,
    firstStep,
    totalSteps,
    signal,
    onStep: ({ step, loss }) =>
      onProgress({ kind: 'step', step: step - firstStep + 1, of: steps, loss: tellsLoss ? loss : null }),
    ...(paid === null ? {} : { noise: paid.noise }),
    onUnusable: (caseIds) => log.write('left out of a private step', { cases: caseIds }),
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
