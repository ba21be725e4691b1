/**
 * Labels as runs: each a length (LEB128 varint) and one byte, the structure's number. Labels are large and hold few numbers,
 * so the runs are small, and the same voxels always give the same bytes.
 */
import { ReadingError } from '../reading-error.ts';

/** Bytes that grow. */
export class ByteSink {
  #bytes = new Uint8Array(1024);
  #length = 0;

  byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = value;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  taken(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

export class ByteSpring {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws ReadingError `reading.runs-malformed` */
  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw malformed();
    return value;
  }

  /** @throws ReadingError `reading.runs-malformed` */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      // 2^49 and more is no number of voxels.
      if (scale >= 2 ** 42) throw malformed();
    }
  }
}

export function encodeRuns(voxels: Uint8Array): Uint8Array {
  const sink = new ByteSink();
  for (let at = 0; at < voxels.length; ) {
    const value = voxels[at]!;
    let end = at + 1;
    while (end < voxels.length && voxels[end] === value) end++;
    sink.varint(end - at);
    sink.byte(value);
    at = end;
  }
  return sink.taken();
}

/** @param count of voxels. @throws ReadingError `reading.runs-malformed` unless the runs give exactly as many. */
export function decodeRuns(bytes: Uint8Array, count: number): Uint8Array {
  const spring = new ByteSpring(bytes);
  const voxels = new Uint8Array(count);
  let at = 0;
  while (!spring.isDone) {
    const length = spring.varint();
    const value = spring.byte();
    if (length === 0 || length > count - at) throw malformed();
    if (value !== 0) voxels.fill(value, at, at + length);
    at += length;
  }
  if (at !== count) throw malformed();
  return voxels;
}

export function malformed(): ReadingError {
  return new ReadingError(
    'reading.runs-malformed',
    'The runs of a label do not fill the voxels they are for. Was the upload cut off? Send it again.',
  );
}
