/** Numbers that look random and are the same in TypeScript and in Python (`recording/pseudo.py`). */

/** `count` numbers in [-1, 1), from Weyl's sequence of squares. */
export function pseudo(count: number, key: number): Float64Array {
  return Float64Array.from({ length: count }, (_, position) => {
    const mixed = ((position + 1) * 0.6180339887498949 + key * 0.7548776662466927) % 1;
    return 2 * ((mixed * mixed * 1021) % 1) - 1;
  });
}
