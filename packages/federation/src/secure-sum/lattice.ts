/**
 * Numbers as whole numbers, so that a sum of masked ones is exact: how far a weight has moved, cut to ±clip, is a whole
 * number of steps; a site's steps are multiplied by its number of cases; sums are taken modulo 2^32 or 2^64, whichever is
 * the least that no sum of the job's sites can overflow.
 */
import type { SecureAggregation } from '@consilium/protocol';

export interface Lattice {
  /** A movement is a whole number from -levels to levels. */
  readonly levels: number;
  /** How much of a movement one step is. */
  readonly unit: number;
  /** 32-bit words of one number, the lower first. */
  readonly words: 1 | 2;
}

/** null if the sum of `sites` contributions could overflow 64 bits. */
export function latticeOf(
  { bits, clip, casesMax }: Pick<SecureAggregation, 'bits' | 'clip' | 'casesMax'>,
  sites: number,
): Lattice | null {
  const levels = 2 ** (bits - 1) - 1;
  const largest = BigInt(sites) * BigInt(casesMax) * BigInt(levels);
  if (largest >= 2n ** 63n) return null;
  return { levels, unit: clip / levels, words: largest < 2n ** 31n ? 1 : 2 };
}

interface Quantised {
  readonly lattice: Lattice;
  /** The training cases of the site. */
  readonly cases: number;
  /** 32 random bits a number, for stochastic rounding; null to round to nearest. */
  readonly chance: Uint32Array | null;
}

/**
 * Writes cases * round((value - base) / unit) for each value, as words. Stochastic rounding is right on average: x is
 * rounded up with the probability of what it has above the whole number below.
 * @returns whether all values were finite; what is written for others means nothing.
 */
export function quantise(
  values: Float32Array | Float64Array,
  base: Float32Array | Float64Array,
  into: Uint32Array,
  { lattice: { levels, unit, words }, cases, chance }: Quantised,
): boolean {
  let finite = 0;
  for (let index = 0; index < values.length; index++) {
    const movement = (values[index]! - base[index]!) / unit;
    finite += movement - movement;
    const steps = Math.max(-levels, Math.min(levels, movement));
    const whole = chance === null ? Math.round(steps) : Math.floor(steps + chance[index]! / 2 ** 32);
    putWhole(into, words * index, words, cases * whole);
  }
  return finite === 0;
}

/** A whole number of less than 2^53, as words of its two's complement. */
export function putWhole(into: Uint32Array, at: number, words: 1 | 2, value: number): void {
  into[at] = value;
  if (words === 2) into[at + 1] = Math.floor(value / 2 ** 32);
}

/** Signed; beyond 2^53 the nearest float64. */
export function wholeAt(from: Uint32Array, at: number, words: 1 | 2): number {
  return words === 1 ? from[at]! | 0 : (from[at + 1]! | 0) * 2 ** 32 + from[at]!;
}

/** into ← into + other, modulo. */
export function addWords(into: Uint32Array, other: Uint32Array, words: 1 | 2): void {
  if (words === 1) {
    for (let at = 0; at < into.length; at++) into[at] = into[at]! + other[at]!;
    return;
  }
  for (let at = 0; at < into.length; at += 2) {
    const low = into[at]! + other[at]!;
    into[at] = low;
    into[at + 1] = into[at + 1]! + other[at + 1]! + (low > 0xffffffff ? 1 : 0);
  }
}

/** into ← into - other, modulo. */
export function subtractWords(into: Uint32Array, other: Uint32Array, words: 1 | 2): void {
  if (words === 1) {
    for (let at = 0; at < into.length; at++) into[at] = into[at]! - other[at]!;
    return;
  }
  for (let at = 0; at < into.length; at += 2) {
    const low = into[at]! - other[at]!;
    into[at] = low;
    into[at + 1] = into[at + 1]! - other[at + 1]! - (low < 0 ? 1 : 0);
  }
}
