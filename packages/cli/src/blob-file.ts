/**
 * Files to and from the coordinator, as blobs: only what is missing travels, a transfer that broke goes on where it was,
 * and memory is bounded by chunks.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { BlobWriter } from '@consilium/federation';
import type { BlobId } from '@consilium/protocol';
import { ChunkDirectory, type CoordinatorClient } from '@consilium/transport';

/** `chunks`: a directory for the time of the transfer, which is left to the caller. */
interface TransferOptions {
  readonly chunks: string;
  readonly signal: AbortSignal;
}

export async function offerFile(
  client: CoordinatorClient,
  path: string,
  { chunks, signal }: TransferOptions,
): Promise<BlobId> {
  const { id, store } = await blobOfFile(path, { chunks, signal });
  await client.offerBlob(id, store, signal);
  return id;
}

/** What a file is called as a blob; it stays on this machine. */
export async function blobOfFile(
  path: string,
  { chunks, signal }: TransferOptions,
): Promise<{ readonly id: BlobId; readonly store: ChunkDirectory }> {
  const store = await ChunkDirectory.open(chunks);
  const writer = new BlobWriter(store);
  for await (const part of createReadStream(path, { signal })) await writer.write(part as Uint8Array);
  return { id: await writer.finish(), store };
}

export async function fetchFile(
  client: CoordinatorClient,
  id: BlobId,
  path: string,
  { chunks, signal }: TransferOptions,
): Promise<void> {
  const store = await ChunkDirectory.open(chunks);
  await client.fetchBlob(id, store, signal);
  const draft = `${path}.draft`;
  const file = createWriteStream(draft, { flush: true });
  try {
    for (const chunk of (await store.getManifest(id))!.chunks) {
      if (!file.write(await store.getChunk(chunk))) await once(file, 'drain', { signal });
    }
    file.end();
    await once(file, 'close', { signal });
  } catch (error) {
    file.destroy();
    await rm(draft, { force: true });
    throw error;
  }
  await rename(draft, path);
}
