/** What a coordinator writes down, and that it does nothing that it cannot write down. */
import { join } from 'node:path';
import {
  AuditLog,
  AuditReader,
  alarmsOf,
  type CheckpointAnswer,
  type CheckpointOffer,
  exchangeCheckpoints,
  verifyAudit,
} from '@consilium/audit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverMember } from './coordinator-directory.ts';
import { TestProject } from './project.fixture.ts';

let project: TestProject;
beforeAll(async () => {
  project = await TestProject.start();
});
afterAll(() => project[Symbol.asyncDispose]());

const directory = () => join(project.directory, 'audit');
function entries(action?: string) {
  using reader = AuditReader.open(directory());
  return reader.entries({ last: 1000, action });
}

describe('a coordinator', () => {
  it('writes down who invited, admitted and revoked whom, with keys, and what did not come about', async () => {
    expect(entries().slice(0, 3)).toMatchObject([
      { action: 'log.begun' },
      {
        action: 'member.admitted',
        actor: { kind: 'person', id: 'files' },
        subjects: [{ id: 'admin' }, { kind: 'key' }],
      },
      { action: 'service.started' },
    ]);
    const site = await project.admit('site', 'site-1'); // by the registry itself: no route, no entry
    const asAdmin = (path: string, body: object) => project.ask('POST', path, project.admin, body);
    await asAdmin('/v1/invitations', { role: 'site', id: 'site-2' });
    await asAdmin('/v1/members/admit', { role: 'site', id: 'site-1', fingerprint: '0000' });
    await asAdmin('/v1/members/revoke', { role: 'site', id: 'site-1' });
    expect(entries('invitation.made')).toMatchObject([
      { actor: { kind: 'member', id: 'admin' }, subjects: [{ kind: 'site', id: 'site-2' }], outcome: 'allowed' },
    ]);
    expect(entries('member.admitted').slice(1)).toMatchObject([
      { outcome: 'allowed', subjects: [{ id: 'site-1' }, { kind: 'key' }] },
      { outcome: 'failed', code: 'coordinator.fingerprint-differs' },
    ]);
    const { fingerprint } = project.coordinator.registry.find('site', 'site-1')!;
    expect(entries('member.revoked')).toMatchObject([
      { subjects: [{ id: 'site-1' }, { kind: 'key', id: fingerprint.replaceAll(' ', '') }] },
    ]);
    expect(await project.ask('GET', '/v1/check', site)).toMatchObject({ code: 'transport.certificate-revoked' });
  });

  it('writes down jobs by name and digest, also what was refused', async () => {
    const answer = await project.ask('POST', '/v1/jobs', project.admin, { jobId: 'job-1', plan: 'none' });
    expect(answer.status).toBe(400);
    const digest = { kind: 'digest', id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) };
    expect(entries('job.submitted')).toMatchObject([
      { actor: { id: 'admin' }, subjects: [{ kind: 'job', id: 'job-1' }, digest], outcome: 'allowed' },
      { outcome: 'failed', code: 'federation.bad-job' },
    ]);
  });

  it('shares its log with a recovery beside it', async () => {
    await recoverMember(
      project.directory,
      { id: 'berta', identity: join(project.directory, 'berta') },
      { nowMs: () => 1_700_000_000_000 },
    );
    expect(entries('member.recovered')).toMatchObject([{ subjects: [{ id: 'berta' }, { kind: 'key' }] }]);
    expect(verifyAudit(directory()).problems).toEqual([]);
  });

  it('keeps the head of a site’s log, not too often, and raises an alarm about one that is forged', async () => {
    const site = await project.admit('site', 'site-5');
    const log = await AuditLog.open(join(project.directory, 'site-5'), {
      nowMs: () => 1_700_000_000_000,
      service: { kind: 'site', id: 'site-5' },
    });
    const statuses: number[] = [];
    const exchange = (forge: (offer: CheckpointOffer) => object = (offer) => offer) =>
      exchangeCheckpoints(log, 'coordinator', async (offer) => {
        const message = { kind: 'checkpoint', ...forge(offer) };
        const { body, code, status } = await project.ask('POST', '/v1/checkpoints', site, message);
        statuses.push(status);
        if (status !== 200) throw new Error(code);
        return body as CheckpointAnswer;
      });
    expect(await exchange()).toEqual([]);
    await expect(exchange()).rejects.toThrow('coordinator.too-often');
    log[Symbol.dispose]();
    expect(statuses).toEqual([200, 429]);
    const heads = { kind: 'log', id: expect.stringMatching(/^site-5@[0-9a-f]{16}\/1$/) };
    expect(entries('checkpoint.stored')).toMatchObject([{ subjects: [heads, { kind: 'digest' }] }]);
    const other = await project.admit('site', 'site-6');
    using forging = await AuditLog.open(join(project.directory, 'site-6'), {
      nowMs: () => 1_700_000_000_000,
      service: { kind: 'site', id: 'site-6' },
    });
    const { head, publicKey } = forging;
    const forged = { kind: 'checkpoint', publicKey, head: { ...head, size: 9 }, path: [], from: 0, holds: 0 };
    expect((await project.ask('POST', '/v1/checkpoints', other, forged)).status).toBe(200);
    expect(entries('checkpoint.disputed')).toMatchObject([{ code: 'audit.head-forged', outcome: 'failed' }]);
    expect(alarmsOf(project.coordinator.audit.database)).toHaveLength(1);
  });

  it('admits, revokes and invites nobody while that cannot be written down', async () => {
    await project.admit('site', 'site-3');
    project.coordinator.audit.database.exec('PRAGMA query_only = 1');
    const before = entries().length;
    const asked = [
      ['/v1/invitations', { role: 'site', id: 'site-4' }],
      ['/v1/members/revoke', { role: 'site', id: 'site-3' }],
      ['/v1/jobs', { jobId: 'job-2' }],
    ] as const;
    for (const [path, body] of asked) {
      expect(await project.ask('POST', path, project.admin, body), path).toMatchObject({ status: 500 });
    }
    expect(project.coordinator.registry.find('site', 'site-3')?.state).toBe('admitted');
    expect(entries()).toHaveLength(before);
    project.coordinator.audit.database.exec('PRAGMA query_only = 0');
  });
});
