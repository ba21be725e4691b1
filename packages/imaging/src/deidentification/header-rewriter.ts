/**
 * A data set attribute by attribute into one without identity: by the standard's table, and by VR where the table says
 * nothing, since free text, names and addresses may stand in any attribute.
 */
import { type DataElement, Dataset, valueBytes } from '../dicom/dataset.ts';
import { dictionary, impliedVr, isPrivate, type Keyword, keywordOf } from '../dicom/dictionary.ts';
import type { ChangeLog } from './change-log.ts';
import { type Cleaning, cleanedText, retainedText } from './cleaned-text.ts';
import type { AttributeRule, RuleOfTag } from './confidentiality-rules.ts';
import { dummyValue, isCharacters, isPlausible, isText } from './plain-values.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { safePrivateAttribute } from './safe-private-attributes.ts';
import { isTime, shiftedDate, shiftedDateTime } from './shifted-date.ts';
import { definedTerms, keptBulk, standardSchemes, unlistedRule, wellFormedCode } from './unlisted-attributes.ts';

export interface RewriterParts {
  readonly ruleOf: RuleOfTag;
  readonly pseudonyms: Pseudonyms;
  readonly cleaning: Cleaning;
  /** New Patient ID and Name. */
  readonly subject: string;
  /** 0 where dates are not shifted. */
  readonly dateShiftDays: number;
  readonly keepsSafePrivate: boolean;
  readonly log: ChangeLog;
}

export class HeaderRewriter {
  private readonly parts: RewriterParts;

  constructor(parts: RewriterParts) {
    this.parts = parts;
  }

  /** @param isItem pixels are cleaned at the top only; those of items, such as icons, go. */
  rewritten(data: Dataset, { isItem = false }: { isItem?: boolean } = {}): Dataset {
    const elements: DataElement[] = [];
    const { littleEndian, explicit, undefinedLength } = data;
    const result = new Dataset(elements, { littleEndian, explicit, undefinedLength });
    const creators = privateCreators(data);
    for (const element of data.elements) {
      const { tag } = element;
      if (isItem && pixelTags.has(tag)) {
        this.removed(element, 'pixels of an item');
        continue;
      }
      const rewritten = isPrivate(tag)
        ? this.privateElement(element, data, creators)
        : this.publicElement(element, data);
      if (rewritten !== undefined) elements.push(rewritten);
    }
    const used = new Set(elements.filter(({ tag }) => isPrivate(tag)).map(({ tag }) => creatorTag(tag)));
    const kept = elements.filter(({ tag }) => !isPrivate(tag) || !isCreator(tag) || used.has(tag));
    elements.splice(0, elements.length, ...kept);
    return result;
  }

  private publicElement(element: DataElement, data: Dataset): DataElement | undefined {
    const { tag } = element;
    const group = Math.floor(tag / 65_536);
    const keyword = keywordOf(tag);
    // Lengths of groups; curves and overlays as whole groups; what cannot be known to be safe.
    if (tag % 65_536 === 0) return undefined;
    const highByte = group >>> 8;
    if (highByte === 0x60 || highByte === 0x50) return this.removed(element, 'clean graphics');
    if (keyword === undefined || group < 8) return this.removed(element, 'not of the standard');
    const vr = element.items !== undefined ? 'SQ' : element.vr === 'UN' ? impliedVr(tag) : element.vr;
    const known: DataElement = vr === element.vr ? element : { ...element, vr };
    if (vr === 'SQ' && element.items === undefined) return this.removed(element, 'not readable as a sequence');
    if (vr !== 'SQ' && isCharacters(vr) !== isCharacters(impliedVr(tag))) return this.removed(element, 'not of its VR');
    if (keyword === 'PatientID' || keyword === 'PatientName') {
      return this.replaced(known, this.parts.subject, 'pseudonym');
    }
    const rule =
      this.parts.ruleOf(tag, vr) ??
      unlistedRule({ keyword, vr, isStandardCode: isStandardCode(data), shiftsDates: this.parts.dateShiftDays !== 0 });
    return this.byRule(known, data, rule);
  }

  private byRule(element: DataElement, data: Dataset, rule: AttributeRule): DataElement | undefined {
    switch (rule.action) {
      case 'remove':
        return this.removed(element, rule.reason);
      case 'empty':
        return this.emptied(element, rule.reason);
      case 'replace':
        return this.dummy(element, rule.reason);
      case 'remap':
        return this.remapped(element, data, rule);
      case 'descend':
        return this.descended(element);
      case 'shift':
        return this.shifted(element, data, rule);
      case 'clean':
        return this.cleaned(element, data, { rule, clean: cleanedText });
      case 'retain':
        return this.retained(element, data, rule);
    }
  }

