/**
 * Free text without what could identify a person: Clean Descriptors (PS3.15 E.3.5) by a list of what may stay.
 *
 * A word stays if the list of safe words has it and no person of this file is called so; a number if it is short, alone
 * and no date; a technical term if it is a letter or two with at most three digits, such as `B30f`. All else goes, so
 * that `Arterial phase 1.5 mm, Muller 12.05.1956` becomes `Arterial phase 1.5 mm`.
 */
import { folded } from './folded-text.ts';
import type { IdentifyingValues } from './identifying-values.ts';

export interface Cleaning {
  /** Folded; see `folded`. */
  readonly words: ReadonlySet<string>;
  readonly identifying: IdentifyingValues;
}

/** ASCII, at most as long as the text. */
export function cleanedText(text: string, cleaning: Cleaning): string {
  const tokens = [...withoutValues(text, cleaning).matchAll(/[^\s\p{Cc},;:/\\()[\]{}_+=|"'<>#*&!?^~@-]+/gu)];
  const kept = tokens.map(([token]) => keptToken(token.replace(/^\.+|\.+$/g, ''), cleaning));
  dropNumberRuns(
    kept,
    tokens.map(([token]) => token),
  );
  let result = '';
  let lastEnd = -1;
  for (const [index, match] of tokens.entries()) {
    if (kept[index] === undefined) continue;
    const between = lastEnd < 0 ? '' : text.slice(lastEnd, match.index).replace(/[^\x20-\x7e]/g, ' ');
    result += (kept[index - 1] === undefined && result !== '' ? ' ' : between.slice(0, 3)) + kept[index];
    lastEnd = match.index + match[0].length;
  }
  return result;
}

/**
 * Text that should stay as it is, such as a manufacturer's name: without the values of this file's identity, and
 * without what has the form of a person's name in DICOM, a UID, a date, a long number, an address on the net.
 */
export function retainedText(text: string, cleaning: Cleaning): string {
  const pruned = withoutValues(text, cleaning)
    .replace(/\S*[\^@]\S*|\b(?:https?|ftp):\S*/g, ' ')
    .replace(/\b\d[\d.]{13,}/g, ' ')
    .replace(/\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b/g, (date) => (/\d{4}|\.\d{2}\./.test(date) ? ' ' : date))
    .replace(/\d[\d ()/-]{4,}\d/g, (run) => (run.replace(/\D/g, '').length >= 6 ? ' ' : run))
    .replace(/[^\s,;:/\\()_+=|-]+/gu, (token) => (isOfPerson(token, cleaning) ? '' : token));
  return pruned === text ? text : pruned.replace(/\s+/g, ' ').trim();
}

/** Whether a word is part of a person's name in this file and not one that technical text cannot do without. */
function isOfPerson(token: string, { words, identifying }: Cleaning): boolean {
  const word = folded(token);
  return word.length >= 3 && !words.has(word) && (identifying.names.has(word) || identifying.tokens.has(word));
}

/** The same length as `text`, so that places stay. */
function withoutValues(text: string, { identifying }: Cleaning): string {
  const lower = text.replace(/./gsu, (letter) => {
    const small = letter.toLowerCase();
    return small.length === letter.length ? small : letter;
  });
  let result = text;
  for (const value of identifying.values) {
    for (let at = lower.indexOf(value); at >= 0; at = lower.indexOf(value, at + value.length)) {
      result = result.slice(0, at) + ' '.repeat(value.length) + result.slice(at + value.length);
    }
  }
  return result;
}

function keptToken(token: string, { words, identifying }: Cleaning): string | undefined {
  const ascii = token.normalize('NFD').replace(/\p{M}/gu, '');
  if (!/^[\x21-\x7e]+$/.test(ascii)) return undefined;
  const word = folded(ascii);
  if (identifying.names.has(word) || identifying.tokens.has(word)) return undefined;
  if (words.has(word) || isMeasure(word)) return ascii;
  const parts = ascii.split(/(?<=[a-z])(?=[A-Z])|(?<=[a-zA-Z])(?=\d)|(?<=\d)(?=[A-Z])/);
  const areSafe = parts.every((part) => {
    const folding = part.toLowerCase();
    return (words.has(folding) && !identifying.names.has(folding)) || isMeasure(folding);
  });
  return areSafe && (ascii.match(/\d/g)?.length ?? 0) <= 4 ? ascii : undefined;
}

/** A short number, one with a unit, a size in pixels, or a technical term. */
function isMeasure(word: string): boolean {
  return (
    plainNumber.test(word) ||
    /^\d{1,4}([.,]\d{1,3})?(mm|cm|ms|s|sec|min|kv|kvp|kev|ma|mas|ml|mg|hu|hz|khz|mhz|gy|mgy|t|d|%)$/.test(word) ||
    /^\d{1,4}(\.\d{1,2})?x\d{1,4}(\.\d{1,2})?(x\d{1,4}(\.\d{1,2})?)?(mm)?$/.test(word) ||
    /^[a-z]{1,2}\d{1,3}[a-z]{0,2}$/.test(word)
  );
}

const plainNumber = /^\d{1,3}([.,]\d{1,3})?%?$/;

/** Three numbers in a row, or six digits, are a date or a telephone, also where some of them went by themselves. */
function dropNumberRuns(kept: (string | undefined)[], tokens: readonly string[]): void {
  for (let start = 0; start < kept.length; start++) {
    let end = start;
    let digits = 0;
    while (end < tokens.length && /^[\d.,%]+$/.test(tokens[end]!)) digits += tokens[end++]!.replace(/\D/g, '').length;
    if (end - start >= 3 || digits >= 6) kept.fill(undefined, start, end);
    start = Math.max(start, end);
  }
}
