/**
 * Blobs over HTTP, both ways: `/v1/blobs/:id` is a manifest, `/v1/chunks/:id` the bytes of a chunk. Who offers a blob
 * puts its manifest, hears which chunks are missing, puts those, and puts the manifest again; one that is a single chunk
 * may be put as its bytes in one request. Memory is bounded by a number of chunks, however many sites are connected and
 * however slow they are.
 */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type BlobStore, blobIdOf, FederationError } from '@consilium/federation';
import {
  type BlobId,
  blobIdSchema,
  type ChunkId,
  chunkBytes,
  chunkIdSchema,
  type Manifest,
  manifestSchema,
} from '@consilium/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ChunkBuffers } from './chunk-buffers.ts';
import { ChunkLoans } from './chunk-loans.ts';
import { answerError } from './error-answer.ts';
import { Refusal } from './refusal.ts';
import { SignsOfLife } from './signs-of-life.ts';
import { streamOf } from './slice.ts';
import { TransportError } from './transport-error.ts';
import { collectAfter } from './young-garbage.ts';

export interface BlobRoutesOptions {
  readonly store: BlobStore;
  /** Throws (a `Refusal`, say) unless the request may be answered. Nothing of its body has been read yet. */
  readonly authorise: (request: FastifyRequest) => void | Promise<void>;
  /** Told of every chunk that arrived and was kept; its bytes are good until this returns. */
  readonly onChunk?: (id: ChunkId, bytes: Uint8Array) => void;
  /** Chunks of 8 MiB in memory at a time, in each direction. */
  readonly chunksInMemoryMax?: number;
  readonly blobBytesMax?: number;
  /** How often a request that advances says so. */
  readonly signOfLifeMs?: number;
}

/** A manifest of 2 TiB. */
const manifestBodyBytesMax = 20 * 2 ** 20;

export async function blobRoutes(app: FastifyInstance, options: BlobRoutesOptions): Promise<void> {
  const {
    store,
    authorise,
    onChunk = () => {},
    chunksInMemoryMax = 6,
    blobBytesMax = 2 ** 41,
    signOfLifeMs = 5000,
  } = options;
  const arrivals = new ChunkBuffers(chunksInMemoryMax);
  const loans = new ChunkLoans(store, chunksInMemoryMax);

  app.setErrorHandler(answerError);
  app.addHook('onRequest', async (request) => authorise(request));
  app.removeContentTypeParser('application/octet-stream');
  app.addContentTypeParser('application/octet-stream', async (_request: FastifyRequest, body: Readable) => body);

  app.get('/v1/blobs/:id', (request): Promise<Manifest> => manifestIn(request));

  app.put('/v1/blobs/:id', { bodyLimit: manifestBodyBytesMax }, async (request, reply) => {
    using signs = new SignsOfLife(reply.raw, signOfLifeMs);
    const id = blobIdIn(request);
    if (request.body instanceof Readable) {
      await keepWhole(id, request, signs);
      return reply.code(204).send();
    }
    const manifest = parse(manifestSchema, request.body);
    if (blobIdOf(manifest) !== id) throw new Refusal(400, 'transport.hash-mismatch', 'Another manifest has that name.');
    if (manifest.bytes > blobBytesMax) throw new Refusal(413, 'transport.body-too-large', 'The blob is too large.');
    const missing = await missingOf(store, manifest);
    if (missing.length > 0) return { missing };
    return signs.during(conclude(store, manifest));
  });

  /** A blob of one chunk. */
  async function keepWhole(id: BlobId, request: FastifyRequest, signs: SignsOfLife): Promise<void> {
    const bytes = lengthOf(request);
    using buffer = await signs.during(arrivals.take(bytes));
    await readBody(request.body, buffer.bytes, signs);
    const manifestOf = (chunk: ChunkId): Manifest => ({ bytes, chunks: [chunk] });
    const isWanted = (chunk: ChunkId): boolean => blobIdOf(manifestOf(chunk)) === id;
    for (;;) {
      const chunk = await signs.during(store.putChunk(buffer.bytes, isWanted));
      if (!isWanted(chunk)) throw new Refusal(400, 'transport.hash-mismatch', 'Other bytes have that name.');
      onChunk(chunk, buffer.bytes);
      if ('complete' in (await signs.during(conclude(store, manifestOf(chunk))))) return;
    }
  }

  app.get('/v1/chunks/:id', (request, reply) => sendChunk(chunkIdIn(request), reply));

  async function manifestIn(request: FastifyRequest): Promise<Manifest> {
    const manifest = await store.getManifest(blobIdIn(request));
    if (manifest === undefined) throw new Refusal(404, 'transport.blob-missing', 'There is no such blob.');
    return manifest;
  }

  async function sendChunk(id: ChunkId, reply: FastifyReply): Promise<FastifyReply> {
    using signs = new SignsOfLife(reply.raw, signOfLifeMs);
    const loan = await signs.during(loans.borrow(id));
    if (reply.raw.destroyed) loan[Symbol.dispose]();
    else reply.raw.once('close', () => loan[Symbol.dispose]());
    reply.header('content-length', loan.bytes.length).type('application/octet-stream');
    return reply.send(streamOf(loan.bytes));
  }

  app.put('/v1/chunks/:id', async (request, reply) => {
    using signs = new SignsOfLife(reply.raw, signOfLifeMs);
    const id = chunkIdIn(request);
    const length = lengthOf(request);
    using buffer = await signs.during(arrivals.take(length));
    await readBody(request.body, buffer.bytes, signs);
    const isWanted = (chunk: ChunkId): boolean => chunk === id;
    if (!isWanted(await signs.during(store.putChunk(buffer.bytes, isWanted)))) {
      throw new Refusal(400, 'transport.hash-mismatch', 'Other bytes have that name.');
    }
    onChunk(id, buffer.bytes);
    return reply.code(204).send();
  });
}

