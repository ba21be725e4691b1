/**
 * A DICOM file (PS3.10) from keywords and values: explicit little endian, tags in order, all lengths stated, UTF-8. The
 * same record gives the same bytes.
 */
import { ImagingError } from '../imaging-error.ts';
import { dictionary, type Keyword, transferSyntaxes, type ValueRepresentation } from './dictionary.ts';

type DicomValue = string | number | readonly string[] | readonly number[] | readonly DicomRecord[] | Uint8Array;
/** Attributes by keyword; undefined ones are left out, an empty string is an attribute without a value. */
export type DicomRecord = { readonly [keyword in Keyword]?: DicomValue | undefined };

const implementationClassUid = '2.25.193841706582517293611906328751448910273';
const implementationVersionName = 'CONSILIUM';

/** Preamble, meta information from the record's SOP class and instance, data set. */
export function encodePart10(record: DicomRecord): Uint8Array {
  const meta = encodeElements({
    FileMetaInformationVersion: new Uint8Array([0, 1]),
    MediaStorageSOPClassUID: record.SOPClassUID,
    MediaStorageSOPInstanceUID: record.SOPInstanceUID,
    TransferSyntaxUID: transferSyntaxes.explicitLittleEndian,
    ImplementationClassUID: implementationClassUid,
    ImplementationVersionName: implementationVersionName,
  });
  const preamble = new Uint8Array(132);
  preamble.set(ascii('DICM'), 128);
  const length = encodeElements({ FileMetaInformationGroupLength: meta.length });
  return joined([preamble, length, meta, encodeElements({ SpecificCharacterSet: 'ISO_IR 192', ...record })]);
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

function encodeElements(record: DicomRecord): Uint8Array {
  const present = (Object.keys(record) as Keyword[]).filter((keyword) => record[keyword] !== undefined);
  present.sort((a, b) => (dictionary[a][0] < dictionary[b][0] ? -1 : 1));
  return joined(present.flatMap((keyword) => encodeElement(keyword, record[keyword]!)));
}

function encodeElement(keyword: Keyword, value: DicomValue): Uint8Array[] {
  const [tag, vr] = dictionary[keyword];
  const payload = padded(payloadOf(vr, value), vr);
  const isLong = vr === 'OB' || vr === 'OW' || vr === 'SQ';
  const head = new DataView(new ArrayBuffer(isLong ? 12 : 8));
  writeTag(head, tag);
  head.setUint8(4, vr.charCodeAt(0));
  head.setUint8(5, vr.charCodeAt(1));
  if (isLong) head.setUint32(8, payload.length, true);
  else if (payload.length <= 65534) head.setUint16(6, payload.length, true);
  else
    throw new ImagingError(
      'imaging.dicom-value-unwritable',
      `${keyword} is longer than its value representation allows`,
    );
  return [new Uint8Array(head.buffer), payload];
}

function payloadOf(vr: ValueRepresentation, value: DicomValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const values = (Array.isArray(value) ? value : [value]) as readonly (string | number | DicomRecord)[];
  if (vr === 'SQ') return joined(values.flatMap((item) => encodeItem(item as DicomRecord)));
  if (vr === 'US') return numbersOf(values, 2, (view, at, number) => view.setUint16(at, number, true));
  if (vr === 'UL') return numbersOf(values, 4, (view, at, number) => view.setUint32(at, number, true));
  if (vr === 'AT') {
    const view = new DataView(new ArrayBuffer(values.length * 4));
    for (const [index, tag] of values.entries()) writeTag(view, String(tag), index * 4);
    return new Uint8Array(view.buffer);
  }
  return new TextEncoder().encode(values.map(String).join('\\'));
}

function encodeItem(record: DicomRecord): Uint8Array[] {
  const elements = encodeElements(record);
  const head = new DataView(new ArrayBuffer(8));
  writeTag(head, 'fffee000');
  head.setUint32(4, elements.length, true);
  return [new Uint8Array(head.buffer), elements];
}

function numbersOf(
  values: readonly unknown[],
  width: number,
  write: (view: DataView, at: number, number: number) => void,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * width));
  for (const [index, value] of values.entries()) write(view, index * width, Number(value));
  return new Uint8Array(view.buffer);
}

function writeTag(view: DataView, tag: string, at = 0): void {
  view.setUint16(at, Number.parseInt(tag.slice(0, 4), 16), true);
  view.setUint16(at + 2, Number.parseInt(tag.slice(4), 16), true);
}

/** To an even length, with a space, or a NUL after UIDs and bytes (PS3.5 6.2). */
function padded(payload: Uint8Array, vr: string): Uint8Array {
  if (payload.length % 2 === 0) return payload;
  const even = new Uint8Array(payload.length + 1);
  even.set(payload);
  if (vr !== 'UI' && vr !== 'OB' && vr !== 'OW') even[payload.length] = 32;
  return even;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
