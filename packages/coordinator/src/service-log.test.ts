import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { JobEvent } from '@consilium/federation';
import type { JobId, SiteId } from '@consilium/protocol';
import { enrol, IdentityDirectory, type Invitation } from '@consilium/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from './project.fixture.ts';
import { logJobEvent, openServiceLog } from './service-log.ts';

class Lines extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  /** Those with this message. */
  of(message: string): Record<string, unknown>[] {
    const lines = this.text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);
  }
}

const lines = new Lines();
let project: TestProject;
const secrets: string[] = [];

/** A site joins, says that it lives, and is revoked; requests of all kinds fail. */
beforeAll(async () => {
  project = await TestProject.start({ logger: openServiceLog({ level: 'trace', to: lines }) });
  const { admin, coordinator, directory } = project;
  const invited = await project.ask('POST', '/v1/invitations', admin, { role: 'site', id: 'site-1' });
  const { token } = invited.body as { token: string };
  const origin = `https://127.0.0.1:${coordinator.port}`;
  const invitation: Invitation = {
    project: 'kidney',
    role: 'site',
    id: 'site-1',
    coordinator: origin,
    authority: coordinator.authority.fingerprint,
    token,
  };
  const identity = await IdentityDirectory.create(join(directory, 'site-1'), {
    project: 'kidney',
    role: 'site',
    id: 'site-1',
    coordinator: origin,
  });
  const admit = (fingerprint: string) =>
    void project.ask('POST', '/v1/members/admit', admin, { role: 'site', id: 'site-1', fingerprint });
  await enrol(identity, invitation, { signal: new AbortController().signal, onPending: admit });
  const site = identity.credentials;
  await project.ask('POST', '/v1/messages', site, { kind: 'alive' });
  await project.ask('POST', '/v1/line', site, { kind: 'hello', protocolVersion: 1, holding: [] });
  await project.ask('POST', '/v1/enrolments', null, { token: 'a-wrong-token', request: identity.request });
  await project.ask('POST', '/v1/jobs', admin, { kind: 'train', secret: 'a-malformed-job' });
  await project.ask('GET', '/v1/jobs', site);
  await project.ask('POST', '/v1/renewals', site, { request: identity.request });
  await project.ask('POST', '/v1/members/revoke', admin, { role: 'site', id: 'site-1' });
  await project.ask('GET', '/v1/check', site);
  coordinator.store.database.exec('DROP TABLE invitation');
  await project.ask('POST', '/v1/invitations', admin, { role: 'site', id: 'site-2' });
  const keys = ['authority/key.pem', 'admin/key.pem', 'site-1/key.pem'].map((name) =>
    readFileSync(join(directory, name), 'utf8'),
  );
  secrets.push(token, 'a-wrong-token', 'a-malformed-job', identity.request, site.certificate, ...keys);
});
afterAll(() => project[Symbol.asyncDispose]());

describe('the log of a coordinator', () => {
  it('tells who came and went, by whom', async () => {
    expect(lines.of('member')).toMatchObject([
      { level: 30, role: 'site', id: 'site-1', state: 'pending', by: 'site-1' },
      { level: 30, role: 'site', id: 'site-1', state: 'admitted', by: 'admin' },
      { level: 30, role: 'site', id: 'site-1', state: 'revoked', by: 'admin' },
    ]);
    expect(lines.of('site connected')).toMatchObject([{ level: 30, siteId: 'site-1' }]);
    await expect.poll(() => lines.of('site disconnected')).toMatchObject([{ siteId: 'site-1' }]);
  });

  it('tells of requests at debug only: the route, who asked, and what they were answered', () => {
    const requests = lines.of('request');
    expect(requests.every(({ level }) => level === 20)).toBe(true);
    expect(requests).toContainEqual(
      expect.objectContaining({ method: 'POST', route: '/v1/messages', role: 'site', id: 'site-1', status: 200 }),
    );
    expect(requests).toContainEqual(expect.objectContaining({ route: '/v1/enrolments', status: 403 }));
    expect(lines.text).not.toContain('incoming request');
  });

  it('tells why it turned somebody away', () => {
    const codes = lines.of('refused').map(({ code }) => code);
    for (const code of ['coordinator.token-unknown', 'coordinator.not-allowed', 'transport.certificate-revoked']) {
      expect(codes).toContain(code);
    }
  });

  it('has the stack of an error of its own', () => {
    const failed = lines.text.split('\n').find((line) => /"err".*no such table/.test(line));
    expect(JSON.parse(failed ?? '{}')).toMatchObject({ err: { stack: expect.stringContaining('member-registry') } });
  });

  it('has nothing of a secret: no token, no key, no certificate, nothing of what was sent', () => {
    expect(secrets).toHaveLength(8);
    for (const secret of secrets) {
      expect(lines.text).not.toContain(secret);
      for (const line of secret.split('\n').filter((part) => part.length > 20)) expect(lines.text).not.toContain(line);
    }
    expect(lines.text).not.toMatch(/BEGIN|PRIVATE/);
  });

  it('drops the fields of secrets that someone logs by mistake', () => {
    const own = new Lines();
    const log = openServiceLog({ to: own });
    log.info({ token: 'abc-secret', settings: { proxy: 'http://u:abc-secret@p', key: 'abc-secret' } }, 'mistake');
    expect(own.of('mistake')).toHaveLength(1);
    expect(own.text).not.toContain('abc-secret');
  });

  it('tells of jobs by what matters: steps at debug, what needs a person as a warning', () => {
    const own = new Lines();
    const log = openServiceLog({ level: 'debug', to: own });
    const at = { jobId: 'job' as JobId, round: 1, siteId: 'site-1' as SiteId };
    const events: JobEvent[] = [
      { ...at, kind: 'round-started', of: 2, participants: [] },
      { ...at, kind: 'site-step', step: 1, of: 2, loss: 0.5 },
      { ...at, kind: 'site-lost', task: 'train', code: 'site.worker-ended', message: 'It ended.', again: true },
    ];
    for (const event of events) logJobEvent(log, event);
    const levels = events.map(({ kind }) => own.of(kind)[0]!['level']);
    expect(levels).toEqual([30, 20, 40]);
    expect(own.of('site-step')).toMatchObject([{ jobId: 'job', siteId: 'site-1', step: 1, loss: 0.5 }]);
  });
});
