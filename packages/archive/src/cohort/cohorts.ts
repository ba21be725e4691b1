/**
 * Cohorts: a query, and which series belonged to it when it was frozen, with the reason for each that does not. A version
 * never changes, but for subjects that are erased; freezing again makes the next one. Splits by patient are drawn once and never again.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import { conditionOfQuery, searchedTables } from '../search/query-sql.ts';
import type { CommitGroup } from '../store/commit-group.ts';
import type { ContentDirectory } from '../store/content-directory.ts';
import { type CohortCase, casesOfVersion } from './cohort-case.ts';
import {
  type Candidate,
  type CohortRules,
  defaultCohortRules,
  type Exclusion,
  type Membership,
  membershipsOf,
} from './cohort-rules.ts';
import { type NewSplit, type Split, Splits } from './splits.ts';

export interface CohortVersion {
  readonly name: string;
  /** Counted from 1. */
  readonly version: number;
  readonly query: string;
  readonly rules: CohortRules;
  readonly createdMs: number;
  readonly included: number;
  /** How many were excluded for each reason. */
  readonly excluded: Readonly<Partial<Record<Exclusion, number>>>;
  /** Subjects that belonged to it and were erased since, in order of time: the one way in which a version changes. */
  readonly erased: readonly ErasedMember[];
}

export interface ErasedMember {
  readonly patientId: string;
  /** How many of its series belonged to the version. */
  readonly series: number;
  readonly reason: string;
  readonly erasedMs: number;
}

export interface CohortMember {
  readonly seriesInstanceUid: string;
  readonly patientId: string;
  /** Undefined: it belongs to the cohort. */
  readonly exclusion: Exclusion | undefined;
  /** A person's reason. */
  readonly explanation: string | undefined;
}

export interface CohortSelector {
  readonly name: string;
  /** Default: the newest. */
  readonly version?: number;
}

/** What another process may do, too. */
export class CohortReader {
  protected readonly database: DatabaseSync;
  protected readonly splits: Splits;
  readonly #files: { readonly instances: ContentDirectory; readonly labels: ContentDirectory };

  constructor(parts: { database: DatabaseSync; instances: ContentDirectory; labels: ContentDirectory }) {
    this.database = parts.database;
    this.splits = new Splits(parts.database);
    this.#files = parts;
  }

  /** What `freeze` would give, nothing written. @throws QueryError */
  preview(query: string, rules: Partial<CohortRules> = {}): readonly CohortMember[] {
    return this.memberships(query, { ...defaultCohortRules, ...rules }).map(({ member }) => member);
  }

  /** Every cohort's newest version, by name. */
  list(): readonly CohortVersion[] {
    const rows = this.database.prepare('SELECT name FROM cohort ORDER BY name').all();
    return rows.map(({ name }) => this.version({ name: String(name) }));
  }

  /** @throws ArchiveError `archive.cohort-unknown` */
  version(selector: CohortSelector): CohortVersion {
    const row = this.versionRow(selector);
    const excluded: Partial<Record<Exclusion, number>> = {};
    let included = 0;
    const counts = this.database
      .prepare('SELECT exclusion, count(*) AS members FROM cohort_member WHERE version_id = ? GROUP BY exclusion')
      .all(Number(row['id']));
    for (const { exclusion, members } of counts) {
      if (exclusion === null) included = Number(members);
      else excluded[String(exclusion) as Exclusion] = Number(members);
    }
    return {
      name: String(row['name']),
      version: Number(row['version']),
      query: String(row['query']),
      rules: JSON.parse(String(row['rules'])) as CohortRules,
      createdMs: Number(row['created_ms']),
      included,
      excluded,
      erased: this.#erasedOf(Number(row['id'])),
    };
  }

