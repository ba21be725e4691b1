/**
 * The 16-bit floats in which weights may travel: IEEE 754 binary16 (`float16`) and the upper half of a float32
 * (`bfloat16`), as bit patterns in a Uint16Array. Rounding is to nearest, ties to even; what is too large becomes
 * infinite; not-a-number stays so.
 */

/** Rounds each value. float16 holds magnitudes up to 65504 with 11 bits, and down to 2^-24. */
export function toFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      halves[index] = sign | 0x7e00;
    } else if (magnitude >= 0x47800000) {
      halves[index] = sign | 0x7c00; // 65536 and more
    } else if (magnitude >= 0x38800000) {
      // 2^-14 and more: the exponent's bias is 112 less; a carry out of the mantissa is the next exponent, or infinity
      halves[index] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // multiples of 2^-24; adding 2^52 makes float64 round to whole numbers, ties to even
      halves[index] = sign | (Math.abs(values[index]!) * 2 ** 24 + 2 ** 52 - 2 ** 52);
    }
  }
  return halves;
}

/** Exact. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const words = new Uint32Array(values.buffer);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index]!;
    const sign = (half & 0x8000) << 16;
    if ((half & 0x7c00) === 0x7c00) {
      words[index] = sign | 0x7f800000 | ((half & 0x3ff) << 13);
    } else {
      // the exponent's bias is 112 less; a product also makes subnormal numbers normal
      words[index] = sign | ((half & 0x7fff) << 13);
      values[index] = values[index]! * 2 ** 112;
    }
  }
  return values;
}

/** Rounds each value. bfloat16 has the range of float32 with 8 bits. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const isNotANumber = (word & 0x7fffffff) > 0x7f800000;
    halves[index] = isNotANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** Exact. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let index = 0; index < halves.length; index++) words[index] = halves[index]! << 16;
  return new Float32Array(words.buffer);
}
