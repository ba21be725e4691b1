/**
 * A project's own authority: it issues every certificate of the project, and nothing else. Certificates of sites last a
 * week and are renewed while they run, so one that is lost or stolen is soon worth nothing.
 */
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { createKeys, pemOfKey, signatureAlgorithm, verifiedKey } from './certificate-request.ts';
import type { Credentials } from './credentials.ts';
import { fingerprintOf } from './fingerprint.ts';
import { identityUri, isName, Role } from './identity.ts';
import { signedBy } from './peer-certificate.ts';
import { wallClockMs } from './ports/wall-clock.ts';
import { TransportError } from './transport-error.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

export interface AuthorityOptions {
  readonly project: string;
  readonly nowMs?: () => number;
}

export interface IssueOptions {
  /** PEM, PKCS#10. Only its key is taken from it. */
  readonly request: string;
  readonly days?: number;
}

interface Subject {
  readonly role: Role;
  readonly id: string;
  readonly hosts: readonly string[];
  readonly daysDefault: number;
}

const dayMs = 24 * 60 * 60 * 1000;
/** Certificates begin to be valid before they are issued: the clocks of hospitals differ. */
const skewMs = 10 * 60 * 1000;
const authorityDays = 3653;
const crypto = webcrypto as Crypto;

/** A new authority: P-256, signed by itself, good for ten years. */
export async function createAuthority({ project, nowMs = wallClockMs }: AuthorityOptions): Promise<Credentials> {
  assert(isName(project), 'a project has a name of a-z, 0-9, ".", "_", "-"');
  const keys = await createKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: randomSerial(),
      name: [{ CN: [project] }, { O: ['Consilium'] }],
      notBefore: new Date(nowMs() - skewMs),
      notAfter: new Date(nowMs() + authorityDays * dayMs),
      keys,
      signingAlgorithm: signatureAlgorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  return { certificate: pem(certificate), key: await pemOfKey(keys.privateKey) };
}

export class CertificateAuthority {
  readonly project: string;
  /** Its own, PEM: what sites and server trust. */
  readonly certificate: string;
  readonly fingerprint: string;
  readonly #parsed: X509Certificate;
  readonly #key: CryptoKey;
  readonly #credentials: Credentials;
  readonly #nowMs: () => number;

  private constructor(
    parsed: X509Certificate,
    keys: { readonly signing: CryptoKey; readonly credentials: Credentials },
    { project, nowMs = wallClockMs }: AuthorityOptions,
  ) {
    this.project = project;
    this.certificate = pem(parsed);
    this.fingerprint = fingerprintOf(new Uint8Array(parsed.rawData));
    this.#parsed = parsed;
    this.#key = keys.signing;
    this.#credentials = keys.credentials;
    this.#nowMs = nowMs;
  }

  /** @throws TransportError `transport.authority-malformed` if these are not the certificate and key of the authority. */
  static async open({ certificate, key }: Credentials, options: AuthorityOptions): Promise<CertificateAuthority> {
    try {
      const parsed = new X509Certificate(certificate);
      const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
      const signing = await crypto.subtle.importKey('pkcs8', Uint8Array.from(der), signatureAlgorithm, false, ['sign']);
      assert.equal(parsed.subjectName.getField('CN')[0], options.project);
      const proof = await crypto.subtle.sign(signatureAlgorithm, signing, new Uint8Array(1));
      const publicKey = await parsed.publicKey.export(signatureAlgorithm, ['verify'], crypto);
      assert(await crypto.subtle.verify(signatureAlgorithm, publicKey, proof, new Uint8Array(1)));
      return new CertificateAuthority(parsed, { signing, credentials: { certificate, key } }, options);
    } catch (error) {
      const text = `These are not the certificate and the key of the authority of "${options.project}".`;
      throw new TransportError('transport.authority-malformed', text, { cause: error });
    }
  }

  /** What sites check with `isSignedByAuthority`. */
  sign(statement: Uint8Array): Uint8Array {
    return signedBy(this.#credentials, statement);
  }

  /** For the coordinator, under all the names and addresses that sites call it by. */
  issueServer(options: IssueOptions & { readonly hosts: readonly string[] }): Promise<string> {
    const { hosts } = options;
    return this.#issue(options, { role: Role.server, id: 'coordinator', hosts, daysDefault: 90 });
  }

  issueSite(options: IssueOptions & { readonly id: string }): Promise<string> {
    return this.#issue(options, { role: Role.site, id: options.id, hosts: [], daysDefault: 7 });
  }

  issueMember(options: IssueOptions & { readonly id: string }): Promise<string> {
    return this.#issue(options, { role: Role.member, id: options.id, hosts: [], daysDefault: 30 });
  }

  /** @throws TransportError `transport.certificate-request-malformed` */
  async #issue({ request, days }: IssueOptions, { role, id, hosts, daysDefault }: Subject): Promise<string> {
    assert(isName(id), 'a member or site has a name of a-z, 0-9, ".", "_", "-"');
    const publicKey = await verifiedKey(request);
    const nowMs = this.#nowMs();
    const notAfterMs = Math.min(nowMs + (days ?? daysDefault) * dayMs, this.#parsed.notAfter.getTime());
    const purpose = role === Role.server ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
    const names: JsonGeneralName[] = [
      { type: 'url', value: identityUri({ project: this.project, role, id }) },
      ...hosts.map((value): JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
    ];
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: randomSerial(),
        subject: [{ CN: [id] }, { OU: [role] }, { O: [this.project] }],
        issuer: this.#parsed.subjectName.toJSON(),
        notBefore: new Date(nowMs - skewMs),
        notAfter: new Date(notAfterMs),
        publicKey,
        signingKey: this.#key,
        signingAlgorithm: signatureAlgorithm,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([purpose]),
          new SubjectAlternativeNameExtension(names),
          await AuthorityKeyIdentifierExtension.create(this.#parsed.publicKey, false, crypto),
        ],
      },
      crypto,
    );
    return pem(certificate);
  }
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

/** 126 random bits of a positive number without a leading zero (RFC 5280, 4.1.2.2). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}
