/**
 * Where the coordinator keeps what must outlive it. Two narrow parts: blobs named by their content, and a ledger of JSON
 * entries for each job. Whatever a promise here has resolved for is on disk and survives a power cut.
 */
import type { JobId, Json, Sha256 } from '@consilium/protocol';

export interface BlobStore {
  /** Stores the bytes and returns their SHA-256. Storing the same bytes again changes nothing. */
  putBlob(bytes: Uint8Array): Promise<Sha256>;
  hasBlob(sha256: Sha256): Promise<boolean>;
  /** Rejects with a coded error if there is no such blob or its bytes no longer match its name. */
  getBlob(sha256: Sha256): Promise<Uint8Array>;
}

export interface Ledger {
  /**
   * Writes an entry once. The same key with the same value again changes nothing; with another value it rejects with
   * `federation.ledger-conflict`: what is written is never altered.
   */
  record(jobId: JobId, key: string, value: Json): Promise<void>;
  /** The entries of a job, in the order they were recorded. */
  recall(jobId: JobId): Promise<ReadonlyMap<string, Json>>;
}

export interface Store extends BlobStore, Ledger {}
