/**
 * Which members of a project have been revoked, by the keys they signed with, as the project's authority says it. What a
 * revoked member has signed before is good no more, and only who knows of it can act on it.
 */
import { z } from 'zod';

const keysMax = 10_000;

export const revocationsSchema = z.object({
  /** How many keys there are: it only grows, for a revoked key stays so. */
  number: z.int().min(0).max(keysMax),
  /** Fingerprints of public keys, SHA-256, 64 hexadecimal digits, in the order in which they were revoked. */
  keys: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(keysMax),
  /** Of the authority: ECDSA P-256 with SHA-256 over `revocationsStatement`, r and s of 32 bytes each, base64. */
  signature: z.base64().length(88),
});
export type Revocations = z.infer<typeof revocationsSchema>;

/** What is signed. */
export function revocationsStatement(
  project: string,
  { keys, number }: Pick<Revocations, 'keys' | 'number'>,
): Uint8Array {
  return new TextEncoder().encode(['consilium revocations 1', project, number, ...keys].join('\n'));
}
