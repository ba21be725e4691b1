/**
 * The catalogue's tables. Columns written as DICOM keywords hold those attributes as the de-identified instances state
 * them. SQLite with a write-ahead log that is flushed at every commit; other processes may read meanwhile.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ArchiveError } from '../archive-error.ts';
import { storageError } from './storage-error.ts';

/**
 * Raised whenever the tables change. Version 1 lacked tables only, which are added when it is opened to be written; an
 * archive of another version is not opened.
 */
const schemaVersion = 2;
const writtenBefore: readonly number[] = [1];

const hierarchy = `
  CREATE TABLE IF NOT EXISTS archive_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS subject (
    id INTEGER PRIMARY KEY,
    PatientID TEXT NOT NULL UNIQUE,
    PatientName TEXT,
    PatientSex TEXT,
    PatientBirthDate TEXT,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS study (
    id INTEGER PRIMARY KEY,
    subject_id INTEGER NOT NULL REFERENCES subject,
    StudyInstanceUID TEXT NOT NULL UNIQUE,
    -- 'dicom', or 'file' for what came as NIfTI or NRRD and is not given out as DICOM
    format TEXT NOT NULL,
    StudyID TEXT, StudyDate TEXT, StudyTime TEXT, AccessionNumber TEXT, StudyDescription TEXT,
    ReferringPhysicianName TEXT, PatientAge TEXT,
    age_years REAL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS study_of_subject ON study (subject_id);
  CREATE INDEX IF NOT EXISTS study_by_date ON study (StudyDate, id);
  CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    study_id INTEGER NOT NULL REFERENCES study,
    SeriesInstanceUID TEXT NOT NULL UNIQUE,
    SeriesNumber INTEGER, SeriesDate TEXT, SeriesTime TEXT, SeriesDescription TEXT, ProtocolName TEXT, Modality TEXT,
    BodyPartExamined TEXT, Laterality TEXT, Manufacturer TEXT, ManufacturerModelName TEXT, FrameOfReferenceUID TEXT,
    PerformedProcedureStepStartDate TEXT, PerformedProcedureStepStartTime TEXT,
    instance_count INTEGER NOT NULL DEFAULT 0,
    size_bytes INTEGER NOT NULL DEFAULT 0,
    arrived_ms INTEGER NOT NULL,
    -- 'arriving' until it has been quiet for a while, 'settled' until it has been looked at, 'described', 'unreadable'
    state TEXT NOT NULL DEFAULT 'arriving',
    state_code TEXT,
    -- what was derived from the volume; NULL where unknown
    vendor TEXT, kernel TEXT, kvp REAL, contrast INTEGER, phase TEXT, phase_source TEXT,
    slices INTEGER, rows INTEGER, columns INTEGER,
    slice_spacing_mm REAL, slice_thickness_mm REAL, pixel_spacing_mm REAL, coverage_mm REAL,
    geometry TEXT, pixel_digest TEXT,
    duplicate_of INTEGER REFERENCES series,
    label_count INTEGER NOT NULL DEFAULT 0,
    finding_count INTEGER NOT NULL DEFAULT 0,
    failed_count INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  -- apart, so that what is searched stays small
  CREATE TABLE IF NOT EXISTS series_picture (
    series_id INTEGER PRIMARY KEY REFERENCES series,
    signature BLOB NOT NULL,
    thumbnail BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS series_of_study ON series (study_id);
  CREATE INDEX IF NOT EXISTS series_by_state ON series (state, arrived_ms) WHERE state IN ('arriving', 'settled');
  CREATE INDEX IF NOT EXISTS series_by_digest ON series (pixel_digest) WHERE pixel_digest IS NOT NULL;
  CREATE TABLE IF NOT EXISTS instance (
    id INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series,
    SOPInstanceUID TEXT NOT NULL UNIQUE,
    SOPClassUID TEXT NOT NULL,
    InstanceNumber INTEGER, "Rows" INTEGER, "Columns" INTEGER, BitsAllocated INTEGER, NumberOfFrames INTEGER,
    transfer_syntax_uid TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    -- keyed digest of the file as it came
    source BLOB NOT NULL,
    -- of a segmentation: the series whose grid it is drawn on
    labels_series_uid TEXT,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS instance_labelling ON instance (labels_series_uid) WHERE labels_series_uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS instance_of_series ON instance (series_id, InstanceNumber);
  CREATE INDEX IF NOT EXISTS instance_by_content ON instance (sha256);
`;

