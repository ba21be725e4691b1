/** What a site or a member signs with the key of its certificate, and how a site of the project checks it. */
import { createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import type { Credentials } from './credentials.ts';
import { type Identity, identityOf, Role } from './identity.ts';

/** ECDSA P-256 with SHA-256: r and s, 32 bytes each. */
const dsaEncoding = 'ieee-p1363';

export function signedBy({ key }: Credentials, statement: Uint8Array): Uint8Array {
  return new Uint8Array(sign('sha256', statement, { key, dsaEncoding }));
}

interface Statement {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedStatement extends Statement {
  /** PEM. */
  readonly certificate: string;
}

/** @param authority its certificate, PEM */
export function isSignedByAuthority({ signature, statement }: Statement, authority: string): boolean {
  const key = createPublicKey(new X509Certificate(authority).publicKey.export({ format: 'pem', type: 'spki' }));
  return verify('sha256', statement, { key, dsaEncoding }, signature);
}

/**
 * The site whose signature it is; null if the project's authority has not issued the certificate, to a site, for now, or
 * the signature is wrong.
 */
export function signatoryOf(
  claim: SignedStatement,
  options: SignatoryOptions,
): { readonly siteId: string; readonly keyFingerprint: string } | null {
  const identity = signerOf(claim, Role.site, options);
  return identity === null ? null : { siteId: identity.id, keyFingerprint: identity.keyFingerprint };
}

/** The member whose signature it is, likewise. `nowMs`: when it is said to have been signed. */
export function signingMemberOf(
  claim: SignedStatement,
  options: SignatoryOptions,
): { readonly member: string; readonly keyFingerprint: string } | null {
  const identity = signerOf(claim, Role.member, options);
  return identity === null ? null : { member: identity.id, keyFingerprint: identity.keyFingerprint };
}

interface SignatoryOptions {
  /** Its certificate, PEM. */
  readonly authority: string;
  readonly project: string;
  readonly nowMs: number;
}

function signerOf(
  { certificate: pem, statement, signature }: SignedStatement,
  role: Role,
  { authority, project, nowMs }: SignatoryOptions,
): Identity | null {
  let identity: Identity;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
    const issuer = new X509Certificate(authority);
    if (certificate.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return null;
    identity = identityOf(certificate, project);
  } catch {
    return null; // not a certificate, or nobody's in this project
  }
  const { validFromDate, validToDate } = certificate;
  if (nowMs < validFromDate.getTime() || nowMs > validToDate.getTime() || identity.role !== role) return null;
  const key = createPublicKey(certificate.publicKey.export({ format: 'pem', type: 'spki' }));
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return null;
  if (!verify('sha256', statement, { key, dsaEncoding }, signature)) return null;
  return identity;
}
