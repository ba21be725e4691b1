import { webcrypto } from 'node:crypto';
import { checkRoster, introductionStatement, type PeerContext, PeerKey } from '@consilium/federation';
import type { Introduction, JobId, SiteId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { createKeys, pemOfKey, signatureAlgorithm } from './certificate-request.ts';
import type { Credentials } from './credentials.ts';
import { signatoryOf, signedBy } from './peer-certificate.ts';
import { createProject } from './project.fixture.ts';
import {
  AuthorityKeyIdentifierExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

const dayMs = 24 * 60 * 60 * 1000;
const nowMs = Date.UTC(2026, 5, 1, 12);
const project = await createProject('kidney', () => nowMs);
const foreign = await createProject('kidney', () => nowMs);
const liver = await createProject('liver', () => nowMs);
const authority = project.authority.certificate;
const context: PeerContext = { project: 'kidney', jobId: 'job-1' as JobId, purpose: 'overlap' };
const verifier = {
  proven: (claim: Parameters<typeof signatoryOf>[0]) => signatoryOf(claim, { authority, project: 'kidney', nowMs }),
};

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const keys = new Map(
  ['a', 'b', 'c', 'mallory'].map((id, index) => [id, new PeerKey(new Uint8Array(32).fill(index + 1))]),
);
const credentials = new Map<string, Credentials>();
for (const id of ['a', 'b', 'c']) credentials.set(id, await project.site(id));

function introduce(siteId: string, changes: { of?: PeerContext; as?: Credentials; key?: PeerKey } = {}): Introduction {
  const { of = context, as = credentials.get(siteId)!, key = keys.get(siteId)! } = changes;
  return {
    siteId: siteId as SiteId,
    publicKey: base64(key.publicKey),
    certificate: as.certificate,
    signature: base64(signedBy(as, introductionStatement(of, siteId, key.publicKey))),
  };
}

const roster = ['a', 'b', 'c'].map((id) => introduce(id));
const check = (received: readonly Introduction[], changes: Partial<Parameters<typeof checkRoster>[1]> = {}) =>
  checkRoster(received, {
    ...{ context, self: { siteId: 'a' as SiteId, publicKey: keys.get('a')!.publicKey }, verifier, minimumSites: 3 },
    ...changes,
  });
const code = (received: readonly Introduction[], changes: Partial<Parameters<typeof checkRoster>[1]> = {}) => {
  try {
    check(received, changes);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const withB = (b: Introduction) => [roster[0]!, b, roster[2]!];

/** A certificate that says in every word that the project's authority has issued it, signed by somebody else. */
async function forged(): Promise<Credentials> {
  const keys = await createKeys();
  const issuer = new X509Certificate(authority);
  const certificate = await X509CertificateGenerator.create(
    {
      ...{ serialNumber: '01', subject: 'CN=b', issuer: issuer.subject, publicKey: keys.publicKey },
      ...{ notBefore: new Date(nowMs - dayMs), notAfter: new Date(nowMs + dayMs) },
      ...{ signingKey: (await createKeys()).privateKey, signingAlgorithm: signatureAlgorithm },
      extensions: [
        new SubjectAlternativeNameExtension([{ type: 'url', value: 'consilium:kidney/site/b' }]),
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto as Crypto),
      ],
    },
    webcrypto as Crypto,
  );
  return { certificate: certificate.toString('pem'), key: await pemOfKey(keys.privateKey) };
}

describe('a roster of sites', () => {
  it('is accepted, whatever its order, if every key is signed by who holds a certificate of the project', () => {
    const { peers, digest } = check(roster);
    expect([...peers.keys()]).toEqual(['b', 'c']);
    expect(peers.get('b' as SiteId)).toEqual(keys.get('b')!.publicKey);
    expect(check(roster.toReversed())).toEqual(check(roster));
    expect(check(roster, { self: { siteId: 'b' as SiteId, publicKey: keys.get('b')!.publicKey } }).digest).toBe(digest);
  });

  it('is refused if the coordinator has put a key of its own in place of a site’s', () => {
    const mallory = keys.get('mallory')!;
    const substituted = base64(mallory.publicKey);
    expect(code(withB({ ...roster[1]!, publicKey: substituted }))).toBe('federation.peer-not-proven');
    const signedByC = introduce('b', { as: credentials.get('c')!, key: mallory });
    expect(code(withB(signedByC))).toBe('federation.peer-not-proven');
    const withCertificateOfB = { ...signedByC, certificate: roster[1]!.certificate };
    expect(code(withB(withCertificateOfB))).toBe('federation.peer-not-proven');
  });

  it('is refused with certificates of another authority or project, of a coordinator, out of date, or no certificate', async () => {
    const self = await foreign.site('b');
    const server = await project.server();
    const old = await project.site('b', -1 / 24);
    const early = (await createProject('kidney', () => nowMs + dayMs)).site('b');
    for (const as of [self, await liver.site('b'), server, old, await early]) {
      expect(code(withB(introduce('b', { as })))).toBe('federation.peer-not-proven');
    }
    expect(code(withB(introduce('b', { as: await forged() })))).toBe('federation.peer-not-proven');
    for (const certificate of ['', 'junk', roster[1]!.certificate.slice(0, 300), authority]) {
      expect(code(withB({ ...roster[1]!, certificate }))).toBe('federation.peer-not-proven');
    }
  });

  it('is refused with what was signed for another job, purpose or project, or is no signature', () => {
    for (const of of [
      { ...context, jobId: 'job-2' as JobId },
      { ...context, purpose: 'secure-aggregation' as const },
      { ...context, project: 'liver' },
    ]) {
      expect(code(withB(introduce('b', { of })))).toBe('federation.peer-not-proven');
    }
    for (const signature of ['', base64(new Uint8Array(64)), base64(new Uint8Array(63))]) {
      expect(code(withB({ ...roster[1]!, signature }))).toBe('federation.peer-not-proven');
    }
  });

  it('is refused if it lacks this site, has another key for it, names a site twice, or is too small', () => {
    expect(code(roster.slice(1))).toBe('federation.roster-lacks-self');
    const other = introduce('a', { key: keys.get('mallory')! });
    expect(code([other, ...roster.slice(1)])).toBe('federation.roster-lacks-self');
    expect(code([...roster, introduce('b', { key: keys.get('mallory')! })])).toBe('federation.roster-doubled');
    expect(code(roster.slice(0, 2))).toBe('federation.roster-too-small');
    expect(code(roster.slice(0, 1), { minimumSites: 0 })).toBe('federation.roster-too-small');
  });

  it('stays as it is in a job, also when certificates have since run out', async () => {
    const { digest } = check(roster);
    const never = { proven: () => null };
    expect(check(roster, { accepted: digest, verifier: never })).toEqual(check(roster));
    expect(code(roster.slice(0, 2), { accepted: digest, minimumSites: 2 })).toBe('federation.roster-changed');
    const renewed = introduce('b', { as: await project.site('b') });
    expect(code(withB(renewed), { accepted: digest })).toBe('federation.roster-changed');
  });

  it('holds only sites that people have named, where they have compared fingerprints', () => {
    const fingerprint = (siteId: string) => {
      const { certificate, signature } = roster.find((each) => each.siteId === siteId)!;
      const statement = introductionStatement(context, siteId, keys.get(siteId)!.publicKey);
      return verifier.proven({ certificate, statement, signature: Buffer.from(signature, 'base64') })!.keyFingerprint;
    };
    const pins = { b: fingerprint('b').toUpperCase(), c: fingerprint('c').replaceAll(' ', '') };
    expect(code(roster, { pins })).toBe('accepted');
    expect(code(roster, { pins: { b: pins.b } })).toBe('federation.peer-not-pinned');
    expect(code(roster, { pins: { b: pins.b, c: pins.b } })).toBe('federation.peer-not-pinned');
    expect(code(roster, { pins: {} })).toBe('federation.peer-not-pinned');
  });
});
