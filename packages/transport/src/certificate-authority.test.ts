import { execFileSync, spawnSync } from 'node:child_process';
import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CertificateAuthority, createAuthority } from './certificate-authority.ts';
import { createCertificateRequest, requestFingerprint } from './certificate-request.ts';
import { writeDurably } from './durable-file.ts';
import { identityOf } from './identity.ts';
import { createProject } from './project.fixture.ts';
import { Pkcs10CertificateRequestGenerator } from './x509.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-authority-'));
afterAll(() => rmSync(root, { recursive: true }));
const dayMs = 24 * 60 * 60 * 1000;
const nowMs = Date.UTC(2026, 5, 1, 12);
const project = await createProject('kidney', () => nowMs);

describe('the authority of a project', () => {
  it.skipIf(spawnSync('openssl', ['version']).error)(
    'issues to a site what OpenSSL accepts from a client and from no server, and to a server the reverse',
    async () => {
      const { authority } = await createProject();
      const site = await (await createProject()).site('site-1');
      expect(site.certificate).not.toContain('PRIVATE KEY');
      const issued = await createCertificateRequest();
      const files = {
        authority: authority.certificate,
        site: await authority.issueSite({ request: issued.request, id: 'site-1' }),
        server: await authority.issueServer({
          request: issued.request,
          hosts: ['coordinator.example', '10.0.0.1', '::1'],
        }),
      };
      for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
      const verify =
        (purpose: string, name: string, ...more: string[]) =>
        () =>
          execFileSync(
            'openssl',
            ['verify', '-x509_strict', '-CAfile', 'authority', '-purpose', purpose, ...more, name],
            {
              cwd: root,
              stdio: 'pipe',
            },
          );
      expect(verify('sslclient', 'site')).not.toThrow();
      expect(verify('sslserver', 'site')).toThrow();
      expect(verify('sslserver', 'server', '-verify_hostname', 'coordinator.example')).not.toThrow();
      expect(verify('sslserver', 'server', '-verify_ip', '10.0.0.1')).not.toThrow();
      expect(verify('sslserver', 'server', '-verify_hostname', 'other.example')).toThrow();
      expect(verify('sslclient', 'server')).toThrow();
    },
  );

  it('says who a certificate is for, takes nothing of that from the request, and dates it from its clock', async () => {
    const { request } = await createCertificateRequest();
    const certificate = new X509Certificate(await project.authority.issueSite({ request, id: 'charite-1' }));
    const identity = identityOf(certificate, 'kidney');
    expect(identity).toMatchObject({ role: 'site', id: 'charite-1', notAfterMs: nowMs + 7 * dayMs });
    expect(identity.fingerprint).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
    expect(identity.fingerprint.replaceAll(' ', '')).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(identity.serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    const member = new X509Certificate(await project.authority.issueMember({ request, id: 'ada', days: 1 }));
    expect(identityOf(member, 'kidney')).toMatchObject({ role: 'member', id: 'ada', notAfterMs: nowMs + dayMs });
    expect(identityOf(member, 'kidney').serial).not.toBe(identity.serial);
    expect(() => identityOf(member, 'liver')).toThrow(
      expect.objectContaining({ code: 'transport.certificate-foreign' }),
    );
    const authority = new X509Certificate(project.authority.certificate);
    expect(() => identityOf(authority, 'kidney')).toThrow(
      expect.objectContaining({ code: 'transport.certificate-foreign' }),
    );
  });

  it('issues nothing that outlives it', async () => {
    const { request } = await createCertificateRequest();
    const issued = await project.authority.issueSite({ request, id: 'site-1', days: 5000 });
    const end = new X509Certificate(project.authority.certificate).validToDate;
    expect(new X509Certificate(issued).validToDate).toEqual(end);
    expect(end.getTime()).toBeGreaterThan(nowMs + 3650 * dayMs);
  });

  it('refuses by a code every request that was cut or is of another kind, and issues for no altered key', async () => {
    const { request, fingerprint } = await createCertificateRequest();
    expect(requestFingerprint(request)).toBe(fingerprint);
    const der = Buffer.from(request.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const pem = (bytes: Uint8Array) =>
      `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    await project.authority.issueSite({ request: pem(der), id: 'site-1' });
    const ofKey = async (algorithm: RsaHashedKeyGenParams | EcKeyGenParams): Promise<string> => {
      const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const signingAlgorithm = { ...algorithm, hash: 'SHA-256' };
      const made = { name: 'CN=consilium', keys: keys as CryptoKeyPair, signingAlgorithm };
      return (await Pkcs10CertificateRequestGenerator.create(made, webcrypto as Crypto)).toString('pem');
    };
    const bad = [
      ...Array.from({ length: der.length }, (_, length) => pem(der.subarray(0, length))),
      '',
      'no request',
      project.authority.certificate,
      'x'.repeat(20_000),
      await ofKey({
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      }),
      await ofKey({ name: 'ECDSA', namedCurve: 'P-384' }),
    ];
    const refused = { code: 'transport.certificate-request-malformed' };
    for (const request of bad) {
      await expect(project.authority.issueSite({ request, id: 'site-1' })).rejects.toMatchObject(refused);
    }
    for (const [at, byte] of der.entries()) {
      const altered = pem(Uint8Array.from(der).with(at, byte ^ (1 << (at % 8))));
      const outcome = await project.authority.issueSite({ request: altered, id: 'site-1' }).catch((error) => error);
      // Outside of what is signed some bits mean nothing.
      if (outcome instanceof Error) expect(outcome).toMatchObject(refused);
      else expect(identityOf(new X509Certificate(outcome), 'kidney').keyFingerprint).toBe(fingerprint);
    }
    await project.authority.issueSite({ request: await ofKey({ name: 'ECDSA', namedCurve: 'P-256' }), id: 'site-1' });
  });

  it('opens with its own key and certificate only', async () => {
    const options = { project: 'kidney' };
    const [one, other] = [await createAuthority(options), await createAuthority(options)];
    const opened = await CertificateAuthority.open(one, options);
    expect(opened.certificate).toBe(one.certificate);
    for (const [wrong, project] of [
      [{ ...one, key: other.key }, 'kidney'],
      [{ ...one, key: 'none' }, 'kidney'],
      [one, 'liver'],
    ] as const) {
      await expect(CertificateAuthority.open(wrong, { project })).rejects.toMatchObject({
        code: 'transport.authority-malformed',
      });
    }
  });

  it('has its key written for its owner alone', async () => {
    const { key } = await createAuthority({ project: 'kidney' });
    await writeDurably(join(root, 'key.pem'), key, { mode: 0o600 });
    expect(statSync(join(root, 'key.pem')).mode & 0o777).toBe(0o600);
  });
});
