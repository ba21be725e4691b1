/** Bytes of native pixels to numbers: every width, sign and byte order, with the bits around the stored ones cleared. */
import type { PixelFormat } from './pixel-format.ts';

export type StoredValues =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Of one frame, `[row, column, sample]`; shares memory with `bytes` where the machine can read them as they are. */
export function storedValues(bytes: Uint8Array, format: PixelFormat): StoredValues {
  const { bitsAllocated, signed, element } = format;
  if (element !== 'PixelData') return bitsAllocated === 32 ? view(bytes, Float32Array) : view(bytes, Float64Array);
  switch (bitsAllocated) {
    case 8:
      return clean(signed ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes, format);
    case 16:
      return clean(signed ? view(bytes, Int16Array) : view(bytes, Uint16Array), format);
    default:
      return clean(signed ? view(bytes, Int32Array) : view(bytes, Uint32Array), format);
  }
}

interface ViewType<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, count: number): T;
}

/** A copy only where the bytes do not begin on a multiple of the width. */
function view<T>(bytes: Uint8Array, type: ViewType<T>): T {
  const width = type.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, Math.floor(aligned.length / width));
}

/**
 * Sign extended from the high bit, bits above and below the stored ones gone (they held overlays once). Values that are
 * already so are given back as they are.
 */
export function clean<T extends StoredValues>(
  values: T,
  { bitsAllocated, bitsStored, highBit, signed }: PixelFormat,
): T {
  if (bitsStored === bitsAllocated) return values;
  const left = 31 - highBit;
  const right = 32 - bitsStored;
  let at = 0;
  if (signed) while (at < values.length && (values[at]! << left) >> right === values[at]) at++;
  else while (at < values.length && (values[at]! << left) >>> right === values[at]) at++;
  if (at === values.length) return values;
  const result = values.slice() as T;
  for (; at < values.length; at++) {
    const top = values[at]! << left;
    result[at] = signed ? top >> right : top >>> right;
  }
  return result;
}

/** Frame `frame` of pixels packed to bits, without gaps between frames (PS3.5 8.1.1), to one byte a pixel. */
export function unpackedBits(bytes: Uint8Array, firstBit: number, count: number): Uint8Array {
  const values = new Uint8Array(count);
  for (let index = 0, bit = firstBit; index < count; index++, bit++)
    values[index] = (bytes[bit >>> 3]! >>> (bit & 7)) & 1;
  return values;
}

/** The bytes of each group of `width` reversed. */
export function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const from = at - (at % width) + width - 1 - (at % width);
    result[at] = bytes[Math.min(from, bytes.length - 1)]!;
  }
  return result;
}

/** Planes of samples to pixels of samples. */
export function interleavedBytes(
  bytes: Uint8Array,
  { samples, width }: { samples: number; width: number },
): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const pixels = bytes.length / (samples * width);
  for (let sample = 0; sample < samples; sample++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const from = (sample * pixels + pixel) * width;
      const to = (pixel * samples + sample) * width;
      for (let byte = 0; byte < width; byte++) result[to + byte] = bytes[from + byte]!;
    }
  }
  return result;
}

/** Two luminances and one of each chrominance for two pixels (PS3.3 C.7.6.3.1.2, YBR_FULL_422) to three samples a pixel. */
export function full422(bytes: Uint8Array, { rows, columns }: { rows: number; columns: number }): Uint8Array {
  const result = new Uint8Array(rows * columns * 3);
  for (let from = 0, to = 0; to < result.length; from += 4, to += 6) {
    result[to] = bytes[from]!;
    result[to + 1] = bytes[from + 2]!;
    result[to + 2] = bytes[from + 3]!;
    result[to + 3] = bytes[from + 1]!;
    result[to + 4] = bytes[from + 2]!;
    result[to + 5] = bytes[from + 3]!;
  }
  return result;
}
