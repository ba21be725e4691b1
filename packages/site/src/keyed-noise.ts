/**
 * Noise from a secret: whoever has the secret and the name gets the same again, for anyone else it is as good as true
 * chance. HKDF-SHA256 makes a key of both, AES-256 in counter mode makes bytes of the key.
 */
import { createCipheriv, hkdfSync } from 'node:crypto';
import { NoiseSource } from '@consilium/numerics';

/** A name is used for one piece of work on one set of data: the same noise on other data would give away how they differ. */
export function keyedNoise(secret: Uint8Array, name: string): NoiseSource {
  const key = hkdfSync('sha256', secret, new Uint8Array(0), `consilium noise ${name}`, 32);
  const cipher = createCipheriv('aes-256-ctr', new Uint8Array(key), new Uint8Array(16));
  return new NoiseSource((into) => {
    into.set(cipher.update(new Uint8Array(into.length)));
  });
}
