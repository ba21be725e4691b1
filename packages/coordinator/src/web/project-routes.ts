/** The routes of a coordinator's pages, made from the table of `api.ts`: what each of them does. */
import { X509Certificate } from 'node:crypto';
import { type AuditAction, type AuditLog, AuditReader, alarmsOf, auditActions, auditSubject } from '@consilium/audit';
import type { Clock, JobBoard } from '@consilium/federation';
import { type Access, answerPeopleError, PeopleError } from '@consilium/people';
import type { JobId } from '@consilium/protocol';
import { answerError, EventStream, encodeInvitation, fingerprintOf, Refusal } from '@consilium/transport';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Answer, type Read, type RouteContract, type RouteName, routes } from '../api.ts';
import type { MemberActs } from '../member-acts.ts';
import type { Member, MemberRegistry } from '../member-registry.ts';
import { refusalOf } from '../routes/job-refusal.ts';
import type { ExperimentShelf } from './experiment-shelf.ts';
import { type JobFacts, metricsCsv } from './job-facts.ts';
import type { ProjectFacts } from './project-facts.ts';
import type { ProjectNewsroom } from './project-news.ts';
import type { PublicationFile } from './publication-file.ts';

export interface ProjectRoutesOptions {
  readonly access: Access;
  readonly audit: AuditLog;
  /** Directory of the audit log. */
  readonly auditDirectory: string;
  readonly board: JobBoard;
  readonly registry: MemberRegistry;
  readonly members: MemberActs;
  readonly jobs: JobFacts;
  readonly facts: ProjectFacts;
  readonly experiments: ExperimentShelf;
  readonly publication: PublicationFile;
  readonly news: ProjectNewsroom;
  readonly project: string;
  /** Where sites reach the coordinator. */
  readonly origin: string;
  /** PEM. */
  readonly authorityCertificate: string;
  readonly clock: Clock;
  /** Ends streams of events. */
  readonly signal: AbortSignal;
}

const recordBytesMax = 64 * 2 ** 20;
const lookEveryMs = 10_000;

type JsonRoute = Exclude<RouteName, 'events' | 'jobMetrics'>;
type Handlers = {
  readonly [N in JsonRoute]: (asked: Read<N>, request: FastifyRequest) => Answer<N> | Promise<Answer<N>>;
};

export async function projectRoutes(app: FastifyInstance, options: ProjectRoutesOptions): Promise<void> {
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store');
  });
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof PeopleError) answerPeopleError(error, reply);
    else answerError(refusalOf(error), request, reply);
  });
  for (const [name, handle] of Object.entries(handlersOf(options)) as [JsonRoute, Handlers[JsonRoute]][]) {
    const { method, path } = routes[name];
    app.route({
      ...{ method, url: path, bodyLimit: name === 'putExperiment' ? recordBytesMax : 2 ** 20 },
      handler: async (request) => (handle as Handlers['overview'])(readOf(name, request) as Read<'overview'>, request),
    });
  }
  addMetrics(app, options);
  addEvents(app, options);
}

function handlersOf(options: ProjectRoutesOptions): Handlers {
  return { ...jobHandlers(options), ...memberHandlers(options), ...recordHandlers(options) };
}

type JobHandlers = Pick<
  Handlers,
  'jobs' | 'job' | 'pause' | 'resume' | 'abort' | 'overview' | 'matrix' | 'fingerprints'
>;

function jobHandlers({ access, audit, board, facts, jobs }: ProjectRoutesOptions): JobHandlers {
  type Asked = Pick<Read<'pause'>, 'params'>;
  const act = (action: AuditAction, change: (jobId: JobId, by: string) => Promise<Answer<'pause'>>) => {
    return ({ params }: Asked, request: FastifyRequest) => {
      const jobId = jobs.idOf(params.jobId);
      const actor = access.actorOf(request);
      return audit.doing({ actor, action, subjects: [{ kind: 'job', id: jobId }] }, () => change(jobId, actor.id));
    };
  };
  return {
    overview: () => facts.overview(),
    matrix: () => facts.matrix(),
    fingerprints: () => facts.fingerprints(),
    jobs: () => jobs.list(),
    job: ({ params }) => jobs.details(jobs.idOf(params.jobId)),
    pause: act('job.paused', (jobId) => board.pause(jobId)),
    resume: act('job.resumed', (jobId) => board.resume(jobId)),
    abort: act('job.aborted', (jobId, by) => board.abort(jobId, by)),
  };
}

type MemberHandlers = Pick<Handlers, 'members' | 'invite' | 'admit' | 'revoke'>;

