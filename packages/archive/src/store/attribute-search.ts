/** Answers questions by DICOM attributes from the catalogue, as C-FIND and QIDO-RS ask them. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { ArchiveError } from '../archive-error.ts';
import {
  type AttributeMatch,
  type AttributePage,
  type AttributeQuery,
  type AttributeSet,
  type CatalogueAttribute,
  catalogueAttributes,
  type QueryLevel,
} from '../catalogue-query.ts';

/** At most so many answers to one question; the rest by `offset`. */
const answersMax = 1000;

const depth = { study: 0, series: 1, instance: 2 } as const satisfies Record<QueryLevel, number>;

const subjectAttributes: ReadonlySet<string> = new Set(['PatientID', 'PatientName', 'PatientSex', 'PatientBirthDate']);

const tables = [
  'study JOIN subject ON subject.id = study.subject_id',
  'series ON series.study_id = study.id',
  'instance ON instance.series_id = series.id',
] as const;

const orders = {
  study: 'study.StudyDate, study.id',
  series: 'study.StudyDate, study.id, series.SeriesNumber, series.id',
  instance: 'study.StudyDate, study.id, series.SeriesNumber, series.id, instance.InstanceNumber, instance.id',
} as const;

const computed: Readonly<Partial<Record<CatalogueAttribute, string>>> = {
  ModalitiesInStudy: `(SELECT group_concat(DISTINCT Modality) FROM series WHERE study_id = study.id)`,
  NumberOfStudyRelatedSeries: '(SELECT count(*) FROM series WHERE study_id = study.id)',
  NumberOfStudyRelatedInstances: '(SELECT sum(instance_count) FROM series WHERE study_id = study.id)',
  NumberOfSeriesRelatedInstances: 'series.instance_count',
};

/** @throws ArchiveError `archive.query-unsupported` */
export function findByAttributes(database: DatabaseSync, query: AttributeQuery): AttributePage {
  const { level } = query;
  const attributes = (Object.keys(catalogueAttributes) as CatalogueAttribute[]).filter(
    (keyword) => depth[catalogueAttributes[keyword].level] <= depth[level],
  );
  const conditions = query.matches.map((match) => conditionOf(match, level));
  // SQLite's own upper() knows ASCII only.
  database.function('folded_name', { deterministic: true }, (name) =>
    name === null ? null : foldedName(String(name)),
  );
  const limit = Math.min(Math.max(0, query.limit ?? answersMax), answersMax);
  // Counts are computed for the answers only, not for all that is passed over.
  const ids = `SELECT ${level}.id FROM ${tables.slice(0, depth[level] + 1).join(' JOIN ')}
    WHERE ${["study.format = 'dicom'", ...conditions.map(({ sql }) => sql)].join(' AND ')}
    ORDER BY ${orders[level]} LIMIT ? OFFSET ?`;
  const sql = `SELECT ${attributes.map((keyword) => `${expressionOf(keyword)} AS "${keyword}"`).join(', ')}
    FROM ${tables.slice(0, depth[level] + 1).join(' JOIN ')} WHERE ${level}.id IN (${ids}) ORDER BY ${orders[level]}`;
  const values = [...conditions.flatMap((condition) => condition.values), limit + 1, Math.max(0, query.offset ?? 0)];
  const rows = database.prepare(sql).all(...values);
  return { matches: rows.slice(0, limit).map(attributeSetOf), hasMore: rows.length > limit };
}

interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

function conditionOf(match: AttributeMatch, level: QueryLevel): Condition {
  const attribute = catalogueAttributes[match.attribute];
  const isAskable = !attribute.computed || match.attribute === 'ModalitiesInStudy';
  if (!isAskable || depth[attribute.level] > depth[level]) {
    throw new ArchiveError('archive.query-unsupported', `${match.attribute} cannot be asked at this level.`);
  }
  if (match.attribute !== 'ModalitiesInStudy') return comparison(match, expressionOf(match.attribute));
  const inner = comparison(match, 'one.Modality');
  return {
    sql: `EXISTS (SELECT 1 FROM series one WHERE one.study_id = study.id AND ${inner.sql})`,
    values: inner.values,
  };
}

function comparison(match: AttributeMatch, column: string): Condition {
  const { vr } = catalogueAttributes[match.attribute];
  const isNumber = vr === 'IS' || vr === 'US';
  const boundOf = (text: string): SQLInputValue => (isNumber ? Number(text) : vr === 'PN' ? foldedName(text) : text);
  const side = vr === 'PN' ? `folded_name(${column})` : column;
  switch (match.kind) {
    case 'equal':
      return { sql: `${side} = ?`, values: [boundOf(match.value)] };
    case 'wildcard':
      // GLOB knows the same two wildcards, and sets in brackets besides.
      return { sql: `${side} GLOB ?`, values: [String(boundOf(match.pattern)).replaceAll('[', '[[]')] };
    case 'any-of':
      return {
        sql: `${side} IN (SELECT value FROM json_each(?))`,
        values: [JSON.stringify(match.values.map(boundOf))],
      };
    case 'range': {
      const parts: Condition[] = [];
      if (match.from !== undefined) parts.push({ sql: `${side} >= ?`, values: [boundOf(match.from)] });
      if (match.to !== undefined) {
        const to = boundOf(match.to);
        // A time with fewer digits means all of that hour, minute or second.
        const begun = vr === 'TM' ? `substr(${side}, 1, ${match.to.length})` : side;
        parts.push({ sql: `${begun} <= ?`, values: [to] });
      }
      if (parts.length === 0) return { sql: 'TRUE', values: [] };
      return { sql: parts.map(({ sql }) => sql).join(' AND '), values: parts.flatMap(({ values }) => values) };
    }
  }
}

/** Names match in any case (PS3.4 C.2.2.2.1), and however their accents are put together. */
function foldedName(name: string): string {
  return name.normalize('NFC').toUpperCase().normalize('NFC');
}

function expressionOf(keyword: CatalogueAttribute): string {
  if (computed[keyword] !== undefined) return computed[keyword];
  const table = subjectAttributes.has(keyword) ? 'subject' : catalogueAttributes[keyword].level;
  return `${table}."${keyword}"`;
}

function attributeSetOf(row: Record<string, unknown>): AttributeSet {
  const entries = Object.entries(row).flatMap(([keyword, value]) => {
    if (value === null || value === '') return [];
    if (keyword === 'ModalitiesInStudy') return [[keyword, String(value).split(',').sort()]];
    return [[keyword, [value]]];
  });
  return Object.fromEntries(entries) as AttributeSet;
}
