/**
 * Bytes to a data set (PS3.5 chapter 7 and annex A), once over the bytes and without copying a value.
 *
 * Every length is checked against what encloses it before it is used; depth and number of elements are limited. So the
 * memory taken follows the size of the file, never a number in it, and the only error is `imaging.dicom-damaged`.
 */
import { ImagingError } from '../imaging-error.ts';
import { type DataElement, Dataset } from './dataset.ts';
import { impliedVr, isPrivate, keywordOf } from './dictionary.ts';

export interface Encoding {
  readonly littleEndian: boolean;
  /** Whether VRs are stated. */
  readonly explicit: boolean;
}

interface DatasetRead {
  readonly data: Dataset;
  /** Where reading ended: the end of the bytes, or the beginning of padding or of another group. */
  readonly end: number;
}

export interface ReadOptions extends Encoding {
  readonly start: number;
  /** Read elements of this group only, as of file meta information. */
  readonly onlyGroup?: number;
  /** Read up to the first element of this tag or a higher one; what follows need not be there. */
  readonly before?: number;
}

/** Sequences in sequences; the deepest of the standard are about ten. */
const depthMax = 64;
/** Elements and items in a file; a slide of a hundred thousand frames has about a million. */
const elementsMax = 2 ** 22;
const undefinedLength = 0xffff_ffff;
const itemTag = 0xfffe_e000;
const itemEndTag = 0xfffe_e00d;
const sequenceEndTag = 0xfffe_e0dd;
const pixelDataTag = 0x7fe0_0010;
const pixelRepresentationTag = 0x0028_0103;

/** @throws ImagingError `imaging.dicom-damaged` */
export function readDataset(bytes: Uint8Array, options: ReadOptions): DatasetRead {
  return new Reader(bytes).topLevel(options);
}

/** Whether the element at `start` states its VR: as the bytes of a length, a VR's letters would mean at least 16 KiB. */
export function statesVr(bytes: Uint8Array, start: number): boolean {
  const [first, second] = [bytes[start + 4] ?? 0, bytes[start + 5] ?? 0];
  return knownVrs.has(first * 256 + second);
}

interface Place {
  at: number;
  /** The first byte that does not belong to what is read. */
  readonly end: number;
}

class Reader {
  private readonly bytes: Uint8Array;
  private elementsLeft = elementsMax;
  private signed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  topLevel({ start, onlyGroup, before, ...encoding }: ReadOptions): DatasetRead {
    const place: Place = { at: start, end: this.bytes.length };
    const elements: DataElement[] = [];
    const data = new Dataset(elements, encoding);
    while (place.at < place.end) {
      if (place.end - place.at < 8 || this.tagAt(place.at, encoding) === 0) {
        if (!this.isZero(place)) throw damaged();
        break;
      }
      if (onlyGroup !== undefined && Math.floor(this.tagAt(place.at, encoding) / 65_536) !== onlyGroup) break;
      if (before !== undefined && this.tagAt(place.at, encoding) >= before) break;
      const element = this.element(place, data, 0);
      if (element !== undefined) elements.push(element);
    }
    return { data, end: place.at };
  }

  /** An item's elements, up to its end or its delimiter. */
  private item(place: Place, parent: Dataset, depth: number): Dataset {
    if (place.end - place.at < 8) throw damaged();
    const length = this.uint32(place.at + 4, parent.littleEndian);
    place.at += 8;
    this.count();
    const isOpen = length === undefinedLength;
    const inside: Place = isOpen ? place : { at: place.at, end: place.at + length };
    if (inside.end > place.end) throw damaged();
    const elements: DataElement[] = [];
    const { littleEndian, explicit } = parent;
    const data = new Dataset(elements, { littleEndian, explicit, parent, undefinedLength: isOpen });
    while (isOpen || inside.at < inside.end) {
      if (inside.end - inside.at < 8) throw damaged();
      if (this.tagAt(inside.at, parent) === itemEndTag) {
        inside.at += 8;
        if (isOpen) break;
        continue;
      }
      const element = this.element(inside, data, depth);
      if (element !== undefined) elements.push(element);
    }
    place.at = inside.at;
    return data;
  }

