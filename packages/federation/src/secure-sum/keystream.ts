/** A mask: pseudorandom words from a key of 16 bytes, AES-128 in counter mode. Read from the first word to the last. */
import { createCipheriv } from 'node:crypto';

export const maskKeyBytes = 16;

export class Keystream {
  readonly #cipher;

  constructor(key: Uint8Array) {
    this.#cipher = createCipheriv('aes-128-ctr', key, new Uint8Array(16));
  }

  next(words: number): Uint32Array<ArrayBuffer> {
    const bytes = this.#cipher.update(zeros(4 * words));
    const isAligned = bytes.byteOffset % 4 === 0;
    const { buffer, byteOffset } = isAligned ? bytes : Uint8Array.from(bytes);
    return new Uint32Array(buffer as ArrayBuffer, byteOffset, words);
  }
}

const someZeros = new Uint8Array(2 ** 21);

function zeros(count: number): Uint8Array {
  return count <= someZeros.length ? someZeros.subarray(0, count) : new Uint8Array(count);
}
