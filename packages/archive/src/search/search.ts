/** Finding and counting series by a query. */
import type { DatabaseSync } from 'node:sqlite';
import { type SeriesEntry, seriesEntryOf, seriesEntrySql } from '../store/series-entry.ts';
import { conditionOfQuery, searchedTables } from './query-sql.ts';
import { fieldNamed } from './search-fields.ts';

export interface SearchOptions {
  readonly offset?: number;
  /** Default 100. */
  readonly limit?: number;
  /** A field with one value a series; default: the order of arrival. What has none comes last. */
  readonly sortBy?: string;
  readonly descending?: boolean;
}

export interface SearchPage {
  readonly series: readonly SeriesEntry[];
  readonly hasMore: boolean;
}

export interface CatalogueCounts {
  readonly subjects: number;
  readonly studies: number;
  readonly series: number;
  readonly instances: number;
}

const seriesMax = 10_000;

/** @throws QueryError */
export function searchSeries(database: DatabaseSync, query: string, options: SearchOptions): SearchPage {
  const { sql, values } = conditionOfQuery(database, query);
  const limit = Math.min(Math.max(0, options.limit ?? 100), seriesMax);
  const sorted = options.sortBy === undefined ? undefined : fieldNamed(database, { text: options.sortBy, position: 0 });
  const order =
    sorted === undefined || sorted.from !== undefined
      ? ''
      : `${sorted.sql} ${options.descending ? 'DESC' : ''} NULLS LAST,`;
  const rows = database
    .prepare(`${seriesEntrySql} WHERE ${sql} ORDER BY ${order} series.id LIMIT ? OFFSET ?`)
    .all(...values, limit + 1, Math.max(0, options.offset ?? 0));
  return { series: rows.slice(0, limit).map(seriesEntryOf), hasMore: rows.length > limit };
}

/** @throws QueryError */
export function countsOf(database: DatabaseSync, query: string): CatalogueCounts {
  const { sql, values } = conditionOfQuery(database, query);
  const row = database
    .prepare(
      `SELECT count(DISTINCT study.subject_id) AS subjects, count(DISTINCT study.id) AS studies, count(*) AS series,
         ifnull(sum(instance_count), 0) AS instances
       FROM ${searchedTables} WHERE ${sql}`,
    )
    .get(...values)!;
  return {
    subjects: Number(row['subjects']),
    studies: Number(row['studies']),
    series: Number(row['series']),
    instances: Number(row['instances']),
  };
}
