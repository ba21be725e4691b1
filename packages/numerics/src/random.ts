/**
 * Seeded randomness. A stream is named by a seed and a path of keys, so that adding a draw in one place moves no other:
 * `createRandom(7, 'site-2', 'case-14', 'noise')` always yields the same numbers, on every machine.
 *
 * Generator: xoroshiro128+ of `pure-rand`. The 128-bit state comes from four differently keyed MurmurHash3 finalisers
 * over the path's UTF-16 code units.
 */
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

export type RandomKey = string | number;

export interface Random {
  /** Uniform in 0 .. 2^32 - 1. */
  uint32(): number;
  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform whole number in low .. highExclusive - 1. */
  integer(low: number, highExclusive: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items, each as likely. */
  choice<T>(items: readonly T[]): T;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent stream named by further keys; does not advance this one. */
  fork(...keys: readonly RandomKey[]): Random;
  /** The stream's position, to be stored in a checkpoint and given back to `resumeRandom`. */
  state(): RandomState;
}

export interface RandomState {
  readonly path: string;
  readonly generator: readonly [number, number, number, number];
}

export function createRandom(seed: RandomKey, ...keys: readonly RandomKey[]): Random {
  return streamOf(pathOf([seed, ...keys]));
}

/** The stream that `state()` described, at the same position. */
export function resumeRandom(state: RandomState): Random {
  return streamOf(state.path, state.generator);
}

function pathOf(keys: readonly RandomKey[]): string {
  return keys.map((key) => (typeof key === 'number' ? `#${key}` : `$${key}`)).join('\u0000');
}

function streamOf(path: string, position?: RandomState['generator']): Random {
  const generator = xoroshiro128plusFromState(position ?? [1, 2, 3, 4].map((salt) => hash(path, salt)));
  const uint32 = (): number => generator.next() >>> 0;
  const uniform = (): number => uint32() / 4294967296;
  const integer = (low: number, highExclusive: number): number => {
    if (!(highExclusive > low)) throw new RangeError(`no whole number in [${low}, ${highExclusive})`);
    return low + Math.floor(uniform() * (highExclusive - low));
  };
  return {
    uint32,
    uniform,
    integer,
    between: (low, high) => low + (high - low) * uniform(),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    chance: (probability) => uniform() < probability,
    choice: (items) => items[integer(0, items.length)] as (typeof items)[number],
    shuffle: (items) => {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(0, last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other] as never, shuffled[last] as never];
      }
      return shuffled;
    },
    fork: (...keys) => streamOf(`${path}\u0000${pathOf(keys)}`),
    state: () => ({ path, generator: [...generator.getState()] as unknown as RandomState['generator'] }),
  };
}

/** MurmurHash3's mixing over the code units of `text`. */
function hash(text: string, salt: number): number {
  let h = Math.imul(salt, 0x9e3779b1);
  for (let index = 0; index < text.length; index++) {
    let k = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h ^= text.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
