/** What people do with jobs: submit, look, watch, pause, resume, abort, fetch what came of it. */
import { type AuditAction, type AuditEvent, type AuditLog, auditSubject, digestOf } from '@consilium/audit';
import type { JobBoard, JobEvent } from '@consilium/federation';
import { canonicalJson, type JobId, jobIdSchema, jsonSchema } from '@consilium/protocol';
import { answerError, EventStream, Refusal } from '@consilium/transport';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EventLog } from '../event-log.ts';
import type { TimedEvent } from '../timed-event.ts';
import { refusalOf } from './job-refusal.ts';

export interface JobRoutesOptions {
  readonly audit: AuditLog;
  readonly board: JobBoard;
  readonly events: EventLog;
  /** The member's name. @throws a coded refusal if the peer is not an admitted member */
  readonly memberOf: (request: FastifyRequest) => string;
}

type JobRequest = FastifyRequest<{ Params: { jobId: string } }>;

export async function jobRoutes(
  app: FastifyInstance,
  { audit, board, events, memberOf }: JobRoutesOptions,
): Promise<void> {
  const jobIdOf = (request: JobRequest): JobId => {
    memberOf(request);
    const { data, success } = jobIdSchema.safeParse(request.params.jobId);
    if (!success) throw new Refusal(400, 'coordinator.bad-request', 'That is no name of a job.');
    board.status(data);
    return data;
  };

  const asked = (request: JobRequest, action: AuditAction): Omit<AuditEvent, 'outcome'> => ({
    ...{ actor: { kind: 'member', id: memberOf(request) }, action },
    subjects: [{ kind: 'job', id: jobIdOf(request) }],
  });

  app.setErrorHandler((error, request, reply) => answerError(refusalOf(error), request, reply));

  app.post('/v1/jobs', async (request) => {
    const actor = { kind: 'member', id: memberOf(request) } as const;
    return audit.doing({ actor, action: 'job.submitted', subjects: submitted(request.body) }, () =>
      board.submit(request.body),
    );
  });
  app.get('/v1/jobs', async (request) => {
    memberOf(request);
    return { jobs: board.list() };
  });
  app.get('/v1/jobs/:jobId', async (request: JobRequest) => {
    const jobId = jobIdOf(request);
    return { ...board.status(jobId), submission: board.submission(jobId), ...(await board.progress(jobId)) };
  });
  app.post('/v1/jobs/:jobId/pause', async (request: JobRequest) => {
    const jobId = jobIdOf(request);
    return audit.doing(asked(request, 'job.paused'), () => board.pause(jobId));
  });
  app.post('/v1/jobs/:jobId/resume', async (request: JobRequest) => {
    const jobId = jobIdOf(request);
    return audit.doing(asked(request, 'job.resumed'), () => board.resume(jobId));
  });
  app.post('/v1/jobs/:jobId/abort', async (request: JobRequest) => {
    const jobId = jobIdOf(request);
    return audit.doing(asked(request, 'job.aborted'), () => board.abort(jobId, memberOf(request)));
  });
  app.get('/v1/jobs/:jobId/log', async (request: JobRequest) => ({ events: events.recent(jobIdOf(request)) }));

  /** What happened lately, then what happens; ends when the job does. */
  app.get('/v1/jobs/:jobId/events', async (request: JobRequest, reply) => {
    const jobId = jobIdOf(request);
    const stream = new EventStream(reply);
    const isEnd = (event: JobEvent) => event.kind === 'job-ended' && event.state !== 'stopped';
    const tell = (event: TimedEvent) => {
      stream.send(event);
      if (isEnd(event)) stream.close();
    };
    const listening = events.listen(jobId, tell);
    void stream.closed.then(() => listening[Symbol.dispose]());
    for (const event of events.recent(jobId)) stream.send(event);
    const { state, reason } = board.status(jobId);
    if (reason === null) return;
    const isTold = events.recent(jobId).some(isEnd);
    if (!isTold) stream.send({ kind: 'job-ended', jobId, state, reason });
    stream.close();
  });

  /** What came of a job that has ended. */
  app.get('/v1/jobs/:jobId/result', async (request: JobRequest) => {
    const jobId = jobIdOf(request);
    const status = board.status(jobId);
    if (status.reason === null) return status;
    const outcome = await audit.doing(asked(request, 'result.exported'), () => board.outcomeAsJson(jobId));
    return { ...status, outcome };
  });
}

/** The job by its name, if it has one, and by its content. */
function submitted(body: unknown): AuditEvent['subjects'] {
  const jobId = (body as { jobId?: unknown } | null)?.jobId;
  const named = jobIdSchema.safeParse(jobId).data;
  return [
    ...(named === undefined ? [] : [auditSubject('job', named)]),
    digestOf(canonicalJson(jsonSchema.safeParse(body).data ?? null)),
  ];
}