  private descended(element: DataElement): DataElement {
    return { ...element, vr: 'SQ', items: element.items!.map((item) => this.rewritten(item, { isItem: true })) };
  }

  private remapped(element: DataElement, data: Dataset, rule: AttributeRule): DataElement | undefined {
    const { pseudonyms, log } = this.parts;
    if (element.vr !== 'UI') return this.unusable(element, rule);
    const before = data.textsOf(element);
    const after = before.map((uid) => pseudonyms.uid(uid));
    if (after.every((uid, index) => uid === before[index])) return textElement(element, after.join('\\'));
    log.add(element.tag, 'remapped', rule.reason);
    return textElement(element, after.join('\\'));
  }

  private shifted(element: DataElement, data: Dataset, rule: AttributeRule): DataElement | undefined {
    const { dateShiftDays, log } = this.parts;
    const { vr } = element;
    const before = data.textsOf(element);
    if (before.every((value) => value === '')) return element.end > element.start ? textElement(element, '') : element;
    if (vr === 'TM') return before.every(isTime) ? element : this.unusable(element, rule);
    const shift = vr === 'DA' ? shiftedDate : vr === 'DT' ? shiftedDateTime : () => undefined;
    const after = before.map((value) => (value === '' ? '' : shift(value, dateShiftDays)));
    if (after.includes(undefined)) return this.unusable(element, rule);
    log.add(element.tag, 'shifted', rule.reason);
    return textElement(element, after.join('\\'));
  }

  private cleaned(
    element: DataElement,
    data: Dataset,
    { rule, clean }: { rule: AttributeRule; clean: typeof cleanedText },
  ): DataElement | undefined {
    if (element.end === element.start) return element;
    if (!isText(element.vr)) return this.unusable(element, rule);
    const before = data.textsOf(element);
    const after = before.map((value) => (value.length > textMax ? '' : clean(value, this.parts.cleaning)));
    // What is as it was keeps its bytes and so its character set; padding may hold anything.
    if (after.every((value, index) => value === before[index])) return this.withPlainPadding(element);
    if (after.every((value) => value.trim() === '')) return this.unusable(element, rule);
    this.parts.log.add(element.tag, 'cleaned', rule.reason);
    return textElement(element, after.join('\\'));
  }

  private retained(element: DataElement, data: Dataset, rule: AttributeRule): DataElement | undefined {
    const { vr } = element;
    const keyword = keywordOf(element.tag);
    if (element.fragments !== undefined || keptBulk.has(keyword as Keyword)) return element;
    if (!isPlausible(element, data)) return this.unusable(element, rule);
    if (vr === 'UI' && !data.textsOf(element).every(isOfEverybody)) return this.remapped(element, data, rule);
    if (keyword === 'TimezoneOffsetFromUTC') {
      return data.textsOf(element).every((zone) => /^([+-]\d{4})?$/.test(zone))
        ? element
        : this.unusable(element, rule);
    }
    if (vr === 'AS') return this.age(element, data);
    if (vr === 'LO' && keyword === 'CodeMeaning') return this.cleaned(element, data, { rule, clean: retainedText });
    if (keyword !== undefined && wellFormedCode(keyword, data.textsOf(element), isStandardCode(data))) return element;
    const clean: typeof cleanedText = vr === 'CS' ? retainedTerm : retainedText;
    return isText(vr) ? this.cleaned(element, data, { rule, clean }) : element;
  }

  /** Above 89 years is 90 (HIPAA 164.514(b)(2)(i)(C)): so old are few. */
  private age(element: DataElement, data: Dataset): DataElement {
    const isOld = data.textsOf(element).some((age) => /^(09\d|[1-9]\d\d)Y$/.test(age));
    if (!isOld) return element;
    this.parts.log.add(element.tag, 'replaced', 'age above 89');
    return textElement(element, '090Y');
  }

