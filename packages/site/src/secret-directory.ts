/**
 * What the site must not forget of secure sums, and must forget in time: `secrets.sqlite`, which only its owner can read.
 * An entry is flushed to disk when the promise for it resolves; what is erased is overwritten with zeros.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { FederationError, type SecretStore } from '@consilium/federation';
import type { JobId, Json } from '@consilium/protocol';
import { makeDirectory } from '@consilium/transport';
import { SiteError } from './site-error.ts';

const schema = `
  PRAGMA secure_delete = ON;
  PRAGMA journal_mode = DELETE;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS secret (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (job_id, key)
  ) STRICT;
`;

export class SecretDirectory implements SecretStore, Disposable {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #one: StatementSync;
  readonly #all: StatementSync;
  readonly #erase: StatementSync;

  /** @throws SiteError `site.secrets-failed` */
  static async open(workDirectory: string): Promise<SecretDirectory> {
    const path = join(workDirectory, 'secrets.sqlite');
    try {
      await makeDirectory(workDirectory);
      await (await open(path, 'a', 0o600)).close();
    } catch (error) {
      throw failed(error);
    }
    return guarded(() => {
      const database = new DatabaseSync(path);
      database.exec(schema);
      return new SecretDirectory(database);
    });
  }

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare('INSERT INTO secret (job_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    this.#one = database.prepare('SELECT value FROM secret WHERE job_id = ? AND key = ?');
    this.#all = database.prepare('SELECT key, value FROM secret WHERE job_id = ? ORDER BY position');
    this.#erase = database.prepare('DELETE FROM secret WHERE job_id = ? AND substr(key, 1, length(?)) = ?');
  }

  async record(jobId: JobId, key: string, value: Json): Promise<void> {
    const text = JSON.stringify(value);
    if (guarded(() => this.#insert.run(jobId, key, text)).changes === 1) return;
    if (guarded(() => this.#one.get(jobId, key))?.['value'] === text) return;
    throw new FederationError('federation.ledger-conflict', `Job ${jobId} has another entry "${key}" already.`);
  }

  async entry(jobId: JobId, key: string): Promise<Json | undefined> {
    const value = guarded(() => this.#one.get(jobId, key))?.['value'];
    return value === undefined ? undefined : (JSON.parse(String(value)) as Json);
  }

  async recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    const rows = guarded(() => this.#all.all(jobId));
    return new Map(rows.map(({ key, value }) => [String(key), JSON.parse(String(value)) as Json]));
  }

  async erase(jobId: JobId, keyPrefix: string): Promise<void> {
    guarded(() => this.#erase.run(jobId, keyPrefix, keyPrefix));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function guarded<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw failed(error);
  }
}

/** It is not made anew: then a site could be led to tell what it must not tell twice. */
function failed(error: unknown): SiteError {
  return new SiteError(
    'site.secrets-failed',
    'The site’s record of its secure sums cannot be read or written, so it takes part in none. The site’s log says more.',
    { detail: `secrets.sqlite: ${error instanceof Error ? error.message : String(error)}` },
  );
}