const findings = `
  -- attributes of the first instance of a series that have no column
  CREATE TABLE IF NOT EXISTS attribute (id INTEGER PRIMARY KEY, keyword TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS series_attribute (
    attribute_id INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    number REAL,
    PRIMARY KEY (attribute_id, series_id, text)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS label (
    id INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series,
    -- 'dicom-seg' or 'nifti'; a DICOM SEG is an instance, the others are files in labels/
    format TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    -- JSON: how it came and who or what drew it
    provenance TEXT NOT NULL,
    -- JSON: number, name and volume in ml of each segment
    segments TEXT NOT NULL,
    is_on_grid INTEGER NOT NULL,
    volume_ml REAL,
    tumour_ml REAL,
    created_ms INTEGER NOT NULL,
    UNIQUE (series_id, sha256)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS label_by_content ON label (sha256);
  CREATE TABLE IF NOT EXISTS finding (
    id INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series,
    code TEXT NOT NULL,
    -- 'note', 'warning' or 'failed': what failed is unfit for training
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    -- who found it: 'door', 'volume', 'label', or a person
    source TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    UNIQUE (series_id, code, source)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS tag (
    series_id INTEGER NOT NULL REFERENCES series,
    name TEXT NOT NULL,
    PRIMARY KEY (name, series_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tag_of_series ON tag (series_id);
  CREATE TABLE IF NOT EXISTS note (
    id INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS note_of_series ON note (series_id);
  CREATE VIRTUAL TABLE IF NOT EXISTS series_text USING fts5(
    words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
  );
  -- what de-identification did to the instances of a study
  CREATE TABLE IF NOT EXISTS study_change (
    study_id INTEGER NOT NULL REFERENCES study,
    tag TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (study_id, tag, action, reason)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS quarantine (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    origin TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    source BLOB NOT NULL UNIQUE,
    sealed_detail BLOB,
    arrived_ms INTEGER NOT NULL
  ) STRICT;
  -- By the pseudonym of its SOP Instance UID, where that could be read.
  CREATE TABLE IF NOT EXISTS quarantined_instance (
    quarantine_id TEXT PRIMARY KEY REFERENCES quarantine ON DELETE CASCADE,
    SOPInstanceUID TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS quarantined_instance_uid ON quarantined_instance (SOPInstanceUID);
`;

const cohorts = `
  CREATE TABLE IF NOT EXISTS cohort (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS cohort_version (
    id INTEGER PRIMARY KEY,
    cohort_id INTEGER NOT NULL REFERENCES cohort,
    version INTEGER NOT NULL,
    query TEXT NOT NULL,
    rules TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    UNIQUE (cohort_id, version)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS cohort_member (
    version_id INTEGER NOT NULL REFERENCES cohort_version,
    series_id INTEGER NOT NULL REFERENCES series,
    label_id INTEGER REFERENCES label,
    -- NULL: it belongs to the cohort
    exclusion TEXT,
    explanation TEXT,
    PRIMARY KEY (version_id, series_id)
  ) STRICT, WITHOUT ROWID;
  -- whose series were erased after the version was frozen
  CREATE TABLE IF NOT EXISTS cohort_tombstone (
    version_id INTEGER NOT NULL REFERENCES cohort_version,
    PatientID TEXT NOT NULL,
    -- of those that belonged to it
    series INTEGER NOT NULL,
    reason TEXT NOT NULL,
    erased_ms INTEGER NOT NULL,
    PRIMARY KEY (version_id, PatientID)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS split (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cohort_id INTEGER NOT NULL REFERENCES cohort,
    shares TEXT NOT NULL,
    strata TEXT NOT NULL,
    seed TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS split_patient (
    split_id INTEGER NOT NULL REFERENCES split,
    subject_id INTEGER NOT NULL REFERENCES subject,
    part TEXT NOT NULL,
    stratum TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (split_id, subject_id)
  ) STRICT, WITHOUT ROWID;
`;

