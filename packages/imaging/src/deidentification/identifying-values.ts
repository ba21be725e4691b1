/** What a file itself says of its people and institutions, so that it can be found again in any other text of the file. */
import type { DataElement, Dataset } from '../dicom/dataset.ts';
import { isIdentifying, type RuleOfTag } from './confidentiality-rules.ts';
import { folded } from './folded-text.ts';
import { safeWords } from './safe-words.ts';

export interface IdentifyingValues {
  /** Parts of persons' names, folded. */
  readonly names: ReadonlySet<string>;
  /** Other words of identifying attributes, folded, that are not safe words. */
  readonly tokens: ReadonlySet<string>;
  /** Whole values of at least four characters, in lower case, the longest first. */
  readonly values: readonly string[];
}

/** @param ruleOf attributes that it lets stay are not identifying. */
export function identifyingValuesOf(data: Dataset, ruleOf: RuleOfTag): IdentifyingValues {
  const names = new Set<string>();
  const tokens = new Set<string>();
  const values = new Set<string>();
  collect(data, { names, tokens, values, ruleOf });
  return { names, tokens, values: [...values].sort((a, b) => b.length - a.length) };
}

interface Found {
  readonly names: Set<string>;
  readonly tokens: Set<string>;
  readonly values: Set<string>;
  readonly ruleOf: RuleOfTag;
}

function collect(data: Dataset, found: Found): void {
  for (const element of data.elements) {
    for (const item of element.items ?? []) collect(item, found);
    if (element.items !== undefined || element.fragments !== undefined) continue;
    if (element.vr === 'PN') addName(data.textsOf(element), found);
    else if (isShortText(element) && isIdentifying(element.tag) && goes(element, found.ruleOf))
      addText(data.textsOf(element), found);
  }
}

function addName(texts: readonly string[], { names, values }: Found): void {
  for (const text of texts) {
    for (const part of text.split(/[\^=\s,.]+/)) {
      if (part.length >= 2) names.add(folded(part));
      // Double names, also by their parts.
      for (const half of part.split('-')) if (half.length >= 3) names.add(folded(half));
    }
    const whole = text.replaceAll('^', ' ').trim().toLowerCase();
    if (whole.length >= 4) values.add(whole);
  }
}

function addText(texts: readonly string[], { tokens, values }: Found): void {
  for (const text of texts) {
    const whole = text.trim().toLowerCase();
    if (whole.length >= 4 && !safeWords.has(folded(whole))) values.add(whole);
    for (const part of text.split(/[\s,;:/\\()^_=-]+/)) {
      const word = folded(part);
      if (word.length >= 4 && !safeWords.has(word)) tokens.add(word);
    }
  }
}

function goes({ tag, vr }: DataElement, ruleOf: RuleOfTag): boolean {
  const action = ruleOf(tag, vr)?.action;
  return action === 'remove' || action === 'empty' || action === 'replace';
}

const textVrs: ReadonlySet<string> = new Set(['AE', 'CS', 'DA', 'LO', 'LT', 'SH', 'ST', 'UC', 'UT']);

/** Letters and reports are no list of identities. */
function isShortText({ vr, start, end }: DataElement): boolean {
  return textVrs.has(vr) && end - start <= 256;
}
