/** A project with members who sign, for tests of what a site believes. */
import type { Submission } from '@consilium/federation';
import { encodeMandate, type Json, type MandateSignature, mandateStatement } from '@consilium/protocol';
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
