/**
 * A data set to bytes (PS3.5 chapter 7 and annex A), in the encoding it came in or another. What the file left undefined
 * in length stays so; odd values are padded; nothing else changes.
 */

import { type Encoding, longVrs } from './data-reader.ts';
import { type DataElement, type Dataset, valueBytes } from './dataset.ts';

/**
 * @param target default: as the data set came.
 * @param head bytes to begin with, so that pixels are copied once.
 */
export function encodeDataset(
  data: Dataset,
  target: Encoding = data,
  head: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const writer = new Writer(head, sizeHint(data));
  writer.dataset(data, target);
  return writer.finished();
}

const undefinedLength = 0xffff_ffff;
const itemTag = 0xfffe_e000;
const itemEndTag = 0xfffe_e00d;
const sequenceEndTag = 0xfffe_e0dd;

/** A bit more than the file has. */
function sizeHint({ elements }: Dataset): number {
  return elements.reduce((sum, { start, end, fragments }) => {
    return sum + 64 + end - start + (fragments?.reduce((all, fragment) => all + fragment.length + 8, 0) ?? 0);
  }, 4096);
}

class Writer {
  private bytes: Uint8Array;
  private view: DataView;
  private at: number;

  constructor(head: Uint8Array, capacity: number) {
    this.bytes = new Uint8Array(head.length + capacity);
    this.bytes.set(head);
    this.at = head.length;
    this.view = new DataView(this.bytes.buffer);
  }

  finished(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  dataset(data: Dataset, target: Encoding): void {
    const sameEncoding = data.explicit === target.explicit && data.littleEndian === target.littleEndian;
    for (const element of data.elements) {
      // The length of a group (PS3.5 7.2, retired) is that of one encoding.
      if (element.tag % 65_536 === 0 && !sameEncoding) continue;
      this.element(element, data, target);
    }
  }

  private element(element: DataElement, source: Encoding, target: Encoding): void {
    const { items, fragments } = element;
    if (fragments !== undefined) {
      this.head(element.tag, element.vr, undefinedLength, target);
      this.fragments(fragments, target);
    } else if (items !== undefined) {
      this.sequence(element, items, target);
    } else {
      this.value(element, source, target);
    }
  }

  private value(element: DataElement, source: Encoding, target: Encoding): void {
    const { tag } = element;
    const value = valueBytes(element);
    const padded = value.length + (value.length % 2);
    // A value too long for its VR's short form is written as UN (PS3.5 6.2.2).
    const tooLong = target.explicit && !longVrs.has(element.vr) && padded > 65_534;
    const vr = tooLong ? 'UN' : element.vr;
    this.head(tag, vr, padded, target);
    this.reserve(padded);
    const unit = unitBytes[element.vr] ?? 1;
    if (source.littleEndian === target.littleEndian || unit === 1) this.bytes.set(value, this.at);
    else setSwapped(this.bytes, value, { at: this.at, unit });
    if (padded > value.length) this.bytes[this.at + value.length] = padsWithSpace.has(vr) ? 32 : 0;
    this.at += padded;
  }

  private sequence(element: DataElement, items: readonly Dataset[], target: Encoding): void {
    const { tag, vr, undefinedLength: isOpen } = element;
    const lengthAt = this.head(tag, vr, undefinedLength, target);
    const start = this.at;
    // Inside a UN is little endian, and implicit unless its writer left VRs in (PS3.5 6.2.2).
    const isUnknown = vr === 'UN' && target.explicit;
    const inside: Encoding = isUnknown ? { littleEndian: true, explicit: items[0]?.explicit ?? false } : target;
    for (const item of items) {
      const itemLengthAt = this.itemHead(itemTag, undefinedLength, inside);
      const itemStart = this.at;
      this.dataset(item, inside);
      if (item.undefinedLength) this.itemHead(itemEndTag, 0, inside);
      else this.view.setUint32(itemLengthAt, this.at - itemStart, inside.littleEndian);
    }
    if (isOpen) this.itemHead(sequenceEndTag, 0, inside);
    else this.view.setUint32(lengthAt, this.at - start, target.littleEndian);
  }

  private fragments(fragments: readonly Uint8Array[], target: Encoding): void {
    for (const fragment of fragments) {
      const padded = fragment.length + (fragment.length % 2);
      this.itemHead(itemTag, padded, target);
      this.reserve(padded);
      this.bytes.set(fragment, this.at);
      if (padded > fragment.length) this.bytes[this.at + fragment.length] = 0;
      this.at += padded;
    }
    this.itemHead(sequenceEndTag, 0, target);
  }

  /** @returns where the length stands. */
  private head(tag: number, vr: string, length: number, { explicit, littleEndian }: Encoding): number {
    if (!explicit) return this.itemHead(tag, length, { littleEndian });
    this.reserve(12);
    this.tag(tag, littleEndian);
    this.bytes[this.at++] = vr.charCodeAt(0);
    this.bytes[this.at++] = vr.charCodeAt(1);
    if (!longVrs.has(vr)) {
      this.view.setUint16(this.at, length, littleEndian);
      this.at += 2;
      return this.at - 2;
    }
    this.view.setUint16(this.at, 0);
    this.view.setUint32(this.at + 2, length, littleEndian);
    this.at += 6;
    return this.at - 4;
  }

  /** Tag and length of four bytes, as of items and of elements in implicit VR. */
  private itemHead(tag: number, length: number, { littleEndian }: Pick<Encoding, 'littleEndian'>): number {
    this.reserve(8);
    this.tag(tag, littleEndian);
    this.view.setUint32(this.at, length, littleEndian);
    this.at += 4;
    return this.at - 4;
  }

  private tag(tag: number, littleEndian: boolean): void {
    this.view.setUint16(this.at, Math.floor(tag / 65_536), littleEndian);
    this.view.setUint16(this.at + 2, tag % 65_536, littleEndian);
    this.at += 4;
  }

  private reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.at + count, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** Bytes of one number of a VR, which byte order is about. */
const unitBytes: Readonly<Record<string, number>> = {
  ...{ US: 2, SS: 2, OW: 2, AT: 2 },
  ...{ UL: 4, SL: 4, FL: 4, OF: 4, OL: 4 },
  ...{ FD: 8, OD: 8, SV: 8, UV: 8, OV: 8 },
};

/** Text; UIDs and bytes are padded with NUL (PS3.5 6.2). */
const padsWithSpace: ReadonlySet<string> = new Set([
  'AE',
  'AS',
  'CS',
  'DA',
  'DS',
  'DT',
  'IS',
  'LO',
  'LT',
  'PN',
  'SH',
  'ST',
  'TM',
  'UC',
  'UR',
  'UT',
]);

function setSwapped(out: Uint8Array, value: Uint8Array, { at, unit }: { at: number; unit: number }): void {
  for (let index = 0; index < value.length; index++) {
    const from = index - (index % unit) + (unit - 1 - (index % unit));
    out[at + index] = value[from < value.length ? from : index]!;
  }
}
