/** The reading room's native interface: every route of the table, and the one hook that says who asks. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Asker } from '../asker.ts';
import { type RouteContract, type RouteName, routeTable } from '../contract/route-table.ts';
import { ReadingError } from '../reading-error.ts';
import { appHandlers } from './app-handlers.ts';
import { imageHandlers } from './image-handlers.ts';
import { labelHandlers, projectHandlers, resultHandlers } from './label-handlers.ts';
import { modelHandlers, promptHandlers, proposalHandlers } from './model-handlers.ts';
import type { Handlers, ReadingContext, Turn } from './reading-context.ts';
import { reviewHandlers, taskHandlers } from './task-handlers.ts';

const jsonBytesMax = 128 * 2 ** 20;

/** Register with a prefix, such as `/reading/v1`. */
export async function readingRoutes(app: FastifyInstance, context: ReadingContext): Promise<void> {
  const askers = new WeakMap<FastifyRequest, Asker>();
  app.addHook('onRequest', async (request, reply) => {
    reply.header('Cache-Control', 'no-store');
    askers.set(request, await context.identify(request));
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new ReadingError('reading.not-found', 'The reading room has no such address.');
  });
  // A file may call itself what it likes.
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: context.fileBytesMax }, (_request, body, done) => {
    done(null, body);
  });
  const handlers: Handlers = {
    ...projectHandlers(context, app.prefix),
    ...appHandlers(context),
    ...taskHandlers(context),
    ...reviewHandlers(context),
    ...labelHandlers(context),
    ...imageHandlers(context),
    ...resultHandlers(context),
    ...modelHandlers(context),
    ...proposalHandlers(context),
    ...promptHandlers(context),
  };
  for (const name of Object.keys(routeTable) as RouteName[]) {
    const contract: RouteContract = routeTable[name];
    const handler = handlers[name] as (turn: Turn<RouteName>) => unknown;
    app.route({
      method: contract.method,
      url: contract.path,
      bodyLimit: contract.body === 'file' ? context.fileBytesMax : jsonBytesMax,
      handler: async (request, reply) => {
        const asker = askers.get(request)!;
        const turn = turnOf(contract, { asker, request, reply });
        const { project } = request.params as { project?: string };
        if (project !== undefined && name !== 'createProject') context.room.enter(asker, project);
        const answer = await handler(turn);
        if (reply.sent || answer === reply) return reply;
        if (typeof contract.answer !== 'string') return reply.type('application/json').send(JSON.stringify(answer));
        if (!reply.hasHeader('content-type')) reply.type(contract.answer);
        return reply.send(Buffer.from(answer as Uint8Array));
      },
    });
  }
}

function turnOf(
  contract: RouteContract,
  { asker, reply, request }: { asker: Asker; request: FastifyRequest; reply: FastifyReply },
): Turn<RouteName> {
  const isFile = contract.body === 'file';
  if (isFile && !(request.body instanceof Uint8Array)) {
    throw new ReadingError('reading.request-malformed', 'The request must carry the bytes of a file.');
  }
  return {
    asker,
    request,
    reply,
    params: parsed(contract.params, request.params, 'address'),
    query: parsed(contract.query, request.query, 'query'),
    body: isFile ? request.body : parsed(contract.body as z.ZodType | undefined, request.body, 'body'),
  } as unknown as Turn<RouteName>;
}

/** @throws ReadingError `reading.request-malformed`, naming the field. */
function parsed(schema: z.ZodType | undefined, received: unknown, part: string): unknown {
  if (schema === undefined) return undefined;
  const { data, error, success } = schema.safeParse(received ?? {});
  if (success) return data;
  const { path, message } = faultOf(error.issues[0]!);
  throw new ReadingError('reading.request-malformed', `The ${part} is wrong at "${path.join('.')}": ${message}.`);
}

/** Of what may be one thing or another, the fault of the one that it is most like. */
function faultOf(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  // Fields that are missing, or that there are not: how far what came is from having been meant as this.
  const weightOf = (faults: readonly z.core.$ZodIssue[]) =>
    faults.reduce((sum, fault) => {
      if (fault.code === 'unrecognized_keys') return sum + fault.keys.length;
      return fault.code === 'invalid_type' && fault.message.endsWith('received undefined') ? sum + 1 : sum;
    }, 0);
  const nearest = issue.errors.toSorted((one, other) => weightOf(one) - weightOf(other))[0]!;
  const inner = faultOf(nearest[0]!);
  return { ...inner, path: [...issue.path, ...inner.path] };
}

const statusOfCode: Readonly<Record<string, number>> = {
  'archive.disk-full': 507,
  'archive.not-writable': 500,
  'archive.instance-damaged': 500,
  'reading.model-crashed': 500,
  'reading.model-failed': 500,
  'reading.role-wanted': 403,
  'reading.not-yours': 403,
  'reading.four-eyes': 403,
  'reading.not-found': 404,
  'reading.lease-expired': 409,
  'reading.model-wanted': 409,
  'reading.project-exists': 409,
  'reading.reader-unblinded': 409,
  'reading.sessions-full': 409,
  'reading.state-wrong': 409,
  'reading.stroke-conflict': 409,
  'reading.stroke-gap': 409,
  'reading.submitted-already': 409,
  'reading.trial-wanted': 409,
  'reading.validation-wanted': 409,
  'reading.version-conflict': 409,
  'reading.version-stale': 409,
};

function statusOf(code: string): number {
  const unknown = /\.(?:app|project|protocol|case|task|version|series|model|work|session)-unknown$/.test(code);
  return statusOfCode[code] ?? (unknown ? 404 : 400);
}

function answerError(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void {
  const { code } = error as { code?: unknown };
  // Errors of the reading room, of the archive and of its people: their messages are made to be shown.
  if (typeof code === 'string' && /^(?:reading|archive|people)\./.test(code)) {
    reply.code(error.statusCode ?? statusOf(code)).send({ code, message: error.message });
    return;
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const message = status >= 500 ? 'The reading room failed: the log of the archive says more.' : error.message;
  reply.code(status).send({ code: status >= 500 ? 'reading.failed' : 'reading.request-malformed', message });
}
