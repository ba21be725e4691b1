/** The coordinator's store on disk: the ledger in its database, the blobs in a directory beside it. */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { FederationError, type Store } from '@consilium/federation';
import type { BlobId, ChunkId, JobId, Json, Manifest } from '@consilium/protocol';
import { ChunkDirectory, DirectoryLock } from '@consilium/transport';
import { databaseError } from './coordinator-error.ts';
import { openDatabase } from './database.ts';

/** @throws an error with a code if the directory cannot be written to, is damaged, or is in use by another process. */
export async function openStore(directory: string): Promise<DurableStore> {
  const lock = await DirectoryLock.take(directory);
  try {
    const database = await openDatabase(directory);
    return new DurableStore({ directory, lock, database, blobs: await ChunkDirectory.open(join(directory, 'blobs')) });
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

export class DurableStore implements Store, Disposable {
  /** Shared with the registry of members. */
  readonly database: DatabaseSync;
  readonly #directory: string;
  readonly #lock: DirectoryLock;
  readonly #blobs: ChunkDirectory;
  readonly #insert: StatementSync;
  readonly #one: StatementSync;
  readonly #all: StatementSync;
  readonly #jobIds: StatementSync;

  constructor({
    directory,
    lock,
    database,
    blobs,
  }: {
    readonly directory: string;
    readonly lock: DirectoryLock;
    readonly database: DatabaseSync;
    readonly blobs: ChunkDirectory;
  }) {
    this.#directory = directory;
    this.#lock = lock;
    this.#blobs = blobs;
    this.database = database;
    this.#insert = database.prepare('INSERT INTO ledger (job_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    this.#one = database.prepare('SELECT value FROM ledger WHERE job_id = ? AND key = ?');
    this.#all = database.prepare('SELECT key, value FROM ledger WHERE job_id = ? ORDER BY position');
    this.#jobIds = database.prepare('SELECT job_id FROM ledger GROUP BY job_id ORDER BY min(position)');
  }

  putChunk(bytes: Uint8Array, expected?: ChunkId): Promise<ChunkId> {
    return this.#blobs.putChunk(bytes, expected);
  }

  hasChunk(id: ChunkId): Promise<boolean> {
    return this.#blobs.hasChunk(id);
  }

  getChunk(id: ChunkId, into?: Uint8Array): Promise<Uint8Array> {
    return this.#blobs.getChunk(id, into);
  }

  getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array> {
    return this.#blobs.getPart(id, begin, into);
  }

  putManifest(manifest: Manifest): Promise<BlobId> {
    return this.#blobs.putManifest(manifest);
  }

  getManifest(id: BlobId): Promise<Manifest | undefined> {
    return this.#blobs.getManifest(id);
  }

  retain(id: BlobId, holder: string): Promise<void> {
    return this.#blobs.retain(id, holder);
  }

  release(holder: string): Promise<void> {
    return this.#blobs.release(holder);
  }

  /** Forgets blobs that nobody retains and nobody has touched for a day. */
  sweep(): Promise<void> {
    return this.#blobs.sweep();
  }

  async record(jobId: JobId, key: string, value: Json): Promise<void> {
    const text = JSON.stringify(value);
    try {
      if (this.#insert.run(jobId, key, text).changes === 1) return;
    } catch (error) {
      throw databaseError(error, this.#directory);
    }
    if (this.#one.get(jobId, key)?.['value'] !== text) {
      throw new FederationError('federation.ledger-conflict', `Job ${jobId} has another entry "${key}" already.`);
    }
  }

  async has(jobId: JobId, key: string): Promise<boolean> {
    return this.#one.get(jobId, key) !== undefined;
  }

  async entry(jobId: JobId, key: string): Promise<Json | undefined> {
    const value = this.#one.get(jobId, key)?.['value'];
    return value === undefined ? undefined : (JSON.parse(String(value)) as Json);
  }

  async recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    return new Map(this.#all.all(jobId).map(({ key, value }) => [String(key), JSON.parse(String(value)) as Json]));
  }

  async jobIds(): Promise<readonly JobId[]> {
    return this.#jobIds.all().map(({ job_id }) => String(job_id) as JobId);
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.#lock[Symbol.dispose]();
  }
}