const intake = `
  CREATE TABLE IF NOT EXISTS import (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    -- names may identify: encrypted
    sealed_path BLOB NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS import_file (
    import_id TEXT NOT NULL REFERENCES import ON DELETE CASCADE,
    -- keyed digest of path, size and time of change
    file BLOB NOT NULL,
    sealed_path BLOB NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    PRIMARY KEY (import_id, file)
  ) STRICT, WITHOUT ROWID;
  -- where the volumes of NIfTI and NRRD files lay, so that a segmentation that comes later is told to its image
  CREATE TABLE IF NOT EXISTS import_volume (
    -- keyed digest of the folder and what of the path image and segmentation have in common
    place BLOB PRIMARY KEY,
    SeriesInstanceUID TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

const erasures = `
  CREATE TABLE IF NOT EXISTS erasure (
    PatientID TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    erased_ms INTEGER NOT NULL,
    -- 'begun' until nothing is left, 'done', or 'allowed': may come in again
    state TEXT NOT NULL,
    -- JSON: files and pseudonyms that are still to go
    rest TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export interface CatalogueDatabase extends Disposable {
  readonly database: DatabaseSync;
  /** Whether the last process to write closed it. If not, files may lie about that belong to nothing. */
  readonly wasClosed: boolean;
}

/**
 * Opens or makes the catalogue for the one process that writes.
 * @throws ArchiveError `archive.in-use`, `archive.not-writable`, `archive.disk-full`, `archive.catalogue-damaged`,
 * `archive.catalogue-version`
 */
export function openCatalogue(directory: string): CatalogueDatabase {
  let lock: DatabaseSync | undefined;
  let database: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(directory, 'lock.sqlite'));
    // Held until the process ends, however it ends.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    database = new DatabaseSync(join(directory, 'archive.sqlite'), { timeout: 10_000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    // What is deleted is overwritten, so that a subject that is erased is.
    database.exec('PRAGMA secure_delete = ON');
    checkVersion(database, [...writtenBefore, schemaVersion]);
    database.exec(
      `BEGIN; ${hierarchy} ${findings} ${cohorts} ${intake} ${erasures} PRAGMA user_version = ${schemaVersion}; COMMIT`,
    );
    // A page cache of 64 MiB, and the file's pages mapped.
    database.exec('PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824; PRAGMA temp_store = MEMORY');
    // Statistics that queries are planned by; renewed when they are old.
    database.exec('PRAGMA optimize = 0x10002');
    const wasClosed =
      database.prepare("SELECT value FROM archive_state WHERE key = 'life'").get()?.['value'] !== 'open';
    setLife(database, 'open');
    return { database, wasClosed, [Symbol.dispose]: () => close(database!, lock!) };
  } catch (error) {
    database?.close();
    lock?.close();
    throw storageError(error, directory);
  }
}

/**
 * Opens the catalogue for a process that only reads.
 * @throws ArchiveError `archive.not-writable` if there is none, `archive.catalogue-version`, `archive.catalogue-damaged`
 */
export function openCatalogueForReading(directory: string): DatabaseSync {
  try {
    const database = new DatabaseSync(join(directory, 'archive.sqlite'), { readOnly: true, timeout: 10_000 });
    checkVersion(database, [schemaVersion]);
    return database;
  } catch (error) {
    throw storageError(error, directory);
  }
}

function checkVersion(database: DatabaseSync, readable: readonly number[]): void {
  const version = Number(database.prepare('PRAGMA user_version').get()!['user_version']);
  if (version === 0 || readable.includes(version)) return;
  throw new ArchiveError('archive.catalogue-version', 'The catalogue was written by another version of Consilium.', {
    detail: `version ${version}, expected ${schemaVersion}`,
  });
}

function setLife(database: DatabaseSync, life: 'open' | 'closed'): void {
  database.prepare("INSERT OR REPLACE INTO archive_state VALUES ('life', ?)").run(life);
}

function close(database: DatabaseSync, lock: DatabaseSync): void {
  database.exec('PRAGMA optimize');
  setLife(database, 'closed');
  database.close();
  lock.close();
}