  /** The next element; undefined for a delimiter that delimits nothing. */
  private element(place: Place, data: Dataset, depth: number): DataElement | undefined {
    this.count();
    const tag = this.tagAt(place.at, data);
    if (tag === itemEndTag || tag === sequenceEndTag) {
      place.at += 8;
      return undefined;
    }
    if (tag === itemTag) throw damaged();
    const { vr, length } = this.head(place, tag, data);
    if (length === undefinedLength) return this.openElement(place, { tag, vr, data, depth });
    const start = place.at;
    const end = start + length;
    if (end > place.end) throw damaged();
    place.at = end;
    const items = this.closedItems({ at: start, end }, { tag, vr, data, depth });
    if (tag === pixelRepresentationTag && length === 2) this.signed = this.uint16(start, data.littleEndian) === 1;
    return items === undefined
      ? { tag, vr, source: this.bytes, start, end, items, fragments: undefined, undefinedLength: false }
      : { tag, vr, source: this.bytes, start, end: start, items, fragments: undefined, undefinedLength: false };
  }

  /** VR and length; `place` then is where the value begins. */
  private head(place: Place, tag: number, { explicit, littleEndian }: Dataset): { vr: string; length: number } {
    const { at, end } = place;
    const implicitLength = this.uint32(at + 4, littleEndian);
    const fits = implicitLength === undefinedLength || at + 8 + implicitLength <= end;
    if (explicit) {
      const code = this.bytes[at + 4]! * 256 + this.bytes[at + 5]!;
      const vr = knownVrs.get(code) ?? unknownVr(code);
      if (vr !== undefined || !fits) {
        // What is neither a VR nor the beginning of a length that fits, such as "??", is a VR its writer did not know.
        if (!longVrs.has(vr ?? '??')) {
          place.at = at + 8;
          return { vr: vr ?? 'UN', length: this.uint16(at + 6, littleEndian) };
        }
        if (end - at < 12) throw damaged();
        place.at = at + 12;
        return { vr: vr!, length: this.uint32(at + 8, littleEndian) };
      }
    }
    place.at = at + 8;
    const vr = impliedVr(tag, { signed: this.signed });
    return { vr: implicitLength === undefinedLength && vr === 'UN' ? 'SQ' : vr, length: implicitLength };
  }

  /** A sequence or encapsulated pixels of undefined length. */
  private openElement(place: Place, head: Head): DataElement {
    const { tag, vr, data, depth } = head;
    const isPixels = tag === pixelDataTag || vr === 'OB' || vr === 'OW';
    if (!isPixels && vr !== 'SQ' && vr !== 'UN') throw damaged();
    const start = place.at;
    const none = { source: this.bytes, start, end: start, undefinedLength: true };
    if (isPixels) return { tag, vr, ...none, items: undefined, fragments: this.fragments(place, data) };
    // PS3.5 6.2.2: a UN of undefined length is a sequence in implicit VR little endian.
    const inside = vr === 'UN' ? this.unknownItemsParent(place.at, data) : data;
    return {
      tag,
      vr,
      ...none,
      items: this.items(place, inside, { depth: depth + 1, open: true }),
      fragments: undefined,
    };
  }

  /** The items of an element of stated length, if it is a sequence. */
  private closedItems(place: Place, { tag, vr, data, depth }: Head): readonly Dataset[] | undefined {
    if (vr === 'SQ') return this.items(place, data, { depth: depth + 1, open: false });
    if (vr !== 'UN' || isPrivate(tag) || keywordOf(tag) === undefined || impliedVr(tag) !== 'SQ') return undefined;
    try {
      const parent = this.unknownItemsParent(place.at, data);
      return this.items(place, parent, { depth: depth + 1, open: false });
    } catch (error) {
      // It need not hold what its tag says; then it stays bytes.
      if (error instanceof ImagingError && this.elementsLeft > 0) return undefined;
      throw error;
    }
  }

