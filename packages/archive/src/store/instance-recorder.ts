/** Writes instances, and the series, studies and subjects they belong to, into the catalogue's tables. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AttributeChange } from '@consilium/imaging';
import { catalogueAttributes } from '../catalogue-query.ts';
import { headerFactsOf } from '../derive/header-facts.ts';
import { ageYearsOf } from './age.ts';
import type { InstanceHeader } from './instance-header.ts';

export interface InstanceRecord {
  readonly header: InstanceHeader;
  readonly format: 'dicom' | 'file';
  readonly sha256: string;
  /** Keyed digest of the file as it came. */
  readonly source: Uint8Array;
  readonly sizeBytes: number;
  readonly nowMs: number;
  /** What de-identification did to it. */
  readonly changes: readonly AttributeChange[];
}

export type RecordOutcome =
  | { readonly kind: 'stored'; readonly seriesId: number; readonly isFirstOfSeries: boolean }
  | { readonly kind: 'duplicate' }
  /** Other content under the same SOP Instance UID; the first stays. */
  | { readonly kind: 'conflict'; readonly seriesId: number; readonly storedSha256: string }
  /** Its study belongs to another patient, or its series to another study. */
  | { readonly kind: 'misplaced' }
  /** Its subject was erased, and may not come in again. */
  | { readonly kind: 'erased' };

type Level = 'study' | 'series' | 'instance';

const columnsOf = (level: Level, isColumn: (keyword: string) => boolean = () => true): readonly string[] =>
  Object.entries(catalogueAttributes)
    .filter(([keyword, attribute]) => attribute.level === level && !attribute.computed && isColumn(keyword))
    .map(([keyword]) => keyword);

const subjectColumns = ['PatientID', 'PatientName', 'PatientSex', 'PatientBirthDate'];
const studyColumns = columnsOf('study', (keyword) => !subjectColumns.includes(keyword));
const seriesColumns = columnsOf('series');
const instanceColumns = columnsOf('instance');
const withColumn = new Set([...subjectColumns, ...studyColumns, ...seriesColumns, ...instanceColumns]);

/** Longer values are prose, found by free text only. */
const valueCharactersMax = 256;

