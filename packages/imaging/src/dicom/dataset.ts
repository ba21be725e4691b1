/**
 * A DICOM data set (PS3.5 chapter 7): its elements as they lie in the file, private ones and sequences included, and
 * getters by keyword. Nothing is copied; a failure is an ImagingError, whatever the bytes are.
 */
import { ImagingError } from '../imaging-error.ts';
import type { Triple } from '../volume.ts';
import { characterSetsOf, decodeLatin1, decodeText } from './character-set.ts';
import { type Encapsulated, fragmentsOfFrames } from './data-frames.ts';
import { dictionary, impliedVr, type Keyword } from './dictionary.ts';

export interface DataElement {
  /** Group and element number as one: 0xggggeeee. */
  readonly tag: number;
  /** Two letters: the file's, or, where it states none, the dictionary's. */
  readonly vr: string;
  /** The value is `source` from `start` up to `end`, in the byte order of its data set; empty for items and fragments. */
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Of a sequence, whatever its VR. */
  readonly items: readonly Dataset[] | undefined;
  /** Of encapsulated pixel data: the offset table, then the fragments. */
  readonly fragments: readonly Uint8Array[] | undefined;
  /** Of the sequence or the fragments in the file. */
  readonly undefinedLength: boolean;
}

export interface DatasetOptions {
  /** Default true. */
  readonly littleEndian?: boolean;
  /** Whether VRs are stated; default true. */
  readonly explicit?: boolean;
  /** Whose item this is; its character sets hold for the item too. */
  readonly parent?: Dataset | undefined;
  /** Of the item in the file. */
  readonly undefinedLength?: boolean;
}

export class Dataset {
  /** In the order of the file, which should be that of their tags. */
  readonly elements: readonly DataElement[];
  readonly littleEndian: boolean;
  readonly explicit: boolean;
  readonly undefinedLength: boolean;
  private readonly parent: Dataset | undefined;
  private byTag: Map<number, DataElement> | undefined;
  private ownCharacterSets: readonly string[] | undefined;

  constructor(elements: readonly DataElement[], options: DatasetOptions = {}) {
    this.elements = elements;
    this.littleEndian = options.littleEndian ?? true;
    this.explicit = options.explicit ?? true;
    this.undefinedLength = options.undefinedLength ?? false;
    this.parent = options.parent;
  }

  /** The element with the tag; where a file holds it twice, the last. */
  elementOf(tag: number): DataElement | undefined {
    const { elements } = this;
    if (elements.length <= 8) return elements.findLast((element) => element.tag === tag);
    this.byTag ??= new Map(elements.map((element) => [element.tag, element]));
    return this.byTag.get(tag);
  }

  element(keyword: Keyword): DataElement | undefined {
    return this.elementOf(dictionary[keyword][0]);
  }

  /** The values of Specific Character Set: this data set's, or the enclosing one's. */
  get characterSets(): readonly string[] {
    if (this.ownCharacterSets === undefined) {
      const own = this.element('SpecificCharacterSet');
      this.ownCharacterSets = own === undefined ? (this.parent?.characterSets ?? []) : characterSetsOf(valueBytes(own));
    }
    return this.ownCharacterSets;
  }

  /** The element's bytes, not copied. */
  bytes(keyword: Keyword): Uint8Array | undefined {
    const element = this.element(keyword);
    return element && valueBytes(element);
  }

  /** Compressed pixels as they lie in the file; undefined where the pixels are native or absent. */
  encapsulated(): Encapsulated | undefined {
    const items = this.element('PixelData')?.fragments;
    if (items === undefined) return undefined;
    return {
      basicOffsetTable: items[0] ?? new Uint8Array(0),
      extendedOffsetTable: this.bytes('ExtendedOffsetTable'),
      fragments: items.slice(1),
    };
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
    const element = this.element(keyword);
    return element === undefined ? [] : this.textsOf(element).filter((value) => value !== '');
  }

  /** All values of an element of this data set, the empty ones too. */
  textsOf(element: DataElement): string[] {
    const vr = statedVr(element);
    const bytes = valueBytes(element);
    const text = extendedRepertoire.has(vr) ? decodeText(bytes, this.characterSets) : decodeLatin1(bytes);
    return (singleText.has(vr) ? [text] : text.split('\\')).map(trimmed);
  }

  text(keyword: Keyword): string | undefined {
    return this.texts(keyword)[0];
  }

  /** @throws ImagingError `imaging.dicom-attribute-missing` */
  requiredText(keyword: Keyword): string {
    return this.text(keyword) ?? missing(keyword);
  }

  /** Numbers of a DS or IS or of a binary VR; undefined if absent or empty. */
  numbers(keyword: Keyword): number[] | undefined {
    const element = this.element(keyword);
    if (element === undefined) return undefined;
    const values = this.binaryNumbers(element) ?? this.texts(keyword).map(Number);
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

  items(keyword: Keyword): readonly Dataset[] {
    return this.element(keyword)?.items ?? [];
  }

  item(keyword: Keyword): Dataset | undefined {
    return this.items(keyword)[0];
  }

  private binaryNumbers(element: DataElement): number[] | undefined {
    const read = numberReaders[statedVr(element)];
    if (read === undefined) return undefined;
    const bytes = valueBytes(element);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = Math.floor(bytes.length / read.width);
    return Array.from({ length: count }, (_, index) => read.at(view, index * read.width, this.littleEndian));
  }
}

/** The value's bytes, not copied. */
export function valueBytes({ source, start, end }: DataElement): Uint8Array {
  return source.subarray(start, end);
}

/** The VR by which to read a value: the dictionary's where the file says that it did not know (PS3.5 6.2.2). */
function statedVr({ tag, vr }: DataElement): string {
  return vr === 'UN' ? impliedVr(tag) : vr;
}

/** VRs whose text Specific Character Set is about (PS3.5 6.1.2.3). */
const extendedRepertoire: ReadonlySet<string> = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
/** VRs in which a backslash is a backslash. */
const singleText: ReadonlySet<string> = new Set(['LT', 'ST', 'UT', 'UR']);

type NumberReader = {
  readonly width: number;
  readonly at: (view: DataView, at: number, littleEndian: boolean) => number;
};
const numberReaders: Readonly<Record<string, NumberReader>> = {
  US: { width: 2, at: (view, at, le) => view.getUint16(at, le) },
  OW: { width: 2, at: (view, at, le) => view.getUint16(at, le) },
  SS: { width: 2, at: (view, at, le) => view.getInt16(at, le) },
  UL: { width: 4, at: (view, at, le) => view.getUint32(at, le) },
  OL: { width: 4, at: (view, at, le) => view.getUint32(at, le) },
  SL: { width: 4, at: (view, at, le) => view.getInt32(at, le) },
  FL: { width: 4, at: (view, at, le) => view.getFloat32(at, le) },
  OF: { width: 4, at: (view, at, le) => view.getFloat32(at, le) },
  FD: { width: 8, at: (view, at, le) => view.getFloat64(at, le) },
  OD: { width: 8, at: (view, at, le) => view.getFloat64(at, le) },
  UV: { width: 8, at: (view, at, le) => Number(view.getBigUint64(at, le)) },
  OV: { width: 8, at: (view, at, le) => Number(view.getBigUint64(at, le)) },
  SV: { width: 8, at: (view, at, le) => Number(view.getBigInt64(at, le)) },
  AT: { width: 4, at: (view, at, le) => view.getUint16(at, le) * 65_536 + view.getUint16(at + 2, le) },
};

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
