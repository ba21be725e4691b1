/**
 * A parsed DICOM data set, asked by keyword. Every getter is bounds-checked and every failure an ImagingError, whatever
 * the bytes are.
 */
import type { Element, DataSet as ParsedDataSet } from 'dicom-parser';
import { ImagingError } from '../imaging-error.ts';
import type { Triple } from '../volume.ts';
import { dictionary, type Keyword } from './dictionary.ts';

export class Dataset {
  private readonly parsed: ParsedDataSet;
  private readonly littleEndian: boolean;
  private readonly characterSet: string;

  constructor(parsed: ParsedDataSet, options: { littleEndian: boolean; characterSet?: string }) {
    this.parsed = parsed;
    this.littleEndian = options.littleEndian;
    this.characterSet = this.latin('SpecificCharacterSet')?.split('\\').at(-1)?.trim() || options.characterSet || '';
  }

  /** The element as dicom-parser found it, if it lies inside the file. */
  element(keyword: Keyword): Element | undefined {
    const element = this.parsed.elements[`x${dictionary[keyword][0]}`];
    if (element === undefined) return undefined;
    const inside = element.dataOffset >= 0 && element.dataOffset + element.length <= this.parsed.byteArray.length;
    return inside ? element : undefined;
  }

  /** The element's bytes, not copied. */
  bytes(keyword: Keyword): Uint8Array | undefined {
    const element = this.element(keyword);
    return element && this.parsed.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
  }

  /** The bytes of the whole file (inflated), which fragments point into. */
  get fileBytes(): Uint8Array {
    return this.parsed.byteArray;
  }

  get parsedDataSet(): ParsedDataSet {
    return this.parsed;
  }

  /** Text values; empty ones and padding left out. */
  texts(keyword: Keyword): string[] {
    const bytes = this.bytes(keyword);
    if (bytes === undefined) return [];
    const text =
      dictionary[keyword][1] === 'UI' || dictionary[keyword][1] === 'CS' ? latin1(bytes) : this.decoded(bytes);
    const values = text.split('\\').map((value) => trimmed(value));
    return values.filter((value) => value !== '');
  }

  text(keyword: Keyword): string | undefined {
    return this.texts(keyword)[0];
  }

  /** @throws ImagingError `imaging.dicom-attribute-missing` */
  requiredText(keyword: Keyword): string {
    return this.text(keyword) ?? missing(keyword);
  }

  /** Numbers of a DS, IS, US, SS, UL or FD; undefined if absent or empty. */
  numbers(keyword: Keyword): number[] | undefined {
    const vr = dictionary[keyword][1];
    const values = vr === 'DS' || vr === 'IS' ? this.texts(keyword).map(Number) : this.binaryNumbers(keyword);
    if (!values.every(Number.isFinite)) {
      throw new ImagingError('imaging.dicom-attribute-invalid', `${keyword} does not hold numbers`);
    }
    return values.length === 0 ? undefined : values;
  }

  number(keyword: Keyword): number | undefined {
    return this.numbers(keyword)?.[0];
  }

  requiredNumber(keyword: Keyword): number {
    return this.number(keyword) ?? missing(keyword);
  }

  /** Exactly `count` numbers. */
  requiredNumbers(keyword: Keyword, count: number): number[] {
    const values = this.numbers(keyword) ?? missing(keyword);
    if (values.length !== count) {
      throw new ImagingError('imaging.dicom-attribute-invalid', `${keyword} does not hold ${count} numbers`);
    }
    return values;
  }

  requiredTriple(keyword: Keyword): Triple {
    return this.requiredNumbers(keyword, 3) as unknown as Triple;
  }

  items(keyword: Keyword): Dataset[] {
    const items = this.element(keyword)?.items ?? [];
    const inherited = { littleEndian: this.littleEndian, characterSet: this.characterSet };
    return items.flatMap(({ dataSet }) => (dataSet === undefined ? [] : [new Dataset(dataSet, inherited)]));
  }

  item(keyword: Keyword): Dataset | undefined {
    return this.items(keyword)[0];
  }

  private binaryNumbers(keyword: Keyword): number[] {
    const bytes = this.bytes(keyword);
    if (bytes === undefined) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const le = this.littleEndian;
    const [width, read] = ((): [number, (at: number) => number] => {
      switch (dictionary[keyword][1]) {
        case 'UL':
          return [4, (at) => view.getUint32(at, le)];
        default:
          return [2, (at) => view.getUint16(at, le)];
      }
    })();
    return Array.from({ length: Math.floor(bytes.length / width) }, (_, index) => read(index * width));
  }

  private latin(keyword: Keyword): string | undefined {
    const bytes = this.bytes(keyword);
    return bytes && latin1(bytes);
  }

  private decoded(bytes: Uint8Array): string {
    const encoding = encodingOfCharacterSet[this.characterSet];
    return encoding === undefined ? latin1(bytes) : new TextDecoder(encoding).decode(bytes);
  }
}

function missing(keyword: Keyword): never {
  throw new ImagingError('imaging.dicom-attribute-missing', `the file does not state ${keyword}`);
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** Without the spaces and NULs that make the length even. */
function trimmed(value: string): string {
  let end = value.length;
  while (end > 0 && (value.charCodeAt(end - 1) === 0 || value[end - 1] === ' ')) end--;
  let start = 0;
  while (start < end && value[start] === ' ') start++;
  return value.slice(start, end);
}

/** Defined terms of Specific Character Set (PS3.3 C.12.1.1.2) to the names TextDecoder knows. */
const encodingOfCharacterSet: Readonly<Record<string, string>> = {
  'ISO_IR 192': 'utf-8',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 166': 'windows-874',
  'ISO 2022 IR 87': 'iso-2022-jp',
  'ISO 2022 IR 149': 'euc-kr',
  'ISO 2022 IR 58': 'gb18030',
  GB18030: 'gb18030',
  GBK: 'gbk',
};