export class InstanceRecorder {
  readonly #statements = new Map<string, StatementSync>();
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** What the catalogue would answer, without writing anything. */
  known(sopInstanceUid: string, { sha256, source }: { sha256: string; source: Uint8Array }): RecordOutcome | undefined {
    const known = this.#get(
      'SELECT series_id, hex(sha256) AS sha256, hex(source) AS source FROM instance WHERE SOPInstanceUID = ?',
      sopInstanceUid,
    );
    if (known === undefined) return undefined;
    const same =
      String(known['sha256']).toLowerCase() === sha256 ||
      String(known['source']).toLowerCase() === Buffer.from(source).toString('hex');
    if (same) return { kind: 'duplicate' };
    const storedSha256 = String(known['sha256']).toLowerCase();
    return { kind: 'conflict', seriesId: Number(known['series_id']), storedSha256 };
  }

  /** Whether a subject was erased and may not come in again. */
  isErased(patientId: string): boolean {
    return this.#get("SELECT 1 FROM erasure WHERE PatientID = ? AND state <> 'allowed'", patientId) !== undefined;
  }

  /** Within a transaction of the caller's. The header states all four UIDs. */
  record(record: InstanceRecord): RecordOutcome {
    const { header, sha256, source, sizeBytes, nowMs } = record;
    const known = this.known(header.attributes.get('SOPInstanceUID')![0]!, { sha256, source });
    if (known !== undefined) return known;
    if (this.isErased(patientIdOf(header))) return { kind: 'erased' };
    const subjectId = this.#subject(record);
    const study = this.#study(record, subjectId);
    if (study.parent !== subjectId) return { kind: 'misplaced' };
    const series = this.#series(record, study.id);
    if (series.parent !== study.id) return { kind: 'misplaced' };
    this.#run(
      `INSERT INTO instance (series_id, ${quoted(instanceColumns)}, transfer_syntax_uid, size_bytes, sha256, source,
         labels_series_uid, created_ms) VALUES (?, ${placeholders(instanceColumns)}, ?, ?, ?, ?, ?, ?)`,
      ...[series.id, ...valuesOf(header, instanceColumns)],
      ...[header.transferSyntaxUid, sizeBytes, Buffer.from(sha256, 'hex'), source],
      ...[header.labelsSeriesUid ?? null, nowMs],
    );
    this.#run(
      `UPDATE series SET instance_count = instance_count + 1, size_bytes = size_bytes + ?, arrived_ms = ?,
         state = 'arriving', state_code = NULL WHERE id = ?`,
      ...[sizeBytes, nowMs, series.id],
    );
    if (header.labelsSeriesUid !== undefined) this.#lookAgainAt(header.labelsSeriesUid);
    for (const { tag, action, reason, count } of record.changes) {
      this.#run(
        `INSERT INTO study_change VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET count = count + excluded.count`,
        ...[study.id, tag, action, reason, count],
      );
    }
    return { kind: 'stored', seriesId: series.id, isFirstOfSeries: series.isNew };
  }

  /** A series that has been looked at gets a segmentation. */
  #lookAgainAt(seriesInstanceUid: string): void {
    this.#run(
      "UPDATE series SET state = 'settled' WHERE SeriesInstanceUID = ? AND state IN ('described', 'unreadable')",
      seriesInstanceUid,
    );
  }

  #subject({ header, nowMs }: InstanceRecord): number {
    const patientId = patientIdOf(header);
    const known = this.#get('SELECT id FROM subject WHERE PatientID = ?', patientId);
    if (known !== undefined) return Number(known['id']);
    const [, ...others] = valuesOf(header, subjectColumns);
    const made = this.#get(
      `INSERT INTO subject (${quoted(subjectColumns)}, created_ms) VALUES (?, ?, ?, ?, ?) RETURNING id`,
      ...[patientId, ...others, nowMs],
    );
    return Number(made!['id']);
  }

  #study({ header, format, nowMs }: InstanceRecord, subjectId: number): { id: number; parent: number } {
    const uid = header.attributes.get('StudyInstanceUID')![0]!;
    const known = this.#get('SELECT id, subject_id FROM study WHERE StudyInstanceUID = ?', uid);
    if (known !== undefined) return { id: Number(known['id']), parent: Number(known['subject_id']) };
    const age = ageYearsOf(header.attributes.get('PatientAge')?.[0]) ?? null;
    const made = this.#get(
      `INSERT INTO study (subject_id, format, age_years, created_ms, ${quoted(studyColumns)})
       VALUES (?, ?, ?, ?, ${placeholders(studyColumns)}) RETURNING id`,
      ...[subjectId, format, age, nowMs, ...valuesOf(header, studyColumns)],
    );
    return { id: Number(made!['id']), parent: subjectId };
  }

  #series(record: InstanceRecord, studyId: number): { id: number; parent: number; isNew: boolean } {
    const { header, nowMs } = record;
    const uid = header.attributes.get('SeriesInstanceUID')![0]!;
    const known = this.#get('SELECT id, study_id FROM series WHERE SeriesInstanceUID = ?', uid);
    if (known !== undefined) return { id: Number(known['id']), parent: Number(known['study_id']), isNew: false };
    const facts = headerFactsOf(header);
    const made = this.#get(
      `INSERT INTO series (study_id, arrived_ms, vendor, kernel, kvp, contrast, slice_thickness_mm, phase, phase_source,
         ${quoted(seriesColumns)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ${placeholders(seriesColumns)}) RETURNING id`,
      ...[studyId, nowMs, facts.vendor ?? null, facts.kernel ?? null, facts.kvp ?? null],
      ...[facts.hasContrast === undefined ? null : Number(facts.hasContrast), facts.sliceThicknessMm ?? null],
      ...[facts.phase ?? null, facts.phase === undefined ? null : 'description'],
      ...valuesOf(header, seriesColumns),
    );
    const id = Number(made!['id']);
    for (const [keyword, values] of header.attributes) {
      if (!withColumn.has(keyword)) this.#attribute(id, keyword, values);
    }
    return { id, parent: studyId, isNew: true };
  }

  #attribute(seriesId: number, keyword: string, values: readonly string[]): void {
    const row = this.#get(
      'INSERT INTO attribute (keyword) VALUES (?) ON CONFLICT DO UPDATE SET keyword = keyword RETURNING id',
      keyword,
    );
    const attributeId = Number(row!['id']);
    for (const value of values) {
      if (value.length > valueCharactersMax) continue;
      const number = value.trim() === '' ? Number.NaN : Number(value);
      this.#run(
        'INSERT OR IGNORE INTO series_attribute VALUES (?, ?, ?, ?)',
        ...[attributeId, seriesId, value, Number.isFinite(number) ? number : null],
      );
    }
  }

  #get(sql: string, ...values: readonly (string | number | null | Uint8Array)[]) {
    return this.#statement(sql).get(...values);
  }

  #run(sql: string, ...values: readonly (string | number | null | Uint8Array)[]) {
    return this.#statement(sql).run(...values);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** An instance without PatientID belongs to a subject of its study alone. */
export function patientIdOf(header: InstanceHeader): string {
  return header.attributes.get('PatientID')?.[0] ?? header.attributes.get('StudyInstanceUID')![0]!;
}

function valuesOf(header: InstanceHeader, keywords: readonly string[]): (string | number | null)[] {
  return keywords.map((keyword) => {
    const value = header.attributes.get(keyword)?.[0];
    if (value === undefined) return null;
    const { vr } = catalogueAttributes[keyword as keyof typeof catalogueAttributes];
    if (vr !== 'IS' && vr !== 'US') return value;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : null;
  });
}

function quoted(columns: readonly string[]): string {
  return columns.map((column) => `"${column}"`).join(', ');
}

function placeholders(columns: readonly string[]): string {
  return columns.map(() => '?').join(', ');
}
