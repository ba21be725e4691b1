/** A parsed query as a parameterised SQL condition over `series`, `study` and `subject`. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { QueryError } from './query-error.ts';
import { type Comparison, parseQuery, type Query, type Word } from './query-parser.ts';
import { fieldNamed, type SearchField } from './search-fields.ts';

export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** What a query's condition is asked of. */
export const searchedTables = `series JOIN study ON study.id = series.study_id
  JOIN subject ON subject.id = study.subject_id`;

/** @throws QueryError */
export function conditionOfQuery(database: DatabaseSync, query: string): SqlCondition {
  return conditionOf(database, parseQuery(query));
}

function conditionOf(database: DatabaseSync, query: Query): SqlCondition {
  switch (query.kind) {
    case 'all':
      return { sql: 'TRUE', values: [] };
    case 'and':
    case 'or': {
      const parts = query.parts.map((part) => conditionOf(database, part));
      const sql = parts.map((part) => part.sql).join(query.kind === 'and' ? ' AND ' : ' OR ');
      return { sql: `(${sql})`, values: parts.flatMap(({ values }) => values) };
    }
    case 'not': {
      const part = conditionOf(database, query.part);
      // What is missing makes a condition unknown in SQL, and here false.
      return { sql: `NOT coalesce(${part.sql}, FALSE)`, values: part.values };
    }
    case 'text':
      return textCondition(query.text);
    case 'compare':
      return compareCondition(fieldNamed(database, query.field), query);
    case 'in': {
      const named = fieldNamed(database, query.field);
      const parts = query.values.map((value) => compareCondition(named, { ...query, comparison: '=', value }));
      return { sql: `(${parts.map(({ sql }) => sql).join(' OR ')})`, values: parts.flatMap(({ values }) => values) };
    }
    case 'like': {
      const named = fieldNamed(database, query.field);
      const pattern = query.pattern.text.toLowerCase().replaceAll('[', '[[]');
      return within(named, { sql: `lower(${named.sql}) GLOB ?`, values: [pattern] });
    }
    case 'missing': {
      const named = fieldNamed(database, query.field);
      if (named.from !== undefined) return { sql: `NOT EXISTS (SELECT 1 FROM ${named.from})`, values: [] };
      return { sql: `ifnull(${named.sql}, '') = ''`, values: [] };
    }
  }
}

function textCondition({ text, position }: Word): SqlCondition {
  const isPrefix = text.endsWith('*');
  const words = (isPrefix ? text.slice(0, -1) : text).trim();
  if (!/[\p{L}\p{N}]/u.test(words)) {
    throw new QueryError('archive.query-value-invalid', 'The text holds no word.', position);
  }
  const phrase = `"${words.replaceAll('"', '""')}"${isPrefix ? '*' : ''}`;
  return { sql: 'series.id IN (SELECT rowid FROM series_text WHERE series_text MATCH ?)', values: [phrase] };
}

function compareCondition(
  named: SearchField,
  { comparison, value }: { comparison: Comparison; value: Word },
): SqlCondition {
  if (comparison === '!=') {
    const equal = compareCondition(named, { comparison: '=', value });
    return { sql: `NOT coalesce(${equal.sql}, FALSE)`, values: equal.values };
  }
  if (named.type === 'time-ms') return timeCondition(named, { comparison, value });
  // Attributes without a type of their own are compared as numbers with what is a number.
  const isNumeric = named.sql === 'series_attribute.text' && isNumber(value.text);
  if (isNumeric) {
    return within(named, { sql: `series_attribute.number ${comparison} ?`, values: [Number(value.text)] });
  }
  if (named.type === 'text') {
    if (named.values?.every((known) => known.toLowerCase() !== value.text.toLowerCase())) {
      const message = `The field has other values: ${named.values.join(', ')}.`;
      throw new QueryError('archive.query-value-invalid', message, value.position);
    }
    return within(named, { sql: `${named.sql} ${comparison} ? COLLATE NOCASE`, values: [value.text] });
  }
  return within(named, { sql: `${named.sql} ${comparison} ?`, values: [valueFor(named, value)] });
}

function within(named: SearchField, condition: SqlCondition): SqlCondition {
  if (named.from === undefined) return condition;
  return { sql: `EXISTS (SELECT 1 FROM ${named.from} AND ${condition.sql})`, values: condition.values };
}

function valueFor({ type }: SearchField, { text, position }: Word): SQLInputValue {
  switch (type) {
    case 'number':
      if (isNumber(text)) return Number(text);
      throw new QueryError('archive.query-value-invalid', 'The field holds numbers.', position);
    case 'date':
      return dateOf({ text, position }).replaceAll('-', '');
    case 'boolean':
      if (/^(?:true|yes)$/i.test(text)) return 1;
      if (/^(?:false|no)$/i.test(text)) return 0;
      throw new QueryError('archive.query-value-invalid', 'The field is true or false.', position);
    case 'text':
    case 'time-ms':
      return text;
  }
}

/** Days in UTC: of `=` the whole day, of the others its beginning or end. */
function timeCondition(
  named: SearchField,
  { comparison, value }: { comparison: Comparison; value: Word },
): SqlCondition {
  const dayMs = 86_400_000;
  const beginMs = Date.parse(`${dateOf(value)}T00:00:00Z`);
  switch (comparison) {
    case '=':
      return { sql: `${named.sql} BETWEEN ? AND ?`, values: [beginMs, beginMs + dayMs - 1] };
    case '<=':
      return { sql: `${named.sql} < ?`, values: [beginMs + dayMs] };
    case '>':
      return { sql: `${named.sql} >= ?`, values: [beginMs + dayMs] };
    default:
      return { sql: `${named.sql} ${comparison} ?`, values: [beginMs] };
  }
}

function dateOf({ text, position }: Word): string {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text);
  const date = match === null ? undefined : `${match[1]}-${match[2]}-${match[3]}`;
  if (date === undefined || Number.isNaN(Date.parse(date))) {
    throw new QueryError('archive.query-value-invalid', 'The field holds dates, as 2026-03-01.', position);
  }
  return date;
}

function isNumber(text: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);
}
