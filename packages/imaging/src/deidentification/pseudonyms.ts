/**
 * Names for what must not be named: keyed by the secret (HMAC-SHA-256, RFC 2104), so that the same patient, UID or
 * project gives the same pseudonym in every instance, whenever it comes, and without the secret nobody can test a guess.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { knownUids } from '../generated/known-uids.ts';

export class Pseudonyms {
  private readonly keyed: ReturnType<typeof hmac.create>;
  private readonly uids = new Map<string, string>();

  constructor(secret: Uint8Array) {
    this.keyed = hmac.create(sha256, secret);
  }

  /**
   * As `SUB-7K3QX2M4ZD`: 50 bits in Crockford's alphabet, which has no I, L, O and U; among a hundred thousand subjects any
   * two are alike with a chance of 1 in 200 000.
   */
  subject(key: string): string {
    const digest = this.digest('subject', key);
    const symbols = Array.from({ length: 10 }, (_, index) => crockford[bitsAt(digest, index * 5)]);
    return `SUB-${symbols.join('')}`;
  }

  /** Days by which a subject's dates move into the past: 1 to 3652. */
  dateShiftDays(key: string): number {
    return -(1 + (new DataView(this.digest('dates', key).buffer).getUint32(0) % 3652));
  }

  /** Under the root 2.25 (PS3.5 B.2), a version 8 UUID; UIDs that the standard itself registers stay. */
  uid(original: string): string {
    registered ??= new Set(knownUids);
    if (original === '' || registered.has(original)) return original;
    let uid = this.uids.get(original);
    if (uid === undefined) {
      uid = uidOfDigest(this.digest('uid', original));
      this.uids.set(original, uid);
    }
    return uid;
  }

  private digest(purpose: string, text: string): Uint8Array {
    return this.keyed
      .clone()
      .update(new TextEncoder().encode(`${purpose}\0${text}`))
      .digest();
  }
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function bitsAt(digest: Uint8Array, bit: number): number {
  const at = bit >>> 3;
  return (((digest[at]! << 8) | digest[at + 1]!) >>> (11 - (bit & 7))) & 31;
}

function uidOfDigest(digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return `2.25.${bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)}`;
}

let registered: ReadonlySet<string> | undefined;
