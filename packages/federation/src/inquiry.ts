/**
 * Putting one task to each of several sites and gathering what they answer: repeats for a site that was lost, a limit
 * for stragglers, and a reason for every site that is left out.
 */
import type {
  BlobId,
  Contribution,
  JobId,
  SiteId,
  Task,
  TaskBody,
  TaskId,
  TaskKind,
  TaskProgress,
} from '@consilium/protocol';
import type { JobEvent } from './job-event.ts';
import type { LeftOutSite } from './left-out-site.ts';
import { leaving, type Ports, type TaskReply } from './ports.ts';

export type Acceptance<T> =
  | { readonly accepted: true; readonly value: T }
  /** Blobs that were there are gone, with another job that had the same: the site is to send them again. */
  | { readonly accepted: false; readonly lacking: readonly BlobId[] }
  | { readonly accepted: false; readonly code: string; readonly message: string };

export interface Inquiry<T> {
  readonly jobId: JobId;
  /** The job as it was signed. */
  readonly mandate?: BlobId | undefined;
  readonly round: number;
  /** What the tasks are called, where their kind does not say which of several they are. */
  readonly work?: string;
  readonly siteIds: readonly SiteId[];
  readonly taskFor: (siteId: SiteId) => TaskBody;
  /** Checks a contribution and makes it durable. `ms`: from the sending of the task. */
  readonly accept: (siteId: SiteId, contribution: Contribution, ms: number) => Promise<Acceptance<T>>;
  /** The round in which the site was first given the task, if it is not this one. */
  readonly roundOf?: (siteId: SiteId) => number;
  /** Contributions without which the inquiry is not closed to stragglers. */
  readonly enough: number;
  /** So many contributions close the inquiry at once; default: all. */
  readonly closesAfter?: number;
  /** What becomes of the tasks of those who are late: ended, or left to be asked for again. Default: ended. */
  readonly late?: 'drop' | 'keep';
  /** Sites that were waited for before while a person there had to decide: once is enough. */
  readonly waitedFor?: ReadonlySet<SiteId>;
  /** After this long, and once there are enough contributions, the sites that have not answered are left out. */
  readonly stragglerMs: number;
  /** How often a site is asked that is lost each time, at least 1. */
  readonly attempts: number;
}

export interface InquiryOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: JobEvent) => void;
}

export type InquiryOutcome<T> =
  | { readonly kind: 'closed'; readonly accepted: ReadonlyMap<SiteId, T>; readonly leftOut: readonly LeftOutSite[] }
  | { readonly kind: 'aborted' };

/** Where a person at the site has not decided in time. */
export const undecidedCode = 'federation.waits-for-approval';

type Answer<T> = { kind: 'accepted'; value: T } | { kind: 'left-out'; site: LeftOutSite } | { kind: 'aborted' };

/** The name of a piece of work: the same whenever it is asked for again. */
export function taskIdOf(work: { jobId: JobId; round: number; kind: string; siteId: SiteId }): TaskId {
  return `${work.jobId}/${work.round}/${work.kind}/${work.siteId}` as TaskId;
}

/** Resolves when every site has answered or is left out; rejects, with no task still running, if our own side fails. */
export async function inquire<T>(
  inquiry: Inquiry<T>,
  ports: Ports,
  { signal, onEvent }: InquiryOptions,
): Promise<InquiryOutcome<T>> {
  const over = new AbortController();
  const late = new AbortController();
  const ending = AbortSignal.any([signal, over.signal, late.signal]);
  let accepted = 0;
  let timeUp = false;
  const open = new Set(inquiry.siteIds);
  const undecided = new Set<SiteId>();
  const closeToStragglers = () => {
    const isFull = inquiry.closesAfter !== undefined && accepted >= inquiry.closesAfter;
    const wereWaitedFor =
      undecided.size > 0 && [...open].every((siteId) => undecided.has(siteId) && inquiry.waitedFor?.has(siteId));
    if (isFull || ((timeUp || wereWaitedFor) && accepted >= inquiry.enough)) {
      late.abort(inquiry.late === 'keep' ? leaving : undefined);
    }
  };
  const heard = (siteId: SiteId, { kind }: TaskProgress) => {
    if (kind !== 'waiting') return void undecided.delete(siteId);
    undecided.add(siteId);
    closeToStragglers();
  };
  closeToStragglers();
  void ports.clock.sleep(inquiry.stragglerMs, AbortSignal.any([signal, over.signal])).then(() => {
    timeUp = true;
    closeToStragglers();
  });
  // A signal for each site: thousands of listeners on one are slow to add and to remove.
  const askings = inquiry.siteIds.map((siteId) => ({ siteId, abort: new AbortController() }));
  const end = () => {
    for (const { abort } of askings) abort.abort(ending.reason);
  };
  if (ending.aborted) end();
  ending.addEventListener('abort', end, { once: true });
  const settled = await Promise.allSettled(
    askings.map(async ({ siteId, abort }) => {
      try {
        const answer = await ask(inquiry, siteId, ports, { signal: abort.signal, onEvent, heard });
        open.delete(siteId);
        if (answer.kind === 'accepted') accepted += 1;
        closeToStragglers();
        return answer;
      } catch (error) {
        over.abort();
        throw error;
      }
    }),
  );
  over.abort();
  const answers = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  if (signal.aborted) return { kind: 'aborted' };
  return sum(inquiry, answers, { onEvent, undecided });
}

