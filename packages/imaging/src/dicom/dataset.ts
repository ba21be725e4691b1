/**
 * A parsed DICOM data set, asked by keyword. Every getter is bounds-checked and every failure an ImagingError, whatever
 * the bytes are.
 */
import type { Element, DataSet as ParsedDataSet } from 'dicom-parser';
import { ImagingError } from '../imaging-error.ts';
import type { Triple } from '../volume.ts';
import { characterSetsOf, decodeLatin1, decodeText } from './character-set.ts';
import { type Encapsulated, fragmentsOfFrames } from './data-frames.ts';
import { dictionary, type Keyword } from './dictionary.ts';

export class Dataset {
  private readonly parsed: ParsedDataSet;
  private readonly littleEndian: boolean;
  private readonly characterSets: readonly string[];

  constructor(parsed: ParsedDataSet, options: { littleEndian: boolean; characterSets?: readonly string[] }) {
    this.parsed = parsed;
    this.littleEndian = options.littleEndian;
    const own = this.bytes('SpecificCharacterSet');
    this.characterSets = own === undefined ? (options.characterSets ?? []) : characterSetsOf(own);
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

  /** Compressed pixels as they lie in the file; undefined where the pixels are native or absent. */
  encapsulated(): Encapsulated | undefined {
    const element = this.element('PixelData');
    if (element?.fragments === undefined) return undefined;
    const table = new Uint32Array(element.basicOffsetTable ?? []);
    const fragments = element.fragments.map(({ position, length }) => {
      return this.parsed.byteArray.subarray(position, position + length);
    });
    return { basicOffsetTable: new Uint8Array(table.buffer), fragments };
  }

  /**
   * The fragments of each of `count` frames, not copied; undefined where the pixels are native or absent.
   * @throws ImagingError `imaging.dicom-pixels-truncated`
   */
  encapsulatedFrames(count: number): readonly (readonly Uint8Array[])[] | undefined {
    const pixels = this.encapsulated();
    return pixels && fragmentsOfFrames(pixels, count);
  }

  /** Text values; empty ones and padding left out. */
  texts(keyword: Keyword): string[] {
    const bytes = this.bytes(keyword);
    if (bytes === undefined) return [];
    const vr = dictionary[keyword][1];
    const isAscii = vr === 'UI' || vr === 'CS' || vr === 'DS' || vr === 'IS';
    const text = isAscii ? decodeLatin1(bytes) : decodeText(bytes, this.characterSets);
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
    const inherited = { littleEndian: this.littleEndian, characterSets: this.characterSets };
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
}

function missing(keyword: Keyword): never {
  throw new ImagingError('imaging.dicom-attribute-missing', `the file does not state ${keyword}`);
}

/** Without the spaces and NULs that make the length even. */
function trimmed(value: string): string {
  let end = value.length;
  while (end > 0 && (value.charCodeAt(end - 1) === 0 || value[end - 1] === ' ')) end--;
  let start = 0;
  while (start < end && value[start] === ' ') start++;
  return value.slice(start, end);
}
