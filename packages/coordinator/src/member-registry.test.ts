import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { revocationsStatement } from '@consilium/protocol';
import {
  CertificateAuthority,
  createAuthority,
  createCertificateRequest,
  type Identity,
  identityOf,
  isSignedByAuthority,
  type Role,
} from '@consilium/transport';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { type Member, MemberRegistry } from './member-registry.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-registry-'));
afterAll(() => rmSync(root, { recursive: true }));

const project = 'kidney';
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const site1 = { role: 'site', id: 'site-1' } as const;
let count = 0;

/** A registry whose process can end and begin again, and whose time is ours. */
async function open() {
  const directory = join(root, String(++count));
  const decided: string[] = [];
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const nowMs = () => time.nowMs;
  const authority = await CertificateAuthority.open(await createAuthority({ project, nowMs }), { project, nowMs });
  const start = async () => {
    const database = await openDatabase(directory);
    const onDecided = ({ id, state }: Member) => decided.push(`${id} ${state}`);
    const registry = new MemberRegistry({ database, authority, days: { site: 7, member: 365 }, nowMs, onDecided });
    return { database, registry };
  };
  let running = await start();
  return {
    time,
    decided,
    authority,
    get database() {
      return running.database;
    },
    get registry() {
      return running.registry;
    },
    restart: async () => {
      running.database.close();
      running = await start();
    },
    [Symbol.dispose]: () => running.database.close(),
  };
}
type Opened = Awaited<ReturnType<typeof open>>;

const requested = () => createCertificateRequest();
const identity = (certificate: string | null): Identity => identityOf(new X509Certificate(certificate!), project);
const coded = (code: string) => expect.objectContaining({ code: `coordinator.${code}` });
async function admitted({ registry }: Opened, whom: { role: Role; id: string } = site1) {
  const key = await requested();
  const token = registry.invite(whom, 1);
  registry.enrol(token, key.request);
  return { key, token, member: await registry.admit(whom.role as 'site', whom.id, key.fingerprint) };
}

