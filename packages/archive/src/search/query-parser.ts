/**
 * The language in which series are searched.
 *
 *     query      = [ or ]                                     nothing finds everything
 *     or         = and { "or" and }
 *     and        = part { "and" part }
 *     part       = "not" part | "(" or ")" | condition | text
 *     condition  = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *                | field [ "not" ] "in" "(" value { "," value } ")"
 *                | field [ "not" ] "like" value               `*` for any characters or none, `?` for one
 *                | field "between" value "and" value          both ends belong to it
 *                | field "is" [ "not" ] "missing"
 *     text       = `"renal mass"`, or `"neph*"` for words that begin so: free text over descriptions, tags and notes
 *     value      = a word, a number, or quoted text
 *
 * Fields are those of `search-fields.ts`, in any case, and every DICOM keyword that the archive has seen. Text is compared
 * without regard to case. What is missing differs from every value.
 *
 * An own grammar, for what is at hand fits worse: Lucene's dialects compare no numbers with `<`, and expression languages
 * compute.
 */
import { QueryError } from './query-error.ts';
import { type Token, tokensOf } from './query-tokens.ts';

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

export interface Word {
  readonly text: string;
  readonly position: number;
}

export type Query =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly part: Query }
  | { readonly kind: 'compare'; readonly field: Word; readonly comparison: Comparison; readonly value: Word }
  | { readonly kind: 'in'; readonly field: Word; readonly values: readonly Word[] }
  | { readonly kind: 'like'; readonly field: Word; readonly pattern: Word }
  | { readonly kind: 'missing'; readonly field: Word }
  | { readonly kind: 'text'; readonly text: Word };

const depthMax = 64;
const comparisons: readonly Comparison[] = ['=', '!=', '<', '<=', '>', '>='];

/** @throws QueryError `archive.query-invalid` */
export function parseQuery(query: string): Query {
  const tokens = tokensOf(query);
  if (tokens.length === 1) return { kind: 'all' };
  const parser = new Parser(tokens);
  const parsed = parser.or();
  parser.end();
  return parsed;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  or(): Query {
    const parts = [this.#and()];
    while (this.#takeWord('or')) parts.push(this.#and());
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts };
  }

  end(): void {
    if (this.#next.kind !== 'end') throw this.#unexpected('Here "and", "or" or the end was expected.');
  }

  #and(): Query {
    const parts = [this.#part()];
    while (this.#takeWord('and')) parts.push(this.#part());
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts };
  }

  #part(): Query {
    if (++this.#depth > depthMax) throw this.#unexpected('The query is nested too deeply.');
    try {
      if (this.#takeWord('not')) return { kind: 'not', part: this.#part() };
      if (this.#takeSign('(')) {
        const inner = this.or();
        if (!this.#takeSign(')')) throw this.#unexpected('Here ")" was expected.');
        return inner;
      }
      if (this.#next.kind === 'text') return { kind: 'text', text: this.#take() };
      return this.#condition();
    } finally {
      this.#depth--;
    }
  }

  #condition(): Query {
    const field = this.#take();
    if (field.kind !== 'word') {
      throw new QueryError('archive.query-invalid', 'Here a field or quoted text was expected.', field.position);
    }
    const comparison = comparisons.find((sign) => this.#takeSign(sign));
    if (comparison !== undefined) return { kind: 'compare', field, comparison, value: this.#value() };
    if (this.#takeWord('is')) {
      const isNegated = this.#takeWord('not');
      if (!this.#takeWord('missing')) throw this.#unexpected('Here "missing" was expected.');
      return negatedIf(isNegated, { kind: 'missing', field });
    }
    if (this.#takeWord('between')) {
      const from = this.#value();
      if (!this.#takeWord('and')) throw this.#unexpected('Here "and" and the other end were expected.');
      const parts: Query[] = [
        { kind: 'compare', field, comparison: '>=', value: from },
        { kind: 'compare', field, comparison: '<=', value: this.#value() },
      ];
      return { kind: 'and', parts };
    }
    const isNegated = this.#takeWord('not');
    if (this.#takeWord('in')) return negatedIf(isNegated, { kind: 'in', field, values: this.#values() });
    if (this.#takeWord('like')) return negatedIf(isNegated, { kind: 'like', field, pattern: this.#value() });
    throw this.#unexpected('Here a comparison was expected. Free text stands in quotation marks.');
  }

  #values(): readonly Word[] {
    if (!this.#takeSign('(')) throw this.#unexpected('Here "(" was expected.');
    const values = [this.#value()];
    while (this.#takeSign(',')) values.push(this.#value());
    if (!this.#takeSign(')')) throw this.#unexpected('Here "," or ")" was expected.');
    return values;
  }

  #value(): Word {
    if (this.#next.kind !== 'word' && this.#next.kind !== 'text') throw this.#unexpected('Here a value was expected.');
    return this.#take();
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(): Token {
    return this.#tokens[this.#at++]!;
  }

  #takeWord(word: string): boolean {
    if (this.#next.kind !== 'word' || this.#next.text.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  #takeSign(sign: string): boolean {
    if (this.#next.kind !== 'sign' || this.#next.text !== sign) return false;
    this.#at++;
    return true;
  }

  #unexpected(message: string): QueryError {
    return new QueryError('archive.query-invalid', message, this.#next.position);
  }
}

function negatedIf(isNegated: boolean, part: Query): Query {
  return isNegated ? { kind: 'not', part } : part;
}
