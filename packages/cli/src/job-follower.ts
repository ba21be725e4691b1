/** What the coordinator says about jobs, and following one to its end, also through restarts of the coordinator. */
import type { JobEvent, Submission } from '@consilium/federation';
import { jobIdSchema, type MandateSignature } from '@consilium/protocol';
import { type CoordinatorClient, persist, type TransportError } from '@consilium/transport';
import { z } from 'zod';
import type { ActingMember } from './acting-member.ts';
import { signed } from './signed-submission.ts';

export const jobStatusSchema = z.object({
  jobId: jobIdSchema,
  kind: z.enum(['train', 'survey', 'overlap']),
  state: z.enum(['queued', 'running', 'paused', 'completed', 'failed', 'aborted']),
  reason: z.object({ code: z.string(), text: z.string() }).nullable(),
});
export type ListedJob = z.infer<typeof jobStatusSchema>;

/** A job's event, as the coordinator tells it. `number` counts; ends that nobody remembers have neither. */
export type WatchedEvent = JobEvent & { readonly time?: string | undefined; readonly number?: number | undefined };

const eventSchema = z.looseObject({ kind: z.string(), time: z.iso.datetime().optional(), number: z.int().optional() });

/** Kinds of events may be added: what is not known is shown to nobody. */
export function parseEvent(received: unknown): WatchedEvent {
  return eventSchema.parse(received) as unknown as WatchedEvent;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchedEvent) => void;
  /** Told when the coordinator cannot be reached for a while. */
  readonly onRetry?: (error: TransportError) => void;
}

/** Resolves when the job has ended. Each event is told once. */
export async function followJob(
  client: CoordinatorClient,
  jobId: string,
  { signal, onEvent, onRetry }: FollowOptions,
): Promise<ListedJob> {
  const news = new NewsFilter();
  const attempt = async () => {
    for await (const received of client.events('GET', `/v1/jobs/${jobId}/events`, undefined, signal)) {
      const event = parseEvent(received);
      if (news.isNews(event)) onEvent(event);
    }
    return jobStatusSchema.parse(await client.get(`/v1/jobs/${jobId}`, signal));
  };
  for (;;) {
    const status = await persist(attempt, { signal, lastMs: 5000, onRetry });
    if (isOver(status)) return status;
  }
}

export function isOver({ state }: ListedJob): boolean {
  return state === 'completed' || state === 'failed' || state === 'aborted';
}

/** Signs it in the member's name. Where it is over, what came of it. */
export async function submit(
  acting: Pick<ActingMember, 'client' | 'facts' | 'credentials'>,
  submission: Submission,
  options: { readonly signal: AbortSignal; readonly reviews?: readonly MandateSignature[] },
): Promise<ListedJob> {
  const { client } = acting;
  return jobStatusSchema.parse(
    await client.post('/v1/jobs', await signed(submission, acting, options), options.signal),
  );
}

/** On a new line the coordinator begins with what it told before. */
class NewsFilter {
  #time = '';
  #number = 0;

  isNews({ time, number }: WatchedEvent): boolean {
    if (time === undefined || number === undefined) return true;
    if (time < this.#time || (time === this.#time && number <= this.#number)) return false;
    this.#time = time;
    this.#number = number;
    return true;
  }
}
