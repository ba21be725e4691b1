/** Second factors: codes of an authenticator (TOTP, RFC 6238) and recovery codes on paper. */
import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const periodSeconds = 30;
/** Codes of the step before and after count, for clocks that differ. */
const stepsAround = 1;
const recoveryCodes = 10;
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** 160 bits in base32, as RFC 4226 asks for. */
export function newTotpSecret(): string {
  return new Secret({ buffer: new Uint8Array(randomBytes(20)).buffer }).base32;
}

/** For an authenticator to read, as QR code or by hand. */
export function totpAddress(secret: string, { account, issuer }: { account: string; issuer: string }): string {
  return totpOf(secret, { label: account, issuer }).toString();
}

/**
 * The step of time that a code is of; undefined if it is of none, or of one that has been used.
 * @param lastStep of which a code was used: no code counts twice (RFC 6238, 5.2).
 */
export function stepOfCode(
  secret: string,
  { code, lastStep, nowMs }: { code: string; lastStep: number; nowMs: number },
): number | undefined {
  const token = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  // Compares in constant time.
  const delta = totpOf(secret).validate({ token, timestamp: nowMs, window: stepsAround });
  if (delta === null) return undefined;
  const step = Math.floor(nowMs / 1000 / periodSeconds) + delta;
  return step > lastStep ? step : undefined;
}

function totpOf(secret: string, names: { label?: string; issuer?: string } = {}): TOTP {
  return new TOTP({ ...names, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: periodSeconds });
}

/** 80 random bits each, in letters that are not taken for one another. */
export function newRecoveryCodes(): readonly string[] {
  return Array.from({ length: recoveryCodes }, () =>
    [...randomBytes(16)]
      .map((byte) => alphabet[byte % alphabet.length])
      .join('')
      .replace(/(.{4})(?=.)/g, '$1-'),
  );
}

/** As it is hashed, however it was typed. */
export function plainRecoveryCode(typed: string): string {
  return typed.toUpperCase().replace(/[^A-Z0-9]/g, '');
}
