/** Of the series a query finds, how often each value of a field occurs: for building a cohort by eye. */
import type { DatabaseSync } from 'node:sqlite';
import { ArchiveError } from '../archive-error.ts';
import { conditionOfQuery, searchedTables } from './query-sql.ts';
import { fieldNamed, type SearchField } from './search-fields.ts';

export interface Facet {
  /** The most frequent first; `value` is undefined for the series that have none. */
  readonly values: readonly {
    readonly value: string | number | boolean | undefined;
    readonly series: number;
    readonly subjects: number;
  }[];
  /** Whether there are more values. */
  readonly hasMore: boolean;
}

export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** Series in each of equally wide bins between `min` and `max`; empty if no series has a value. */
  readonly counts: readonly number[];
  /** Series without a value. */
  readonly missing: number;
}

const valuesMax = 100;

/** @throws QueryError */
export function facetOf(database: DatabaseSync, query: string, fieldName: string): Facet {
  const field = fieldNamed(database, { text: fieldName, position: 0 });
  const { sql, values } = conditionOfQuery(database, query);
  // Of a field with several values: one row a value, or one without.
  const rows = database
    .prepare(
      `SELECT value, count(DISTINCT series_id) AS series, count(DISTINCT subject_id) AS subjects FROM (
         SELECT ${valueSql(field)} AS value, series.id AS series_id, study.subject_id AS subject_id
         FROM ${searchedTables} ${field.from === undefined ? '' : lateral(field)} WHERE ${sql}
       ) GROUP BY value ORDER BY series DESC, value LIMIT ?`,
    )
    .all(...values, valuesMax + 1);
  return {
    values: rows.slice(0, valuesMax).map((row) => ({
      value: facetValue(field, row['value']),
      series: Number(row['series']),
      subjects: Number(row['subjects']),
    })),
    hasMore: rows.length > valuesMax,
  };
}

/**
 * @throws QueryError
 * @throws ArchiveError `archive.query-unsupported` if the field holds no numbers
 */
export function histogramOf(
  database: DatabaseSync,
  query: string,
  { field: fieldName, bins }: { field: string; bins: number },
): Histogram {
  const field = fieldNamed(database, { text: fieldName, position: 0 });
  const number = field.type === 'number' ? field.sql : field.sql === 'series_attribute.text' ? 'number' : undefined;
  if (number === undefined) throw new ArchiveError('archive.query-unsupported', 'The field does not hold numbers.');
  const { sql, values } = conditionOfQuery(database, query);
  const value = field.from === undefined ? number : `(SELECT max(series_attribute.number) FROM ${field.from})`;
  const rows = database
    .prepare(`SELECT ${value} AS value FROM ${searchedTables} WHERE ${sql}`)
    .all(...values)
    .map((row) => row['value'] as number | null);
  const numbers = rows.filter((one) => one !== null);
  const missing = rows.length - numbers.length;
  if (numbers.length === 0) return { min: 0, max: 0, counts: [], missing };
  const min = numbers.reduce((least, one) => Math.min(least, one));
  const max = numbers.reduce((most, one) => Math.max(most, one));
  const counts = new Array<number>(Math.max(1, Math.floor(bins))).fill(0);
  for (const one of numbers) {
    const bin = max === min ? 0 : Math.floor(((one - min) / (max - min)) * counts.length);
    counts[Math.min(bin, counts.length - 1)]!++;
  }
  return { min, max, counts, missing };
}

function valueSql(field: SearchField): string {
  return field.from === undefined ? `nullif(${field.sql}, '')` : 'many.value';
}

function lateral({ sql, from }: SearchField): string {
  // SQLite has no LATERAL: the values of a series as a JSON array, unfolded; an empty array gives one row without value.
  return `LEFT JOIN json_each((SELECT json_group_array(${sql}) FROM ${from})) many`;
}

function facetValue({ type }: SearchField, value: unknown): string | number | boolean | undefined {
  if (value === null) return undefined;
  if (type === 'boolean') return value === 1;
  return typeof value === 'number' ? value : String(value);
}
