import { createCipheriv, hkdfSync } from 'node:crypto';
import { NoiseSource } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { keyedNoise } from './keyed-noise.ts';

const secret = new Uint8Array(32).fill(7);
const draws = (source: NoiseSource, count = 20_000) => {
  const values = new Float64Array(count);
  source.addGaussian(values, 1);
  return values;
};

describe('noise from a secret', () => {
  it('is the same for the same secret and name, and has nothing to do with that of any other', () => {
    const one = draws(keyedNoise(secret, 'a'));
    expect(draws(keyedNoise(secret, 'a'))).toEqual(one);
    for (const other of [keyedNoise(secret, 'b'), keyedNoise(new Uint8Array(32).fill(8), 'a')]) {
      const values = draws(other);
      const correlation = one.reduce((sum, value, index) => sum + value * values[index]!, 0) / one.length;
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(one.length));
    }
  });

  it('is made of the bytes of AES-256 in counter mode under a key from HKDF, longer than any buffer', () => {
    const key = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), 'consilium noise a', 32));
    const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(400_000));
    let at = 0;
    const direct = new NoiseSource((into) => {
      into.set(stream.subarray(at, at + into.length));
      at += into.length;
    });
    expect(draws(direct)).toEqual(draws(keyedNoise(secret, 'a')));
    expect(at).toBeGreaterThan(100_000);
  });
});
