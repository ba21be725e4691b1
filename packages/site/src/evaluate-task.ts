/**
 * Scores a model on the site's own cases. Validation is quick and in plan space, for choosing between rounds: the Dice of
 * each region. The test is on the images as they came, against the reference where the site has one, once for each model.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModel } from '@consilium/engine';
import type { LabelMap } from '@consilium/imaging';
import { decodeSafetensors, type Weights } from '@consilium/numerics';
import type { CaseScore, EvaluateContribution, EvaluateTask, JobId } from '@consilium/protocol';
import { type Case, ClickPredictor, checkCase, type Plan, Predictor, parsePlan } from '@consilium/training';
import { tellableGroups } from './case-groups.ts';
import { clickJudge } from './click-judge.ts';
import type { CohortCase } from './cohort.ts';
import { JobMemory } from './job-memory.ts';
import { automaticJudge, type Judge, type RegionMetrics } from './judge.ts';
import { drawOverlay } from './overlay.ts';
import { preparedMembers } from './prepare-task.ts';
import { ReliabilitySums } from './reliability.ts';
import { SiteError } from './site-error.ts';
import { overlaid } from './train-task.ts';
import type { TaskContext } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

export async function evaluateTask(
  task: EvaluateTask,
  workplace: Workplace,
  context: TaskContext,
): Promise<EvaluateContribution> {
  if (task.split === 'validation') return validate(task, workplace, context);
  const { testRecord } = workplace;
  const tested = testedModel(task);
  const kept = await testRecord.recall(task.modelName, tested);
  if (kept !== undefined) return kept;
  const answer = await test(task, workplace, context);
  await testRecord.keep(task.modelName, tested, answer);
  return answer;
}

/** The shared weights, and what of the site's own is put in their place. */
function testedModel({ weights, memoryOf, personal = false }: EvaluateTask): string {
  return memoryOf === undefined
    ? weights
    : `${weights} with ${personal ? 'the personal model' : 'what was kept'} of ${memoryOf}`;
}

// Validation -----------------------------------------------------------------------------------------------------------

async function validate(task: EvaluateTask, workplace: Workplace, context: TaskContext): Promise<EvaluateContribution> {
  const plan = parsePlan(task.plan);
  const members = await preparedMembers('validation', plan, workplace, context);
  const scores: CaseScore[] = [];
  if (members.length > 0) {
    await using judge = await openJudge(task, plan, workplace, context);
    for (const { member, prepared } of members) {
      const regions = await judge.validate(prepared);
      scores.push({ case: member.pseudonym, regions: withoutInfinities(regions), pictures: [] });
      context.onProgress({ kind: 'case', done: scores.length, of: members.length });
    }
  }
  return answerOf(scores, workplace);
}

// Test -----------------------------------------------------------------------------------------------------------------

async function test(task: EvaluateTask, workplace: Workplace, context: TaskContext): Promise<EvaluateContribution> {
  const plan = parsePlan(task.plan);
  const members = workplace.cohort.usable('test');
  const patients = new Map<string, number>();
  const scores: CaseScore[] = [];
  const reliability = new ReliabilitySums();
  if (members.length > 0) {
    await using judge = await openJudge(task, plan, workplace, context);
    for (const [index, member] of members.entries()) {
      context.signal.throwIfAborted();
      const loaded = await workplace.cohort.attempt(member, () => loadChecked(member, plan));
      if (loaded !== null) {
        const { regions, prediction, reliability: ofCase = {} } = await judge.test(loaded);
        reliability.add(member.patient, ofCase);
        const pictures = task.pictures ? [await drawCase(task, { member, loaded, prediction, plan }, workplace)] : [];
        const patient = numberOf(member.patient, patients);
        scores.push({ case: member.pseudonym, patient, regions: withoutInfinities(regions), pictures });
      }
      context.onProgress({ kind: 'case', done: index + 1, of: members.length });
    }
  }
  const told = reliability.told(workplace.minimumCount);
  return {
    ...answerOf(await withGroups(scores, members, workplace), workplace),
    ...(told === undefined ? {} : { reliability: told }),
  };
}

