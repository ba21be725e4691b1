/** A project with its authority, for tests: credentials for whom they are asked for. */
import { CertificateAuthority, createAuthority } from './certificate-authority.ts';
import { createCertificateRequest } from './certificate-request.ts';
import type { Credentials } from './credentials.ts';

export interface TestProject {
  readonly authority: CertificateAuthority;
  server(hosts?: readonly string[], days?: number): Promise<Credentials>;
  site(id: string, days?: number): Promise<Credentials>;
}

export async function createProject(project = 'kidney', nowMs: () => number = Date.now): Promise<TestProject> {
  const options = { project, nowMs };
  const authority = await CertificateAuthority.open(await createAuthority(options), options);
  const issued = async (issue: (request: string) => Promise<string>): Promise<Credentials> => {
    const { key, request } = await createCertificateRequest();
    return { key, certificate: await issue(request) };
  };
  return {
    authority,
    server: (hosts = ['localhost', '127.0.0.1'], days = 90) =>
      issued((request) => authority.issueServer({ request, hosts, days })),
    site: (id, days = 7) => issued((request) => authority.issueSite({ request, id, days })),
  };
}
