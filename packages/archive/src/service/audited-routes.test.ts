/** What an archive writes down about its people, and that there is no patient in it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditReader, verifyAudit } from '@consilium/audit';
import { peopleRouteNeeds } from '@consilium/people';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passing, ToyClock, ToyDirectory, toySeries } from '../toy-archive.fixture.ts';
import { ArchiveService, consoleTokenFile } from './archive-service.ts';
import { auditedRoutes, unauditedRoutes } from './audited-routes.ts';
import { serviceSettingsOf } from './service-settings.ts';

const directory = new ToyDirectory();
const path = join(directory.path, 'archive');
const clock = new ToyClock();
const viewerToken = 'viewer-token-of-some-length';
let service: ArchiveService;
let token: string;

beforeAll(async () => {
  writeFileSync(join(directory.path, 'viewer'), viewerToken);
  const clients = [{ name: 'viewer', tokenFile: join(directory.path, 'viewer'), may: ['read'] as const }];
  const settings = serviceSettingsOf({ project: 'kidney', settleMs: 0, dicomweb: { clients } });
  service = await ArchiveService.open(path, settings, { clock, deidentify: passing });
  token = readFileSync(join(path, consoleTokenFile), 'utf8').trim();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', route: string, body?: object | Buffer) {
  const type = Buffer.isBuffer(body) ? 'application/dicom' : 'application/json';
  const answer = await service.app.inject({
    ...{ method, url: `/api/v1${route}` },
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: answer.statusCode, body: answer.json() };
}
function entries(action?: string) {
  using reader = AuditReader.open(join(path, 'audit'));
  return reader.entries({ last: 1000, action });
}
/** As somebody with the file would search it. */
const logged = () =>
  entries()
    .map((entry) => JSON.stringify(entry))
    .join('\n');

