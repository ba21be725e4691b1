/**
 * The log on disk: `log.sqlite`, with a write-ahead log that is flushed at every commit. What a crash tore is behind the
 * last whole commit, which SQLite knows by its checksums, and was never said to be done. Triggers keep a mistake of ours
 * from changing what is written; against whoever has the disk there are the tree and the other side's copy of its head.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuditError, auditErrorOf } from './audit-error.ts';

const appendOnly = ['entry', 'node', 'head', 'witnessed', 'alarm']
  .flatMap((table) =>
    ['UPDATE', 'DELETE'].map(
      (change) => `CREATE TRIGGER IF NOT EXISTS ${table}_no_${change} BEFORE ${change} ON ${table}
        BEGIN SELECT RAISE(ABORT, 'append only'); END;`,
    ),
  )
  .join('\n');

const schema = `
  PRAGMA busy_timeout = 10000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, line TEXT NOT NULL, leaf BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS node (
    level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS head (
    size INTEGER PRIMARY KEY, root TEXT NOT NULL, time TEXT NOT NULL, signature TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS witnessed (
    position INTEGER PRIMARY KEY, origin TEXT NOT NULL, public_key TEXT NOT NULL, head TEXT NOT NULL,
    path TEXT NOT NULL, time TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS alarm (
    position INTEGER PRIMARY KEY, origin TEXT NOT NULL, code TEXT NOT NULL, head TEXT NOT NULL, time TEXT NOT NULL,
    UNIQUE (origin, code)
  ) STRICT;
  ${appendOnly}
`;

const databaseFile = 'log.sqlite';

/** @throws AuditError `audit.log-damaged`, `audit.not-recorded` */
export function openAuditDatabase(directory: string): DatabaseSync {
  return opened(directory, (path) => {
    const database = new DatabaseSync(path);
    database.exec(schema);
    return database;
  });
}

/** Also while a service writes to it. @throws AuditError `audit.no-log`, `audit.log-damaged` */
export function openAuditDatabaseForReading(directory: string): DatabaseSync {
  if (!existsSync(join(directory, databaseFile))) {
    throw new AuditError('audit.no-log', 'There is no audit log in this directory.');
  }
  return opened(directory, (path) => {
    const database = new DatabaseSync(path, { readOnly: true });
    database.prepare('SELECT count(*) FROM head').get();
    return database;
  });
}

function opened(directory: string, open: (path: string) => DatabaseSync): DatabaseSync {
  try {
    return open(join(directory, databaseFile));
  } catch (error) {
    throw auditErrorOf(error);
  }
}
