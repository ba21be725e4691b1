/**
 * A job as it was signed: what a member asks for, and who stands for it. It is a blob, so that it travels once for each
 * job, and a task that names it cannot mean another.
 */
import { z } from 'zod';
import { canonicalJson, type Json, jsonSchema } from './json.ts';
import { ProtocolError } from './protocol-error.ts';

const signatureSchema = z.strictObject({
  /** Who asks for the job, or has looked at it and finds it right. */
  as: z.enum(['submitter', 'reviewer']),
  /** X.509, PEM, of the project's authority. */
  certificate: z.string().max(10_000),
  signedAt: z.iso.datetime(),
  /** ECDSA P-256 with SHA-256 over `mandateStatement`, r and s of 32 bytes each, base64. */
  signature: z.base64().length(88),
});
export type MandateSignature = z.infer<typeof signatureSchema>;

const mandateSchema = z.strictObject({
  version: z.literal(1),
  project: z.string().max(100),
  /** What is submitted, without the name of this. */
  submission: jsonSchema,
  signatures: z.array(signatureSchema).min(1).max(20),
});
export type Mandate = z.infer<typeof mandateSchema>;

/** Plans and settings are a few kilobytes; graphs and weights are named in it by their digests. */
export const mandateBytesMax = 4 * 2 ** 20;

/** What is signed: who signs as what, in which project, when, and the canonical form of the submission. */
export function mandateStatement(
  { project, submission }: Pick<Mandate, 'project' | 'submission'>,
  { as, signedAt }: Pick<MandateSignature, 'as' | 'signedAt'>,
): Uint8Array {
  return new TextEncoder().encode(['consilium mandate 1', project, as, signedAt, canonicalJson(submission)].join('\n'));
}

export function encodeMandate(mandate: Mandate): Uint8Array {
  return new TextEncoder().encode(canonicalJson(mandate as unknown as Json));
}

/** @throws ProtocolError `protocol.malformed-mandate` */
export function decodeMandate(bytes: Uint8Array): Mandate {
  try {
    return mandateSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw new ProtocolError('protocol.malformed-mandate', 'What is said to be a signed job is none.');
  }
}
