/**
 * People on disk: one SQLite file in a directory that only its owner may read. Each commit is flushed before it is
 * acknowledged. A service and commands beside it may write at the same time, and each sees at once what the other did.
 * Of passwords, sessions, tokens and recovery codes only hashes are kept; secrets of second factors, from which codes
 * are computed, are encrypted under a key that is not in the file.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PeopleError } from './people-error.ts';
import type { SecondFactorBox } from './second-factor-box.ts';

/** 1: secrets of second factors as they are. */
const version = 2;
const schema = `
  CREATE TABLE IF NOT EXISTS account (
    name TEXT PRIMARY KEY, display TEXT NOT NULL, roles TEXT NOT NULL, password TEXT, password_until_ms INTEGER,
    totp_secret TEXT, totp_step INTEGER NOT NULL DEFAULT 0, totp_draft TEXT, issuer TEXT, subject TEXT,
    made_ms INTEGER NOT NULL, login_ms INTEGER, disabled INTEGER NOT NULL DEFAULT 0, UNIQUE (issuer, subject)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS recovery (hash BLOB PRIMARY KEY, account TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session (
    hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, made_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL, agent TEXT NOT NULL, way TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS device (hash BLOB PRIMARY KEY, account TEXT NOT NULL, made_ms INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS token (
    hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
    made_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, used_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS guess (bucket TEXT PRIMARY KEY, failures INTEGER NOT NULL, last_ms INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * @throws PeopleError `people.file-damaged`, `people.file-newer`, `people.not-writable`, `people.key-exposed`,
 *   `people.key-malformed`
 */
export function openPeopleDatabase(directory: string, box: SecondFactorBox): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    box.check();
    const path = join(directory, 'people.sqlite');
    database = new DatabaseSync(path);
    chmodSync(path, 0o600);
    database.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec('PRAGMA secure_delete = ON;');
    // Two processes may open it at once: the second sees what the first has made of it.
    database.exec('BEGIN IMMEDIATE');
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (found > version) {
      throw new PeopleError('people.file-newer', 'The file of the people was written by a newer Consilium.', {
        statusCode: 500,
      });
    }
    database.exec(schema);
    if (found === 1) sealSecondFactors(database, box);
    database.exec(`PRAGMA user_version = ${version}; COMMIT;`);
    // What they were before is still in the log of writes: it is emptied.
    if (found === 1) database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return database;
  } catch (error) {
    database?.close();
    throw storageError(error);
  }
}

function sealSecondFactors(database: DatabaseSync, box: SecondFactorBox): void {
  const rows = database.prepare('SELECT name, totp_secret, totp_draft FROM account').all() as {
    readonly name: string;
    readonly totp_secret: string | null;
    readonly totp_draft: string | null;
  }[];
  const update = database.prepare('UPDATE account SET totp_secret = ?, totp_draft = ? WHERE name = ?');
  for (const { name, totp_draft: draft, totp_secret: secret } of rows) {
    const sealed = [secret, draft].map((plain) => (plain === null ? null : box.seal(plain, name)));
    if (secret !== null || draft !== null) update.run(...(sealed as [string | null, string | null]), name);
  }
}

function storageError(error: unknown): unknown {
  if (error instanceof PeopleError || !(error instanceof Error)) return error;
  const primary = Number((error as { errcode?: unknown }).errcode ?? 0) & 0xff; // https://sqlite.org/rescode.html
  if (primary === 11 || primary === 26) {
    const text = 'The file of the people is damaged. Restore people/ from a backup.';
    return new PeopleError('people.file-damaged', text, { statusCode: 500, cause: error });
  }
  const text = 'The file of the people cannot be written. Look at its disk and permissions.';
  return new PeopleError('people.not-writable', text, { statusCode: 500, cause: error });
}
