/**
 * Whether a task follows from the job that a member signed. A site asks this of every task before it looks at its data, so
 * that a coordinator can hand on what was signed and nothing else: not another plan, not a weaker protection, not a round
 * more, not the job of another day. What only rounds decide, the weights of all but the first, no signature can fix.
 */
import { canonicalJson, type Json, type SiteId, type Task } from '@consilium/protocol';
import { taskIdOf } from './inquiry.ts';
import type { Job } from './job.ts';
import { type Overlap, overlapSteps } from './overlap.ts';
import { strategyOf } from './strategies.ts';
import type { Submission } from './submission.ts';

/** What in the task is not as it was signed, as words that may be shown; null if all is. */
export function contradictionOf(task: Task, submission: Submission, siteId: SiteId): string | null {
  if (task.jobId !== submission.jobId) return 'the job';
  if (!submission.participants.includes(siteId)) return 'who takes part';
  const round = roundOf(task);
  if (task.taskId !== taskIdOf({ jobId: task.jobId, round, kind: workOf(task), siteId })) return 'the name of the task';
  switch (submission.kind) {
    case 'train':
      return ofJob(task, submission, { siteId, round });
    case 'overlap':
      return ofOverlap(task, submission, round);
    case 'survey':
      return ofSurvey(task, submission, round);
  }
}

/** Steps of a secure sum are counted: what failed is tried under the next number. */
function workOf(task: Task): string {
  const { session } = task as { readonly session?: { readonly number?: number } };
  return session === undefined ? task.kind : `${task.kind}.${session.number}`;
}

/** As the name of the task says it; what it says beside is compared with it. */
function roundOf({ taskId }: Task): number {
  const round = taskId.split('/')[1] ?? '';
  return /^\d{1,9}$/.test(round) ? Number(round) : -1;
}

function ofSurvey(
  { taskId: _, jobId: __, attempt: ___, traceparent: ____, mandate: _____, ...body }: Task,
  { task }: Extract<Submission, { kind: 'survey' }>,
  round: number,
): string | null {
  if (round !== 0) return 'the round';
  return isSame(body, task) ? null : 'the question';
}

/** Also nobody among the others whom the submitter has not named. */
function ofOverlap(task: Task, { settings, participants }: Overlap, round: number): string | null {
  if (task.kind === 'introduce') return round === 0 && task.purpose === 'overlap' ? null : 'the kind of task';
  if (task.kind !== 'overlap') return 'the kind of task';
  if (round !== overlapSteps.indexOf(task.step)) return 'the round';
  if (!task.roster.every((each) => participants.includes(each.siteId))) return 'who takes part';
  return isSame(task.settings, settings) ? null : 'how patients are compared';
}

function ofJob(task: Task, job: Job, at: { readonly siteId: SiteId; readonly round: number }): string | null {
  if (at.round < 1 || at.round > job.rounds.max) return 'the number of rounds';
  switch (task.kind) {
    case 'train':
      return ofTraining(task, job, at);
    case 'evaluate':
      return ofEvaluation(task, job);
    default:
      return ofSecureAggregation(task, job, at.round);
  }
}

/** What a site is told to do, beside what the rounds before it decide. */
function ofTraining(
  task: Extract<Task, { kind: 'train' }>,
  job: Job,
  { siteId, round }: { readonly siteId: SiteId; readonly round: number },
): string | null {
  const [order] = strategyOf(job.strategy).configureTrain({
    round,
    available: [siteId],
    state: { control: job.initialWeights }, // stands for whatever it is by now
    previous: [],
    tried: [],
  });
  const { proximalMu, keepLocal, personalLambda, control } = order!.instructions;
  const firstStep = (round - 1) * job.stepsPerRound;
  const isRight: readonly (readonly [what: string, isSo: boolean])[] = [
    ['the round', task.round === round],
    ['the plan', isSame(task.plan, job.plan)],
    ['the network', task.model === job.model],
    ['the first weights', round > 1 || task.weights === job.initialWeights],
    ['the number of steps', task.steps === job.stepsPerRound && task.firstStep === firstStep],
    ['the number of steps', task.totalSteps === job.rounds.max * job.stepsPerRound],
    ['the seed', task.seed === job.seed],
    ['the strategy', isSame([task.proximalMu, task.keepLocal], [proximalMu, [...keepLocal]])],
    ['the strategy', task.personalLambda === personalLambda && (task.control === null) === (control === null)],
    ['how weights come back', isSame(task.reply, job.reply)],
    ['which cases', isSame(task.selection ?? null, job.selection ?? null)],
    ['the privacy', isSame(task.privacy ?? null, job.privacy ?? null)],
    ['the secure aggregation', isSame(secureAggregationOf(task), secureAggregationOf(job))],
  ];
  return isRight.find(([, isSo]) => !isSo)?.[0] ?? null;
}

/** In its rounds a job asks for validation scores alone: test patients are asked about by a survey, which is signed too. */
function ofEvaluation(task: Extract<Task, { kind: 'evaluate' }>, job: Job): string | null {
  const { keepLocal, personal } = strategyOf(job.strategy).evaluation;
  const isRight: readonly (readonly [what: string, isSo: boolean])[] = [
    ['the plan', isSame(task.plan, job.plan)],
    ['the network', task.model === job.model],
    ['the patients', task.split === 'validation' && task.memoryOf === undefined],
    ['the name of the model', (task.modelName as string) === job.jobId],
    ['the pictures', !task.pictures],
    ['the strategy', isSame(task.keepLocal ?? [], [...keepLocal]) && (task.personal ?? false) === personal],
  ];
  return isRight.find(([, isSo]) => !isSo)?.[0] ?? null;
}

/** The steps in which masked weights are summed: only where the job says so, and as it says. */
function ofSecureAggregation(task: Task, job: Job, round: number): string | null {
  const signed = secureAggregationOf(job);
  if (signed === null) return 'the kind of task';
  if (task.kind === 'introduce') return task.purpose === 'secure-aggregation' ? null : 'the kind of task';
  const { kind, session, settings, participants } = task as SecureTask;
  if (!kind.startsWith('secure-')) return 'the kind of task';
  if (session?.round !== round) return 'the round';
  if (kind !== 'secure-keys') return null; // the session was begun by keys, for these settings
  if (!isSame([...(participants ?? [])].sort(), [...job.participants].sort())) return 'who takes part';
  return isSame(settings ?? null, signed) ? null : 'the secure aggregation';
}

interface SecureTask {
  readonly kind: string;
  readonly session?: { readonly round: number };
  readonly settings?: Json;
  readonly participants?: readonly SiteId[];
}

function secureAggregationOf(asked: object): Json {
  return (asked as { readonly secureAggregation?: Json }).secureAggregation ?? null;
}

function isSame(one: unknown, other: unknown): boolean {
  return canonicalJson(one as Json) === canonicalJson(other as Json);
}
