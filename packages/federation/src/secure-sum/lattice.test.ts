import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { combine } from 'shamir-secret-sharing';
import { describe, expect, it } from 'vitest';
import { PeerKey } from '../peers/peer-key.ts';
import { Keystream } from './keystream.ts';
import { addWords, latticeOf, putWhole, quantise, subtractWords, wholeAt } from './lattice.ts';
import { commonMask, ownMask } from './mask.ts';
import { secretOf, sharesOf } from './shared-secret.ts';

describe('numbers on the lattice', () => {
  const whole = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });

  it.each([1, 2] as const)('add up and are taken away as whole numbers do, in %i words', (words) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(whole, whole), { minLength: 1, maxLength: 40 }), (pairs) => {
        const [one, other] = [new Uint32Array(words * pairs.length), new Uint32Array(words * pairs.length)];
        const scale = words === 1 ? 1 : 2 ** 20;
        pairs.forEach(([a, b], index) => {
          putWhole(one, words * index, words, a * scale);
          putWhole(other, words * index, words, b * scale);
        });
        const modulo = (value: number) => (words === 1 ? Number(BigInt.asIntN(32, BigInt(value))) : value);
        addWords(one, other, words);
        pairs.forEach(([a, b], index) => {
          expect(wholeAt(one, words * index, words)).toBe(modulo((a + b) * scale));
        });
        subtractWords(one, other, words);
        pairs.forEach(([a], index) => {
          expect(wholeAt(one, words * index, words)).toBe(a * scale);
        });
      }),
    );
  });

  it('are as wide as the largest sum needs, and no wider', () => {
    const least = { bits: 16, clip: 1, casesMax: 1 };
    expect(latticeOf(least, 65_537)?.words).toBe(1);
    expect(latticeOf(least, 65_539)?.words).toBe(2);
    expect(latticeOf({ bits: 32, clip: 1, casesMax: 1_000_000 }, 4294)?.words).toBe(2);
    expect(latticeOf({ bits: 32, clip: 1, casesMax: 1_000_000 }, 4296)).toBeNull();
  });

  it('are the nearest, or right on average, and never beyond the clip', () => {
    const lattice = latticeOf({ bits: 8, clip: 1, casesMax: 10 }, 3)!;
    const values = new Float32Array(2 ** 14).fill(0.3);
    const base = new Float32Array(values.length);
    const into = new Uint32Array(values.length);
    expect(quantise(values, base, into, { lattice, cases: 2, chance: null })).toBe(true);
    expect(wholeAt(into, 0, 1)).toBe(2 * 38);
    const chance = new Keystream(new Uint8Array(16)).next(values.length);
    quantise(values, base, into, { lattice, cases: 1, chance });
    const mean = into.reduce((sum, each) => sum + each, 0) / into.length;
    expect(Math.abs(mean - 0.3 * 127)).toBeLessThan(0.02);
    quantise(new Float32Array([9, -9]), base, into, { lattice, cases: 10, chance });
    expect([wholeAt(into, 0, 1), wholeAt(into, 1, 1)]).toEqual([1270, -1270]);
    const nan = new Float32Array([Number.NaN]);
    expect(quantise(nan, base, into, { lattice, cases: 1, chance: null })).toBe(false);
  });
});