describe('a registry of members', () => {
  it('admits who was invited, when a person says that it is the right key', async () => {
    using opened = await open();
    const { registry, decided } = opened;
    const { request, fingerprint } = await requested();
    const pending = registry.enrol(registry.invite(site1, 1), request);
    expect(pending).toEqual({ ...site1, state: 'pending', fingerprint, certificate: null });
    const member = await registry.admit('site', 'site-1', fingerprint);
    expect(member.state).toBe('admitted');
    expect(identity(member.certificate)).toMatchObject({ ...site1, keyFingerprint: fingerprint });
    expect(registry.isAdmitted(identity(member.certificate))).toBe(true);
    expect(decided).toEqual(['site-1 admitted']);
    expect(await registry.admit('site', 'site-1', fingerprint)).toEqual(member);
  });

  it('takes a fingerprint as people type it', async () => {
    using opened = await open();
    const { registry } = opened;
    const { request, fingerprint } = await requested();
    registry.enrol(registry.invite(site1, 1), request);
    const typed = fingerprint.toUpperCase().replaceAll(' ', ':');
    expect((await registry.admit('site', 'site-1', typed)).state).toBe('admitted');
  });

  it('admits nobody by the fingerprint of another key, nor who has not asked', async () => {
    using opened = await open();
    const { registry } = opened;
    registry.enrol(registry.invite(site1, 1), (await requested()).request);
    const { fingerprint } = await requested();
    await expect(registry.admit('site', 'site-1', fingerprint)).rejects.toThrow(coded('fingerprint-differs'));
    await expect(registry.admit('site', 'site-1', '')).rejects.toThrow(coded('fingerprint-differs'));
    await expect(registry.admit('site', 'site-2', fingerprint)).rejects.toThrow(coded('member-unknown'));
    expect(registry.list().map(({ state }) => state)).toEqual(['pending']);
  });

  it('lets an enrolment be taken up with the same key, and with no other', async () => {
    using opened = await open();
    const { registry } = opened;
    const { request, fingerprint } = await requested();
    const token = registry.invite(site1, 1);
    const pending = registry.enrol(token, request);
    expect(registry.enrol(token, request)).toEqual(pending);
    expect(() => registry.enrol(token, request.replace('\n', '\r\n'))).not.toThrow();
    const other = (await requested()).request;
    expect(() => registry.enrol(token, other)).toThrow(coded('token-used'));
    const member = await registry.admit('site', 'site-1', fingerprint);
    expect(registry.enrol(token, request)).toEqual(member);
    expect(() => registry.enrol(token, other)).toThrow(coded('token-used'));
    expect(registry.find('site', 'site-1')).toEqual(member);
  });

  it('knows no token that it did not give, nor one that has expired unused', async () => {
    using opened = await open();
    const { registry, time } = opened;
    const { request } = await requested();
    const tokens = [registry.invite(site1, 1), registry.invite(site1, 1)];
    registry.enrol(tokens[0]!, request);
    time.nowMs += 2 * hourMs;
    expect(() => registry.enrol(tokens[1]!, request)).toThrow(coded('token-unknown'));
    for (const token of ['', 'x'.repeat(32)]) {
      expect(() => registry.enrol(token, request)).toThrow(coded('token-unknown'));
    }
    // A person may take days to decide about who came in time.
    expect(registry.enrol(tokens[0]!, request).state).toBe('pending');
  });

  it('refuses what is no request, and the token stays good', async () => {
    using opened = await open();
    const { registry } = opened;
    const token = registry.invite(site1, 1);
    expect(() => registry.enrol(token, 'not a request')).toThrow(
      expect.objectContaining({ code: 'transport.certificate-request-malformed' }),
    );
    expect(registry.enrol(token, (await requested()).request).state).toBe('pending');
  });

  it('renews a certificate for the same key only', async () => {
    using opened = await open();
    const { registry, time } = opened;
    const { key, member } = await admitted(opened);
    time.nowMs += 5 * dayMs;
    const renewed = identity(await registry.renew(identity(member.certificate), key.request));
    expect(renewed.notAfterMs).toBe(identity(member.certificate).notAfterMs + 5 * dayMs);
    expect(registry.isAdmitted(renewed)).toBe(true);
    expect(registry.isAdmitted(identity(member.certificate))).toBe(true);
    const other = (await requested()).request;
    await expect(registry.renew(renewed, other)).rejects.toThrow(coded('fingerprint-differs'));
  });

  it('revokes one, and touches no other; the one comes back only by a new invitation', async () => {
    using opened = await open();
    const { registry, decided } = opened;
    const [one, two] = [await admitted(opened), await admitted(opened, { role: 'site', id: 'site-2' })];
    expect(registry.revoke('site', 'site-1').state).toBe('revoked');
    registry.revoke('site', 'site-1');
    expect(registry.isAdmitted(identity(one.member.certificate))).toBe(false);
    expect(registry.isAdmitted(identity(two.member.certificate))).toBe(true);
    await expect(registry.admit('site', 'site-1', one.key.fingerprint)).rejects.toThrow(coded('member-revoked'));
    expect(registry.enrol(one.token, one.key.request).state).toBe('revoked');
    const again = await admitted(opened);
    expect(registry.isAdmitted(identity(again.member.certificate))).toBe(true);
    expect(registry.isAdmitted(identity(one.member.certificate))).toBe(false);
    expect(decided.at(-1)).toBe('site-1 admitted');
    expect(() => registry.revoke('site', 'site-9')).toThrow(coded('member-unknown'));
  });

  it('no longer admits who asks with another key, until it is admitted again', async () => {
    using opened = await open();
    const { registry, decided } = opened;
    const { member } = await admitted(opened);
    registry.enrol(registry.invite(site1, 1), (await requested()).request);
    expect(registry.isAdmitted(identity(member.certificate))).toBe(false);
    expect(decided).toEqual(['site-1 admitted', 'site-1 pending']);
  });

  it('knows a site and a member of one name apart', async () => {
    using opened = await open();
    const { registry } = opened;
    const { member } = await admitted(opened);
    await admitted(opened, { role: 'member', id: 'site-1' });
    registry.revoke('member', 'site-1');
    expect(registry.isAdmitted(identity(member.certificate))).toBe(true);
  });

  it('holds everything after a restart, at every step', async () => {
    using opened = await open();
    const { request, fingerprint } = await requested();
    const token = opened.registry.invite(site1, 1);
    await opened.restart();
    opened.registry.enrol(token, request);
    await opened.restart();
    const { certificate } = await opened.registry.admit('site', 'site-1', fingerprint);
    await opened.restart();
    expect(opened.registry.isAdmitted(identity(certificate))).toBe(true);
    expect(() => opened.registry.enrol(token, 'none')).toThrow();
    opened.registry.revoke('site', 'site-1');
    await opened.restart();
    expect(opened.registry.isAdmitted(identity(certificate))).toBe(false);
  });

  it('keeps no token, only what it can be told by', async () => {
    using opened = await open();
    const token = opened.registry.invite(site1, 1);
    const database = readFileSync(join(root, String(count), 'ledger.sqlite-wal'), 'latin1');
    expect(database).toContain('site-1');
    expect(database).not.toContain(token);
  });

  it('gives no certificate to a key that came while another one was being admitted', async () => {
    using opened = await open();
    const { registry } = opened;
    const [mine, theirs] = [await requested(), await requested()];
    const tokens = [registry.invite(site1, 1), registry.invite(site1, 1)];
    registry.enrol(tokens[0]!, mine.request);
    const admitting = registry.admit('site', 'site-1', mine.fingerprint);
    registry.enrol(tokens[1]!, theirs.request);
    await expect(admitting).rejects.toThrow(coded('fingerprint-differs'));
    expect(registry.find('site', 'site-1')).toMatchObject({ state: 'pending', certificate: null });
  });

  it('gives nobody else the certificate of one that is renewed', async () => {
    using opened = await open();
    const { registry } = opened;
    const { key, member } = await admitted(opened);
    const renewing = registry.renew(identity(member.certificate), key.request);
    registry.enrol(registry.invite(site1, 1), (await requested()).request);
    await renewing;
    expect(registry.find('site', 'site-1')).toMatchObject({ state: 'pending', certificate: null });
  });

  it('tells who waits for a decision, and forgets who does not wait any more', async () => {
    using opened = await open();
    const { registry } = opened;
    const { request, fingerprint } = await requested();
    registry.enrol(registry.invite(site1, 1), request);
    const gone = new AbortController();
    const [given, waiting] = [
      registry.decided('site', 'site-1', gone.signal),
      registry.decided('site', 'site-1', new AbortController().signal),
    ];
    gone.abort();
    await given;
    await registry.decided('site', 'site-1', gone.signal);
    await registry.admit('site', 'site-1', fingerprint);
    await waiting;
  });
});

