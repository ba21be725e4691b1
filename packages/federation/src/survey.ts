/**
 * A job without rounds: one question to each of several sites, answers kept. Fingerprints, preparation and the cross-site
 * evaluation of finished models are surveys. A survey that is run again asks only the sites that have not answered.
 */
import type { BlobId, Contribution, ContributionTo, JobId, Json, SiteId, TaskBody } from '@consilium/protocol';
import { type InquiryOptions, inquire } from './inquiry.ts';
import { recordDefinition } from './job.ts';
import type { JobOptions } from './job-run.ts';
import type { LeftOutSite } from './left-out-site.ts';
import type { Ports } from './ports.ts';
import type { JobReason } from './reason.ts';

export interface Survey<K extends Contribution['kind']> {
  readonly jobId: JobId;
  readonly participants: readonly SiteId[];
  /** The same task for every site. */
  readonly task: Extract<TaskBody, { kind: K }>;
  /** With fewer answers the survey fails. */
  readonly minimumSites: number;
  readonly stragglerMs: number;
  readonly attempts: number;
  /** The survey as it was signed. */
  readonly mandate?: BlobId | undefined;
}

export interface SurveyOutcome<K extends Contribution['kind']> {
  readonly state: 'completed' | 'failed' | 'stopped';
  readonly reason: JobReason;
  /** In site order. */
  readonly answers: ReadonlyMap<SiteId, ContributionTo<K>>;
  readonly leftOut: readonly LeftOutSite[];
}

/** @throws FederationError `federation.job-changed` if the job id was used for another question. */
export async function runSurvey<K extends Contribution['kind']>(
  survey: Survey<K>,
  { store, ...ports }: Ports,
  { signal = new AbortController().signal, onEvent = () => {} }: JobOptions = {},
): Promise<SurveyOutcome<K>> {
  const { jobId } = survey;
  const participants = [...survey.participants].sort();
  await recordDefinition(jobId, { kind: 'survey', participants, task: survey.task as Json }, store);
  const entries = await store.recall(jobId);
  const answers = new Map<SiteId, ContributionTo<K>>();
  for (const siteId of participants) {
    const answer = entries.get(`answer/${siteId}`);
    if (answer !== undefined) answers.set(siteId, answer as ContributionTo<K>);
  }
  onEvent({ kind: 'job-started', jobId, participants, rounds: 0, completedRounds: 0 });
  const outcome = await inquire<ContributionTo<K>>(
    {
      jobId,
      mandate: survey.mandate,
      round: 0,
      siteIds: participants.filter((siteId) => !answers.has(siteId)),
      taskFor: () => survey.task,
      accept: async (siteId, contribution) => {
        if (!isAnswerTo(survey.task, contribution)) {
          return {
            accepted: false,
            code: 'federation.contribution-of-another-kind',
            message: 'The site answered another task than the one it was given.',
          };
        }
        await store.record(jobId, `answer/${siteId}`, contribution as Json);
        return { accepted: true, value: contribution as ContributionTo<K> };
      },
      enough: Math.max(0, survey.minimumSites - answers.size),
      stragglerMs: survey.stragglerMs,
      attempts: survey.attempts,
    },
    { store, ...ports },
    { signal, onEvent } satisfies InquiryOptions,
  );
  if (outcome.kind === 'closed') for (const [siteId, answer] of outcome.accepted) answers.set(siteId, answer);
  const ended = endOf(survey, answers.size, outcome.kind === 'closed' ? outcome.leftOut : null);
  onEvent({ kind: 'job-ended', jobId, ...ended });
  return {
    ...ended,
    answers: new Map([...answers].sort(([one], [other]) => (one < other ? -1 : 1))),
    leftOut: outcome.kind === 'closed' ? outcome.leftOut : [],
  };
}

function isAnswerTo(task: TaskBody, contribution: Contribution): boolean {
  if (task.kind !== 'statistics' || contribution.kind !== 'statistics') return task.kind === contribution.kind;
  return task.question.kind === contribution.answer.kind;
}

function endOf(
  survey: { readonly minimumSites: number },
  answers: number,
  leftOut: readonly LeftOutSite[] | null,
): { state: 'completed' | 'failed' | 'stopped'; reason: JobReason } {
  if (leftOut === null) {
    return { state: 'stopped', reason: { code: 'stopped-by-request', text: 'The survey was stopped by request.' } };
  }
  if (answers >= survey.minimumSites) {
    return { state: 'completed', reason: { code: 'answered', text: `${answers} sites have answered.` } };
  }
  const why = leftOut.map(({ siteId, message }) => `${siteId}: ${message}`).join(' ');
  return {
    state: 'failed',
    reason: {
      code: 'federation.too-few-sites',
      text: `${answers} sites have answered, but ${survey.minimumSites} are needed. ${why}`.trim(),
    },
  };
}
