/**
 * Who this process is, as files: `identity.json` (project, role, name, coordinator), `key.pem`, which is made here and
 * never leaves, `request.pem` for that key, and, once it is admitted, `certificate.pem` and `authority.pem`.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificateRequest, requestFingerprint } from './certificate-request.ts';
import type { Credentials } from './credentials.ts';
import { makeDirectory, writeDurably } from './durable-file.ts';
import type { Role } from './identity.ts';
import { TransportError } from './transport-error.ts';

export interface IdentityFacts {
  readonly project: string;
  readonly role: Role;
  readonly id: string;
  /** `https://host:port` */
  readonly coordinator: string;
}

export class IdentityDirectory {
  readonly facts: IdentityFacts;
  readonly #directory: string;
  readonly #key: string;
  /** PEM, PKCS#10; the same each time. */
  readonly request: string;
  #certificate: string | null;
  #authority: string | null;

  private constructor(
    directory: string,
    facts: IdentityFacts,
    files: { key: string; request: string; certificate: string | null; authority: string | null },
  ) {
    this.#directory = directory;
    this.facts = facts;
    this.#key = files.key;
    this.request = files.request;
    this.#certificate = files.certificate;
    this.#authority = files.authority;
  }

  /** Makes a key. What was made before for the same is kept, so that joining can be taken up again. */
  static async create(directory: string, facts: IdentityFacts): Promise<IdentityDirectory> {
    const present = await IdentityDirectory.#read(directory);
    if (present !== null && JSON.stringify(present.facts) === JSON.stringify(facts)) return present;
    if (present !== null) {
      const { role, id, project } = present.facts;
      const text = `${directory} is the identity of the ${role} ${id} of "${project}" already. Choose another directory.`;
      throw new TransportError('transport.identity-taken', text);
    }
    if (existsSync(join(directory, 'certificate.pem'))) {
      const text = `${directory} holds a certificate that is nobody's identity, of an authority perhaps. Choose another directory.`;
      throw new TransportError('transport.identity-taken', text);
    }
    const { key, request } = await createCertificateRequest();
    await makeDirectory(directory);
    await writeDurably(join(directory, 'key.pem'), key, { mode: 0o600 });
    await writeDurably(join(directory, 'request.pem'), request);
    await writeDurably(join(directory, 'identity.json'), `${JSON.stringify(facts, null, 2)}\n`);
    return new IdentityDirectory(directory, facts, { key, request, certificate: null, authority: null });
  }

  /** @throws TransportError `transport.not-joined` if there is no identity, or it was not admitted yet. */
  static async open(directory: string): Promise<IdentityDirectory> {
    const present = await IdentityDirectory.#read(directory);
    if (present === null || !present.isAdmitted) {
      throw new TransportError('transport.not-joined', `${directory} holds no identity that was admitted. Join first.`);
    }
    return present;
  }

  static async #read(directory: string): Promise<IdentityDirectory | null> {
    const text = (name: string) => readFile(join(directory, name), 'utf8');
    const optional = (name: string) => text(name).catch(() => null);
    const facts = await optional('identity.json');
    if (facts === null) return null;
    return new IdentityDirectory(directory, JSON.parse(facts) as IdentityFacts, {
      key: await text('key.pem'),
      request: await text('request.pem'),
      certificate: await optional('certificate.pem'),
      authority: await optional('authority.pem'),
    });
  }

  get isAdmitted(): boolean {
    return this.#certificate !== null && this.#authority !== null;
  }

  /** Of its key: what two people compare. */
  get fingerprint(): string {
    return requestFingerprint(this.request);
  }

  /** Once it is admitted. */
  get credentials(): Credentials {
    return { certificate: this.#certificate!, key: this.#key };
  }

  /** The certificate of the project's authority, PEM, once it is admitted. */
  get authority(): string {
    return this.#authority!;
  }

  /** When the certificate begins and ends to be valid, milliseconds since 1970. */
  get validity(): { readonly fromMs: number; readonly toMs: number } {
    const { validFromDate, validToDate } = new X509Certificate(this.#certificate!);
    return { fromMs: validFromDate.getTime(), toMs: validToDate.getTime() };
  }

  async admitted({
    certificate,
    authority,
  }: {
    readonly certificate: string;
    readonly authority: string;
  }): Promise<void> {
    await writeDurably(join(this.#directory, 'authority.pem'), authority);
    await writeDurably(join(this.#directory, 'certificate.pem'), certificate);
    this.#certificate = certificate;
    this.#authority = authority;
  }
}
