/** What a statement answers to whoever asks: it carries the conditions of `sight.ts`. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Asker } from '../asker.ts';
import { sightOf } from './sight.ts';

type Row = Record<string, unknown>;

/** Statements with the names of `sightOf`, of which each uses some. */
export function rowsFor(
  { database }: { readonly database: DatabaseSync },
  sql: string,
  asker: Asker,
  named: Record<string, SQLInputValue> = {},
): Row[] {
  const statement = database.prepare(sql);
  statement.setAllowUnknownNamedParameters(true);
  return statement.all({ ...sightOf(asker), ...named });
}
