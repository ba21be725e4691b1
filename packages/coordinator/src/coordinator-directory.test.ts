import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, IdentityDirectory, wallClockMs } from '@consilium/transport';
import { afterAll, describe, expect, it } from 'vitest';
import { initCoordinator, recoverMember } from './coordinator-directory.ts';
import { TestProject } from './project.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-directory-'));
afterAll(() => rmSync(root, { recursive: true }));

const now = { nowMs: wallClockMs };
const revoked = { status: 403, code: 'transport.certificate-revoked' };
const membersFor = (project: TestProject, peer: Credentials) => project.ask('GET', '/v1/members', peer);

describe('a member who has lost their key', () => {
  it('has a new one from who has the coordinator’s files, while it runs, and the old one counts no more', async () => {
    await using project = await TestProject.start();
    const old = project.admin;
    expect(await membersFor(project, old)).toMatchObject({ status: 200 });
    const identity = join(root, 'new-admin');
    const { credentials } = await recoverMember(project.directory, { id: 'admin', identity }, now);
    expect(await membersFor(project, old)).toMatchObject(revoked);
    expect(await membersFor(project, credentials)).toMatchObject({
      status: 200,
      body: { members: [{ role: 'member', id: 'admin', state: 'admitted' }] },
    });
    const opened = await IdentityDirectory.open(identity);
    expect(opened.credentials).toEqual(credentials);
  });

  it('may also have been revoked, as the last who could have admitted anyone', async () => {
    await using project = await TestProject.start();
    project.coordinator.registry.revoke('member', 'admin');
    const { credentials } = await recoverMember(project.directory, { id: 'admin', identity: join(root, 'back') }, now);
    expect(await membersFor(project, credentials)).toMatchObject({ status: 200 });
  });

  it('has it too while the coordinator is stopped', async () => {
    const directory = join(root, 'stopped');
    await initCoordinator(directory, { project: 'kidney', names: ['127.0.0.1'] }, now);
    rmSync(join(directory, 'admin'), { recursive: true });
    await recoverMember(directory, { id: 'admin', identity: join(directory, 'admin') }, now);
    expect((await IdentityDirectory.open(join(directory, 'admin'))).facts).toMatchObject({
      role: 'member',
      id: 'admin',
    });
  });

  it('keeps the key that is there', async () => {
    const directory = join(root, 'present');
    await initCoordinator(directory, { project: 'kidney', names: ['127.0.0.1'] }, now);
    const identity = join(directory, 'admin');
    const before = (await IdentityDirectory.open(identity)).credentials;
    await expect(recoverMember(directory, { id: 'admin', identity }, now)).rejects.toMatchObject({
      code: 'coordinator.identity-present',
    });
    await expect(recoverMember(directory, { id: 'berta', identity }, now)).rejects.toMatchObject({
      code: 'transport.identity-taken',
    });
    expect((await IdentityDirectory.open(identity)).credentials).toEqual(before);
    const authority = join(directory, 'authority');
    const key = readFileSync(join(authority, 'key.pem'));
    await expect(recoverMember(directory, { id: 'berta', identity: authority }, now)).rejects.toMatchObject({
      code: 'transport.identity-taken',
    });
    expect(readFileSync(join(authority, 'key.pem'))).toEqual(key);
  });
});

describe('a directory that holds a coordinator', () => {
  it('is not made into another', async () => {
    const directory = join(root, 'taken');
    const settings = { project: 'kidney', names: ['127.0.0.1'] };
    await initCoordinator(directory, settings, now);
    await expect(initCoordinator(directory, settings, now)).rejects.toMatchObject({
      code: 'coordinator.directory-taken',
    });
  });
});
