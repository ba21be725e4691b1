/**
 * The conditions that a query joins by `and`, for facets that add and take them away without parsing the language: what is
 * not understood here stays as it was written.
 */

/** Undefined if the query is not a plain list joined by `and`. */
export function conditionsOf(query: string): readonly string[] | undefined {
  const tokens = query.match(/"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+|\s+|"/g) ?? [];
  const conditions: string[] = [];
  let depth = 0;
  let isBetween = false;
  let current = '';
  for (const token of tokens) {
    const word = token.toLowerCase();
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (depth === 0 && word === 'or') return undefined;
    if (depth === 0 && word === 'and' && !isBetween) {
      conditions.push(current.trim());
      current = '';
      continue;
    }
    if (depth === 0 && word === 'between') isBetween = true;
    else if (depth === 0 && word === 'and') isBetween = false;
    current += token;
  }
  return [...conditions, current.trim()].filter((condition) => condition !== '');
}

/** A value as the language wants it written. */
export function valueText(value: string): string {
  const isPlain = /^[\p{L}\p{N}_.\-+^/:]+$/u.test(value) && !/^(?:and|or|not|in|like|between|is|missing)$/i.test(value);
  return isPlain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** What a query asks of a field: chosen values, or that it is missing (`null`). */
export function chosenOf(query: string, field: string): ReadonlySet<string | null> {
  const found = (conditionsOf(query) ?? []).find((condition) => isFacetOf(condition, field));
  if (found === undefined) return new Set();
  if (/\bis\s+missing$/i.test(found)) return new Set([null]);
  const list = found.replace(/^\S+\s*(?:=|in)\s*/i, '').replace(/^\(|\)$/g, '');
  return new Set(
    [...list.matchAll(/"((?:[^"\\]|\\.)*)"|[^\s,]+/g)].map(([all, text]) => text?.replace(/\\(.)/g, '$1') ?? all),
  );
}

/** Without what a facet of the field has put in: the other facets' query. */
export function withoutField(query: string, field: string): string {
  const conditions = conditionsOf(query);
  if (conditions === undefined) return query;
  return conditions.filter((condition) => !isFacetOf(condition, field) && !isRangeOf(condition, field)).join(' and ');
}

/** Chooses a value of a field, or lets go of it; `null` for missing. */
export function toggled(query: string, field: string, value: string | null): string {
  const chosen = new Set(chosenOf(query, field));
  const isOn = chosen.has(value);
  if (value === null || chosen.has(null)) chosen.clear();
  if (isOn) chosen.delete(value);
  else chosen.add(value);
  return joined(withoutField(query, field), conditionOf(field, [...chosen]));
}

/** Asks that a number is at least `from` and less than `to`, or equal to the end of what there is. */
export function ranged(query: string, field: string, range: { from: number; to: number; isLast: boolean }): string {
  const { from, isLast, to } = range;
  const text = (value: number) => String(Number(value.toPrecision(6)));
  const [low, high] = [Math.min(from, Number(text(from))), isLast ? Math.max(to, Number(text(to))) : Number(text(to))];
  return joined(withoutField(query, field), `${field} >= ${low} and ${field} ${isLast ? '<=' : '<'} ${high}`);
}

export function hasRange(query: string, field: string): boolean {
  return (conditionsOf(query) ?? []).some((condition) => isRangeOf(condition, field));
}

function joined(query: string, condition: string | undefined): string {
  if (condition === undefined || query.trim() === '') return condition ?? query;
  return conditionsOf(query) === undefined ? `(${query}) and ${condition}` : `${query} and ${condition}`;
}

function conditionOf(field: string, values: readonly (string | null)[]): string | undefined {
  if (values.length === 0) return undefined;
  if (values[0] === null) return `${field} is missing`;
  const texts = values.map((value) => valueText(value!));
  return texts.length === 1 ? `${field} = ${texts[0]}` : `${field} in (${texts.join(', ')})`;
}

function isFacetOf(condition: string, field: string): boolean {
  return new RegExp(`^${field}\\s*(?:=|in\\b|is\\s+missing)`, 'i').test(condition);
}

function isRangeOf(condition: string, field: string): boolean {
  return new RegExp(`^${field}\\s*(?:<|>)`, 'i').test(condition);
}
