/** DICOM's data dictionary (PS3.6 chapters 6 to 8): keyword to tag and value representation, and back. */
import { attributes } from '../generated/attributes.ts';

export type Keyword = keyof typeof attributes;

export type ValueRepresentation =
  | 'AE'
  | 'AS'
  | 'AT'
  | 'CS'
  | 'DA'
  | 'DS'
  | 'DT'
  | 'FD'
  | 'FL'
  | 'IS'
  | 'LO'
  | 'LT'
  | 'OB'
  | 'OD'
  | 'OF'
  | 'OL'
  | 'OV'
  | 'OW'
  | 'PN'
  | 'SH'
  | 'SL'
  | 'SQ'
  | 'SS'
  | 'ST'
  | 'SV'
  | 'TM'
  | 'UC'
  | 'UI'
  | 'UL'
  | 'UN'
  | 'UR'
  | 'US'
  | 'UT'
  | 'UV';

/** `[tag, VR, VM]`; where PS3.6 leaves a choice, the VR is the choice in words, as `US or SS`. */
export const dictionary: Readonly<Record<Keyword, readonly [tag: number, vr: string, vm: string]>> = attributes;

/**
 * VR of a tag when the file does not state it (PS3.5 annex A.1); `UN` for what the standard does not define.
 * @param options.signed whether Pixel Representation says that pixels are signed.
 */
export function impliedVr(tag: number, options: { signed?: boolean } = {}): ValueRepresentation {
  const element = tag % 65_536;
  if (element === 0) return 'UL';
  // Private: the creators are text, all else is known to its creator only.
  if (isPrivate(tag)) return element >= 0x10 && element <= 0xff ? 'LO' : 'UN';
  const keyword = keywordOf(tag);
  return keyword === undefined ? 'UN' : plainVr(dictionary[keyword][1], options);
}

/** Where PS3.6 leaves a choice: words for pixels and tables, and the sign of the pixels. */
export function plainVr(vr: string, { signed = false }: { signed?: boolean } = {}): ValueRepresentation {
  switch (vr) {
    case 'US or SS':
      return signed ? 'SS' : 'US';
    case 'OB or OW':
    case 'US or OW':
    case 'US or SS or OW':
      return 'OW';
    default:
      return vr as ValueRepresentation;
  }
}

export function keywordOf(tag: number): Keyword | undefined {
  keywords ??= new Map((Object.keys(attributes) as Keyword[]).map((keyword) => [dictionary[keyword][0], keyword]));
  return keywords.get(tag) ?? keywords.get(baseOfRepeating(tag));
}

export function isPrivate(tag: number): boolean {
  return tag >= 0 && (Math.floor(tag / 65_536) & 1) === 1;
}

/** Curves 50xx, overlays 60xx and 7Fxx stand in the dictionary under their first group (PS3.5 7.6). */
function baseOfRepeating(tag: number): number {
  const highByte = Math.floor(tag / 2 ** 24);
  const repeats = highByte === 0x50 || highByte === 0x60 || highByte === 0x7f;
  return repeats && !isPrivate(tag) ? highByte * 2 ** 24 + (tag % 65_536) : tag;
}

/** Made once, when first asked. */
let keywords: Map<number, Keyword> | undefined;

/** UIDs of the SOP classes we know (PS3.4 B.5). */
export const sopClasses = {
  ctImage: '1.2.840.10008.5.1.4.1.1.2',
  segmentation: '1.2.840.10008.5.1.4.1.1.66.4',
  labelMapSegmentation: '1.2.840.10008.5.1.4.1.1.66.7',
} as const;

/** UIDs of the transfer syntaxes we read (PS3.5 annex A). */
export const transferSyntaxes = {
  implicitLittleEndian: '1.2.840.10008.1.2',
  explicitLittleEndian: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  explicitBigEndian: '1.2.840.10008.1.2.2',
  rle: '1.2.840.10008.1.2.5',
} as const;
