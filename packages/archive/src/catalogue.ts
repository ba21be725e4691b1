/**
 * What an archive holds: subjects, their studies, series and instances, with what was derived, found and said of them.
 * Everything is de-identified. Reads only; another process may do it while the archive takes in.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AttributeChange } from '@consilium/imaging';
import { ArchiveError } from './archive-error.ts';
import type {
  AttributePage,
  AttributeQuery,
  InstanceCatalogue,
  InstanceSelector,
  StoredInstance,
} from './catalogue-query.ts';
import type { Facet, Histogram } from './search/facets.ts';
import { facetOf, histogramOf } from './search/facets.ts';
import { type CatalogueCounts, countsOf, type SearchOptions, type SearchPage, searchSeries } from './search/search.ts';
import { Annotations, type Finding, type Note } from './store/annotations.ts';
import { findByAttributes } from './store/attribute-search.ts';
import type { ContentDirectory } from './store/content-directory.ts';
import { type Label, labelsOf } from './store/label-store.ts';
import { type SeriesEntry, seriesEntryOf, seriesEntrySql } from './store/series-entry.ts';
import { isSyntheticSql } from './store/synthetic-series.ts';

export interface SubjectEntry {
  /** The pseudonym. */
  readonly patientId: string;
  readonly sex: string | undefined;
  readonly studies: number;
}

export interface StudyEntry {
  readonly studyInstanceUid: string;
  readonly patientId: string;
  /** YYYYMMDD, as de-identified; undefined if removed. */
  readonly date: string | undefined;
  readonly description: string | undefined;
  readonly ageYears: number | undefined;
  readonly series: number;
  readonly instances: number;
}

export interface SeriesFilePaths {
  /** A series that came as NIfTI or NRRD is one NIfTI file. */
  readonly format: 'dicom' | 'nifti';
  readonly paths: readonly string[];
}

export interface Page {
  readonly offset?: number;
  readonly limit?: number;
}

export interface CatalogueTotals {
  readonly instanceBytes: number;
  /** Series that came in and have not been looked at yet. */
  readonly waitingSeries: number;
  readonly quarantined: number;
  readonly findings: { readonly warnings: number; readonly failed: number };
}

/** What was found of the same kind. */
export interface FindingGroup extends Pick<Finding, 'code' | 'severity' | 'message'> {
  readonly series: number;
  readonly subjects: number;
}

