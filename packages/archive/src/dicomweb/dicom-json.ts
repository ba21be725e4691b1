/** Data sets in the DICOM JSON model (PS3.18 annex F). */
import { type DataElement, type Dataset, impliedVr, valueBytes } from '@consilium/imaging';

export interface JsonElement {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
}
/** By tag, eight hexadecimal digits in capitals. */
export type JsonDataset = { readonly [tag: string]: JsonElement };

export interface JsonOptions {
  /** Address of a value that is not in the JSON itself. Its path names tags and, in between, item numbers from 0. */
  readonly bulkDataUri: (path: readonly (string | number)[]) => string;
}

/** Larger binary values are told by their address. */
const inlineBytesMax = 1024;

export function jsonOf(data: Dataset, options: JsonOptions, path: readonly (string | number)[] = []): JsonDataset {
  const json: Record<string, JsonElement> = {};
  for (const element of data.elements) {
    // Group lengths (retired) are those of the file's encoding.
    if (element.tag % 65_536 === 0) continue;
    const tag = tagText(element.tag);
    json[tag] =
      tag === '00080005' ? { vr: 'CS', Value: ['ISO_IR 192'] } : elementOf(data, element, options, [...path, tag]);
  }
  return json;
}

/** An element that the path of an address leads to. */
export function elementAt(data: Dataset, path: readonly string[]): { data: Dataset; element: DataElement } | undefined {
  const [tag, item, ...rest] = path;
  const element = tag === undefined ? undefined : data.elementOf(Number.parseInt(tag, 16));
  if (element === undefined || item === undefined) return element && { data, element };
  const inside = element.items?.[Number(item)];
  return inside && elementAt(inside, rest);
}

/** The bytes of a value in little endian, as the JSON model wants them. */
export function littleEndianBytes(data: Dataset, element: DataElement): Uint8Array {
  const bytes = valueBytes(element);
  const width = binaryWidths[element.vr] ?? 1;
  if (data.littleEndian || width === 1) return bytes;
  const swapped = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % width)));
  if (width === 2) return swapped.swap16();
  return width === 4 ? swapped.swap32() : swapped.swap64();
}

function elementOf(
  data: Dataset,
  element: DataElement,
  options: JsonOptions,
  path: readonly (string | number)[],
): JsonElement {
  const { fragments, items, tag } = element;
  if (items !== undefined) {
    const values = items.map((item, index) => jsonOf(item, options, [...path, index]));
    return values.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: values };
  }
  if (fragments !== undefined || tag === pixelDataTag) {
    const vr = fragments === undefined ? element.vr : 'OB';
    return { vr, BulkDataURI: options.bulkDataUri(path) };
  }
  const vr = element.vr === 'UN' ? impliedVr(tag) : element.vr;
  if (element.start === element.end) return { vr };
  if (binaryWidths[vr] !== undefined) return binaryOf(data, element, vr, () => options.bulkDataUri(path));
  const values = valuesOf(data, element, vr);
  return values.every((value) => value === null) ? { vr } : { vr, Value: values };
}

function binaryOf(data: Dataset, element: DataElement, vr: string, uri: () => string): JsonElement {
  if (element.end - element.start > inlineBytesMax) return { vr, BulkDataURI: uri() };
  return { vr, InlineBinary: Buffer.from(littleEndianBytes(data, element)).toString('base64') };
}

function valuesOf(data: Dataset, element: DataElement, vr: string): unknown[] {
  const read = numberReaders[vr];
  if (read !== undefined) {
    const bytes = valueBytes(element);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: Math.floor(bytes.length / read.width) }, (_, index) =>
      read.at(view, index * read.width, data.littleEndian),
    );
  }
  const texts = data.textsOf(element);
  switch (vr) {
    case 'PN':
      return texts.map((text) => (text === '' ? null : personName(text)));
    case 'DS':
    case 'IS':
      return texts.map((text) => (text === '' ? null : numberOr(text)));
    default:
      return texts.map((text) => (text === '' ? null : text));
  }
}

/** A text that is not a number stays one: it cannot be given as it is otherwise. */
function numberOr(text: string): number | string {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}

function personName(text: string): Record<string, string> {
  const [Alphabetic = '', Ideographic = '', Phonetic = ''] = text.split('=').map((group) => group.trim());
  return {
    ...(Alphabetic === '' ? {} : { Alphabetic }),
    ...(Ideographic === '' ? {} : { Ideographic }),
    ...(Phonetic === '' ? {} : { Phonetic }),
  };
}

export function tagText(tag: number): string {
  return tag.toString(16).padStart(8, '0').toUpperCase();
}

const pixelDataTag = 0x7fe0_0010;
const binaryWidths: Readonly<Record<string, number>> = { OB: 1, UN: 1, OW: 2, OF: 4, OL: 4, OD: 8, OV: 8 };

type Reader = { readonly width: number; readonly at: (view: DataView, at: number, littleEndian: boolean) => unknown };
/** JSON has no number for these. */
const real = (value: number) =>
  Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
/** Beyond 2^53 the digits are given as text (PS3.18 F.2.4). */
const whole = (value: bigint) => (value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : String(value));
const numberReaders: Readonly<Record<string, Reader>> = {
  US: { width: 2, at: (view, at, le) => view.getUint16(at, le) },
  SS: { width: 2, at: (view, at, le) => view.getInt16(at, le) },
  UL: { width: 4, at: (view, at, le) => view.getUint32(at, le) },
  SL: { width: 4, at: (view, at, le) => view.getInt32(at, le) },
  FL: { width: 4, at: (view, at, le) => real(view.getFloat32(at, le)) },
  FD: { width: 8, at: (view, at, le) => real(view.getFloat64(at, le)) },
  UV: { width: 8, at: (view, at, le) => whole(view.getBigUint64(at, le)) },
  SV: { width: 8, at: (view, at, le) => whole(view.getBigInt64(at, le)) },
  AT: { width: 4, at: (view, at, le) => tagText(view.getUint16(at, le) * 65_536 + view.getUint16(at + 2, le)) },
};
