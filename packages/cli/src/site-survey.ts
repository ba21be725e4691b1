/** Asking several sites one question through the coordinator, and waiting for what they answer. */
import type { Submission, Survey, SurveyOutcome } from '@consilium/federation';
import { type Contribution, contributionSchema, siteIdSchema } from '@consilium/protocol';
import { z } from 'zod';
import type { ActingMember } from './acting-member.ts';
import { CliError } from './cli-error.ts';
import { followJob, submit, type WatchedEvent } from './job-follower.ts';

export interface AskingOptions {
  /** Aborts the survey too: the sites give it up, unless `staysWhenLeft`. */
  readonly signal: AbortSignal;
  /** Whoever asks again under the same name gets the answers that have come. */
  readonly staysWhenLeft?: boolean;
  readonly onEvent: (event: WatchedEvent) => void;
  readonly onTrouble: (text: string) => void;
}

const leftOutSchema = z.array(
  z.object({
    siteId: siteIdSchema,
    why: z.enum(['failed', 'lost', 'refused', 'straggler']),
    code: z.string(),
    message: z.string(),
    lasting: z.boolean(),
  }),
);
const outcomeSchema = z.object({
  outcome: z.object({ answers: z.record(z.string(), contributionSchema), leftOut: leftOutSchema }),
});

/** @throws CliError `cli.job-failed`, `cli.job-aborted` */
export async function askSites<K extends Contribution['kind']>(
  acting: Pick<ActingMember, 'client' | 'facts' | 'credentials'>,
  survey: Survey<K>,
  options: AskingOptions,
): Promise<SurveyOutcome<K>> {
  const submission = { kind: 'survey', ...survey, participants: [...survey.participants] } as Submission;
  return outcomeOf(acting, submission, options);
}

/** Of anything whose outcome is what each site has answered. @throws CliError `cli.job-failed`, `cli.job-aborted` */
export async function outcomeOf<K extends Contribution['kind']>(
  acting: Pick<ActingMember, 'client' | 'facts' | 'credentials'>,
  submission: Submission,
  { signal, onEvent, onTrouble, staysWhenLeft = false }: AskingOptions,
): Promise<SurveyOutcome<K>> {
  const { client } = acting;
  const { jobId } = submission;
  const submitted = await submit(acting, submission, { signal });
  if (staysWhenLeft && (submitted.state === 'failed' || submitted.state === 'paused')) {
    await client.post(`/v1/jobs/${jobId}/resume`, {}, signal);
  }
  const onRetry = ({ message }: Error) => onTrouble(message);
  const ended = await followJob(client, jobId, { signal, onEvent, onRetry }).catch(async (error) => {
    if (signal.aborted && !staysWhenLeft) await client.post(`/v1/jobs/${jobId}/abort`, {}).catch(() => {});
    throw error;
  });
  const { state, reason } = ended;
  if (state !== 'completed' || reason === null) {
    const code = state === 'aborted' ? 'cli.job-aborted' : 'cli.job-failed';
    throw new CliError(code, reason?.text ?? `${jobId} is ${state}.`);
  }
  const { outcome } = outcomeSchema.parse(await client.get(`/v1/jobs/${jobId}/result`, signal));
  const answers: ReadonlyMap<string, Contribution> = new Map(Object.entries(outcome.answers));
  return { state, reason, answers: answers as SurveyOutcome<K>['answers'], leftOut: outcome.leftOut };
}