  /** The encoding in which a UN holds items: implicit by the standard, but some writers leave their VRs in. */
  private unknownItemsParent(at: number, parent: Dataset): Dataset {
    const first = at + 8;
    const explicit = statesVr(this.bytes, first) && this.uint32(first + 4, true) > this.bytes.length - first;
    return new Dataset([], { littleEndian: true, explicit, parent });
  }

  private items(place: Place, parent: Dataset, options: { depth: number; open: boolean }): readonly Dataset[] {
    if (options.depth > depthMax) throw damaged();
    const items: Dataset[] = [];
    while (options.open || place.at < place.end) {
      if (place.end - place.at < 8) throw damaged();
      const tag = this.tagAt(place.at, parent);
      if (tag === sequenceEndTag) {
        place.at += 8;
        if (options.open) break;
      } else if (tag === itemTag) items.push(this.item(place, parent, options.depth));
      else throw damaged();
    }
    return items;
  }

  private fragments(place: Place, { littleEndian }: Encoding): readonly Uint8Array[] {
    const fragments: Uint8Array[] = [];
    for (;;) {
      if (place.end - place.at < 8) throw damaged();
      this.count();
      const tag = this.tagAt(place.at, { littleEndian });
      const length = this.uint32(place.at + 4, littleEndian);
      place.at += 8;
      if (tag === sequenceEndTag) return fragments;
      if (tag !== itemTag || length > place.end - place.at) throw damaged();
      fragments.push(this.bytes.subarray(place.at, place.at + length));
      place.at += length;
    }
  }

  private count(): void {
    if (--this.elementsLeft < 0) throw damaged();
  }

  private isZero({ at, end }: Place): boolean {
    for (let index = at; index < end; index++) if (this.bytes[index] !== 0) return false;
    return true;
  }

  private tagAt(at: number, { littleEndian }: Pick<Encoding, 'littleEndian'>): number {
    return this.uint16(at, littleEndian) * 65_536 + this.uint16(at + 2, littleEndian);
  }

  private uint16(at: number, littleEndian: boolean): number {
    const first = this.bytes[at]!;
    const second = this.bytes[at + 1]!;
    return littleEndian ? first | (second << 8) : (first << 8) | second;
  }

  private uint32(at: number, littleEndian: boolean): number {
    const [low, high] = [this.uint16(at, littleEndian), this.uint16(at + 2, littleEndian)];
    return littleEndian ? high * 65_536 + low : low * 65_536 + high;
  }
}

interface Head {
  readonly tag: number;
  readonly vr: string;
  readonly data: Dataset;
  readonly depth: number;
}

/** VRs with two reserved bytes and a length of four (PS3.5 7.1.2). */
export const longVrs: ReadonlySet<string> = new Set([
  'OB',
  'OD',
  'OF',
  'OL',
  'OV',
  'OW',
  'SQ',
  'SV',
  'UC',
  'UN',
  'UR',
  'UT',
  'UV',
]);
const shortVrs = ['AE', 'AS', 'AT', 'CS', 'DA', 'DS', 'DT', 'FD', 'FL', 'IS', 'LO', 'LT', 'PN', 'SH', 'SL', 'SS'];
const knownVrs: ReadonlyMap<number, string> = new Map(
  [...longVrs, ...shortVrs, 'ST', 'TM', 'UI', 'UL', 'US'].map((vr) => [vr.charCodeAt(0) * 256 + vr.charCodeAt(1), vr]),
);

/** A VR of two capitals that the standard does not know, in the short form. */
function unknownVr(code: number): string | undefined {
  const letters = [code >>> 8, code & 255];
  return letters.every((letter) => letter >= 65 && letter <= 90) ? String.fromCharCode(...letters) : undefined;
}

function damaged(): ImagingError {
  return new ImagingError('imaging.dicom-damaged', 'the DICOM file is cut short or damaged');
}
