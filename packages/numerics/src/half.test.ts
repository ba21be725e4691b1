import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts';

const patterns = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);

/** A 16-bit float by its definition: fields of sign, exponent and mantissa. */
function heldBy(pattern: number, mantissaBits: number): number {
  const exponentBits = 15 - mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponent = (pattern >>> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const sign = pattern >>> 15 === 1 ? -1 : 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

describe.each([
  ['float16', 10, toFloat16, fromFloat16],
  ['bfloat16', 7, toBfloat16, fromBfloat16],
] as const)('%s', (_, mantissaBits, encode, decode) => {
  const largest = ((2 ** (15 - mantissaBits) - 1) << mantissaBits) - 1;
  const finite = Array.from({ length: largest + 1 }, (_, pattern) => heldBy(pattern, mantissaBits));

  it('reads every pattern as its definition says', () => {
    expect([...decode(patterns)]).toEqual([...patterns].map((pattern) => heldBy(pattern, mantissaBits)));
  });

  it('writes every number that it can hold as itself', () => {
    const back = encode(decode(patterns));
    for (const pattern of patterns) {
      if (Number.isNaN(heldBy(pattern, mantissaBits))) {
        expect(heldBy(back[pattern]!, mantissaBits)).toBeNaN();
      } else if (back[pattern] !== pattern) {
        expect.fail(`${pattern} became ${back[pattern]}`);
      }
    }
  });

  it('rounds what lies between two neighbours to the nearer, and the middle to the even one', () => {
    for (let pattern = 0; pattern < largest; pattern++) {
      const middle = (finite[pattern]! + finite[pattern + 1]!) / 2; // exact in float32 for both formats
      const even = pattern % 2 === 0 ? pattern : pattern + 1;
      const step = Math.max(middle * 2 ** -23, 2 ** -149);
      const got = encode(new Float32Array([middle, -middle, middle - step, middle + step]));
      if (got[0] !== even || got[1] !== even + 0x8000 || got[2] !== pattern || got[3] !== pattern + 1) {
        expect.fail(`between ${finite[pattern]} and ${finite[pattern + 1]}: ${got}`);
      }
    }
  });

  it('rounds any float32 to the nearest that it can hold', () => {
    const overflow = finite[largest]! + (finite[largest]! - finite[largest - 1]!) / 2;
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        const [got] = decode(encode(new Float32Array([value])));
        if (Math.abs(value) >= overflow) {
          expect(got).toBe(Math.sign(value) * Number.POSITIVE_INFINITY);
          return;
        }
        const above = finite.findIndex((held) => held >= Math.abs(value));
        const near = [finite[above < 0 ? largest : above]!, finite[Math.max(0, above < 0 ? largest : above - 1)]!];
        const least = Math.min(...near.map((held) => Math.abs(held - Math.abs(value))));
        expect(Math.abs(got! - value)).toBe(least);
        expect(Object.is(Math.sign(got!), -0) || got! < 0).toBe(Object.is(value, -0) || value < 0);
      }),
    );
  });

  it('reads and writes a part of a larger array', () => {
    const part = new Float32Array([9, 1.5, -2, 9]).subarray(1, 3);
    expect([...decode(encode(part))]).toEqual([1.5, -2]);
  });
});
