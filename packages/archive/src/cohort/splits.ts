/** Splits of a cohort's patients into parts such as train, validation and test: drawn once, recorded, only added to. */
import type { DatabaseSync } from 'node:sqlite';
import { ArchiveError } from '../archive-error.ts';
import { fieldNamed, type SearchField } from '../search/search-fields.ts';
import { type DrawnPatient, drawPatients } from './patient-draw.ts';

export interface NewSplit {
  /** Of each part, such as `{ train: 0.7, validation: 0.1, test: 0.2 }`. */
  readonly shares: Readonly<Record<string, number>>;
  /** Fields of the search: each part gets its share of every combination of their values. */
  readonly stratifyBy: readonly string[];
  readonly seed: string;
}

export interface Split {
  readonly name: string;
  readonly cohort: string;
  readonly shares: Readonly<Record<string, number>>;
  readonly strata: readonly Stratifier[];
  /** Patient's pseudonym to part. */
  readonly parts: ReadonlyMap<string, string>;
  readonly patients: readonly DrawnPatient[];
  readonly createdMs: number;
}

/** How a field divides patients: by value, or by the classes between `edges`, which were fixed at the first draw. */
export interface Stratifier {
  readonly field: string;
  readonly edges: readonly number[] | undefined;
}

interface VersionOfCohort {
  readonly cohortId: number;
  readonly versionId: number;
  readonly version: number;
}

/** Numbers are divided at the terciles of the patients first drawn. */
const classesOfNumbers = 3;

/** Everything that writes within a transaction of the caller's. */
export class Splits {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws ArchiveError `archive.split-exists`, `archive.split-shares-invalid` */
  create(
    name: string,
    { shares, stratifyBy, seed }: NewSplit,
    { createdMs, ...version }: VersionOfCohort & { createdMs: number },
  ): void {
    const given = Object.values(shares);
    if (given.length === 0 || !given.every((share) => Number.isFinite(share) && share > 0)) {
      throw new ArchiveError('archive.split-shares-invalid', 'A split needs parts with shares above zero.');
    }
    if (this.#database.prepare('SELECT 1 FROM split WHERE name = ?').get(name) !== undefined) {
      throw new ArchiveError('archive.split-exists', 'There is a split of this name; it is never drawn again.');
    }
    const strata = stratifyBy.map((text) => this.#stratifier(text, version.versionId));
    this.#database
      .prepare('INSERT INTO split (name, cohort_id, shares, strata, seed, created_ms) VALUES (?, ?, ?, ?, ?, ?)')
      .run(name, version.cohortId, JSON.stringify(shares), JSON.stringify(strata), seed, createdMs);
    this.extend(name, version);
  }

  /** @throws ArchiveError `archive.split-unknown`, `archive.cohort-unknown` if the split is another cohort's */
  extend(name: string, { cohortId, versionId, version }: VersionOfCohort): void {
    const row = this.#row(name);
    if (Number(row['cohort_id']) !== cohortId) {
      throw new ArchiveError('archive.cohort-unknown', 'The split belongs to another cohort.');
    }
    const strata = JSON.parse(String(row['strata'])) as Stratifier[];
    const patients = this.#patientsOf(versionId, strata);
    const added = drawPatients(
      [...patients].map(([patientId, { stratum }]) => ({ patientId, stratum })),
      { shares: JSON.parse(String(row['shares'])), seed: String(row['seed']), drawn: this.#drawn(Number(row['id'])) },
    );
    const insert = this.#database.prepare('INSERT INTO split_patient VALUES (?, ?, ?, ?, ?)');
    for (const { patientId, part, stratum } of added) {
      insert.run(Number(row['id']), patients.get(patientId)!.subjectId, part, stratum, version);
    }
  }

  /** In order of their drawing. */
  names(): readonly string[] {
    const rows = this.#database.prepare('SELECT name FROM split ORDER BY id').all();
    return rows.map(({ name }) => String(name));
  }

  /** @throws ArchiveError `archive.split-unknown` */
  get(name: string): Split {
    const row = this.#row(name);
    const patients = this.#drawn(Number(row['id']));
    return {
      name,
      cohort: String(row['cohort']),
      shares: JSON.parse(String(row['shares'])),
      strata: JSON.parse(String(row['strata'])),
      parts: new Map(patients.map(({ patientId, part }) => [patientId, part])),
      patients,
      createdMs: Number(row['created_ms']),
    };
  }

  #row(name: string): Record<string, unknown> {
    const row = this.#database
      .prepare(
        'SELECT split.*, cohort.name AS cohort FROM split JOIN cohort ON cohort.id = cohort_id WHERE split.name = ?',
      )
      .get(name);
    if (row === undefined) throw new ArchiveError('archive.split-unknown', 'There is no split of this name.');
    return row;
  }

  #drawn(splitId: number): readonly DrawnPatient[] {
    return this.#database
      .prepare(
        `SELECT PatientID, stratum, part FROM split_patient JOIN subject ON subject.id = subject_id
         WHERE split_id = ? ORDER BY version, subject_id`,
      )
      .all(splitId)
      .map((row) => ({
        patientId: String(row['PatientID']),
        stratum: String(row['stratum']),
        part: String(row['part']),
      }));
  }

