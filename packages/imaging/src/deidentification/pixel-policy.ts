/** Which files may not pass whatever is done to their header, and what has to be done to the pixels of the others. */
import type { Dataset } from '../dicom/dataset.ts';
import type { RefusalReason } from './deidentification.ts';
import { builtInPixelRules, type PixelRule } from './pixel-rules.ts';

export type PixelDecision =
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** A rule says where the text is. */
  | { readonly kind: 'covered'; readonly rule: PixelRule }
  /** Nothing says that there is text. Originals are images as a CT, MR or PET scanner made them; labels are no pictures. */
  | { readonly kind: 'uncovered'; readonly pixels: 'original' | 'labels' | 'derived' };

/**
 * @param rules are tried before those built in.
 * @throws ImagingError `imaging.dicom-attribute-missing`
 */
export function pixelDecision(data: Dataset, rules: readonly PixelRule[]): PixelDecision {
  const sopClass = data.requiredText('SOPClassUID');
  const document = refusedClasses.find(
    ([prefix]) => sopClass === prefix || (prefix !== rawData && sopClass.startsWith(`${prefix}.`)),
  );
  if (document !== undefined) return refused('imaging.deidentification-class-refused', document[1], sopClass);
  // What a vendor's own class holds cannot be known to be safe.
  if (!sopClass.startsWith('1.2.840.10008.')) {
    return refused('imaging.deidentification-class-refused', 'the kind of object is not one of the standard', sopClass);
  }
  if (!hasPixels(data)) return { kind: 'uncovered', pixels: 'labels' };
  const rule = [...rules, ...builtInPixelRules].find((candidate) => matches(candidate, data));
  if (rule !== undefined) return { kind: 'covered', rule };
  const imageType = data.texts('ImageType').map((value) => value.toUpperCase());
  const modality = data.text('Modality') ?? '';
  if (data.text('BurnedInAnnotation')?.toUpperCase() === 'YES') return burnedIn('the file says so');
  if (sopClass.startsWith(secondaryCapture) || data.text('ConversionType') !== undefined) {
    return burnedIn('a secondary capture');
  }
  if (imageType.some((value) => /SCREEN|CAPTURE|DOSE|REPORT|LABEL|OVERVIEW/.test(value)))
    return burnedIn('a screen or label');
  if (burningModalities.has(modality)) return burnedIn(`modality ${modality}`);
  if (computedModalities.has(modality)) return { kind: 'uncovered', pixels: 'labels' };
  const isOriginal = scannerModalities.has(modality) && imageType[0] !== 'DERIVED' && imageType[1] !== 'SECONDARY';
  return { kind: 'uncovered', pixels: isOriginal ? 'original' : 'derived' };
}

function hasPixels(data: Dataset): boolean {
  return data.element('PixelData') !== undefined;
}

function matches(rule: PixelRule, data: Dataset): boolean {
  const includes = (keyword: Parameters<Dataset['texts']>[0], wanted: string | undefined): boolean =>
    wanted === undefined || data.texts(keyword).join('\\').toUpperCase().includes(wanted.toUpperCase());
  return (
    data.text('Modality')?.toUpperCase() === rule.modality.toUpperCase() &&
    includes('Manufacturer', rule.manufacturer) &&
    includes('ManufacturerModelName', rule.model) &&
    includes('ImageType', rule.imageType) &&
    includes('SeriesDescription', rule.seriesDescription) &&
    includes('BurnedInAnnotation', rule.burnedInAnnotation) &&
    (rule.rows === undefined || data.number('Rows') === rule.rows) &&
    (rule.columns === undefined || data.number('Columns') === rule.columns)
  );
}

const secondaryCapture = '1.2.840.10008.5.1.4.1.1.7';

/** Its UID is also the root of those of segmentations and registrations. */
const rawData = '1.2.840.10008.5.1.4.1.1.66';

/** PS3.4 B.5. */
const refusedClasses: readonly (readonly [prefix: string, why: string])[] = [
  ['1.2.840.10008.1.3.10', 'a directory of files names patients and is of no use without them'],
  ['1.2.840.10008.5.1.4.1.1.104', 'a document inside of DICOM cannot be cleaned'],
  [rawData, 'raw data of a vendor cannot be cleaned'],
  ['1.2.840.10008.5.1.4.1.1.9.4', 'a recorded voice may say anything'],
  ['1.2.840.10008.5.1.4.1.1.77.1.1', 'photographs and films may show a face or a label'],
  ['1.2.840.10008.5.1.4.1.1.77.1.2.1', 'photographs and films may show a face or a label'],
  ['1.2.840.10008.5.1.4.1.1.77.1.4', 'photographs and films may show a face or a label'],
];

/** Machines that write the patient's name into the picture. */
const burningModalities: ReadonlySet<string> = new Set([
  'US',
  'IVUS',
  'ES',
  'XC',
  'GM',
  'OT',
  'DOC',
  'BMD',
  'DMS',
  'HC',
  'LP',
]);
const scannerModalities: ReadonlySet<string> = new Set(['CT', 'MR', 'PT', 'NM']);
/** Numbers, not pictures. */
const computedModalities: ReadonlySet<string> = new Set(['SEG', 'RTDOSE']);

function burnedIn(why: string): PixelDecision {
  return refused('imaging.deidentification-burned-in', 'the pixels may hold text and no rule says where', why);
}

function refused(code: RefusalReason['code'], message: string, detail: string): PixelDecision {
  return { kind: 'refused', reason: { code, message, detail } };
}
