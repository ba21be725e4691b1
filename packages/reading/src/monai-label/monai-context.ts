/** What the routes of MONAI Label's interface work with. */
import { createReadStream } from 'node:fs';
import type { Archive, ArchiveClock } from '@consilium/archive';
import type { AuditLog } from '@consilium/audit';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { Asker } from '../asker.ts';
import type { ReadingRoom } from '../reading-room.ts';
import type { BackgroundTasks } from './background-tasks.ts';
import type { Datastore } from './datastore.ts';
import type { Gate } from './gate.ts';
import type { ImageSessions } from './image-sessions.ts';
import { malformed } from './malformed-request.ts';
import type { MonaiLabelSettings } from './monai-label-settings.ts';
import { addressesOf, type MonaiRoute, monaiRouteNeeds } from './route-needs.ts';
import { UploadedForm } from './uploaded-form.ts';

/** What whoever serves the interface gives. */
export interface MonaiLabelOptions {
  readonly settings: MonaiLabelSettings;
  readonly room: ReadingRoom;
  readonly archive: Archive;
  /** Of the archive. */
  readonly audit: AuditLog;
  readonly clock: ArchiveClock;
  /** Of the archive: files on their way lie under it. */
  readonly directory: string;
  /** Of the archive's own DICOMweb. */
  readonly dicomwebPath: string;
  /** Says who asks. Throws if it is nobody who may. */
  readonly identify: (request: FastifyRequest) => Asker | Promise<Asker>;
  /** Throws unless who asks may send images into the archive; asked where `auth` is not off. */
  readonly checkStoring: (request: FastifyRequest) => void;
  /** A token for who logs in with a name and a password; undefined if these are wrong. */
  readonly logIn: (name: string, password: string) => Promise<string | undefined>;
}

export interface MonaiContext extends MonaiLabelOptions {
  readonly gate: Gate;
  readonly datastore: Datastore;
  readonly tasks: BackgroundTasks;
  readonly sessions: ImageSessions;
  readonly uploads: string;
}

export interface MonaiTurn {
  readonly asker: Asker;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly params: Readonly<Record<string, string>>;
}

export type MonaiHandler = (turn: MonaiTurn) => unknown;
export type AddRoute = (route: MonaiRoute, handler: MonaiHandler) => void;

/** A boolean in a query, as Python and browsers write it. */
export const truth = z
  .enum(['true', 'false', 'True', 'False', '1', '0'])
  .transform((text) => /^(?:true|1)$/i.test(text));

const jsonBytesMax = 32 * 2 ** 20;
const filesMax = 2000;

export function routeAdder(app: FastifyInstance, gate: Gate): AddRoute {
  return (route, handler) => {
    for (const url of addressesOf(route)) {
      app.route({
        method: route.slice(0, route.indexOf(' ')) as HTTPMethods,
        ...{ url, config: { monaiLabel: monaiRouteNeeds[route] }, exposeHeadRoute: false },
        handler: async (request, reply) => {
          const params = request.params as Record<string, string>;
          const answer = await handler({ asker: gate.asker(request), params, reply, request });
          // As FastAPI says nothing.
          return answer === undefined || answer === null ? reply.type('application/json').send('null') : answer;
        },
      });
    }
  };
}

/** @throws ReadingError `reading.request-malformed`, naming the field. */
export function queryOf<S extends z.ZodType>(schema: S, { request }: MonaiTurn): z.output<S> {
  return checked(schema, request.query, 'query');
}

export function checked<S extends z.ZodType>(schema: S, received: unknown, place: string): z.output<S> {
  const { data, error } = schema.safeParse(received ?? {});
  if (error === undefined) return data as z.output<S>;
  const { message, path } = error.issues[0]!;
  throw malformed([place, ...path].join('.'), `is wrong: ${message}`);
}

/** The body as a JSON object; nothing is an empty one. @throws ReadingError `reading.request-malformed` */
export async function jsonOf({ request }: Pick<MonaiTurn, 'request'>): Promise<Record<string, unknown>> {
  return objectOf(await textOf(request), 'body');
}

/** The fields of a form, also as a browser without files sends it, and its files. */
export async function formOf(context: MonaiContext, { request }: Pick<MonaiTurn, 'request'>): Promise<UploadedForm> {
  const fileBytesMax = context.settings.uploadMegabytesMax * 2 ** 20;
  if (/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    return UploadedForm.of(new Map(new URLSearchParams(await textOf(request))));
  }
  return UploadedForm.read(request.raw, context.uploads, { fileBytesMax, filesMax });
}

/** JSON in a field of a form. */
export function objectOf(text: string | undefined, place: string): Record<string, unknown> {
  if (text === undefined || text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw malformed(place, 'is no JSON');
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw malformed(place, 'must be a JSON object');
  return parsed as Record<string, unknown>;
}

async function textOf(request: FastifyRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.raw as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > jsonBytesMax) throw malformed('body', 'is larger than is taken', 'reading.upload-too-large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function attach(
  { reply }: Pick<MonaiTurn, 'reply'>,
  name: string,
  type = 'application/octet-stream',
): FastifyReply {
  return reply.type(type).header('Content-Disposition', `attachment; filename="${name}"`);
}

export function sendFile(turn: Pick<MonaiTurn, 'reply'>, path: string, name: string): FastifyReply {
  return attach(turn, name).send(createReadStream(path));
}
