/**
 * Where a process keeps what must outlive it. Two narrow parts: blobs, cut into chunks named by their content, and a
 * ledger of JSON entries for each job. What a promise here has resolved for survives the end of the process; entries of the
 * ledger, and blobs that were retained, survive a power cut.
 */
import type { BlobId, ChunkId, JobId, Json, Manifest } from '@consilium/protocol';

export interface BlobStore {
  /**
   * Stores at most `chunkBytes` bytes and returns their SHA-256. Storing the same bytes again changes nothing. Bytes that
   * turn out, by their name, not to be wanted are not stored.
   */
  putChunk(bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId>;
  hasChunk(id: ChunkId): Promise<boolean>;
  /**
   * Rejects with a coded error if there is no such chunk or its bytes no longer match its name. `into`: memory, large
   * enough, that may be used for it.
   */
  getChunk(id: ChunkId, into?: Uint8Array): Promise<Uint8Array>;
  /**
   * The bytes of a chunk from `begin` on, as many as there are and `into` takes, in memory that may be that of `into`.
   * Rejects as `getChunk` does.
   */
  getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array>;
  /** Names a blob. Rejects with a coded error if one of its chunks is not there. */
  putManifest(manifest: Manifest): Promise<BlobId>;
  /** undefined if there is no such blob. Every chunk of a blob that has a manifest is there. */
  getManifest(id: BlobId): Promise<Manifest | undefined>;
  /**
   * Keeps blobs for as long as `holder` wants them. A blob that was put and not retained since may be gone after a day,
   * and no earlier: whoever put it is about to.
   */
  retain(ids: readonly BlobId[], holder: string): Promise<void>;
  /** Ends all that `holder` retained, but for some. Blobs that nobody else holds are forgotten, with the chunks only they had. */
  release(holder: string, except?: readonly BlobId[]): Promise<void>;
}

export interface Ledger {
  /**
   * Writes an entry once. The same key with the same value again changes nothing; with another value it rejects with
   * `federation.ledger-conflict`: what is written is never altered.
   */
  record(jobId: JobId, key: string, value: Json): Promise<void>;
  has(jobId: JobId, key: string): Promise<boolean>;
  /** One entry; undefined if there is none. */
  entry(jobId: JobId, key: string): Promise<Json | undefined>;
  /** The entries of a job, in the order they were recorded. */
  recall(jobId: JobId): Promise<ReadonlyMap<string, Json>>;
  /** Every job that has an entry, in the order of their first entries. */
  jobIds(): Promise<readonly JobId[]>;
}

export interface Store extends BlobStore, Ledger {}