  #erasedOf(versionId: number): readonly ErasedMember[] {
    return this.database
      .prepare('SELECT * FROM cohort_tombstone WHERE version_id = ? ORDER BY erased_ms, PatientID')
      .all(versionId)
      .map((row) => ({
        patientId: String(row['PatientID']),
        series: Number(row['series']),
        reason: String(row['reason']),
        erasedMs: Number(row['erased_ms']),
      }));
  }

  /** Those that belong to it and those that do not, in order of arrival. @throws ArchiveError `archive.cohort-unknown` */
  members(selector: CohortSelector): readonly CohortMember[] {
    return this.database
      .prepare(
        `SELECT SeriesInstanceUID, PatientID, exclusion, explanation FROM cohort_member
         JOIN series ON series.id = series_id JOIN study ON study.id = study_id JOIN subject ON subject.id = subject_id
         WHERE version_id = ? ORDER BY series_id`,
      )
      .all(Number(this.versionRow(selector)['id']))
      .map((row) => ({
        seriesInstanceUid: String(row['SeriesInstanceUID']),
        patientId: String(row['PatientID']),
        exclusion: row['exclusion'] === null ? undefined : (String(row['exclusion']) as Exclusion),
        explanation: row['explanation'] === null ? undefined : String(row['explanation']),
      }));
  }

  /**
   * The files of each series of a cohort and of the segmentation it was frozen with, in order of arrival; with the part of
   * a split, if one is named.
   * @throws ArchiveError `archive.cohort-unknown`, `archive.split-unknown`
   */
  casesOf(selector: CohortSelector, { split }: { split?: string } = {}): readonly CohortCase[] {
    const parts = split === undefined ? undefined : this.splits.get(split).parts;
    return casesOfVersion(this.database, Number(this.versionRow(selector)['id']), { ...this.#files, parts });
  }

  /** In order of their drawing. */
  listSplits(): readonly Split[] {
    return this.splits.names().map((name) => this.splits.get(name));
  }

  /** @throws ArchiveError `archive.split-unknown` */
  split(name: string): Split {
    return this.splits.get(name);
  }

  protected memberships(query: string, rules: CohortRules): readonly (Membership & { member: CohortMember })[] {
    const { sql, values } = conditionOfQuery(this.database, query);
    const rows = this.database
      .prepare(
        `SELECT series.id AS id, SeriesInstanceUID, subject_id, study_id, StudyDate, PatientID, state, failed_count,
           duplicate_of, label_count, geometry IS NOT NULL AS has_geometry,
           (SELECT id FROM label WHERE label.series_id = series.id AND is_on_grid
            ORDER BY created_ms DESC, id DESC LIMIT 1) AS label_id
         FROM ${searchedTables} WHERE ${sql} ORDER BY series.id`,
      )
      .all(...values);
    const patientIds = new Map(rows.map((row) => [Number(row['id']), String(row['PatientID'])]));
    return membershipsOf(rows.map(candidateOf), rules).map((membership) => {
      const { candidate, exclusion, explanation } = membership;
      const { seriesInstanceUid, seriesId } = candidate;
      const patientId = patientIds.get(seriesId)!;
      return { ...membership, member: { seriesInstanceUid, patientId, exclusion, explanation } };
    });
  }

  protected versionRow({ name, version }: CohortSelector): Record<string, unknown> {
    const row = this.database
      .prepare(
        `SELECT cohort_version.*, name FROM cohort JOIN cohort_version ON cohort_id = cohort.id
         WHERE name = ? AND version = ifnull(?, version) ORDER BY version DESC LIMIT 1`,
      )
      .get(name, version ?? null);
    if (row === undefined)
      throw new ArchiveError('archive.cohort-unknown', 'There is no such cohort or version of it.');
    return row;
  }
}

export class Cohorts extends CohortReader {
  readonly #commits: CommitGroup;
  readonly #clock: ArchiveClock;

  constructor(parts: {
    database: DatabaseSync;
    commits: CommitGroup;
    clock: ArchiveClock;
    instances: ContentDirectory;
    labels: ContentDirectory;
  }) {
    super(parts);
    this.#commits = parts.commits;
    this.#clock = parts.clock;
  }

  /**
   * Makes the cohort's next version, or its first.
   * @throws QueryError
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  async freeze(name: string, query: string, rules: Partial<CohortRules> = {}): Promise<CohortVersion> {
    const all = { ...defaultCohortRules, ...rules };
    const createdMs = this.#clock.nowMs();
    const version = await this.#commits.run(() => {
      const memberships = this.memberships(query, all);
      const cohortId = this.#one(
        'INSERT INTO cohort (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id AS value',
        name,
      );
      const next = this.#one(
        'SELECT ifnull(max(version), 0) + 1 AS value FROM cohort_version WHERE cohort_id = ?',
        cohortId,
      );
      const versionId = this.#one(
        `INSERT INTO cohort_version (cohort_id, version, query, rules, created_ms) VALUES (?, ?, ?, ?, ?)
         RETURNING id AS value`,
        ...[cohortId, next, query, JSON.stringify(all), createdMs],
      );
      const insert = this.database.prepare('INSERT INTO cohort_member VALUES (?, ?, ?, ?, ?)');
      for (const { candidate, exclusion, explanation } of memberships) {
        const labelId = exclusion === undefined ? (candidate.labelId ?? null) : null;
        insert.run(versionId, candidate.seriesId, labelId, exclusion ?? null, explanation ?? null);
      }
      return next;
    });
    return this.version({ name, version });
  }

  /**
   * Draws the patients of a cohort into parts, once.
   * @throws ArchiveError `archive.split-exists`, `archive.split-shares-invalid`, `archive.cohort-unknown`
   * @throws QueryError if a field is unknown
   */
  createSplit(split: NewSplit & CohortSelector & { readonly split: string }): Promise<Split> {
    const row = this.versionRow(split);
    const createdMs = this.#clock.nowMs();
    return this.#commits.run(() => {
      this.splits.create(split.split, split, { ...versionOf(row), createdMs });
      return this.splits.get(split.split);
    });
  }

  /**
   * Draws the patients that a newer version of the cohort has added. Nobody drawn before is drawn again.
   * @throws ArchiveError `archive.split-unknown`, `archive.cohort-unknown`
   */
  extendSplit(name: string, selector: CohortSelector): Promise<Split> {
    const row = this.versionRow(selector);
    return this.#commits.run(() => {
      this.splits.extend(name, versionOf(row));
      return this.splits.get(name);
    });
  }

  #one(sql: string, ...values: readonly (string | number)[]): number {
    return Number(this.database.prepare(sql).get(...values)!['value']);
  }
}

function versionOf(row: Record<string, unknown>): { cohortId: number; versionId: number; version: number } {
  return { cohortId: Number(row['cohort_id']), versionId: Number(row['id']), version: Number(row['version']) };
}

function candidateOf(row: Record<string, unknown>): Candidate {
  const optional = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  return {
    seriesId: Number(row['id']),
    seriesInstanceUid: String(row['SeriesInstanceUID']),
    subjectId: Number(row['subject_id']),
    studyId: Number(row['study_id']),
    studyDate: row['StudyDate'] === null ? undefined : String(row['StudyDate']),
    isVolume: row['state'] === 'described' && row['has_geometry'] === 1,
    hasFailed: Number(row['failed_count']) > 0,
    duplicateOfId: optional('duplicate_of'),
    labels: Number(row['label_count']),
    labelId: optional('label_id'),
  };
}
