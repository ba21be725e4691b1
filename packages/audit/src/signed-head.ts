/**
 * A tree head (RFC 9162, 4.10, in words of our own): how many entries a log has and the root over them, signed by the log's
 * key, Ed25519. Whoever keeps one can later hold the log to it.
 */
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import type { Hash } from './merkle-tree.ts';

export const signedHeadSchema = z.strictObject({
  /** SHA-256 of the log's public key (SPKI, DER), hexadecimal: which log it is. */
  log: z.string().regex(/^[0-9a-f]{64}$/),
  /** Entries. */
  size: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
  /** Hexadecimal. */
  root: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.iso.datetime(),
  /** Ed25519, base64. */
  signature: z.base64().length(88),
});
export type SignedHead = z.infer<typeof signedHeadSchema>;

/** `log`: its id, by its public key. */
export function signHead(
  {
    log,
    size,
    root,
    time,
  }: { readonly log: string; readonly size: number; readonly root: Hash; readonly time: string },
  key: KeyObject,
): SignedHead {
  const unsigned = { log, size, root: Buffer.from(root).toString('hex'), time };
  return { ...unsigned, signature: sign(null, statementOf(unsigned), key).toString('base64') };
}

/** Whether the head is the log's whose key this is. */
export function isSignedBy(head: SignedHead, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'ed25519' || head.log !== logIdOf(key)) return false;
  const signature = Buffer.from(head.signature, 'base64');
  // Base64 has several spellings of the same bytes.
  return signature.toString('base64') === head.signature && verify(null, statementOf(head), key, signature);
}

/** SPKI in DER, base64: as keys travel. */
export function encodePublicKey(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** null if it is none of Ed25519. */
export function decodePublicKey(text: string): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), type: 'spki', format: 'der' });
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

export function logIdOf(key: KeyObject): string {
  return hash('sha256', key.export({ type: 'spki', format: 'der' }));
}

function statementOf({ log, size, root, time }: Omit<SignedHead, 'signature'>): Uint8Array {
  return new TextEncoder().encode(`consilium audit head 1\n${log}\n${size}\n${root}\n${time}\n`);
}