async function missingOf(store: BlobStore, { chunks }: Manifest): Promise<number[]> {
  const present = new Map<ChunkId, boolean>();
  for (const id of chunks) if (!present.has(id)) present.set(id, await store.hasChunk(id));
  return chunks.flatMap((id, index) => (present.get(id) ? [] : [index]));
}

async function conclude(store: BlobStore, manifest: Manifest): Promise<{ complete: true } | { missing: number[] }> {
  try {
    await store.putManifest(manifest);
    return { complete: true };
  } catch (error) {
    const isMissing =
      (error instanceof TransportError && error.code === 'transport.chunk-missing') ||
      (error instanceof FederationError && error.code === 'federation.chunk-missing');
    if (!isMissing) throw error;
    // Forgotten since we looked, with another blob that had it.
    return { missing: await missingOf(store, manifest) };
  }
}

function lengthOf(request: FastifyRequest): number {
  const length = Number(request.headers['content-length']);
  if (!Number.isSafeInteger(length)) throw new Refusal(411, 'transport.request-malformed', 'Its length is not given.');
  if (length > chunkBytes) throw new Refusal(413, 'transport.body-too-large', 'A chunk has at most 8 MiB.');
  return length;
}

async function readBody(body: unknown, into: Uint8Array, signs: SignsOfLife): Promise<void> {
  if (!(body instanceof Readable)) {
    throw new Refusal(415, 'transport.request-malformed', 'A chunk is sent as application/octet-stream.');
  }
  let filled = 0;
  // Not an async iterator: that costs as much again as reading.
  body.on('data', (part: Uint8Array) => {
    into.set(part, filled);
    filled += part.length;
    signs.advance();
    collectAfter(part.length);
  });
  await finished(body, { writable: false });
  if (filled < into.length) {
    throw new Refusal(400, 'transport.request-malformed', 'The body is shorter than announced.');
  }
}

function blobIdIn(request: FastifyRequest): BlobId {
  return parse(blobIdSchema, (request.params as { id: unknown }).id);
}

function chunkIdIn(request: FastifyRequest): ChunkId {
  return parse(chunkIdSchema, (request.params as { id: unknown }).id);
}

function parse<Schema extends z.ZodType>(schema: Schema, received: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(received);
  if (!parsed.success) throw new Refusal(400, 'transport.request-malformed', 'The name or the manifest is malformed.');
  return parsed.data;
}
