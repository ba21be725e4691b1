/** Secrets that we make: 256 random bits, kept as their SHA-256, which nobody can invert for want of anything to guess. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function secretHash(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** In a time that tells nothing of how much is alike. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(secretHash(one), secretHash(other));
}

/** A name for something in lists and in the log; no secret. */
export function newId(): string {
  return randomBytes(8).toString('hex');
}