  #stratifier(text: string, versionId: number): Stratifier {
    const field = fieldNamed(this.#database, { text, position: 0 });
    if (field.type !== 'number') return { field: text, edges: undefined };
    const largest = new Map<number, number>();
    for (const { subjectId, value } of this.#valuesOf(versionId, field)) {
      if (typeof value === 'number') largest.set(subjectId, Math.max(largest.get(subjectId) ?? value, value));
    }
    const sorted = [...largest.values()].sort((a, b) => a - b);
    const edges = Array.from({ length: classesOfNumbers - 1 }, (_, index) => {
      return sorted[Math.floor(((index + 1) * sorted.length) / classesOfNumbers)];
    });
    return { field: text, edges: [...new Set(edges.filter((edge) => edge !== undefined))] };
  }

  /** Of a patient with several series: the largest number, or all values. */
  #patientsOf(versionId: number, strata: readonly Stratifier[]): Map<string, { subjectId: number; stratum: string }> {
    const rows = this.#database
      .prepare(
        `SELECT DISTINCT subject.id AS id, PatientID FROM cohort_member JOIN series ON series.id = series_id
         JOIN study ON study.id = study_id JOIN subject ON subject.id = subject_id
         WHERE version_id = ? AND exclusion IS NULL ORDER BY subject.id`,
      )
      .all(versionId);
    const classes = strata.map((stratifier) => this.#classesBy(stratifier, versionId));
    return new Map(
      rows.map((row) => {
        const subjectId = Number(row['id']);
        const stratum = classes.map((classOf) => classOf.get(subjectId) ?? '').join(' / ');
        return [String(row['PatientID']), { subjectId, stratum }];
      }),
    );
  }

  #classesBy({ field: text, edges }: Stratifier, versionId: number): ReadonlyMap<number, string> {
    const field = fieldNamed(this.#database, { text, position: 0 });
    const values = Map.groupBy(this.#valuesOf(versionId, field), ({ subjectId }) => subjectId);
    return new Map(
      [...values].map(([subjectId, found]) => {
        const known = found.map(({ value }) => value).filter((value) => value !== null);
        if (edges === undefined) return [subjectId, [...new Set(known.map(String))].sort().join('+')];
        if (known.length === 0) return [subjectId, ''];
        const largest = Math.max(...known.map(Number));
        return [subjectId, `class ${edges.filter((edge) => largest >= edge).length + 1}`];
      }),
    );
  }

  #valuesOf(versionId: number, field: SearchField): { subjectId: number; value: unknown }[] {
    const value = field.from === undefined ? field.sql : `(SELECT min(${field.sql}) FROM ${field.from})`;
    return this.#database
      .prepare(
        `SELECT subject.id AS id, ${value} AS value FROM cohort_member JOIN series ON series.id = series_id
         JOIN study ON study.id = study_id JOIN subject ON subject.id = subject_id
         WHERE version_id = ? AND exclusion IS NULL`,
      )
      .all(versionId)
      .map((row) => ({ subjectId: Number(row['id']), value: row['value'] }));
  }
}