function memberHandlers(options: ProjectRoutesOptions): MemberHandlers {
  const { access, authorityCertificate, members, origin: coordinator, project, registry } = options;
  return {
    members: () => registry.list().map(publicly),
    invite: async ({ body: { hours, ...whom } }, request) => {
      const token = await members.invite(access.actorOf(request), whom, hours);
      const authority = fingerprintOf(new X509Certificate(authorityCertificate).raw);
      return { invitation: encodeInvitation({ ...whom, project, coordinator, authority, token }) };
    },
    admit: async ({ body }, request) => publicly(await members.admit(access.actorOf(request), body)),
    revoke: async ({ body }, request) => publicly(await members.revoke(access.actorOf(request), body)),
  };
}

type RecordHandlers = Pick<
  Handlers,
  'audit' | 'privacy' | 'experiments' | 'experiment' | 'putExperiment' | 'publication' | 'putPublication'
>;

function recordHandlers(options: ProjectRoutesOptions): RecordHandlers {
  const { access, audit, auditDirectory, experiments, facts, news, project, publication } = options;
  return {
    privacy: () => facts.privacy(),
    audit: ({ query: { about, action, last } }) => {
      audit.flush();
      using reader = AuditReader.open(auditDirectory);
      const { root, size } = reader.head;
      const entries = reader.entries({ about, action, last }).map(({ previous: _, ...entry }) => entry);
      const alarms = alarmsOf(audit.database).map(({ code, origin, time }) => ({ origin, code, time }));
      return { entries: entries.reverse(), size, root, alarms, actions: auditActions };
    },
    experiments: () => experiments.list(),
    experiment: ({ params }) => experiments.record(params.id),
    putExperiment: async ({ body, params }, request) => {
      const subjects = [auditSubject('project', params.id)];
      const event = { actor: access.actorOf(request), action: 'experiment.put', subjects } as const;
      const entry = await audit.doing(event, () => experiments.put(params.id, body));
      news.tell({ kind: 'experiments' });
      return entry;
    },
    publication: async () => ({ publication: await publication.read(), file: publication.path }),
    putPublication: async ({ body }, request) => {
      const subjects = [auditSubject('project', project)];
      const event = { actor: access.actorOf(request), action: 'publication.written', subjects } as const;
      await audit.doing(event, () => publication.write(body));
      news.tell({ kind: 'publication' });
      return { file: publication.path };
    },
  };
}

function addMetrics(app: FastifyInstance, { access, audit, jobs }: ProjectRoutesOptions): void {
  app.get(routes.jobMetrics.path, async (request, reply) => {
    const jobId = jobs.idOf(readOf('jobMetrics', request).params.jobId);
    const actor = access.actorOf(request);
    const event = { actor, action: 'result.exported', subjects: [{ kind: 'job', id: jobId }] } as const;
    const text = await audit.doing(event, async () => metricsCsv(await jobs.details(jobId)));
    reply.header('Content-Disposition', `attachment; filename="${jobId}.csv"`);
    return reply.type('text/csv; charset=utf-8').send(text);
  });
}

/** A page that is open learns what happens for as long as whoever looks at it would be let in. */
function addEvents(app: FastifyInstance, { access, clock, news, signal }: ProjectRoutesOptions): void {
  app.get(routes.events.path, async (request: FastifyRequest, reply: FastifyReply) => {
    const stream = new EventStream(reply);
    const isIn = () => access.isStillIn(request, routes.events.needs) || stream.close();
    const listening = news.listen((event) => void (isIn() && stream.send(event)));
    const over = new AbortController();
    const end = () => stream.close();
    signal.addEventListener('abort', end, { once: true });
    void stream.closed.then(() => {
      over.abort();
      listening[Symbol.dispose]();
      signal.removeEventListener('abort', end);
    });
    // The request is what this outlives: it is not waited for.
    void (async () => {
      while (!over.signal.aborted) {
        await clock.sleep(lookEveryMs, over.signal);
        isIn();
      }
    })();
  });
}

/** @throws Refusal `coordinator.bad-request`, naming the field, never its value. */
function readOf<N extends RouteName>(name: N, { body, params, query }: FastifyRequest): Read<N> {
  const route: RouteContract = routes[name];
  return {
    params: route.params && parsed(route.params, params),
    query: route.query && parsed(route.query, query),
    body: route.body && parsed(route.body, body),
  } as Read<N>;
}

function parsed(schema: z.ZodType, received: unknown): unknown {
  const { data, error, success } = schema.safeParse(received ?? {});
  if (success) return data;
  const { message, path } = error.issues[0]!;
  throw new Refusal(400, 'coordinator.bad-request', `The request is wrong at "${path.join('.')}": ${message}.`);
}

function publicly({ fingerprint, id, role, state }: Member): Answer<'members'>[number] {
  return { role: role === 'site' ? role : 'member', id, state, fingerprint };
}
