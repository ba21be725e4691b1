/** A throw-away authority and certificates (P-256) for localhost, made by the `openssl` command. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Writes `ca.pem`, and `<name>.pem` and `<name>.key` for each name. */
export function makeCertificates(
  directory: string,
  names: readonly string[],
): { ca: string; of(name: string): Certificate } {
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=bench', '-keyout', 'ca.key', '-out', 'ca.pem');
  writeFileSync(join(directory, 'extensions'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  for (const name of names) {
    openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', 'request.pem');
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      'request.pem',
      ...authority,
      '-days',
      '2',
      '-extfile',
      'extensions',
      '-out',
      `${name}.pem`,
    );
  }
  const file = (name: string): string => join(directory, name);
  return {
    ca: file('ca.pem'),
    of: (name) => ({ certificate: file(`${name}.pem`), key: file(`${name}.key`) }),
  };
}
