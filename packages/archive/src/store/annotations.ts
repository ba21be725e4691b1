/** What people and programs say of a series: findings, tags and notes; and the words by which it is found. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export type Severity = 'note' | 'warning' | 'failed';

export interface Finding {
  /** As in the errors and findings of imaging, or a person's own word. */
  readonly code: string;
  /** What failed is unfit for training. */
  readonly severity: Severity;
  readonly message: string;
  /** `door`, `volume`, `label`, or a person's name. */
  readonly source: string;
  readonly createdMs: number;
}

export interface Note {
  readonly author: string;
  readonly text: string;
  readonly createdMs: number;
}

/** Everything within a transaction of the caller's. */
export class Annotations {
  readonly #database: DatabaseSync;
  readonly #words: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#words = database.prepare(`
      SELECT concat_ws(' ', subject.PatientID, study.StudyDescription, study.AccessionNumber, SeriesDescription,
        ProtocolName, BodyPartExamined, Modality, Manufacturer, ManufacturerModelName, kernel, phase,
        (SELECT group_concat(text, ' ') FROM series_attribute WHERE series_id = series.id AND attribute_id IN
          (SELECT id FROM attribute WHERE keyword IN ('ContrastBolusAgent', 'ConvolutionKernel', 'ImageComments'))),
        (SELECT group_concat(name, ' ') FROM tag WHERE series_id = series.id),
        (SELECT group_concat(text, ' ') FROM note WHERE series_id = series.id),
        (SELECT group_concat(segments, ' ') FROM label WHERE series_id = series.id)) AS words
      FROM series JOIN study ON study.id = study_id JOIN subject ON subject.id = subject_id WHERE series.id = ?`);
  }

  /** Of findings with the same code and source the last stays. */
  find(seriesId: number, { code, severity, message, source, createdMs }: Finding): void {
    this.#database
      .prepare(
        `INSERT INTO finding (series_id, code, severity, message, source, created_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET severity = excluded.severity, message = excluded.message`,
      )
      .run(seriesId, code, severity, message, source, createdMs);
    this.#countFindings(seriesId);
  }

  /** Forgets what one source has found, or one of its findings. */
  forget(seriesId: number, { source, code }: { source: string; code?: string }): void {
    this.#database
      .prepare('DELETE FROM finding WHERE series_id = ? AND source = ? AND code = ifnull(?, code)')
      .run(seriesId, source, code ?? null);
    this.#countFindings(seriesId);
  }

  findingsOf(seriesId: number): readonly Finding[] {
    return this.#database
      .prepare('SELECT * FROM finding WHERE series_id = ? ORDER BY created_ms, id')
      .all(seriesId)
      .map((row) => ({
        code: String(row['code']),
        severity: String(row['severity']) as Severity,
        message: String(row['message']),
        source: String(row['source']),
        createdMs: Number(row['created_ms']),
      }));
  }

  tag(seriesId: number, name: string): void {
    this.#database.prepare('INSERT OR IGNORE INTO tag (series_id, name) VALUES (?, ?)').run(seriesId, name);
    this.refreshText(seriesId);
  }

  untag(seriesId: number, name: string): void {
    this.#database.prepare('DELETE FROM tag WHERE series_id = ? AND name = ?').run(seriesId, name);
    this.refreshText(seriesId);
  }

  tagsOf(seriesId: number): readonly string[] {
    const rows = this.#database.prepare('SELECT name FROM tag WHERE series_id = ? ORDER BY name').all(seriesId);
    return rows.map(({ name }) => String(name));
  }

  note(seriesId: number, { author, text, createdMs }: Note): void {
    this.#database
      .prepare('INSERT INTO note (series_id, author, text, created_ms) VALUES (?, ?, ?, ?)')
      .run(seriesId, author, text, createdMs);
    this.refreshText(seriesId);
  }

  notesOf(seriesId: number): readonly Note[] {
    return this.#database
      .prepare('SELECT * FROM note WHERE series_id = ? ORDER BY created_ms, id')
      .all(seriesId)
      .map((row) => ({
        author: String(row['author']),
        text: String(row['text']),
        createdMs: Number(row['created_ms']),
      }));
  }

  /** Makes the series be found by its words as they are now. */
  refreshText(seriesId: number): void {
    const words = String(this.#words.get(seriesId)?.['words'] ?? '');
    this.#database.prepare('DELETE FROM series_text WHERE rowid = ?').run(seriesId);
    this.#database.prepare('INSERT INTO series_text (rowid, words) VALUES (?, ?)').run(seriesId, words);
  }

  #countFindings(seriesId: number): void {
    this.#database
      .prepare(
        `UPDATE series SET
           finding_count = (SELECT count(*) FROM finding WHERE series_id = series.id),
           failed_count = (SELECT count(*) FROM finding WHERE series_id = series.id AND severity = 'failed')
         WHERE id = ?`,
      )
      .run(seriesId);
  }
}
