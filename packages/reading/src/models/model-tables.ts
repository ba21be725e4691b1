/** What the reading room keeps of models: which there are, what they were measured on, what they have to do, what they proposed. */
export const modelTables = `
  CREATE TABLE IF NOT EXISTS model (
    project TEXT NOT NULL REFERENCES project,
    -- SHA-256 of the list of its files
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('automatic', 'interactive')),
    state TEXT NOT NULL CHECK (state IN ('candidate', 'champion', 'retired')),
    -- JSON: SHA-256 by file; number of the structure by class; job and round
    files TEXT NOT NULL,
    structures TEXT NOT NULL,
    origin TEXT NOT NULL,
    person TEXT NOT NULL,
    put_ms INTEGER NOT NULL,
    -- when it became the champion, last
    promoted_ms INTEGER,
    PRIMARY KEY (project, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS champion ON model (project, kind) WHERE state = 'champion';
  -- what candidates are measured on: a list a number, which never changes
  CREATE TABLE IF NOT EXISTS validation_case (
    project TEXT NOT NULL REFERENCES project,
    number INTEGER NOT NULL,
    case_id TEXT NOT NULL REFERENCES reading_case,
    version_id TEXT NOT NULL REFERENCES version,
    PRIMARY KEY (project, number, case_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS trial (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL REFERENCES project,
    digest TEXT NOT NULL,
    -- the champion then; NULL if there was none
    against TEXT,
    -- of the list
    number INTEGER NOT NULL,
    is_better INTEGER NOT NULL,
    -- JSON; of no case by name
    result TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  -- of a model on an approved version, so that it is measured once
  CREATE TABLE IF NOT EXISTS model_dice (
    version_id TEXT NOT NULL REFERENCES version,
    project TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- JSON: by structure
    dice TEXT NOT NULL,
    PRIMARY KEY (version_id, project, digest)
  ) STRICT, WITHOUT ROWID;
  -- the same of one that answers to clicks, after so many
  CREATE TABLE IF NOT EXISTS model_click_dice (
    version_id TEXT NOT NULL REFERENCES version,
    project TEXT NOT NULL,
    digest TEXT NOT NULL,
    clicks INTEGER NOT NULL,
    -- JSON: by structure that the version has
    dice TEXT NOT NULL,
    PRIMARY KEY (version_id, project, digest, clicks)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS model_work (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL REFERENCES project,
    -- 'propose' or 'trial'
    kind TEXT NOT NULL,
    case_id TEXT REFERENCES reading_case,
    digest TEXT NOT NULL,
    priority INTEGER NOT NULL,
    is_nightly INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- how often it was begun
    attempts INTEGER NOT NULL,
    code TEXT,
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS model_work_waiting ON model_work (state, priority);
  CREATE TABLE IF NOT EXISTS proposal (
    version_id TEXT NOT NULL PRIMARY KEY REFERENCES version,
    case_id TEXT NOT NULL REFERENCES reading_case,
    digest TEXT NOT NULL,
    -- JSON: of the case and by structure, 0 to 1
    uncertainty TEXT NOT NULL,
    -- SHA-256 of the runs of the map, 0 to 255
    heat TEXT NOT NULL,
    -- JSON: numbers that say what the case looks like
    descriptors TEXT NOT NULL,
    -- 1 less the Dice with what the model before proposed; NULL if there was none
    disagreement REAL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS proposal_of_case ON proposal (case_id);
  -- the model that a task began with, and keeps
  CREATE TABLE IF NOT EXISTS task_model (
    task_id TEXT NOT NULL PRIMARY KEY REFERENCES task,
    digest TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/**
 * No automatic model proposes before it was measured and found better; no interactive one answers, once there is something to
 * measure it on. Dropped first: a reading room made before has the one that let every interactive model pass.
 */
export const modelGuards = `
  DROP TRIGGER IF EXISTS model_promoted;
  CREATE TRIGGER model_promoted BEFORE UPDATE OF state ON model
    WHEN NEW.state = 'champion'
      AND (NEW.kind = 'automatic' OR EXISTS (SELECT 1 FROM validation_case WHERE project = NEW.project))
      AND NOT EXISTS (SELECT 1 FROM trial WHERE project = NEW.project AND digest = NEW.digest AND is_better)
    BEGIN SELECT RAISE(ABORT, 'no trial found the model better'); END;
  CREATE TRIGGER IF NOT EXISTS model_put BEFORE INSERT ON model WHEN NEW.state <> 'candidate'
    BEGIN SELECT RAISE(ABORT, 'a model begins as a candidate'); END;
`;

/** Of a case that is forgotten. */
export const modelRemovals = [
  'validation_case WHERE case_id = ?1',
  'model_dice WHERE version_id IN (SELECT id FROM version WHERE case_id = ?1)',
  'model_click_dice WHERE version_id IN (SELECT id FROM version WHERE case_id = ?1)',
  'model_work WHERE case_id = ?1',
  'proposal WHERE case_id = ?1',
  'task_model WHERE task_id IN (SELECT id FROM task WHERE case_id = ?1)',
] as const;