/** With what may be told of which groups the cases are in. */
async function withGroups(
  scores: CaseScore[],
  members: readonly CohortCase[],
  { minimumCount, testGroups: kinds }: Workplace,
): Promise<CaseScore[]> {
  if (kinds.length === 0) return scores;
  const scored = scores.map((score) => members.find(({ pseudonym }) => pseudonym === score.case)!);
  const cases = await Promise.all(scored.map(async ({ groups, patient }) => ({ patient, groups: await groups() })));
  const told = tellableGroups(cases, { kinds, minimumCount });
  return scores.map((score, index) => ({ ...score, groups: told[index]! }));
}

/** Counted as they come; who it is stays here. */
function numberOf(patient: string, known: Map<string, number>): number {
  const number = known.get(patient) ?? known.size + 1;
  known.set(patient, number);
  return number;
}

async function loadChecked(member: CohortCase, plan: Plan): Promise<Case> {
  const loaded = await member.source.load();
  checkCase(loaded, plan.classes);
  return loaded;
}

/** The file's name in the pictures directory. */
async function drawCase(
  { modelName }: EvaluateTask,
  drawn: { member: CohortCase; loaded: Case; prediction: LabelMap; plan: Plan },
  { picturesDirectory }: Workplace,
): Promise<string> {
  const { member, loaded, prediction, plan } = drawn;
  const reference = loaded.reference ?? loaded.label;
  const name = `${modelName}-${member.pseudonym}.png`;
  await mkdir(picturesDirectory, { recursive: true });
  const bytes = drawOverlay({ image: loaded.image, reference, prediction, regions: plan.regions });
  await writeFile(join(picturesDirectory, name), bytes);
  return name;
}

// Both -----------------------------------------------------------------------------------------------------------------

async function openJudge(
  task: EvaluateTask,
  plan: Plan,
  { runtime, threads, workDirectory }: Workplace,
  { getBlob, signal }: TaskContext,
): Promise<Judge> {
  const shared = decodeSafetensors(await getBlob(task.weights)).tensors;
  const model = decodeModel(await getBlob(task.model));
  const options = { runtime, model, weights: await ownWeights(task, shared, workDirectory), plan, threads };
  const { interactive } = plan;
  if (interactive === undefined) return automaticJudge(await Predictor.open(options), plan, signal);
  return clickJudge(await ClickPredictor.open(options), { ...plan, interactive }, signal);
}

/** The shared weights; with the tensors that the job leaves to this site in their place, or its personal model. */
async function ownWeights(task: EvaluateTask, shared: Weights, workDirectory: string): Promise<Weights> {
  const { keepLocal = [], personal = false, memoryOf } = task;
  if (keepLocal.length === 0 && !personal) return shared;
  if (memoryOf !== undefined) return overlaid(shared, await remembered(memoryOf, personal, workDirectory));
  const round = Number(task.taskId.split('/')[1]);
  const memory = await new JobMemory(workDirectory, task.jobId).recall(round + 1);
  return overlaid(shared, personal ? memory.personal : memory.kept);
}

/** @throws SiteError `site.job-not-remembered` */
async function remembered(jobId: JobId, personal: boolean, workDirectory: string): Promise<Weights> {
  const memory = await new JobMemory(workDirectory, jobId).recall();
  const own = personal ? memory.personal : memory.kept;
  if (own.size > 0) return own;
  throw new SiteError(
    'site.job-not-remembered',
    `The site keeps ${personal ? 'no model of its own' : 'no tensors'} from job ${jobId}: it took no part in it, or another strategy was used.`,
    { lasting: true },
  );
}

/** JSON has no infinity. */
function withoutInfinities(regions: Readonly<Record<string, RegionMetrics>>): CaseScore['regions'] {
  return Object.fromEntries(
    Object.entries(regions).map(([region, metrics]) => [
      region,
      Object.fromEntries(
        Object.entries(metrics).map(([metric, value]) => [metric, Number.isFinite(value) ? value : null]),
      ),
    ]),
  );
}

function answerOf(scores: CaseScore[], { cohort }: Workplace): EvaluateContribution {
  const perCase = scores.flatMap(
    ({ regions }) => mean(Object.values(regions).map((metrics) => metrics['dice'] ?? null)) ?? [],
  );
  return { kind: 'evaluate', scores, meanDice: mean(perCase), leftOut: [...cohort.leftOut] };
}

/** Of the defined values; null if there is none. */
function mean(values: readonly (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null);
  return defined.length === 0 ? null : defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
