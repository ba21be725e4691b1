/**
 * Blobs between this store and the coordinator's, chunk by chunk. What is there is never sent; what breaks is taken up
 * at the chunk that broke; a transfer that advances is never failed, and one that does not is tried again until the
 * caller gives up.
 */
import { type BlobStore, blobIdOf, FederationError, manifestOf, unaskedBytesMax } from '@consilium/federation';
import { type BlobId, bytesOfChunk, type ChunkId, type Manifest, manifestSchema } from '@consilium/protocol';
import { z } from 'zod';
import { persist } from './back-off.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { inParallel } from './parallel.ts';
import type { Requests } from './requests.ts';
import { TransportError } from './transport-error.ts';

export interface BlobTransferOptions {
  /** Chunks on their way at a time. */
  readonly atOnce: number;
  /** Where they are meanwhile. */
  readonly buffers: ChunkBuffers;
  readonly signal: AbortSignal;
  /** Told of each attempt that failed and will be made again. */
  readonly onRetry?: ((error: TransportError) => void) | undefined;
}

const offerAnswerSchema = z.union([
  z.object({ complete: z.literal(true) }),
  z.object({ missing: z.array(z.int().min(0)).min(1) }),
]);

/** `told`: its manifest, where that is known. @throws Refusal if the coordinator will not give it; the store's own errors. */
export async function fetchBlob(
  requests: Requests,
  id: BlobId,
  into: BlobStore,
  options: BlobTransferOptions & { readonly told?: Manifest | undefined },
): Promise<void> {
  if ((await into.getManifest(id)) !== undefined) return;
  const manifest = options.told ?? (await persist(() => askManifest(requests, id, options.signal), options));
  const lengths = lengthsOf(manifest);
  for (;;) {
    const lacking: ChunkId[] = [];
    for (const chunk of lengths.keys()) if (!(await into.hasChunk(chunk))) lacking.push(chunk);
    await inParallel(lacking, options, async (chunk, signal) => {
      using buffer = await options.buffers.take(lengths.get(chunk));
      const fetched = async (): Promise<void> => {
        await askChunk(requests, chunk, buffer.bytes, signal);
        const name = await into.putChunk(buffer.bytes, (id) => id === chunk);
        if (name !== chunk) throw malformed('the chunk has other bytes than its name says');
      };
      await persist(fetched, { ...options, signal });
    });
    if (await concludes(into, manifest)) return;
  }
}

/** @throws Refusal if the coordinator will not have it; the store's own errors. */
export async function offerBlob(
  requests: Requests,
  id: BlobId,
  from: BlobStore,
  options: BlobTransferOptions,
): Promise<void> {
  const manifest = await manifestOf(from, id);
  const lengths = lengthsOf(manifest);
  const send = async (chunk: ChunkId, path: string, signal: AbortSignal): Promise<void> => {
    using buffer = await options.buffers.take(lengths.get(chunk));
    const bytes = await from.getChunk(chunk, buffer.bytes);
    await persist(() => requests.moveChunk({ method: 'PUT', path, send: bytes }, signal), { ...options, signal });
  };
  const [only] = manifest.chunks;
  if (only !== undefined && manifest.bytes <= unaskedBytesMax) return send(only, `/v1/blobs/${id}`, options.signal);
  const offer = () => persist(() => offerManifest(requests, id, manifest, options.signal), options);
  for (let missing = await offer(); missing.length > 0; missing = await offer()) {
    await inParallel([...new Set(missing)], options, (chunk, signal) => send(chunk, `/v1/chunks/${chunk}`, signal));
  }
}

function lengthsOf(manifest: Manifest): ReadonlyMap<ChunkId, number> {
  return new Map(manifest.chunks.map((chunk, index) => [chunk, bytesOfChunk(manifest, index)]));
}

/** False if chunks that were there are gone since, with another blob that had them. */
async function concludes(into: BlobStore, manifest: Manifest): Promise<boolean> {
  try {
    await into.putManifest(manifest);
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    const isCoded = error instanceof TransportError || error instanceof FederationError;
    if (isCoded && (code === 'transport.chunk-missing' || code === 'federation.chunk-missing')) return false;
    throw error;
  }
}

async function askManifest(requests: Requests, id: BlobId, signal: AbortSignal): Promise<Manifest> {
  const parsed = manifestSchema.safeParse(await requests.askJson({ method: 'GET', path: `/v1/blobs/${id}`, signal }));
  if (!parsed.success || blobIdOf(parsed.data) !== id) throw malformed('the manifest is of another blob');
  return parsed.data;
}

async function askChunk(requests: Requests, id: ChunkId, into: Uint8Array, signal: AbortSignal): Promise<void> {
  const bytes = await requests.moveChunk({ method: 'GET', path: `/v1/chunks/${id}`, into }, signal);
  if (bytes !== into.length) throw malformed('the chunk is shorter than the manifest says');
}

async function offerManifest(
  requests: Requests,
  id: BlobId,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<readonly ChunkId[]> {
  const received = await requests.askJson({ method: 'PUT', path: `/v1/blobs/${id}`, json: manifest, signal });
  const answer = offerAnswerSchema.safeParse(received);
  if (!answer.success) throw malformed('it does not say what is missing');
  const indices = 'missing' in answer.data ? answer.data.missing : [];
  return indices.map((index) => {
    const chunk = manifest.chunks[index];
    if (chunk === undefined) throw malformed('it misses a chunk that there is not');
    return chunk;
  });
}

function malformed(reason: string): TransportError {
  return new TransportError('transport.answer-malformed', `The answer is not a coordinator's: ${reason}.`);
}
