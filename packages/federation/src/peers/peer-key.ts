/** A site's key for one job: X25519 (RFC 7748) from 32 random bytes, so that it can be kept, and forgotten, as those. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { FederationError } from '../federation-error.ts';

export const keyBytes = 32;

/** What comes before the 32 bytes in DER: PKCS#8 and SubjectPublicKeyInfo of X25519 (RFC 8410). */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

export class PeerKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  /** @param secret 32 random bytes */
  constructor(secret: Uint8Array) {
    this.#key = createPrivateKey({ key: Buffer.concat([privatePrefix, secret]), format: 'der', type: 'pkcs8' });
    const der = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.publicKey = new Uint8Array(der.subarray(publicPrefix.length));
  }

  /**
   * 32 bytes that only the two of them can have.
   * @throws FederationError `federation.peer-key-unusable` for a point of small order, with which anybody could
   */
  agree(other: Uint8Array): Uint8Array {
    try {
      const publicKey = createPublicKey({ key: Buffer.concat([publicPrefix, other]), format: 'der', type: 'spki' });
      return new Uint8Array(diffieHellman({ privateKey: this.#key, publicKey }));
    } catch {
      throw new FederationError('federation.peer-key-unusable', 'The key of another site is none with which to agree.');
    }
  }
}
