/**
 * The 8x8 inverse DCT in whole numbers: the accurate one of the Independent JPEG Group (jidctint, after Loeffler,
 * Ligtenberg and Moschytz 1989), so that lossy images have the same values as in dcmtk, gdcm and libjpeg-turbo.
 */
const constantBits = 13;

/** Scratch for one block. */
const workspace = new Int32Array(64);

/**
 * @param coefficients 64 from `from`, row by row, already multiplied by the quantization.
 * @param target receives 8 rows of 8 samples from `at`, `stride` apart, clamped to `0..2^precision - 1`.
 */
export function inverseDct(
  coefficients: Int32Array,
  target: { out: Uint16Array; at: number; stride: number; precision: number },
): void {
  const pass1Bits = target.precision === 8 ? 2 : 1;
  for (let column = 0; column < 8; column++) transform(coefficients, column, 8, constantBits - pass1Bits);
  const { out, stride, precision } = target;
  const middle = 1 << (precision - 1);
  const highest = (1 << precision) - 1;
  for (let row = 0; row < 8; row++) {
    transform(workspace, row * 8, 1, constantBits + pass1Bits + 3);
    const to = target.at + row * stride;
    for (let column = 0; column < 8; column++) {
      const value = workspace[row * 8 + column]! + middle;
      out[to + column] = Math.max(0, Math.min(value, highest));
    }
  }
}

/** Eight values `step` apart of `from` to the same places of the workspace, rounded after a shift by `shift` bits. */
function transform(from: Int32Array, at: number, step: number, shift: number): void {
  const c2 = from[at + 2 * step]!;
  const c6 = from[at + 6 * step]!;
  const even = Math.imul(c2 + c6, 4433);
  const even2 = even - Math.imul(c6, 15137);
  const even3 = even + Math.imul(c2, 6270);
  const c0 = from[at]!;
  const c4 = from[at + 4 * step]!;
  const sum = (c0 + c4) << constantBits;
  const difference = (c0 - c4) << constantBits;
  const c7 = from[at + 7 * step]!;
  const c5 = from[at + 5 * step]!;
  const c3 = from[at + 3 * step]!;
  const c1 = from[at + step]!;
  const z5 = Math.imul(c7 + c3 + c5 + c1, 9633);
  const z1 = -Math.imul(c7 + c1, 7373);
  const z2 = -Math.imul(c5 + c3, 20995);
  const z3 = z5 - Math.imul(c7 + c3, 16069);
  const z4 = z5 - Math.imul(c5 + c1, 3196);
  const odd0 = Math.imul(c7, 2446) + z1 + z3;
  const odd1 = Math.imul(c5, 16819) + z2 + z4;
  const odd2 = Math.imul(c3, 25172) + z2 + z3;
  const odd3 = Math.imul(c1, 12299) + z1 + z4;
  const half = 1 << (shift - 1);
  workspace[at] = (sum + even3 + odd3 + half) >> shift;
  workspace[at + 7 * step] = (sum + even3 - odd3 + half) >> shift;
  workspace[at + step] = (difference + even2 + odd2 + half) >> shift;
  workspace[at + 6 * step] = (difference + even2 - odd2 + half) >> shift;
  workspace[at + 2 * step] = (difference - even2 + odd1 + half) >> shift;
  workspace[at + 5 * step] = (difference - even2 - odd1 + half) >> shift;
  workspace[at + 3 * step] = (sum - even3 + odd0 + half) >> shift;
  workspace[at + 4 * step] = (sum - even3 - odd0 + half) >> shift;
}
