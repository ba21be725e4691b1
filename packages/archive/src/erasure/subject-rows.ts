/** Removes a subject from the catalogue's tables, within a transaction of the caller's. */
import type { DatabaseSync } from 'node:sqlite';

/** What is left to remove outside the catalogue. */
export interface SubjectRemains {
  /** SHA-256 of files that nobody else has. */
  readonly instances: readonly string[];
  readonly labels: readonly string[];
  /** Pseudonyms. */
  readonly studies: readonly string[];
  readonly series: readonly string[];
}

interface ErasedRow {
  readonly patientId: string;
  readonly subjectId: number;
  readonly reason: string;
  readonly erasedMs: number;
}

/** The subject's series; `?1` is the subject. */
const itsSeries = 'SELECT series.id FROM series JOIN study ON study.id = study_id WHERE subject_id = ?1';
const itsLabels = `SELECT id FROM label WHERE series_id IN (${itsSeries}) OR (format = 'dicom-seg' AND sha256 IN
  (SELECT sha256 FROM instance WHERE series_id IN (${itsSeries})))`;

export function removeSubjectRows(database: DatabaseSync, erased: ErasedRow): SubjectRemains {
  const { patientId, subjectId, reason, erasedMs } = erased;
  const of = (sql: string): string[] =>
    database
      .prepare(sql)
      .all(subjectId)
      .map(({ value }) => String(value));
  const studies = of('SELECT StudyInstanceUID AS value FROM study WHERE subject_id = ?1');
  const series = of(`SELECT SeriesInstanceUID AS value FROM series WHERE id IN (${itsSeries})`);
  const instances = of(`SELECT lower(hex(sha256)) AS value FROM instance WHERE series_id IN (${itsSeries})`);
  const labels = of(
    `SELECT lower(hex(sha256)) AS value FROM label WHERE format <> 'dicom-seg' AND id IN (${itsLabels})`,
  );
  database
    .prepare(
      `INSERT INTO cohort_tombstone
       SELECT version_id, ?2, count(*), ?3, ?4 FROM cohort_member WHERE exclusion IS NULL AND series_id IN (${itsSeries})
       GROUP BY version_id`,
    )
    .run(subjectId, patientId, reason, erasedMs);
  lookAgainAtTwins(database, subjectId);
  for (const sql of removals) database.prepare(sql).run(subjectId);
  for (const uid of series) database.prepare('DELETE FROM import_volume WHERE SeriesInstanceUID = ?').run(uid);
  // Deleted words stay in the index until it is merged.
  database.exec("INSERT INTO series_text (series_text) VALUES ('optimize')");
  const isFree = (table: 'instance' | 'label') => {
    const row = database.prepare(`SELECT 1 FROM ${table} WHERE sha256 = ?`);
    return (sha256: string): boolean => row.get(Buffer.from(sha256, 'hex')) === undefined;
  };
  return { instances: instances.filter(isFree('instance')), labels: labels.filter(isFree('label')), studies, series };
}

/** Series of others that were said to show the same as one of the subject's. */
function lookAgainAtTwins(database: DatabaseSync, subjectId: number): void {
  const twins = `SELECT id FROM series WHERE id NOT IN (${itsSeries}) AND (duplicate_of IN (${itsSeries}) OR pixel_digest IN
    (SELECT pixel_digest FROM series WHERE pixel_digest IS NOT NULL AND id IN (${itsSeries})))`;
  database.prepare(`UPDATE series SET state = 'settled', duplicate_of = NULL WHERE id IN (${twins})`).run(subjectId);
}

const ofSeries = (table: string): string => `DELETE FROM ${table} WHERE series_id IN (${itsSeries})`;

/** What refers to something before what it refers to. */
const removals: readonly string[] = [
  ofSeries('cohort_member'),
  `UPDATE cohort_member SET label_id = NULL WHERE label_id IN (${itsLabels})`,
  'DELETE FROM split_patient WHERE subject_id = ?1',
  `UPDATE series SET label_count = label_count - 1 WHERE id NOT IN (${itsSeries})
     AND id IN (SELECT series_id FROM label WHERE id IN (${itsLabels}))`,
  `DELETE FROM label WHERE id IN (${itsLabels})`,
  ...['finding', 'tag', 'note', 'series_picture', 'series_attribute', 'instance'].map(ofSeries),
  `DELETE FROM series_text WHERE rowid IN (${itsSeries})`,
  `UPDATE series SET duplicate_of = NULL WHERE id IN (${itsSeries})`,
  `DELETE FROM series WHERE id IN (${itsSeries})`,
  'DELETE FROM study_change WHERE study_id IN (SELECT id FROM study WHERE subject_id = ?1)',
  'DELETE FROM study WHERE subject_id = ?1',
  'DELETE FROM subject WHERE id = ?1',
];