describe('the audit log of an archive', () => {
  it('has every route that changes something, or says why not', () => {
    const changing = service.routes
      .filter(({ method, url }) => url.startsWith('/api/v1/') && ['POST', 'PUT', 'DELETE'].includes(method))
      .map(({ method, url }) => `${method} ${url.slice('/api/v1'.length)}`);
    // What is done to people, they write down themselves.
    const known = [...Object.keys(auditedRoutes), ...Object.keys(unauditedRoutes), ...Object.keys(peopleRouteNeeds)];
    expect(changing.filter((route) => !known.includes(route))).toEqual([]);
    expect(changing.length).toBeGreaterThan(25);
  });

  it('says who asked whom a pseudonym stands for, and who erased, but neither the name nor the reason', async () => {
    // The patient's name is "Secret^A", by the fixture.
    for (const bytes of toySeries({ patient: 'A' })) await ask('POST', '/uploads/instance', Buffer.from(bytes));
    await ask('POST', '/settle', {});
    const reason = 'Mrs Secret of ward 7 asked';
    const { facts } = (await ask('POST', '/reidentify', { level: 'subject', pseudonym: 'A', reason })).body;
    expect(facts).toEqual([{ PatientName: 'Secret^A' }]);
    const digest = { kind: 'digest', id: expect.stringMatching(/^hmac:[0-9a-f]{64}$/) };
    const asked = { actor: { kind: 'person', id: 'console' }, subjects: [{ kind: 'subject', id: 'A' }, digest] };
    expect(entries('subject.reidentified')).toMatchObject([{ ...asked, outcome: 'allowed' }]);
    await ask('POST', '/reidentify', { level: 'subject', pseudonym: 'Secret-Anna', reason });
    await ask('POST', '/subjects/Secret-Anna/erase', { reason });
    expect(entries('subject.erased')).toMatchObject([
      { subjects: [digest, digest], outcome: 'allowed' },
      { outcome: 'failed', code: 'archive.subject-unknown' },
    ]);
    await ask('POST', '/subjects/A/erase', { reason });
    expect(entries('subject.erased')[2]).toMatchObject({ ...asked, outcome: 'allowed' });
    expect(logged()).not.toMatch(/secret|ward/i);
  });

  it('holds nothing of a patient after everything was done with one', async () => {
    const canary = 'Zanzibarowitz';
    const folder = join(directory.path, canary);
    mkdirSync(folder);
    const slices = toySeries({ patient: canary, description: `phase of ${canary}` });
    for (const [at, bytes] of slices.entries()) writeFileSync(join(folder, `${canary}-${at}.dcm`), bytes);
    for (const bytes of slices) await ask('POST', '/uploads/instance', Buffer.from(bytes));
    await ask('POST', '/settle', {});
    const { series } = (await ask('GET', '/search?query=')).body;
    const { seriesInstanceUid: uid } = series[0];
    const before = entries().length;
    const typed = { tag: canary, text: canary, code: 'x', severity: 'note', message: canary, reason: canary };
    for (const route of Object.keys(auditedRoutes)) {
      const [method, url] = route.split(' ') as ['POST', string];
      const concrete = url
        .replace('/series/:id', `/series/${uid}`)
        .replace(/:\w+/g, canary)
        .replace('/splits/Zanz', '/splits/z%20anz')
        .replace(/\/(quarantine|imports|remotes|pulls)\/\w+/, '/$1/none');
      const body = {
        ...typed,
        level: 'subject',
        pseudonym: canary,
        name: `of ${canary}`,
        query: '',
        split: `s ${canary}`,
      };
      await ask(
        method,
        concrete,
        method === ('GET' as string) ? undefined : { ...body, path: folder, phase: 'excretory' },
      );
    }
    await ask('POST', `/subjects/${canary}/erase`, { reason: canary });
    expect(entries().length).toBeGreaterThan(before + 20);
    // The toy archive leaves the patient's name as it is, so its pseudonym is the canary: nothing else may hold it.
    const lines = logged().replaceAll(`{"kind":"subject","id":"${canary}"}`, '');
    expect(lines.toLowerCase()).not.toContain(canary.toLowerCase());
    expect(verifyAudit(join(path, 'audit')).problems).toEqual([]);
  });

  it('says which client was given images of which study, once an hour', async () => {
    for (const bytes of toySeries({ patient: 'B' })) await ask('POST', '/uploads/instance', Buffer.from(bytes));
    const { series } = (await ask('GET', '/search?query=PatientID%20%3D%20B')).body;
    const { studyInstanceUid } = series[0];
    const view = (authorization: string) =>
      service.app.inject({ url: `/dicom-web/studies/${studyInstanceUid}`, headers: { authorization } });
    expect((await view('Bearer somebody-else')).statusCode).toBe(401);
    expect(entries('study.exported')).toEqual([]);
    for (let time = 0; time < 3; time++) expect((await view(`Bearer ${viewerToken}`)).statusCode).toBe(200);
    clock.timeMs += 3_600_000;
    await view(`Bearer ${viewerToken}`);
    const exported = { actor: { kind: 'person', id: 'viewer' }, subjects: [{ kind: 'study', id: studyInstanceUid }] };
    expect(entries('study.exported')).toMatchObject([exported, exported]);
  });

  it('knows logins, and of wrong ones not more than one in ten seconds', async () => {
    for (const wrong of ['a', 'b', 'c']) await ask('POST', '/session', { token: wrong.repeat(64) });
    clock.timeMs += 10_000;
    await ask('POST', '/session', { token: 'd'.repeat(64) });
    await ask('POST', '/session', { token });
    expect(entries('login.refused')).toHaveLength(2);
    expect(entries('login.succeeded')).toMatchObject([{ outcome: 'allowed' }]);
    expect(logged()).not.toContain(token);
  });

  it('keeps a thing from being done that cannot be written down', async () => {
    service.audit.database.exec('PRAGMA query_only = 1');
    const asked = await ask('POST', '/reidentify', { level: 'subject', pseudonym: 'B', reason: 'none' });
    expect(asked).toMatchObject({ status: 500, body: { code: 'archive.failed' } });
    const login = await service.app.inject({ method: 'POST', url: '/api/v1/session', payload: { token } });
    expect([login.statusCode, login.headers['set-cookie']]).toEqual([500, undefined]);
    expect((await ask('POST', '/subjects/B/erase', { reason: 'none' })).status).toBe(500);
    expect((await ask('GET', '/subjects/B')).body).toHaveLength(1);
    service.audit.database.exec('PRAGMA query_only = 0');
  });
});
