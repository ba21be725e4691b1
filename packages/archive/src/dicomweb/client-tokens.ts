/** Who may ask by DICOMweb: clients with a token of their own each, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Authorization, Need } from './dicomweb-options.ts';

export interface DicomwebClientToken {
  /** What people call the client; names it in logs, and in the origin of what it sends. */
  readonly name: string;
  readonly token: string;
  readonly may: readonly Need[];
}

/** For `authorize` of the routes: by a bearer token (RFC 6750). */
export function bearerAuthorization(
  clients: readonly DicomwebClientToken[],
): (request: { readonly headers: { readonly authorization?: string | undefined } }, need: Need) => Authorization {
  const known = clients.map((client) => ({ client, digest: digestOf(client.token) }));
  return ({ headers }, need) => {
    const token = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return { kind: 'unknown' };
    const digest = digestOf(token);
    // All are compared, so that the time tells nothing of which one it was.
    const [match] = known.filter((entry) => timingSafeEqual(entry.digest, digest));
    if (match === undefined) return { kind: 'unknown' };
    return match.client.may.includes(need) ? { kind: 'allowed', client: match.client.name } : { kind: 'forbidden' };
  };
}

/** Of one length, whatever the token's. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
