/** The bits of a JPEG-LS scan (ITU-T T.87 annex A.1): after a byte of ones the next has seven. */
import { ImagingError } from '../imaging-error.ts';

/** Reads on until a marker; past it come zeros, which `checkNotOverrun` refuses afterwards. */
export class JpegLsBits {
  /** Where the next byte is read, or the marker that ended the bits. */
  at: number;
  private readonly bytes: Uint8Array;
  /** The next bits, from the top. */
  private buffer = 0;
  private count = 0;
  private padded = 0;
  private afterOnes = false;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** At most 16 bits. */
  take(bits: number): number {
    if (bits === 0) return 0;
    if (this.count < bits) this.fill();
    const value = this.buffer >>> (32 - bits);
    this.buffer <<= bits;
    this.count -= bits;
    return value;
  }

  /**
   * A number in the limited Golomb code (A.5.3): zeros up to a one, then `k` bits; after `limit` zeros, `bits` bits.
   */
  golomb(k: number, limit: number, bits: number): number {
    let zeros = 0;
    for (;;) {
      if (this.count <= 24) this.fill();
      const run = Math.clz32(this.buffer);
      if (run < this.count) {
        this.buffer = run === 31 ? 0 : this.buffer << (run + 1);
        this.count -= run + 1;
        zeros += run;
        break;
      }
      zeros += this.count;
      this.count = 0;
      this.buffer = 0;
      if (zeros > limit) throw damagedJpegLs();
    }
    if (zeros < limit) return (zeros << k) + this.take(k);
    if (zeros > limit) throw damagedJpegLs();
    return this.take(bits) + 1;
  }

  /** @throws ImagingError if more bits were taken than there are. */
  checkNotOverrun(): void {
    if (this.padded > this.count) throw damagedJpegLs();
  }

  private fill(): void {
    const { bytes } = this;
    while (this.count <= 24) {
      const byte = this.at < bytes.length ? bytes[this.at]! : 0xff;
      const next = this.at + 1 < bytes.length ? bytes[this.at + 1]! : 0xff;
      const width = this.afterOnes ? 7 : 8;
      if (this.at >= bytes.length || (byte === 0xff && next >= 0x80)) {
        this.padded += 8;
        this.count += 8;
        continue;
      }
      this.at++;
      this.afterOnes = byte === 0xff;
      this.buffer |= byte << (32 - width - this.count);
      this.count += width;
    }
  }
}

export function damagedJpegLs(): ImagingError {
  return new ImagingError('imaging.pixels-damaged', 'the JPEG-LS data is cut short or damaged');
}
