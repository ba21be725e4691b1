/**
 * Who a certificate says its owner is: `consilium:<project>/site/<id>` as its one alternative name of that kind. That it
 * was issued by the project's authority is for TLS to check, before this.
 */
import type { X509Certificate } from 'node:crypto';
import { fingerprintOf } from './fingerprint.ts';
import { TransportError } from './transport-error.ts';

export const Role = {
  /** The coordinator itself. */
  server: 'server',
  site: 'site',
  /** A person: a researcher, an administrator. */
  member: 'member',
} as const;
export type Role = (typeof Role)[keyof typeof Role];

export interface Identity {
  readonly role: Role;
  readonly id: string;
  /** Hexadecimal, upper case. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly notAfterMs: number;
  readonly fingerprint: string;
  /** Of its public key, which stays the same when the certificate is renewed. */
  readonly keyFingerprint: string;
}

const name = '[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?';
const wholeName = new RegExp(`^${name}$`);
const wholeUri = new RegExp(`^URI:consilium:(${name})/([a-z]+)/(${name})$`);

/** Projects, sites and members are called alike: safe in a URI. */
export function isName(text: string): boolean {
  return wholeName.test(text);
}

/** The alternative name that says it. */
export function identityUri({ project, role, id }: { project: string; role: Role; id: string }): string {
  return `consilium:${project}/${role}/${id}`;
}

/** @throws TransportError `transport.certificate-foreign` if it names nobody of this project. */
export function identityOf(certificate: X509Certificate, project: string): Identity {
  const names = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:consilium:'));
  const [, issuedFor, role = '', id] = names[0]?.match(wholeUri) ?? [];
  if (names.length !== 1 || issuedFor !== project || !isRole(role) || id === undefined) {
    const text = `The certificate was issued for nobody in the project "${project}". Join the project to get one.`;
    throw new TransportError('transport.certificate-foreign', text);
  }
  return {
    role,
    id,
    serial: certificate.serialNumber,
    notAfterMs: certificate.validToDate.getTime(),
    fingerprint: fingerprintOf(certificate.raw),
    keyFingerprint: fingerprintOf(certificate.publicKey.export({ type: 'spki', format: 'der' })),
  };
}

function isRole(text: string): text is Role {
  return Object.hasOwn(Role, text);
}
