/**
 * How sites that know each other only through the coordinator make themselves known: each says a key of its own for one
 * job, signed with the key of its certificate. What they then tell each other is sealed, and passes unread.
 */
import { z } from 'zod';
import { siteIdSchema } from './id.ts';

/** What keys are made for: those of one purpose open nothing of another. */
const peerPurposeSchema = z.enum(['overlap', 'secure-aggregation']);
export type PeerPurpose = z.infer<typeof peerPurposeSchema>;

export const introductionSchema = z.object({
  siteId: siteIdSchema,
  /** X25519 (RFC 7748), 32 bytes, base64. */
  publicKey: z.base64().length(44),
  /** X.509, PEM, of the project's authority. */
  certificate: z.string().max(10_000),
  /** ECDSA P-256 with SHA-256 over what is introduced, r and s of 32 bytes each, base64. */
  signature: z.base64().length(88),
});
export type Introduction = z.infer<typeof introductionSchema>;

/** Everybody who takes part, as the coordinator hands it round. */
export const rosterSchema = z.array(introductionSchema).min(2).max(1000);

/** Make a key for the job, or say again the one that was made. */
export const introduceBodySchema = z.object({ kind: z.literal('introduce'), purpose: peerPurposeSchema });

export const introduceContributionSchema = z.object({
  kind: z.literal('introduce'),
  introduction: introductionSchema,
});
