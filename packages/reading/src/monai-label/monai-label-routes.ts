/**
 * MONAI Label's REST interface over a reading project, for its clients as they are: 3D Slicer, OHIF, the Python client. The
 * contract is that of MONAI Label 0.8; what is particular to this side is in docs/guides/monai-label.md.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError, makeDirectory } from '@consilium/archive';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ReadingError } from '../reading-error.ts';
import { BackgroundTasks } from './background-tasks.ts';
import { datasetZip } from './dataset-zip.ts';
import { Datastore } from './datastore.ts';
import { datastoreRoutes } from './datastore-routes.ts';
import { Gate } from './gate.ts';
import { ImageSessions } from './image-sessions.ts';
import { inferRoutes } from './infer-routes.ts';
import { MalformedRequest } from './malformed-request.ts';
import { modelRoutes } from './model-routes.ts';
import {
  type AddRoute,
  attach,
  type MonaiContext,
  type MonaiLabelOptions,
  queryOf,
  routeAdder,
} from './monai-context.ts';
import { nextSample } from './next-sample.ts';
import { infoOf } from './project-info.ts';
import { monaiRouteNeeds } from './route-needs.ts';
import { ohifRoutes, proxyRoutes, serviceRoutes } from './service-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { taskRoutes } from './task-routes.ts';

/** Register with the prefix of the settings. */
export async function monaiLabelRoutes(app: FastifyInstance, options: MonaiLabelOptions): Promise<void> {
  const { clock, identify, room, settings } = options;
  const directory = join(options.directory, 'monai-label');
  const uploads = join(directory, 'uploads');
  // What an earlier process had half received.
  await rm(uploads, { recursive: true, force: true });
  await makeDirectory(uploads, 0o700);
  const gate = new Gate({ settings, identify, nowMs: () => clock.nowMs() });
  const sessions = await ImageSessions.open(join(directory, 'sessions'), clock, settings);
  const tasks = new BackgroundTasks(clock);
  const datastore = new Datastore(room, settings.project);
  const context: MonaiContext = { ...options, gate, datastore, sessions, tasks, uploads };
  app.addHook('onClose', async () => {
    await tasks[Symbol.asyncDispose]();
    await sessions[Symbol.asyncDispose]();
  });
  app.addHook('onRequest', async (request, reply) => {
    repairHeaders(request, reply);
    await gate.letIn(request, reply);
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new ReadingError('reading.not-found', 'There is no such address.');
  });
  // Bodies are read by the routes themselves, as they arrive.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.options('/*', { config: { monaiLabel: monaiRouteNeeds['OPTIONS /*'] } }, (_request, reply) =>
    reply.code(204).send(),
  );
  await addRoutes(app, context);
}

async function addRoutes(app: FastifyInstance, context: MonaiContext): Promise<void> {
  const add: AddRoute = routeAdder(app, context.gate);
  add('GET /info/', (turn) => infoOf(context, turn));
  add('POST /activelearning/:strategy', (turn) => nextSample(context, turn));
  datastoreRoutes(add, context);
  add('GET /datastore/dataset', (turn) => {
    const { limit_cases: limit } = queryOf(
      z.object({ limit_cases: z.coerce.number().int().min(1).default(1_000_000) }),
      turn,
    );
    return attach(turn, 'dataset.zip', 'application/zip').send(datasetZip(context, turn.asker, limit));
  });
  sessionRoutes(add, context);
  taskRoutes(add, context);
  inferRoutes(add, context);
  modelRoutes(add, context);
  serviceRoutes(add, context);
  await ohifRoutes(app, { add, context });
  proxyRoutes(app, add, context);
}

/**
 * With a token, MONAI Label's client sends type and length of the last body with requests that have none, and waits for an
 * answer: nobody may wait for that body.
 */
function repairHeaders(request: FastifyRequest, reply: FastifyReply): void {
  if (!/^(?:GET|HEAD|DELETE)$/.test(request.method)) return;
  if (request.raw.headers['content-length'] !== undefined) reply.header('Connection', 'close');
  delete request.raw.headers['content-type'];
  delete request.raw.headers['content-length'];
}

const statusOfCode: Readonly<Record<string, number>> = {
  'archive.disk-full': 507,
  'archive.not-writable': 500,
  'archive.instance-damaged': 500,
  'reading.login-refused': 401,
  'reading.role-wanted': 403,
  'reading.not-yours': 403,
  'reading.four-eyes': 403,
  'reading.foreign-page': 403,
  'reading.erasure-elsewhere': 403,
  'reading.info-kept': 403,
  'reading.version-kept': 403,
  'reading.not-found': 404,
  'reading.upload-too-large': 413,
  'reading.request-malformed': 422,
  'reading.task-running': 429,
  'reading.sessions-full': 429,
  'reading.lease-expired': 409,
  'reading.state-wrong': 409,
  'reading.submitted-already': 409,
  'reading.version-conflict': 409,
  'reading.version-stale': 409,
  'reading.form-incomplete': 409,
  'reading.infer-failed': 500,
  'reading.infer-unavailable': 501,
};

/** As FastAPI says it, with the code besides. */
function answerError(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void {
  // What is left of a body is not read.
  if (!/^(?:GET|HEAD)$/.test(request.method)) reply.header('Connection', 'close');
  if (error instanceof MalformedRequest) {
    const { code, message, place } = error;
    const detail = [{ loc: place, msg: message, type: 'value_error' }];
    reply.code(statusOfCode[code]!).send({ code, detail });
    return;
  }
  if (error instanceof ReadingError || error instanceof ArchiveError) {
    const { code, message } = error;
    const isUnknown = /\.(?:project|protocol|case|task|version|series|session|model)-unknown$/.test(code);
    const status = statusOfCode[code] ?? (isUnknown ? 404 : 400);
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer');
    reply.code(status).send({ code, detail: message });
    return;
  }
  const { code } = error as { code?: unknown };
  const status = error.statusCode ?? 500;
  // Of the archive's people: their messages are made to be shown.
  if (typeof code === 'string' && code.startsWith('people.')) {
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer');
    reply.code(status).send({ code, detail: error.message });
    return;
  }
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const detail = status >= 500 ? 'The reading room failed: the log of the archive says more.' : error.message;
  reply.code(status).send({ code: status >= 500 ? 'reading.failed' : 'reading.request-malformed', detail });
}