/** One site, as often as it is lost and may be asked again. */
async function ask<T>(
  inquiry: Inquiry<T>,
  siteId: SiteId,
  { clock, sites }: Ports,
  { signal, onEvent, heard }: InquiryOptions & { readonly heard: (siteId: SiteId, progress: TaskProgress) => void },
): Promise<Answer<T>> {
  const { jobId, round, mandate } = inquiry;
  if (signal.aborted) return { kind: 'aborted' };
  const body = inquiry.taskFor(siteId);
  const at = { jobId, round, siteId };
  const leftOut = (site: Omit<LeftOutSite, 'siteId'>): Answer<T> => ({ kind: 'left-out', site: { siteId, ...site } });
  const connection = sites.get(siteId);
  if (connection === undefined) {
    const message = 'There is no connection to this site.';
    return leftOut({ why: 'lost', code: 'federation.site-unknown', message, lasting: true });
  }
  const onProgress = (progress: TaskProgress) => {
    onEvent(siteEvent(at, body.kind, progress));
    heard(siteId, progress);
  };
  const signed = mandate === undefined ? {} : { mandate };
  const taskId = taskIdOf({
    jobId,
    round: inquiry.roundOf?.(siteId) ?? round,
    kind: inquiry.work ?? body.kind,
    siteId,
  });
  for (let attempt = 1; ; attempt++) {
    const startMs = clock.nowMs();
    onEvent({ ...at, kind: 'task-sent', task: body.kind, attempt });
    const perform = () =>
      connection.perform({ ...body, ...signed, taskId, jobId, attempt } as Task, { signal, onProgress });
    let reply = await perform();
    while (reply.kind === 'contribution') {
      const ms = clock.nowMs() - startMs;
      const acceptance = await take(inquiry, siteId, reply, ms);
      if (acceptance.accepted) {
        const loss = reply.contribution.kind === 'train' ? { meanLoss: reply.contribution.meanLoss } : {};
        onEvent({ ...at, kind: 'contribution-accepted', task: body.kind, ms, ...loss });
        return { kind: 'accepted', value: acceptance.value };
      }
      if ('code' in acceptance) {
        return leftOut({ why: 'refused', code: acceptance.code, message: acceptance.message, lasting: false });
      }
      reply = await perform();
    }
    switch (reply.kind) {
      case 'aborted':
        return reply;
      case 'failure':
        return leftOut({ why: 'failed', ...reply.failure });
      case 'lost': {
        const again = attempt < inquiry.attempts && !signal.aborted;
        const { code, message } = reply;
        onEvent({ ...at, kind: 'site-lost', task: body.kind, code, message, again });
        if (again) continue;
        return leftOut({ why: 'lost', code, message, lasting: false });
      }
    }
  }
}

function siteEvent(
  at: { readonly jobId: JobId; readonly round: number; readonly siteId: SiteId },
  task: TaskKind,
  progress: TaskProgress,
): JobEvent {
  switch (progress.kind) {
    case 'step':
      return { ...at, ...progress, kind: 'site-step' };
    case 'case':
      return { ...at, ...progress, kind: 'site-case', task };
    case 'waiting':
      return { ...at, kind: 'site-waiting', task, for: progress.for };
  }
}

/** Has it decided about a contribution, and the site told. */
async function take<T>(
  inquiry: Inquiry<T>,
  siteId: SiteId,
  { contribution, acknowledge }: Extract<TaskReply, { kind: 'contribution' }>,
  ms: number,
): Promise<Acceptance<T>> {
  let acceptance: Acceptance<T>;
  try {
    acceptance = await inquiry.accept(siteId, contribution, ms);
  } catch (error) {
    acknowledge({ kind: 'not-asked' }); // the fault is ours: the site keeps its contribution
    throw error;
  }
  if (acceptance.accepted) acknowledge({ kind: 'accepted' });
  else if ('code' in acceptance) acknowledge({ kind: 'refused', code: acceptance.code, message: acceptance.message });
  else acknowledge({ kind: 'blobs-wanted', blobs: [...acceptance.lacking] });
  return acceptance;
}

function sum<T>(
  inquiry: Inquiry<T>,
  answers: readonly Answer<T>[],
  { onEvent, undecided }: { readonly onEvent: (event: JobEvent) => void; readonly undecided: ReadonlySet<SiteId> },
): InquiryOutcome<T> {
  const accepted = new Map<SiteId, T>();
  const leftOut: LeftOutSite[] = [];
  answers.forEach((answer, index) => {
    const siteId = inquiry.siteIds[index]!;
    if (answer.kind === 'accepted') accepted.set(siteId, answer.value);
    else if (answer.kind === 'left-out') leftOut.push(answer.site);
    else if (inquiry.late !== 'keep')
      leftOut.push(undecided.has(siteId) ? waiting(siteId) : straggler(siteId, inquiry.stragglerMs));
  });
  for (const site of leftOut) {
    const task = inquiry.taskFor(site.siteId).kind;
    onEvent({ kind: 'site-left-out', jobId: inquiry.jobId, round: inquiry.round, task, ...site });
  }
  return { kind: 'closed', accepted, leftOut };
}

function straggler(siteId: SiteId, stragglerMs: number): LeftOutSite {
  const message = `It had not answered after ${(stragglerMs / 1000).toFixed(0)} s, when enough others had.`;
  return { siteId, why: 'straggler', code: 'federation.straggler', message, lasting: false };
}

function waiting(siteId: SiteId): LeftOutSite {
  const message = 'A person at the site has yet to approve the job. It takes part in the next round after that.';
  return { siteId, why: 'straggler', code: undecidedCode, message, lasting: false };
}
