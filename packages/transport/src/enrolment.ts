/**
 * How a site or a member joins: by an invitation, a line of text that a person hands over. It names the coordinator and
 * the fingerprint of the project's authority, so that nobody in between can pose as it, and holds a token that is good
 * once. The key is made here; a person at the coordinator compares its fingerprint and admits it.
 */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { CoordinatorClient } from './coordinator-client.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Role } from './identity.ts';
import type { IdentityDirectory } from './identity-directory.ts';
import { Refusal } from './refusal.ts';
import { TransportError } from './transport-error.ts';

const invitationSchema = z.object({
  project: z.string(),
  role: z.enum([Role.site, Role.member]),
  id: z.string(),
  coordinator: z.url({ protocol: /^https$/ }),
  /** Fingerprint of the certificate of the project's authority. */
  authority: z.string(),
  token: z.string(),
});
export type Invitation = z.infer<typeof invitationSchema>;

const decisionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pending'), fingerprint: z.string() }),
  z.object({ kind: z.literal('admitted'), certificate: z.string(), authority: z.string() }),
  z.object({ kind: z.literal('refused'), code: z.string(), message: z.string() }),
]);

const prefix = 'consilium-invitation:';

/** One line of text without spaces. */
export function encodeInvitation(invitation: Invitation): string {
  return prefix + Buffer.from(JSON.stringify(invitation)).toString('base64url');
}

/** @throws TransportError `transport.invitation-malformed` */
export function parseInvitation(text: string): Invitation {
  try {
    const encoded = text.replace(/\s/g, '');
    if (!encoded.startsWith(prefix)) throw new Error('no prefix');
    return invitationSchema.parse(JSON.parse(Buffer.from(encoded.slice(prefix.length), 'base64url').toString()));
  } catch (cause) {
    const message = 'This is not an invitation, or not all of one. Copy the whole line that you were given.';
    throw new TransportError('transport.invitation-malformed', message, { cause });
  }
}

export interface EnrolOptions {
  readonly signal: AbortSignal;
  readonly proxy?: string;
  /** The fingerprint to read to the person who admits. Told again after each interruption. */
  readonly onPending?: (fingerprint: string) => void;
}

/**
 * Resolves when the identity was admitted, which may take days; called again after an interruption, it goes on.
 * @throws TransportError for network trouble, Refusal if it was turned down or the invitation is no good
 */
export async function enrol(
  identity: IdentityDirectory,
  invitation: Invitation,
  { signal, proxy, onPending = () => {} }: EnrolOptions,
): Promise<void> {
  const authority = await trustedAuthority(invitation, { signal, proxy });
  const client = new CoordinatorClient({ origin: invitation.coordinator, authority, proxy });
  try {
    const request = { token: invitation.token, request: identity.request };
    for await (const event of client.events('POST', '/v1/enrolments', request, signal)) {
      const decision = decisionSchema.parse(event);
      if (decision.kind === 'refused') throw new Refusal(403, decision.code, decision.message);
      if (decision.kind === 'pending') onPending(decision.fingerprint);
      else return await identity.admitted({ certificate: decision.certificate, authority });
    }
    throw new TransportError('transport.line-ended', 'The coordinator has ended the line. It is opened again.');
  } finally {
    await client.close();
  }
}

/** Asked of whoever answers; believed because of its fingerprint, and used to check who answers from then on. */
async function trustedAuthority(
  { coordinator, authority }: Invitation,
  { signal, proxy }: { signal: AbortSignal; proxy: string | undefined },
): Promise<string> {
  const client = new CoordinatorClient({ origin: coordinator, authority: null, proxy });
  try {
    const { certificate } = z
      .object({ certificate: z.string().max(10_000) })
      .parse(await client.get('/v1/authority', signal));
    if (fingerprintOf(new X509Certificate(certificate).raw) === authority) return certificate;
  } catch (error) {
    if (error instanceof TransportError || error instanceof Refusal || signal.aborted) throw error;
  } finally {
    await client.close();
  }
  const text = `${coordinator} is not the coordinator of the invitation, or something in between opens TLS: have it leave this connection alone.`;
  throw new TransportError('transport.authority-unknown', text);
}
