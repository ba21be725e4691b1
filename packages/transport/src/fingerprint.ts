/** SHA-256 in groups of four hexadecimal digits, for two people to compare by telephone. */
import { createHash } from 'node:crypto';

export function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex').match(/.{4}/g)!.join(' ');
}

/** Its 64 digits alone, however somebody has written it down. */
export function digitsOfFingerprint(fingerprint: string): string {
  return fingerprint.toLowerCase().replace(/[^0-9a-f]/g, '');
}