  private privateElement(element: DataElement, data: Dataset, creators: ReadonlyMap<number, string>) {
    const { keepsSafePrivate, log } = this.parts;
    const { tag } = element;
    // Creators stay for now; those that nothing refers to any more go at the end.
    if (isCreator(tag))
      return keepsSafePrivate && creators.has(tag)
        ? textElement({ ...element, vr: 'LO' }, creators.get(tag)!)
        : undefined;
    const creator = creators.get(creatorTag(tag));
    const safe = keepsSafePrivate && creator !== undefined ? safePrivateAttribute(creator, tag) : undefined;
    if (safe === undefined || element.items !== undefined || element.fragments !== undefined) {
      return this.removed(element, 'private');
    }
    const known: DataElement = { ...element, vr: safe.vr };
    if (!isPlausible(known, data)) return this.removed(element, 'private');
    log.add(tag, 'retained', 'safe private');
    const rule: AttributeRule = { action: 'clean', reason: 'safe private', otherwise: 'remove' };
    return isText(safe.vr) ? this.cleaned(known, data, { rule, clean: cleanedText }) : known;
  }

  private unusable(element: DataElement, rule: AttributeRule): DataElement | undefined {
    if (rule.otherwise === 'remove') return this.removed(element, rule.reason);
    return rule.otherwise === 'empty' ? this.emptied(element, rule.reason) : this.dummy(element, rule.reason);
  }

  private removed({ tag }: DataElement, reason: string): undefined {
    this.parts.log.add(tag, 'removed', reason);
    return undefined;
  }

  private emptied(element: DataElement, reason: string): DataElement {
    const wasEmpty = element.end === element.start && (element.items ?? element.fragments ?? []).length === 0;
    if (!wasEmpty) this.parts.log.add(element.tag, 'emptied', reason);
    const items = element.vr === 'SQ' ? [] : undefined;
    return { ...textElement(element, ''), items, fragments: undefined, undefinedLength: false };
  }

  private dummy(element: DataElement, reason: string): DataElement | undefined {
    // What was empty says nothing, and is allowed to where it stands.
    if (element.end === element.start && element.items === undefined && element.fragments === undefined) return element;
    const value = dummyValue(element.vr);
    if (value === undefined) return this.removed(element, reason);
    this.parts.log.add(element.tag, 'replaced', reason);
    return { ...element, source: value, start: 0, end: value.length, items: undefined, fragments: undefined };
  }

  private replaced(element: DataElement, text: string, reason: string): DataElement {
    this.parts.log.add(element.tag, 'replaced', reason);
    return textElement(element, text);
  }

  private withPlainPadding(element: DataElement): DataElement {
    const bytes = valueBytes(element);
    const nul = bytes.indexOf(0);
    return nul < 0 ? element : { ...element, end: element.start + nul };
  }
}

/** Longer text is a document, not a description. */
const textMax = 16_384;

const pixelTags: ReadonlySet<number> = new Set([
  ...[dictionary.PixelData[0], dictionary.FloatPixelData[0], dictionary.DoubleFloatPixelData[0]],
]);

/** Under the roots of DICOM and of HL7's list of coding schemes. */
function isOfEverybody(uid: string): boolean {
  return uid === '' || /^(1\.2\.840\.10008\.|2\.16\.840\.1\.113883\.6\.)/.test(uid);
}

function retainedTerm(term: string, cleaning: Cleaning): string {
  if (definedTerms.has(term)) return term;
  // What is no Code String by its letters is free text.
  return /^[A-Z0-9_ ]{0,16}$/.test(term) ? retainedText(term, cleaning) : cleanedText(term, cleaning);
}

/** ASCII only. */
function textElement(element: DataElement, text: string): DataElement {
  const source = new TextEncoder().encode(text);
  return { ...element, source, start: 0, end: source.length };
}

/** The blocks that private creators reserve (PS3.5 7.8.1), by the tag that reserves them. */
function privateCreators(data: Dataset): ReadonlyMap<number, string> {
  const creators = data.elements.filter(({ tag, items }) => isPrivate(tag) && isCreator(tag) && items === undefined);
  return new Map(creators.map((element) => [element.tag, data.textsOf({ ...element, vr: 'LO' })[0] ?? '']));
}

function isCreator(tag: number): boolean {
  const element = tag % 65_536;
  return element >= 0x10 && element <= 0xff;
}

/** The tag that reserves the block of a private element. */
function creatorTag(tag: number): number {
  return tag - (tag % 65_536) + Math.floor((tag % 65_536) / 256);
}

/** Whether an item is a code of a scheme that everybody knows. */
function isStandardCode(data: Dataset): boolean {
  const scheme = data.element('CodingSchemeDesignator');
  return scheme !== undefined && standardSchemes.has(data.textsOf(scheme)[0] ?? '');
}