describe('what sites are told of revoked members', () => {
  it('is signed by the authority, only grows, and is no shorter after a restart or a new invitation', async () => {
    using opened = await open();
    const authority = () => opened.authority.certificate;
    const told = () => {
      const said = opened.registry.revocations();
      const signature = Buffer.from(said.signature, 'base64');
      expect(isSignedByAuthority({ statement: revocationsStatement(project, said), signature }, authority())).toBe(
        true,
      );
      expect(said.number).toBe(said.keys.length);
      return said.keys;
    };
    const anna = { role: 'member', id: 'anna' } as const;
    const [first, berta] = [await admitted(opened, anna), await admitted(opened, { role: 'member', id: 'berta' })];
    await admitted(opened);
    expect(told()).toEqual([]);
    opened.registry.revoke('member', 'anna');
    opened.registry.revoke('member', 'anna');
    opened.registry.revoke('site', 'site-1');
    const hex = ({ key }: typeof first) => key.fingerprint.replaceAll(' ', '');
    expect(told()).toEqual([hex(first)]);
    await opened.restart();
    const anew = await admitted(opened, anna);
    expect(told()).toEqual([hex(first)]);
    opened.registry.revoke('member', 'berta');
    opened.registry.revoke('member', 'anna');
    expect(told()).toEqual([hex(first), hex(berta), hex(anew)]);
  });

  it('holds who was revoked before sites were told', async () => {
    using opened = await open();
    const { key } = await admitted(opened, { role: 'member', id: 'anna' });
    opened.registry.revoke('member', 'anna');
    opened.database.exec('DROP TABLE revoked_key');
    await opened.restart();
    expect(opened.registry.revocations().keys).toEqual([key.fingerprint.replaceAll(' ', '')]);
  });
});
