/**
 * Identifiers as points of the curve P-256, and masks that can be put on in any order: a·(b·P) = b·(a·P) (Meadows 1986;
 * Huberman, Franklin and Hogg 1999). Points travel as their x-coordinate, big-endian, which P and -P share; the group has
 * prime order, so that there is no small subgroup to be led into.
 */
import { createECDH, type ECDH, hkdfSync } from 'node:crypto';
import { p256_hasher } from '@noble/curves/nist.js';
import { FederationError } from '../federation-error.ts';

export const pointBytes = 32;

const suite = 'P256_XMD:SHA-256_SSWU_RO_';
const domain = `consilium-patient-overlap-V01-with-${suite}`;
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const evenY = Uint8Array.of(2);

/** The point of a text: hash_to_curve of RFC 9380, which nobody knows the logarithm of. */
export function pointOf(text: string, dst = domain): Uint8Array {
  return p256_hasher.hashToCurve(new TextEncoder().encode(text), { DST: dst }).toBytes(true).slice(1);
}

export class Mask {
  readonly #key: ECDH;

  /** @param secret 32 random bytes */
  constructor(secret: Uint8Array) {
    this.#key = createECDH('prime256v1');
    this.#key.setPrivateKey(scalarOf(secret, 'mask'));
  }

  /**
   * @throws FederationError `federation.points-malformed` if it is no point of the curve
   */
  put(point: Uint8Array): Uint8Array {
    try {
      return new Uint8Array(this.#key.computeSecret(Buffer.concat([evenY, point])));
    } catch {
      throw new FederationError('federation.points-malformed', 'Another site has sent what are no masked identifiers.');
    }
  }
}

/** A point of the curve like any other, but nobody's: what lists are filled up with. The same for the same secret. */
export function fillerPoint(secret: Uint8Array, number: number): Uint8Array {
  const key = createECDH('prime256v1');
  key.setPrivateKey(scalarOf(secret, `filler ${number}`));
  return new Uint8Array(key.getPublicKey().subarray(1, 1 + pointBytes));
}

/** Uniform in 1 … n - 1 but for 2⁻¹²⁸ (FIPS 186-5, A.2.1). */
function scalarOf(secret: Uint8Array, use: string): Uint8Array {
  const bytes = hkdfSync('sha256', secret, new Uint8Array(0), `consilium overlap scalar 1 ${use}`, 48);
  const scalar = (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) % (order - 1n)) + 1n;
  return Buffer.from(scalar.toString(16).padStart(2 * pointBytes, '0'), 'hex');
}
