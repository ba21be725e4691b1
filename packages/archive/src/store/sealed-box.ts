/** Encrypting what names a patient: AES-256-GCM with a fresh nonce each, bound to the place it is kept in. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { ArchiveError } from '../archive-error.ts';

const nonceBytes = 12;
const tagBytes = 16;

export class SealedBox {
  readonly #key: Uint8Array;

  /** @param purpose boxes of one secret for different purposes cannot open each other's. */
  constructor(secret: Uint8Array, purpose: string) {
    this.#key = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `consilium archive ${purpose}`, 32));
  }

  /** @param place what the bytes belong to; opening needs the same, so that no two can be exchanged. */
  seal(bytes: Uint8Array, place: string): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(place));
    return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws ArchiveError `archive.key-wrong` if key, place or bytes are not those they were. */
  open(sealed: Uint8Array, place: string): Uint8Array {
    try {
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()]);
    } catch (cause) {
      throw new ArchiveError('archive.key-wrong', 'What was encrypted cannot be opened: the key is another one.', {
        cause,
      });
    }
  }

  sealText(text: string, place: string): Uint8Array {
    return this.seal(Buffer.from(text), place);
  }

  openText(sealed: Uint8Array, place: string): string {
    return Buffer.from(this.open(sealed, place)).toString('utf8');
  }
}
