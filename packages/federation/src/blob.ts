/** Blobs in a store: written and read chunk by chunk, or whole where they are small. */
import { createHash } from 'node:crypto';
import {
  type BlobId,
  type ChunkId,
  canonicalManifest,
  chunkBytes,
  type Manifest,
  toldChunksMax,
} from '@consilium/protocol';
import { FederationError } from './federation-error.ts';
import type { BlobStore } from './store.ts';

export function chunkIdOf(bytes: Uint8Array): ChunkId {
  return createHash('sha256').update(bytes).digest('hex') as ChunkId;
}

export function blobIdOf(manifest: Manifest): BlobId {
  return createHash('sha256').update(canonicalManifest(manifest)).digest('hex') as BlobId;
}

/** To send so few bytes costs less than to ask, or to be asked, whether they are wanted. */
export const unaskedBytesMax = 2 * 2 ** 20;

/** A whole chunk's, of a writer that has finished: one is made of every model, and left to be collected it lasts for long. */
let spareBuffer: Uint8Array<ArrayBuffer> | undefined;

/** Takes bytes in pieces of any size and stores them as one blob; memory is one chunk. */
export class BlobWriter {
  readonly #store: BlobStore;
  readonly #chunks: ChunkId[] = [];
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #filled = 0;
  #bytes = 0;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#filled === this.#buffer.length) this.#grow(rest.length);
      const taken = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      this.#bytes += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === chunkBytes) await this.#flush();
    }
  }

  async finish(): Promise<BlobId> {
    if (this.#filled > 0) await this.#flush();
    if (this.#buffer.length === chunkBytes) spareBuffer = this.#buffer;
    this.#buffer = new Uint8Array(0);
    return this.#store.putManifest({ bytes: this.#bytes, chunks: this.#chunks });
  }

  #grow(needed: number): void {
    const length = Math.min(chunkBytes, Math.max(8 * this.#buffer.length, this.#filled + needed, 4096));
    const grown = length === chunkBytes ? wholeBuffer() : new Uint8Array(length);
    grown.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = grown;
  }

  async #flush(): Promise<void> {
    this.#chunks.push(await this.#store.putChunk(this.#buffer.subarray(0, this.#filled)));
    this.#filled = 0;
  }
}

function wholeBuffer(): Uint8Array<ArrayBuffer> {
  const buffer = spareBuffer ?? new Uint8Array(chunkBytes);
  spareBuffer = undefined;
  return buffer;
}

export async function putBlob(store: BlobStore, bytes: Uint8Array): Promise<BlobId> {
  const chunks: ChunkId[] = [];
  for (let begin = 0; begin < bytes.length; begin += chunkBytes) {
    chunks.push(await store.putChunk(bytes.subarray(begin, begin + chunkBytes)));
  }
  return store.putManifest({ bytes: bytes.length, chunks });
}

/** @throws FederationError `federation.blob-missing` */
export async function manifestOf(store: BlobStore, id: BlobId): Promise<Manifest> {
  const manifest = await store.getManifest(id);
  if (manifest === undefined) throw new FederationError('federation.blob-missing', `There is no blob ${id}.`);
  return manifest;
}

/** Of some blobs, the manifests that are short enough to be told of unasked: of 100 at most. */
export async function shortManifests(store: BlobStore, ids: readonly BlobId[]): Promise<Manifest[]> {
  const manifests = await Promise.all(ids.slice(0, 100).map((id) => store.getManifest(id)));
  return manifests.filter((manifest) => manifest !== undefined).filter(({ chunks }) => chunks.length <= toldChunksMax);
}

/** Which of some blobs are not there. */
export async function lackingBlobs(store: BlobStore, ids: readonly BlobId[]): Promise<BlobId[]> {
  const lacking: BlobId[] = [];
  for (const id of ids) if ((await store.getManifest(id)) === undefined) lacking.push(id);
  return lacking;
}

/** The whole blob in memory: for graphs and small weights. */
export async function getBlob(store: BlobStore, id: BlobId): Promise<Uint8Array> {
  const { bytes, chunks } = await manifestOf(store, id);
  const whole = new Uint8Array(bytes);
  let position = 0;
  for (const chunk of chunks) {
    const part = await store.getChunk(chunk);
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
