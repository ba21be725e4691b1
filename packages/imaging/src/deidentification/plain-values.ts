/** Values by their VR: what a dummy is, and whether a value is what its VR says and not text in disguise. */
import { type DataElement, type Dataset, valueBytes } from '../dicom/dataset.ts';
import { dictionary, keywordOf } from '../dicom/dictionary.ts';
import { isTime, shiftedDate, shiftedDateTime } from './shifted-date.ts';

/** Of the action D; undefined for VRs that have none. */
export function dummyValue(vr: string): Uint8Array | undefined {
  const text = dummyTexts[vr];
  if (text !== undefined) return new TextEncoder().encode(text);
  const bytes = binaryUnits[vr];
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

export function isText(vr: string): boolean {
  return textVrs.has(vr);
}

/** Whether values of the VR are written in characters, as text, numbers or dates. */
export function isCharacters(vr: string): boolean {
  return vr in dummyTexts || vr === 'UI' || vr === 'UR';
}

/** Whether a value that is to stay has the form of its VR (PS3.5 6.2). */
export function isPlausible(element: DataElement, data: Dataset): boolean {
  if (element.items !== undefined) return false;
  const unit = binaryUnits[element.vr];
  if (unit !== undefined) {
    const count = (element.end - element.start) / unit;
    return Number.isInteger(count) && count <= valuesMax(element.tag) && !isPrintable(valueBytes(element));
  }
  const grammar = grammars[element.vr];
  if (grammar === undefined) return isText(element.vr);
  return plainTexts(element, data).every(grammar);
}

/** Numbers whose bytes are all letters are text. */
function isPrintable(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** How many numbers the dictionary allows (PS3.5 6.4); more could be text in disguise. */
function valuesMax(tag: number): number {
  const keyword = keywordOf(tag);
  const most = keyword === undefined ? '1' : dictionary[keyword][2].split(/-| or /).at(-1)!;
  return most.endsWith('n') ? Number.POSITIVE_INFINITY : Number(most);
}

/** Whatever the VR, as ASCII; NUL and what follows it must be padding. */
function plainTexts(element: DataElement, data: Dataset): readonly string[] {
  const bytes = valueBytes(element);
  const nul = bytes.indexOf(0);
  if (nul >= 0 && bytes.subarray(nul).some((byte) => byte !== 0)) return ['\0'];
  return data.textsOf(element);
}

const grammars: Readonly<Record<string, (value: string) => boolean>> = {
  AS: (value) => /^(\d{3}[DWMY])?$/.test(value),
  CS: (value) => /^[A-Za-z0-9_ .+/-]{0,16}$/.test(value),
  DA: (value) => value === '' || shiftedDate(value, 0) !== undefined,
  DS: (value) => /^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?)?$/.test(value) && value.length <= 32,
  DT: (value) => value === '' || shiftedDateTime(value, 0) !== undefined,
  IS: (value) => /^([+-]?\d{1,12})?$/.test(value),
  TM: (value) => value === '' || isTime(value),
  UI: (value) => /^[\d.]{0,64}$/.test(value),
};

const textVrs: ReadonlySet<string> = new Set(['CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);

const dummyTexts: Readonly<Record<string, string>> = {
  AE: 'REMOVED',
  AS: '000Y',
  CS: 'REMOVED',
  DA: '19000101',
  DS: '0',
  DT: '19000101000000',
  IS: '0',
  LO: 'REMOVED',
  LT: 'REMOVED',
  PN: 'REMOVED',
  SH: 'REMOVED',
  ST: 'REMOVED',
  TM: '000000',
  UC: 'REMOVED',
  UT: 'REMOVED',
};

/** Bytes of a number. */
const binaryUnits: Readonly<Record<string, number>> = {
  ...{ OB: 1, OW: 2, OL: 4, OF: 4, OD: 8, OV: 8 },
  ...{ AT: 4, FD: 8, FL: 4, SL: 4, SS: 2, SV: 8, UL: 4, US: 2, UV: 8 },
};
