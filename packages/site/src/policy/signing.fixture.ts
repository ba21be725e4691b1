/** A project with members who sign, for tests of what a site believes. */
import type { Submission } from '@consilium/federation';
import {
  encodeMandate,
  type Json,
  type MandateSignature,
  mandateStatement,
  type Revocations,
  revocationsStatement,
} from '@consilium/protocol';
import {
  CertificateAuthority,
  type Credentials,
  createAuthority,
  createCertificateRequest,
  requestFingerprint,
  signedBy,
} from '@consilium/transport';

export interface Signer extends Credentials {
  readonly keyFingerprint: string;
}

export interface Signing {
  readonly as?: MandateSignature['as'];
  readonly by: Signer;
  readonly at?: string;
}

export class SigningProject {
  readonly project = 'kidney';
  readonly #authority: CertificateAuthority;

  private constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  static async create(): Promise<SigningProject> {
    const project = 'kidney';
    return new SigningProject(await CertificateAuthority.open(await createAuthority({ project }), { project }));
  }

  get authority(): string {
    return this.#authority.certificate;
  }

  /** A certificate, PEM. */
  site(request: string, id: string): Promise<string> {
    return this.#authority.issueSite({ request, id });
  }

  /** What a coordinator listens with. */
  async server() {
    const { key, request } = await createCertificateRequest();
    const certificate = await this.#authority.issueServer({ request, hosts: ['127.0.0.1'] });
    return { project: this.project, authority: this.authority, credentials: { key, certificate } };
  }

  /** Of members with these keys. */
  revocations(keyFingerprints: readonly string[], { project = this.project } = {}): Revocations {
    const keys = keyFingerprints.map((one) => one.replaceAll(' ', ''));
    const said = { number: keys.length, keys };
    const signature = this.#authority.sign(revocationsStatement(project, said));
    return { ...said, signature: Buffer.from(signature).toString('base64') };
  }

  async member(id: string, { role = 'member' as 'member' | 'site' } = {}): Promise<Signer> {
    const { key, request } = await createCertificateRequest();
    const issue = { request, id };
    const certificate = await (role === 'member'
      ? this.#authority.issueMember(issue)
      : this.#authority.issueSite(issue));
    return { key, certificate, keyFingerprint: requestFingerprint(request) };
  }

  sign(submission: Submission, { as = 'submitter', by, at = new Date().toISOString() }: Signing): MandateSignature {
    const { project } = this;
    const statement = mandateStatement({ project, submission: submission as unknown as Json }, { as, signedAt: at });
    const signature = Buffer.from(signedBy(by, statement)).toString('base64');
    return { as, certificate: by.certificate, signedAt: at, signature };
  }

  mandate(
    submission: Submission,
    signatures: readonly MandateSignature[],
    { project = this.project }: { readonly project?: string } = {},
  ): Uint8Array {
    return encodeMandate({
      version: 1,
      project,
      submission: submission as unknown as Json,
      signatures: [...signatures],
    });
  }
}