describe('a mask', () => {
  it('is AES-128 in counter mode, the same however it is read', () => {
    const bytes = (words: Uint32Array) => Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('hex');
    // NIST CAVP, GFSbox/KeySbox: AES-128 of the zero block under the zero key.
    expect(bytes(new Keystream(new Uint8Array(16)).next(4))).toBe('66e94bd4ef8a2c3b884cfa59ca342b2e');
    const [whole, parts] = [new Keystream(new Uint8Array(16).fill(1)), new Keystream(new Uint8Array(16).fill(1))];
    const pieces = [1, 5, 2, 1000].map((count) => bytes(parts.next(count)));
    expect(pieces.join('')).toBe(bytes(whole.next(1008)));
  });

  it('is one that both sites of a pair derive, one adding and one taking away, and no other pair or session', () => {
    const [a, b, c] = [1, 2, 3].map((byte) => new PeerKey(new Uint8Array(32).fill(byte)));
    const session = new Uint8Array(32).fill(9);
    const mine = commonMask(session, { own: a!, siteId: 'a' }, { siteId: 'b', publicKey: b!.publicKey });
    const theirs = commonMask(session, { own: b!, siteId: 'b' }, { siteId: 'a', publicKey: a!.publicKey });
    expect([mine.sign, theirs.sign]).toEqual([1, -1]);
    expect(mine.key).toEqual(theirs.key);
    // RFC 5869, written out: extract, then one block of expand.
    const extracted = createHmac('sha256', session).update(a!.agree(b!.publicKey)).digest();
    const expanded = createHmac('sha256', extracted)
      .update('consilium common mask 1')
      .update(Uint8Array.of(1))
      .digest();
    expect(Buffer.from(mine.key)).toEqual(expanded.subarray(0, 16));
    const other = commonMask(session, { own: a!, siteId: 'a' }, { siteId: 'c', publicKey: c!.publicKey });
    const later = commonMask(new Uint8Array(32), { own: a!, siteId: 'a' }, { siteId: 'b', publicKey: b!.publicKey });
    const own = ownMask(session, a!.agree(b!.publicKey));
    const keys = [mine, other, later, own].map(({ key }) => Buffer.from(key).toString('hex'));
    expect(new Set(keys).size).toBe(4);
  });
});

describe('a shared secret', () => {
  /** Products in the field of AES, shift by shift. */
  const times = (a: number, b: number): number => {
    let [product, left, right] = [0, a, b];
    for (; right > 0; right >>= 1) {
      if (right & 1) product ^= left;
      left = (left << 1) ^ (left & 128 ? 0x11b : 0);
    }
    return product;
  };
  const inverse = (a: number): number => Array.from({ length: 256 }, (_, b) => b).find((b) => times(a, b) === 1)!;
  /** Lagrange's polynomial at zero. */
  const atZero = (points: readonly (readonly [number, number])[]): number =>
    points.reduce((sum, [x, y]) => {
      const others = points.filter(([other]) => other !== x).map(([other]) => times(other, inverse(other ^ x)));
      return sum ^ others.reduce(times, y);
    }, 0);

  it('comes back from any choice of enough shares, and is what the polynomials are at zero', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 2, max: 6 }).chain((n) => fc.tuple(fc.integer({ min: 2, max: n }), fc.constant(n))),
        async (secret, [threshold, holders]) => {
          const shares = (await sharesOf(secret, { holders, threshold })).reverse().slice(0, threshold);
          expect(await combine(shares)).toEqual(secret);
          const points = (byte: number) => shares.map((share) => [share[32]!, share[byte]!] as const);
          expect(Array.from(secret, (_, byte) => atZero(points(byte)))).toEqual([...secret]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is found among wrong, short and doubled shares while enough are right, and else not', async () => {
    const secret = new Uint8Array(32).fill(5);
    const isRight = (found: Uint8Array) => Buffer.compare(found, secret) === 0;
    const shares = await sharesOf(secret, { holders: 6, threshold: 4 });
    // Wrong in other ways, byte by byte: two that are wrong alike can, by chance, make good for each other.
    const wrongBy = [(_at: number) => 1, (at: number) => at + 1];
    const wrong = wrongBy.map((by, index) =>
      Uint8Array.from(shares[index]!, (byte, at) => (at < 9 ? byte ^ by(at) : byte)),
    );
    const mixed = [...wrong, shares[2]!, shares[2]!, new Uint8Array(3), ...shares.slice(3)];
    expect(await secretOf(mixed, { threshold: 4, bytes: 32, isRight })).toEqual(secret);
    expect(await secretOf(mixed.slice(0, -1), { threshold: 4, bytes: 32, isRight })).toBeNull();
  });
});
