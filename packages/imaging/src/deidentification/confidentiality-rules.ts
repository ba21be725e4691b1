/**
 * What is to be done with an attribute of the standard: PS3.15 Table E.1-1 under a profile's options, and, stricter than
 * the standard, what may stay of attributes that the table does not list.
 *
 * Where the table leaves a choice that depends on the attribute's type in the IOD (X/Z, X/D, X/Z/D, Z/D), what keeps
 * every IOD valid is done: the value is replaced by a dummy if D is among the choices, else emptied. Attributes that are
 * optional (type 3) in every IOD are removed instead.
 */
import { confidentialityTable } from '../generated/confidentiality-table.ts';
import type { DeidentificationProfile } from './profile.ts';

type RuleAction =
  | 'remove'
  | 'empty'
  | 'replace'
  /** UIDs, and the items of sequences of references. */
  | 'remap'
  | 'shift'
  | 'clean'
  /** Verbatim, after the values of this instance's identity have been taken out. */
  | 'retain'
  /** The items of a sequence, each attribute by its own rule. */
  | 'descend';

export interface AttributeRule {
  readonly action: RuleAction;
  /** As it stands in a report. */
  readonly reason: string;
  /** Where cleaning leaves nothing. */
  readonly otherwise: 'remove' | 'empty' | 'replace';
}

interface TableRow {
  readonly basic: string;
  readonly options: string;
}

export type RuleOfTag = (tag: number, vr: string) => AttributeRule | undefined;

/** @returns for a tag and its VR the rule of the table; undefined for tags that the table does not list. */
export function tableRules(profile: Required<Omit<DeidentificationProfile, 'safeWords' | 'pixelRules'>>): RuleOfTag {
  const table = tableRows();
  const known = new Map<number, AttributeRule>();
  return (tag, vr) => {
    const row = table.get(tag);
    if (row === undefined) return undefined;
    let rule = known.get(tag);
    if (rule === undefined) {
      rule = ruleOf(row, { tag, vr, profile });
      known.set(tag, rule);
    }
    return rule;
  };
}

/** Whether the table lists the attribute as identifying, other than as a UID, date or description. */
export function isIdentifying(tag: number): boolean {
  const row = tableRows().get(tag);
  return row !== undefined && row.basic !== 'U' && !/[dtgsVP]/.test(row.options);
}

type Profile = Parameters<typeof tableRules>[0];

function ruleOf({ basic, options }: TableRow, { tag, vr, profile }: { tag: number; vr: string; profile: Profile }) {
  const otherwise = resolved(basic, tag, vr);
  const rule = (action: RuleAction, reason: string): AttributeRule => ({ action, reason, otherwise });
  const isSequence = vr === 'SQ';
  if (options.includes('g')) return rule('remove', 'clean graphics');
  if (options.includes('t') && profile.dates === 'shifted') {
    return rule(isDate(vr) ? 'shift' : tag === timezoneTag ? 'retain' : otherwise, 'modified dates');
  }
  if (options.includes('P') && profile.patientCharacteristics === 'kept') {
    return rule('retain', 'patient characteristics');
  }
  // Of a device's dates, the option for dates decides.
  if (options.includes('V') && !options.includes('t') && profile.deviceIdentity === 'kept') {
    return rule(isSequence ? 'descend' : 'retain', 'device identity');
  }
  if (options.includes('I') && profile.institution === 'kept') {
    return rule(isSequence ? 'descend' : 'retain', 'institution identity');
  }
  if (options.includes('s')) return rule('descend', 'clean structured content');
  const isText = options.includes('d') || (options.includes('p') && profile.patientCharacteristics === 'kept');
  if (isText && profile.descriptors === 'cleaned') return rule(isSequence ? 'descend' : 'clean', 'clean descriptors');
  if (refersOnly.has(tag) && isSequence) return rule('descend', `basic profile ${basic}`);
  if (basic === 'U' || basic.endsWith('U*') || (basic.includes('D') && vr === 'UI')) {
    return rule(isSequence ? 'descend' : 'remap', 'basic profile U');
  }
  return rule(otherwise, `basic profile ${basic}`);
}

function resolved(basic: string, tag: number, vr: string): 'remove' | 'empty' | 'replace' {
  if (basic === 'X' || optionalEverywhere.has(tag)) return 'remove';
  if (neverRequired.has(tag)) return 'empty';
  // An item of a sequence has no dummy.
  if (vr === 'SQ') return basic.includes('Z') ? 'empty' : 'remove';
  return basic.includes('D') ? 'replace' : 'empty';
}

function isDate(vr: string): boolean {
  return vr === 'DA' || vr === 'TM' || vr === 'DT';
}

const timezoneTag = 0x0008_0201;

/** Type 3 wherever PS3.3 has them: Station Name, Institution Name and Code, Operator Identification, Protocol Name. */
const optionalEverywhere: ReadonlySet<number> = new Set([
  0x0008_1010, 0x0008_0080, 0x0008_0082, 0x0008_1072, 0x0018_1030,
]);

/** At most type 2 (RT Series): Operators' Name. */
const neverRequired: ReadonlySet<number> = new Set([0x0008_1070]);

/**
 * Sequences whose items the table covers attribute by attribute: Referenced Study and Performed Procedure Step, of UIDs
 * only; Verifying Observer, of names, dates and codes that have rules of their own.
 */
const refersOnly: ReadonlySet<number> = new Set([0x0008_1110, 0x0008_1111, 0x0040_a073]);

function tableRows(): ReadonlyMap<number, TableRow> {
  rows ??= new Map(
    confidentialityTable
      .trim()
      .split('\n')
      .map((line) => {
        const [tag, basic, options] = line.split(' ');
        return [Number.parseInt(tag!, 16), { basic: basic!, options: options ?? '' }];
      }),
  );
  return rows;
}

/** Made once, when first asked. */
let rows: ReadonlyMap<number, TableRow> | undefined;
