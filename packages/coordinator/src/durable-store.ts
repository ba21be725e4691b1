/**
 * The coordinator's store on disk: the ledger in SQLite (write-ahead log, flushed at every commit), the blobs in a
 * directory. Only one process may hold it open.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { FederationError, type Store } from '@consilium/federation';
import type { JobId, Json, Sha256 } from '@consilium/protocol';
import { BlobDirectory } from './blob-directory.ts';
import { storageError } from './coordinator-error.ts';

const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS ledger (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (job_id, key)
  ) STRICT;
`;

/** @throws CoordinatorError if the directory cannot be written to, is damaged, or is in use by another process. */
export function openStore(directory: string): Store & Disposable {
  try {
    mkdirSync(join(directory, 'blobs'), { recursive: true });
    const database = new DatabaseSync(join(directory, 'ledger.sqlite'));
    database.exec(schema);
    return new DurableStore(directory, database);
  } catch (error) {
    throw storageError(error, directory);
  }
}

class DurableStore implements Store, Disposable {
  readonly #directory: string;
  readonly #blobs: BlobDirectory;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #one: StatementSync;
  readonly #all: StatementSync;

  constructor(directory: string, database: DatabaseSync) {
    this.#directory = directory;
    this.#blobs = new BlobDirectory(join(directory, 'blobs'));
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO ledger (job_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    this.#one = database.prepare('SELECT value FROM ledger WHERE job_id = ? AND key = ?');
    this.#all = database.prepare('SELECT key, value FROM ledger WHERE job_id = ? ORDER BY position');
  }

  putBlob(bytes: Uint8Array): Promise<Sha256> {
    return this.#blobs.putBlob(bytes);
  }

  hasBlob(sha256: Sha256): Promise<boolean> {
    return this.#blobs.hasBlob(sha256);
  }

  getBlob(sha256: Sha256): Promise<Uint8Array> {
    return this.#blobs.getBlob(sha256);
  }

  async record(jobId: JobId, key: string, value: Json): Promise<void> {
    const text = JSON.stringify(value);
    try {
      if (this.#insert.run(jobId, key, text).changes === 1) return;
    } catch (error) {
      throw storageError(error, this.#directory);
    }
    if (this.#one.get(jobId, key)?.['value'] !== text) {
      throw new FederationError('federation.ledger-conflict', `Job ${jobId} has another entry "${key}" already.`);
    }
  }

  async recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    return new Map(this.#all.all(jobId).map(({ key, value }) => [String(key), JSON.parse(String(value)) as Json]));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
