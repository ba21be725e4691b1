/** The entropy-coded bits of a JPEG scan (ITU-T T.81 F.2.2): Huffman codes and numbers out of stuffed bytes. */
import { ImagingError } from '../imaging-error.ts';

const lookAheadBits = 9;

/** Codes to symbols (T.81 annex C and F.2.2.3), short codes by one look at `lookAheadBits` bits. */
export class HuffmanTable {
  /** `length << 8 | symbol`, 0 for a code that is longer. */
  readonly short = new Uint16Array(1 << lookAheadBits);
  readonly symbols: Uint8Array;
  /** By length: the largest code, or -1; and what to add to a code to get its symbol's place. */
  readonly largest = new Int32Array(18).fill(-1);
  readonly shift = new Int32Array(18);

  /** @param counts how many codes have 1, 2, ... 16 bits. */
  constructor(counts: Uint8Array, symbols: Uint8Array) {
    this.symbols = symbols;
    let code = 0;
    let place = 0;
    for (let length = 1; length <= 16; length++, code <<= 1) {
      this.shift[length] = place - code;
      for (let index = 0; index < counts[length - 1]!; index++, code++, place++) {
        if (code >= 1 << length) throw damagedJpeg();
        if (length <= lookAheadBits) {
          const first = code << (lookAheadBits - length);
          this.short.fill((length << 8) | symbols[place]!, first, first + (1 << (lookAheadBits - length)));
        }
      }
      if (counts[length - 1]! > 0) this.largest[length] = code - 1;
    }
  }
}

/** Reads on until a marker; past it come zeros, which `checkNotOverrun` refuses afterwards. */
export class JpegBits {
  /** Where the next byte is read, or the marker that ended the bits. */
  at: number;
  private readonly bytes: Uint8Array;
  private buffer = 0;
  private count = 0;
  private padded = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** At most 16 bits. */
  take(bits: number): number {
    if (bits === 0) return 0;
    if (this.count < bits) this.fill();
    this.count -= bits;
    return (this.buffer >>> this.count) & ((1 << bits) - 1);
  }

  /** A number of that many bits, the lower half of which are negative (T.81 F.2.2.1 EXTEND). */
  takeSigned(bits: number): number {
    const value = this.take(bits);
    return bits === 0 || value >= 1 << (bits - 1) ? value : value - (1 << bits) + 1;
  }

  symbol(table: HuffmanTable): number {
    if (this.count < 16) this.fill();
    const ahead = (this.buffer >>> (this.count - lookAheadBits)) & ((1 << lookAheadBits) - 1);
    const found = table.short[ahead]!;
    if (found !== 0) {
      this.count -= found >>> 8;
      return found & 255;
    }
    for (let length = lookAheadBits + 1; length <= 16; length++) {
      const code = (this.buffer >>> (this.count - length)) & ((1 << length) - 1);
      if (code <= table.largest[length]!) {
        this.count -= length;
        return table.symbols[code + table.shift[length]!]!;
      }
    }
    throw damagedJpeg();
  }

  /** Forgets the rest of the byte and steps over the restart marker that must follow (T.81 F.2.1.3.1). */
  restart(): void {
    this.checkNotOverrun();
    this.count = 0;
    this.buffer = 0;
    this.padded = 0;
    const { bytes } = this;
    while (this.at + 1 < bytes.length && bytes[this.at] === 0xff && bytes[this.at + 1] === 0xff) this.at++;
    const marker = bytes[this.at + 1];
    if (bytes[this.at] !== 0xff || marker === undefined || marker < 0xd0 || marker > 0xd7) throw damagedJpeg();
    this.at += 2;
  }

  /** @throws ImagingError if more bits were taken than there are. */
  checkNotOverrun(): void {
    if (this.padded > this.count) throw damagedJpeg();
  }

  private fill(): void {
    const { bytes } = this;
    while (this.count <= 24) {
      let byte = 0;
      if (this.at >= bytes.length) this.padded += 8;
      else if (bytes[this.at] !== 0xff) byte = bytes[this.at++]!;
      else if (bytes[this.at + 1] === 0) {
        byte = 0xff;
        this.at += 2;
      } else this.padded += 8;
      this.buffer = (this.buffer << 8) | byte;
      this.count += 8;
    }
  }
}

export function damagedJpeg(): ImagingError {
  return new ImagingError('imaging.pixels-damaged', 'the JPEG data is cut short or damaged');
}