/** A series with all that is said of it. */
export interface SeriesDetails extends SeriesEntry {
  readonly findings: readonly Finding[];
  readonly tags: readonly string[];
  readonly notes: readonly Note[];
  readonly labels: readonly Label[];
  /** Attributes of its first instance that have no place of their own, by keyword. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

export class Catalogue implements InstanceCatalogue {
  readonly #database: DatabaseSync;
  readonly #instances: ContentDirectory;
  readonly #annotations: Annotations;
  readonly #instancesOf: StatementSync;

  constructor(database: DatabaseSync, instances: ContentDirectory) {
    this.#database = database;
    this.#instances = instances;
    this.#annotations = new Annotations(database);
    this.#instancesOf = database.prepare(`
      SELECT StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, SOPClassUID, transfer_syntax_uid,
        instance.size_bytes AS size_bytes, lower(hex(sha256)) AS sha256
      FROM study JOIN series ON series.study_id = study.id JOIN instance ON instance.series_id = series.id
      WHERE StudyInstanceUID = ?1 AND SeriesInstanceUID = ifnull(?2, SeriesInstanceUID)
        AND SOPInstanceUID = ifnull(?3, SOPInstanceUID) AND study.format = 'dicom'
      ORDER BY SeriesNumber, series.id, InstanceNumber, instance.id`);
  }

  find(query: AttributeQuery): AttributePage {
    return findByAttributes(this.#database, query);
  }

  instancesOf({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: InstanceSelector): readonly StoredInstance[] {
    return this.#instancesOf.all(studyInstanceUid, seriesInstanceUid ?? null, sopInstanceUid ?? null).map((row) => ({
      studyInstanceUid: String(row['StudyInstanceUID']),
      seriesInstanceUid: String(row['SeriesInstanceUID']),
      sopInstanceUid: String(row['SOPInstanceUID']),
      sopClassUid: String(row['SOPClassUID']),
      transferSyntaxUid: String(row['transfer_syntax_uid']),
      sizeBytes: Number(row['size_bytes']),
      sha256: String(row['sha256']),
    }));
  }

  readInstance({ sha256 }: StoredInstance): Promise<Uint8Array> {
    return this.#instances.get(sha256);
  }

  /** The files that hold a series, in order of InstanceNumber. @throws ArchiveError `archive.series-unknown` */
  filesOf(seriesInstanceUid: string): SeriesFilePaths {
    const id = this.seriesId(seriesInstanceUid);
    const { format } = this.#database
      .prepare('SELECT format FROM study JOIN series ON series.study_id = study.id WHERE series.id = ?')
      .get(id)!;
    const paths = this.#database
      .prepare('SELECT lower(hex(sha256)) AS sha256 FROM instance WHERE series_id = ? ORDER BY InstanceNumber, id')
      .all(id)
      .map(({ sha256 }) => this.#instances.pathOf(String(sha256)));
    return { format: format === 'file' ? 'nifti' : 'dicom', paths };
  }

  /** In order of arrival. */
  subjects({ offset = 0, limit = 100 }: Page = {}): readonly SubjectEntry[] {
    return this.#database
      .prepare(
        `SELECT PatientID, PatientSex, (SELECT count(*) FROM study WHERE subject_id = subject.id) AS studies
         FROM subject ORDER BY id LIMIT ? OFFSET ?`,
      )
      .all(limit, offset)
      .map((row) => ({
        patientId: String(row['PatientID']),
        sex: textOf(row['PatientSex']),
        studies: Number(row['studies']),
      }));
  }

  /** By date. */
  studiesOf(patientId: string): readonly StudyEntry[] {
    return this.#database
      .prepare(
        `SELECT study.*, PatientID, count(series.id) AS series, ifnull(sum(instance_count), 0) AS instances
         FROM study JOIN subject ON subject.id = subject_id LEFT JOIN series ON study_id = study.id
         WHERE PatientID = ? GROUP BY study.id ORDER BY StudyDate, study.id`,
      )
      .all(patientId)
      .map((row) => ({
        studyInstanceUid: String(row['StudyInstanceUID']),
        patientId: String(row['PatientID']),
        date: textOf(row['StudyDate']),
        description: textOf(row['StudyDescription']),
        ageYears: row['age_years'] === null ? undefined : Number(row['age_years']),
        series: Number(row['series']),
        instances: Number(row['instances']),
      }));
  }

  seriesOf(studyInstanceUid: string): readonly SeriesEntry[] {
    return this.#database
      .prepare(`${seriesEntrySql} WHERE StudyInstanceUID = ? ORDER BY SeriesNumber, series.id`)
      .all(studyInstanceUid)
      .map(seriesEntryOf);
  }

  /** @throws ArchiveError `archive.series-unknown` */
  seriesDetails(seriesInstanceUid: string): SeriesDetails {
    const id = this.seriesId(seriesInstanceUid);
    const entry = seriesEntryOf(this.#database.prepare(`${seriesEntrySql} WHERE series.id = ?`).get(id)!);
    const attributes: Record<string, string[]> = {};
    const rows = this.#database
      .prepare(
        `SELECT keyword, text FROM series_attribute JOIN attribute ON attribute.id = attribute_id
         WHERE series_id = ? ORDER BY keyword`,
      )
      .all(id);
    for (const { keyword, text } of rows) {
      attributes[String(keyword)] ??= [];
      attributes[String(keyword)]!.push(String(text));
    }
    return {
      ...entry,
      findings: this.#annotations.findingsOf(id),
      tags: this.#annotations.tagsOf(id),
      notes: this.#annotations.notesOf(id),
      labels: labelsOf(this.#database, id),
      attributes,
    };
  }

  /** PNG of the middle slice; undefined if the series could not be read as a volume. @throws ArchiveError `archive.series-unknown` */
  thumbnail(seriesInstanceUid: string): Uint8Array | undefined {
    const id = this.seriesId(seriesInstanceUid);
    const row = this.#database.prepare('SELECT thumbnail FROM series_picture WHERE series_id = ?').get(id);
    return row?.['thumbnail'] as Uint8Array | undefined;
  }

  /** What de-identification did to a study: counts over all its instances, the most frequent first. */
  deidentificationOf(studyInstanceUid: string): readonly AttributeChange[] {
    return this.#database
      .prepare(
        `SELECT tag, action, reason, count FROM study_change JOIN study ON study.id = study_id
         WHERE StudyInstanceUID = ? ORDER BY count DESC, tag`,
      )
      .all(studyInstanceUid)
      .map((row) => ({
        tag: String(row['tag']),
        action: String(row['action']) as AttributeChange['action'],
        reason: String(row['reason']),
        count: Number(row['count']),
      }));
  }

  /**
   * Series that a query matches; an empty query matches all. See `search/query-parser.ts` for the language.
   * @throws ArchiveError `archive.query-invalid`, `archive.query-field-unknown`
   */
  search(query: string, options: SearchOptions = {}): SearchPage {
    return searchSeries(this.#database, query, options);
  }

  /** How much a query matches. @throws as `search` */
  count(query: string): CatalogueCounts {
    return countsOf(this.#database, query);
  }

  /** Of all there is, for an overview. */
  totals(): CatalogueTotals {
    const row = this.#database
      .prepare(
        `SELECT ifnull(sum(size_bytes), 0) AS bytes, ifnull(sum(state IN ('arriving', 'settled')), 0) AS waiting,
           (SELECT count(*) FROM quarantine) AS quarantined,
           (SELECT count(*) FROM finding WHERE severity = 'warning') AS warnings,
           (SELECT count(*) FROM finding WHERE severity = 'failed') AS failed
         FROM series`,
      )
      .get()!;
    return {
      instanceBytes: Number(row['bytes']),
      waitingSeries: Number(row['waiting']),
      quarantined: Number(row['quarantined']),
      findings: { warnings: Number(row['warnings']), failed: Number(row['failed']) },
    };
  }

  /** What was found how often: the gravest first. */
  findingGroups(): readonly FindingGroup[] {
    return this.#database
      .prepare(
        `SELECT code, severity, min(message) AS message, count(DISTINCT series_id) AS series,
           count(DISTINCT subject_id) AS subjects
         FROM finding JOIN series ON series.id = series_id JOIN study ON study.id = study_id
         GROUP BY code, severity
         ORDER BY CASE severity WHEN 'failed' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, series DESC, code`,
      )
      .all()
      .map((row) => ({
        code: String(row['code']),
        severity: String(row['severity']) as Finding['severity'],
        message: String(row['message']),
        series: Number(row['series']),
        subjects: Number(row['subjects']),
      }));
  }

  /** Whether an instance is there, by its UID as de-identified. */
  holdsInstance(sopInstanceUid: string): boolean {
    return this.#database.prepare('SELECT 1 FROM instance WHERE SOPInstanceUID = ?').get(sopInstanceUid) !== undefined;
  }

  holdsSeries(seriesInstanceUid: string): boolean {
    return (
      this.#database.prepare('SELECT 1 FROM series WHERE SeriesInstanceUID = ?').get(seriesInstanceUid) !== undefined
    );
  }

  /** Of what a query matches, how many series and subjects have each value of a field. @throws as `search` */
  facet(query: string, field: string): Facet {
    return facetOf(this.#database, query, field);
  }

  /** Of what a query matches, how a numeric field is distributed. @throws as `search` */
  histogram(query: string, field: string, { bins = 20 }: { bins?: number } = {}): Histogram {
    return histogramOf(this.#database, query, { field, bins });
  }

  /** Whether anything here says that it was made artificially: by Synthetic Data (0008,001C), or a tag. */
  hasSynthetic(): boolean {
    const row = this.#database.prepare(`SELECT EXISTS (SELECT 1 FROM series WHERE ${isSyntheticSql}) AS value`).get()!;
    return row['value'] === 1;
  }

  /** The catalogue's own number. @throws ArchiveError `archive.series-unknown` */
  seriesId(seriesInstanceUid: string): number {
    const row = this.#database.prepare('SELECT id FROM series WHERE SeriesInstanceUID = ?').get(seriesInstanceUid);
    if (row === undefined) throw new ArchiveError('archive.series-unknown', 'There is no such series in the archive.');
    return Number(row['id']);
  }
}

function textOf(value: unknown): string | undefined {
  return value === null || value === '' ? undefined : String(value);
}
