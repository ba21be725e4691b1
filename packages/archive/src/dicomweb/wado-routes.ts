/** Routes of WADO-RS that give out what is stored: instances, metadata, frames and values (PS3.18 10.4). */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError } from '../archive-error.ts';
import type { StoredInstance } from '../catalogue-query.ts';
import { elementAt, jsonOf, littleEndianBytes } from './dicom-json.ts';
import type { DicomwebContext } from './dicomweb-options.ts';
import { frameCountOf } from './frame-bytes.ts';
import { instancesOf, instanceUrl } from './instance-lookup.ts';
import { acceptedTypes, includes } from './media-type.ts';
import { type WrittenPart, writeMultipart } from './multipart-writer.ts';
import {
  frameForm,
  frameNumbers,
  frameParts,
  instanceFile,
  instanceForm,
  instanceParts,
  isRelated,
  notAcceptable,
  readFile,
  typeOf,
} from './wado.ts';

const levels = [
  '/studies/:study',
  '/studies/:study/series/:series',
  '/studies/:study/series/:series/instances/:instance',
];
const instanceLevel = levels[2]!;
const read = { config: { dicomweb: 'read' } } as const;

export function wadoRoutes(app: FastifyInstance, context: DicomwebContext): void {
  for (const path of levels) {
    app.get(path, read, (request, reply) => sendInstances(request, reply, context));
    app.get(`${path}/metadata`, read, (request, reply) => sendMetadata(request, reply, context));
  }
  app.get(`${instanceLevel}/frames/:frames`, read, (request, reply) => sendFrames(request, reply, context));
  app.get(`${instanceLevel}/bulkdata/*`, read, (request, reply) => sendBulkdata(request, reply, context));
}

async function sendInstances(request: FastifyRequest, reply: FastifyReply, context: DicomwebContext) {
  const { catalogue, rootUrlOf } = context;
  const instances = instancesOf(request, catalogue);
  const form = instanceForm(acceptedTypes(request.headers.accept), instances);
  if (!form.multipart) {
    const { bytes, transferSyntaxUid } = await instanceFile(catalogue, instances[0]!, form);
    return reply.type(`application/dicom;transfer-syntax=${transferSyntaxUid}`).send(Buffer.from(bytes));
  }
  const root = rootUrlOf(request);
  const parts = instanceParts(catalogue, instances, { form, urlOf: (instance) => instanceUrl(root, instance) });
  // One that cannot be given out so is told before the answer begins.
  const first = await parts.next();
  return sendParts(reply, withFirst(first, parts), { type: 'application/dicom', seed: instances[0]!.sha256 });
}

async function sendMetadata(request: FastifyRequest, reply: FastifyReply, context: DicomwebContext) {
  const { catalogue, rootUrlOf } = context;
  const accepted = acceptedTypes(request.headers.accept);
  const isJson = (range: (typeof accepted)[number]) =>
    includes(range, 'application/dicom+json') || includes(range, 'application/json');
  if (!accepted.some(isJson)) throw notAcceptable();
  const root = rootUrlOf(request);
  const instances = instancesOf(request, catalogue);
  return reply.type('application/dicom+json').send(Readable.from(metadataTexts(context, instances, root)));
}

async function* metadataTexts({ catalogue }: DicomwebContext, instances: readonly StoredInstance[], root: string) {
  for (const [index, instance] of instances.entries()) {
    const { data } = await readFile(catalogue, instance);
    const base = `${instanceUrl(root, instance)}/bulkdata`;
    const json = jsonOf(data, { bulkDataUri: (path) => `${base}/${path.join('/')}` });
    yield `${index === 0 ? '[' : ','}${JSON.stringify(json)}`;
  }
  yield ']';
}

async function sendFrames(request: FastifyRequest, reply: FastifyReply, { catalogue }: DicomwebContext) {
  const [instance] = instancesOf(request, catalogue);
  const { transferSyntaxUid } = instance!;
  const text = (request.params as { frames: string }).frames;
  const form = frameForm(acceptedTypes(request.headers.accept), { transferSyntaxUid, frames: text.split(',').length });
  const file = await readFile(catalogue, instance!);
  const parts = frameParts(file, frameNumbers(text, file), form);
  // A frame that cannot be decoded is told before the answer begins.
  const first = await parts.next();
  if (!form.multipart && first.value !== undefined) {
    return reply.type(first.value.contentType).send(Buffer.from(first.value.bytes));
  }
  const type = first.value?.contentType.split(';')[0] ?? 'application/octet-stream';
  return sendParts(reply, withFirst(first, parts), { type, seed: instance!.sha256 });
}

async function sendBulkdata(request: FastifyRequest, reply: FastifyReply, { catalogue }: DicomwebContext) {
  const [instance] = instancesOf(request, catalogue);
  const accepted = acceptedTypes(request.headers.accept);
  const octets = 'application/octet-stream';
  const range = accepted.find(
    (one) => includes(one, octets) || (isRelated(one) && ['', octets, '*/*'].includes(typeOf(one))),
  );
  if (range === undefined) throw notAcceptable();
  const file = await readFile(catalogue, instance!);
  const found = elementAt(file.data, (request.params as { '*': string })['*'].split('/'));
  if (found === undefined || found.element.items !== undefined) {
    throw new ArchiveError('archive.not-found', 'The instance has no such value.');
  }
  const { fragments } = found.element;
  if (fragments === undefined) {
    const bytes = littleEndianBytes(found.data, found.element);
    if (!isRelated(range)) return reply.type(octets).send(Buffer.from(bytes));
    return sendParts(reply, one({ contentType: octets, bytes }), { type: octets, seed: instance!.sha256 });
  }
  // Compressed pixels are frames, of their own type.
  const numbers = Array.from({ length: frameCountOf(file) }, (_, index) => index + 1);
  const parts = frameParts(file, numbers, { multipart: true, plain: false });
  return sendParts(reply, parts, { type: octets, seed: instance!.sha256 });
}

function sendParts(
  reply: FastifyReply,
  parts: AsyncIterable<WrittenPart>,
  { seed, type }: { type: string; seed: string },
): FastifyReply {
  // Not in the content but for a hash of itself.
  const boundary = createHash('sha256').update(`boundary ${seed}`).digest('hex').slice(0, 32);
  return reply
    .type(`multipart/related; type="${type}"; boundary=${boundary}`)
    .send(Readable.from(writeMultipart(parts, boundary), { objectMode: false, highWaterMark: 256 * 1024 }));
}

async function* withFirst<T>(first: IteratorResult<T, unknown>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}
