/**
 * A DICOM file (PS3.10) from keywords and values: explicit little endian, tags in order, all lengths stated, UTF-8. The
 * same record gives the same bytes.
 */
import { ImagingError } from '../imaging-error.ts';
import { longVrs } from './data-reader.ts';
import { type DataElement, Dataset } from './dataset.ts';
import { dictionary, type Keyword, plainVr, transferSyntaxes, type ValueRepresentation } from './dictionary.ts';
import { formatPart10 } from './part10.ts';

type DicomValue = string | number | readonly string[] | readonly number[] | readonly DicomRecord[] | Uint8Array;
/** Attributes by keyword; undefined ones are left out, an empty string is an attribute without a value. */
export type DicomRecord = { readonly [keyword in Keyword]?: DicomValue | undefined };

export const implementation = {
  ImplementationClassUID: '2.25.193841706582517293611906328751448910273',
  ImplementationVersionName: 'CONSILIUM',
} as const;

/** Preamble, meta information from the record's SOP class and instance, data set. */
export function encodePart10(record: DicomRecord): Uint8Array {
  const transferSyntaxUid = transferSyntaxes.explicitLittleEndian;
  const meta = datasetOf({
    FileMetaInformationVersion: new Uint8Array([0, 1]),
    MediaStorageSOPClassUID: record.SOPClassUID,
    MediaStorageSOPInstanceUID: record.SOPInstanceUID,
    TransferSyntaxUID: transferSyntaxUid,
    ...implementation,
  });
  const data = datasetOf({ SpecificCharacterSet: 'ISO_IR 192', ...record });
  return formatPart10({ data, meta, transferSyntaxUid, preamble: new Uint8Array(128) });
}

/** A number as a Decimal String: at most 16 characters, as exact as they allow. */
export function decimal(value: number): string {
  for (let digits = Number.isFinite(value) ? 17 : 0; digits > 0; digits--) {
    const text = String(Number(value.toPrecision(digits)));
    if (text.length <= 16) return text;
  }
  throw new ImagingError('imaging.dicom-value-unwritable', 'a number cannot be written with 16 characters');
}

export function decimals(values: readonly number[]): string[] {
  return values.map(decimal);
}

/** Little endian; text in UTF-8. */
export function datasetOf(record: DicomRecord): Dataset {
  const present = (Object.keys(record) as Keyword[]).filter((keyword) => record[keyword] !== undefined);
  const elements = present.map((keyword) => elementOf(keyword, record[keyword]!));
  return new Dataset(elements.sort((a, b) => a.tag - b.tag));
}

function elementOf(keyword: Keyword, value: DicomValue): DataElement {
  const [tag, ambiguous] = dictionary[keyword];
  const values = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  const vr = plainVr(ambiguous, { signed: values.some((number) => typeof number === 'number' && number < 0) });
  const none = { items: undefined, fragments: undefined, undefinedLength: false };
  if (vr === 'SQ') {
    const items = (values as readonly DicomRecord[]).map(datasetOf);
    return { tag, vr, ...none, source: new Uint8Array(0), start: 0, end: 0, items };
  }
  const source = payloadOf(vr, value, values);
  if (source.length > 65_534 && !longVrs.has(vr)) {
    throw new ImagingError('imaging.dicom-value-unwritable', `${keyword} is longer than its VR allows`);
  }
  return { tag, vr, ...none, source, start: 0, end: source.length };
}

function payloadOf(vr: ValueRepresentation, value: DicomValue, values: readonly unknown[]): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const write = numberWriters[vr];
  if (write === undefined) return new TextEncoder().encode(values.map(String).join('\\'));
  const view = new DataView(new ArrayBuffer(values.length * write.width));
  for (const [index, number] of values.entries()) write.set(view, index * write.width, Number(number));
  return new Uint8Array(view.buffer);
}

type NumberWriter = { readonly width: number; readonly set: (view: DataView, at: number, value: number) => void };
const numberWriters: Readonly<Partial<Record<ValueRepresentation, NumberWriter>>> = {
  US: { width: 2, set: (view, at, value) => view.setUint16(at, value, true) },
  SS: { width: 2, set: (view, at, value) => view.setInt16(at, value, true) },
  UL: { width: 4, set: (view, at, value) => view.setUint32(at, value, true) },
  SL: { width: 4, set: (view, at, value) => view.setInt32(at, value, true) },
  FL: { width: 4, set: (view, at, value) => view.setFloat32(at, value, true) },
  FD: { width: 8, set: (view, at, value) => view.setFloat64(at, value, true) },
  AT: {
    width: 4,
    set: (view, at, tag) => {
      view.setUint16(at, Math.floor(tag / 65_536), true);
      view.setUint16(at + 2, tag % 65_536, true);
    },
  },
};
