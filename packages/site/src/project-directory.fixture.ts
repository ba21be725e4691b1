/** Directories of sites of one project, each with a key and a certificate of its authority. */
import { join } from 'node:path';
import { CertificateAuthority, type Credentials, createAuthority, IdentityDirectory, Role } from '@consilium/transport';

export class ToyProject {
  readonly #authority: CertificateAuthority;

  private constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  static async create(project = 'kidney'): Promise<ToyProject> {
    const created: Credentials = await createAuthority({ project });
    return new ToyProject(await CertificateAuthority.open(created, { project }));
  }

  /** Admits a site; its identity is in `identity` of the directory. */
  async admit(id: string, directory: string): Promise<IdentityDirectory> {
    const { project, certificate: authority } = this.#authority;
    const facts = { project, role: Role.site, id, coordinator: 'https://127.0.0.1:1' };
    const identity = await IdentityDirectory.create(join(directory, 'identity'), facts);
    await identity.admitted({
      authority,
      certificate: await this.#authority.issueSite({ request: identity.request, id }),
    });
    return identity;
  }
}
