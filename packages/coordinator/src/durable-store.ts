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

interface WaitingEntry {
  readonly jobId: JobId;
  readonly key: string;
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
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
  readonly #waiting: WaitingEntry[] = [];

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

  putChunk(bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId> {
    return this.#blobs.putChunk(bytes, isWanted);
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

  retain(ids: readonly BlobId[], holder: string): Promise<void> {
    return this.#blobs.retain(ids, holder);
  }

  release(holder: string, except?: readonly BlobId[]): Promise<void> {
    return this.#blobs.release(holder, except);
  }

  /** Forgets blobs that nobody retains and nobody has touched for a day. */
  sweep(): Promise<void> {
    return this.#blobs.sweep();
  }

  /** What is recorded at the same time, for several sites say, becomes durable together: a commit waits for the disk. */
  record(jobId: JobId, key: string, value: Json): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ jobId, key, text: JSON.stringify(value), resolve, reject });
    if (this.#waiting.length === 1) setImmediate(() => this.#commit());
    return promise;
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
    this.#commit();
    this.database.close();
    this.#lock[Symbol.dispose]();
  }

  #commit(): void {
    const entries = this.#waiting.splice(0);
    if (entries.length === 0) return;
    let isRecorded: readonly boolean[];
    try {
      isRecorded = inTransaction(this.database, () =>
        entries.map(
          ({ jobId, key, text }) =>
            this.#insert.run(jobId, key, text).changes === 1 || this.#one.get(jobId, key)?.['value'] === text,
        ),
      );
    } catch (error) {
      for (const { reject } of entries) reject(databaseError(error, this.#directory));
      return;
    }
    for (const [index, { jobId, key, resolve, reject }] of entries.entries()) {
      if (isRecorded[index]) resolve();
      else {
        const text = `Job ${jobId} has another entry "${key}" already.`;
        reject(new FederationError('federation.ledger-conflict', text));
      }
    }
  }
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
