/**
 * The coordinator's database: SQLite with a write-ahead log that is flushed at every commit. Beside the coordinator, which
 * is one process, only a recovery writes to it, for a moment.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from '@consilium/transport';
import { databaseError } from './coordinator-error.ts';

const schema = `
  PRAGMA busy_timeout = 1000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS ledger (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (job_id, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS invitation (
    token_sha256 TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    id TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS member (
    role TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,
    certificate TEXT,
    PRIMARY KEY (role, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS revoked_key (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE
  ) STRICT;
  INSERT INTO revoked_key (fingerprint)
    SELECT fingerprint FROM member WHERE role = 'member' AND state = 'revoked' ON CONFLICT DO NOTHING;
`;

/** @throws an error with a code if the directory cannot be written to, is damaged, or stays locked by another program. */
export async function openDatabase(directory: string): Promise<DatabaseSync> {
  await makeDirectory(directory);
  try {
    const database = new DatabaseSync(join(directory, 'ledger.sqlite'));
    database.exec(schema);
    return database;
  } catch (error) {
    throw databaseError(error, directory);
  }
}
