/**
 * The reading room's tables, in a file of their own beside the archive's catalogue. SQLite with a write-ahead log that is
 * flushed at every commit. What must never happen is refused here, whatever the code above does: a version, review or event
 * that changes, an approval without a review that approves it, a hand-over of what is not approved.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { appTables } from '../apps/app-tables.ts';
import { modelGuards, modelTables } from '../models/model-tables.ts';
import { ReadingError } from '../reading-error.ts';

/** Raised whenever the tables change; a reading room of another version is not opened. */
const schemaVersion = 1;

const projects = `
  CREATE TABLE IF NOT EXISTS project (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS protocol (
    project TEXT NOT NULL REFERENCES project,
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    person TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (project, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS reading_case (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL REFERENCES project,
    SeriesInstanceUID TEXT NOT NULL,
    -- JSON
    geometry TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    UNIQUE (project, SeriesInstanceUID)
  ) STRICT, WITHOUT ROWID;
`;

const tasks = `
  CREATE TABLE IF NOT EXISTS task (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES reading_case,
    protocol_version INTEGER NOT NULL,
    -- 'read' or 'adjudicate'
    role TEXT NOT NULL,
    blinded_group TEXT,
    reader TEXT,
    -- whether the reader took it from the pool, to which it goes back
    is_pooled INTEGER NOT NULL,
    reviewer TEXT,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due_ms INTEGER,
    -- where drawing begins: a proposal, a consensus, or NULL for nothing
    base_version TEXT REFERENCES version,
    -- what was drawn last
    head_version TEXT REFERENCES version,
    lease_id TEXT,
    lease_until_ms INTEGER,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS task_of_case ON task (case_id);
  CREATE INDEX IF NOT EXISTS task_of_reader ON task (reader);
  CREATE TABLE IF NOT EXISTS skip (
    task_id TEXT NOT NULL REFERENCES task,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  -- who has seen a case with others' labels in it: may not read it blinded any more
  CREATE TABLE IF NOT EXISTS sight (
    case_id TEXT NOT NULL REFERENCES reading_case,
    person TEXT NOT NULL,
    PRIMARY KEY (case_id, person)
  ) STRICT, WITHOUT ROWID;
  -- one a sitting that ended in a version
  CREATE TABLE IF NOT EXISTS draft (
    id TEXT NOT NULL PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES task,
    person TEXT NOT NULL,
    base_version TEXT REFERENCES version,
    -- what it became; NULL while it is drawn on, or if it was left
    version_id TEXT REFERENCES version,
    created_ms INTEGER NOT NULL,
    closed_ms INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS open_draft ON draft (task_id) WHERE closed_ms IS NULL;
  CREATE TABLE IF NOT EXISTS stroke (
    draft_id TEXT NOT NULL REFERENCES draft,
    seq INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    lease_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    -- JSON: kind, tool, structure, phase, model
    facts TEXT NOT NULL,
    -- JSON: layer, first, last; NULL for a mark that changes nothing
    box TEXT,
    runs BLOB,
    PRIMARY KEY (draft_id, seq)
  ) STRICT, WITHOUT ROWID;
`;

const versions = `
  CREATE TABLE IF NOT EXISTS version (
    -- SHA-256 of its content
    id TEXT NOT NULL PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES reading_case,
    task_id TEXT REFERENCES task,
    -- 'proposal', 'drawn', 'import', 'merge', 'consensus'
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    -- JSON: all of it, of which the id is the digest
    content TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS version_of_case ON version (case_id);
  CREATE TABLE IF NOT EXISTS review (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES task,
    version_id TEXT NOT NULL REFERENCES version,
    person TEXT NOT NULL,
    -- 'approve' or 'changes'
    decision TEXT NOT NULL CHECK (decision IN ('approve', 'changes')),
    comment TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS approval (
    version_id TEXT PRIMARY KEY REFERENCES version,
    review_id INTEGER NOT NULL REFERENCES review
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS handover (
    version_id TEXT PRIMARY KEY REFERENCES approval,
    -- in the archive
    SOPInstanceUID TEXT,
    sha256 TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    -- of the remote it was sent to, if any
    sent_to TEXT,
    sent_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS agreement (
    case_id TEXT NOT NULL REFERENCES reading_case,
    one_version TEXT NOT NULL REFERENCES version,
    other_version TEXT NOT NULL REFERENCES version,
    -- JSON
    structures TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (one_version, other_version)
  ) STRICT, WITHOUT ROWID;
  -- not empty only within the transaction in which a case is forgotten
  CREATE TABLE IF NOT EXISTS forgetting (case_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    project TEXT,
    case_id TEXT,
    task_id TEXT,
    -- JSON
    facts TEXT NOT NULL,
    previous TEXT NOT NULL,
    sha256 TEXT NOT NULL
  ) STRICT;
`;

const neverAltered = ['protocol', 'version', 'review', 'approval', 'event', 'agreement'];
const guards = `
  ${neverAltered
    .flatMap((table) =>
      ['UPDATE', 'DELETE'].map(
        (what) => `CREATE TRIGGER IF NOT EXISTS ${table}_no_${what.toLowerCase()} BEFORE ${what} ON ${table}
          WHEN ${what === 'UPDATE' || table === 'event' || table === 'protocol'} OR NOT EXISTS (SELECT 1 FROM forgetting)
          BEGIN SELECT RAISE(ABORT, '${table} is only added to'); END;`,
      ),
    )
    .join('\n')}
  CREATE TRIGGER IF NOT EXISTS approval_reviewed BEFORE INSERT ON approval
    WHEN NOT EXISTS (SELECT 1 FROM review WHERE id = NEW.review_id AND version_id = NEW.version_id AND decision = 'approve')
    BEGIN SELECT RAISE(ABORT, 'no review approves the version'); END;
  CREATE TRIGGER IF NOT EXISTS task_approved BEFORE UPDATE OF state ON task
    WHEN NEW.state = 'approved' AND NOT EXISTS (SELECT 1 FROM approval WHERE version_id = NEW.head_version)
    BEGIN SELECT RAISE(ABORT, 'the version of the task is not approved'); END;
  CREATE TRIGGER IF NOT EXISTS task_made BEFORE INSERT ON task WHEN NEW.state <> 'proposed'
    BEGIN SELECT RAISE(ABORT, 'a task begins as proposed'); END;
`;

/** @throws ReadingError `reading.store-version` */
export function openReadingDatabase(directory: string): DatabaseSync {
  const database = new DatabaseSync(join(directory, 'reading.sqlite'), { timeout: 10_000 });
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON',
    );
    const version = Number(database.prepare('PRAGMA user_version').get()!['user_version']);
    if (version !== 0 && version !== schemaVersion) {
      const message = 'The reading room was written by another version of Consilium: use that one.';
      throw new ReadingError('reading.store-version', message, { detail: `version ${version}` });
    }
    database.exec(
      `BEGIN; ${projects} ${appTables} ${tasks} ${versions} ${modelTables} ${guards} ${modelGuards} PRAGMA user_version = ${schemaVersion}; COMMIT`,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
