/** Routes of STOW-RS (PS3.18 10.5): each part goes to the door before the next one is read. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError } from '../archive-error.ts';
import type { DicomwebContext } from './dicomweb-options.ts';
import { acceptedTypes, includes, parseMediaType } from './media-type.ts';
import { boundaryOf, readMultipart } from './multipart-reader.ts';
import { type StoredItem, storePart, stowAnswer } from './stow.ts';
import { notAcceptable } from './wado.ts';

export function stowRoutes(app: FastifyInstance, context: DicomwebContext): void {
  const store = { config: { dicomweb: 'store' }, bodyLimit: Number.MAX_SAFE_INTEGER } as const;
  for (const path of ['/studies', '/studies/:study']) {
    app.post(path, store, (request, reply) => receive(request, reply, context));
  }
}

async function receive(request: FastifyRequest, reply: FastifyReply, context: DicomwebContext): Promise<FastifyReply> {
  const { budget, door, idleMs, instanceBytesMax } = context;
  const accepted = acceptedTypes(request.headers.accept);
  if (!accepted.some((range) => includes(range, 'application/dicom+json') || includes(range, 'application/json'))) {
    throw notAcceptable();
  }
  const contentType = request.headers['content-type'] ?? '';
  const boundary = boundaryOf(contentType);
  const type = (parseMediaType(contentType).parameters.get('type') ?? 'application/dicom').toLowerCase();
  if (boundary === undefined || type !== 'application/dicom') {
    throw new ArchiveError(
      'archive.media-type-unsupported',
      'Instances are taken as multipart/related of application/dicom.',
    );
  }
  const { study: studyInstanceUid } = request.params as { study?: string };
  const items: StoredItem[] = [];
  const holder = {};
  try {
    const take = (bytes: number) => budget.take(holder, bytes);
    const body = idleLimited(request, idleMs);
    for await (const part of readMultipart(body, boundary, { partBytesMax: instanceBytesMax, take })) {
      items.push(await storePart(part, { door, peer: request.dicomwebClient, studyInstanceUid }));
      budget.letGo(holder);
    }
  } finally {
    budget.letGo(holder);
  }
  const { body, status } = stowAnswer(items);
  return reply.code(status).type('application/dicom+json').send(JSON.stringify(body));
}

/** @throws ArchiveError `archive.sender-silent`, `archive.multipart-malformed` if the connection breaks */
async function* idleLimited({ raw }: FastifyRequest, idleMs: number): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = raw[Symbol.asyncIterator]();
  for (;;) {
    // Only while the sender is waited for: not while we store.
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(silent()), idleMs);
    let next: IteratorResult<Uint8Array>;
    try {
      next = await Promise.race([chunks.next(), silence]);
    } catch (error) {
      if (error instanceof ArchiveError) throw error;
      throw new ArchiveError('archive.multipart-malformed', 'The connection broke within the body.', { cause: error });
    } finally {
      clearTimeout(timer);
    }
    if (next.done === true) return;
    yield next.value;
  }
}

function silent(): ArchiveError {
  return new ArchiveError('archive.sender-silent', 'The sender was silent for too long.');
}
