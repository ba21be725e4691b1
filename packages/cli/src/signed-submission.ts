/**
 * What a member submits, signed with the key of the member's certificate: sites do what a member has signed, and not what
 * a coordinator says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putBlob, type Submission } from '@consilium/federation';
import { encodeMandate, type Json, type MandateSignature, mandateStatement } from '@consilium/protocol';
import { ChunkDirectory, type Credentials, signedBy } from '@consilium/transport';
import type { ActingMember } from './acting-member.ts';

/** @param submission without what was signed before */
export function signatureOf(
  submission: Submission,
  { as, project, credentials }: { as: MandateSignature['as']; project: string; credentials: Credentials },
): MandateSignature {
  const signedAt = new Date().toISOString();
  const statement = mandateStatement({ project, submission: submission as unknown as Json }, { as, signedAt });
  const signature = Buffer.from(signedBy(credentials, statement)).toString('base64');
  return { as, certificate: credentials.certificate, signedAt, signature };
}

/** The signed form, as bytes. @param submission as in `signatureOf` */
export function mandateOf(
  submission: Submission,
  {
    project,
    credentials,
    reviews = [],
  }: { project: string; credentials: Credentials; reviews?: readonly MandateSignature[] },
): Uint8Array {
  const signatures = [signatureOf(submission, { as: 'submitter', project, credentials }), ...reviews];
  return encodeMandate({ version: 1, project, submission: submission as unknown as Json, signatures });
}

/** The signed form is with the coordinator when it resolves. */
export async function signed(
  submission: Submission,
  { client, facts, credentials }: Pick<ActingMember, 'client' | 'facts' | 'credentials'>,
  { signal, reviews = [] }: { readonly signal: AbortSignal; readonly reviews?: readonly MandateSignature[] },
): Promise<Submission> {
  const { project } = facts;
  const plain = JSON.parse(JSON.stringify(submission)) as Submission;
  const bytes = mandateOf(plain, { project, credentials, reviews });
  const chunks = await mkdtemp(join(tmpdir(), 'consilium-mandate-'));
  try {
    const store = await ChunkDirectory.open(chunks);
    const mandate = await putBlob(store, bytes);
    await client.offerBlob(mandate, store, signal);
    return { ...plain, mandate };
  } finally {
    await rm(chunks, { recursive: true, force: true });
  }
}
