/** A query's text as words, numbers, quoted text and signs. */
import { QueryError } from './query-error.ts';

export interface Token {
  readonly kind: 'word' | 'text' | 'sign' | 'end';
  /** Of quoted text, what is between the quotes. */
  readonly text: string;
  readonly position: number;
}

const queryCharactersMax = 8192;

const patterns: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['sign', /<=|>=|!=|[=<>(),]/y],
  ['text', /"(?:[^"\\]|\\.)*"/y],
  ['word', /[\p{L}\p{N}_.\-+*?^/:]+/uy],
];

/** Ends with a token of kind `end`. @throws QueryError `archive.query-invalid` */
export function tokensOf(query: string): readonly Token[] {
  if (query.length > queryCharactersMax) {
    throw new QueryError('archive.query-invalid', 'The query is too long.', queryCharactersMax);
  }
  const tokens: Token[] = [];
  for (let position = 0; position < query.length; ) {
    const found = firstAt(query, position);
    if (found === undefined) {
      const isQuote = query[position] === '"';
      const message = isQuote ? 'Quoted text does not end.' : 'This sign has no meaning in a query.';
      throw new QueryError('archive.query-invalid', message, position);
    }
    const { kind, text } = found;
    if (kind === 'text') tokens.push({ kind, text: text.slice(1, -1).replace(/\\(.)/g, '$1'), position });
    else if (kind !== 'space') tokens.push({ kind, text, position });
    position += text.length;
  }
  return [...tokens, { kind: 'end', text: '', position: query.length }];
}

function firstAt(query: string, position: number): { kind: Token['kind'] | 'space'; text: string } | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = position;
    const match = pattern.exec(query);
    if (match !== null) return { kind, text: match[0] };
  }
  return undefined;
}
