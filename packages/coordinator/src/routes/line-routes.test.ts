/** What a site is told on its line of members that were revoked. */
import type { CoordinatorMessage } from '@consilium/protocol';
import { CoordinatorClient } from '@consilium/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from '../project.fixture.ts';

let project: TestProject;
beforeAll(async () => {
  project = await TestProject.start();
});
afterAll(() => project[Symbol.asyncDispose]());

async function heardBy(id: string) {
  const credentials = await project.admit('site', id);
  const { authority, port } = project.coordinator;
  const origin = `https://127.0.0.1:${port}`;
  const client = new CoordinatorClient({ origin, authority: authority.certificate, credentials });
  const over = new AbortController();
  const line = client.openLine({ kind: 'hello', protocolVersion: 1, holding: [] }, over.signal);
  const next = async (): Promise<CoordinatorMessage> => (await line.next()).value;
  const end = async () => {
    over.abort();
    await line.next().catch(() => {});
    await client.close();
  };
  return { next, end };
}

describe('the line to a site', () => {
  it('begins with who was revoked, and tells of each that is revoked afterwards, all sites', async () => {
    await project.admit('member', 'anna');
    await project.admit('member', 'berta');
    const { registry } = project.coordinator;
    const sites = [await heardBy('site-1'), await heardBy('site-2')];
    for (const { next } of sites) {
      expect(await next()).toMatchObject({ kind: 'welcome', revocations: { number: 0, keys: [] } });
    }
    const revoke = (id: string) => project.ask('POST', '/v1/members/revoke', project.admin, { role: 'member', id });
    expect((await revoke('anna')).status).toBe(200);
    const anna = registry.find('member', 'anna')!.fingerprint.replaceAll(' ', '');
    for (const { next } of sites) {
      expect(await next()).toMatchObject({ kind: 'revocations', revocations: { number: 1, keys: [anna] } });
    }
    await revoke('berta');
    const later = await heardBy('site-3');
    expect(await later.next()).toMatchObject({ kind: 'welcome', revocations: { number: 2 } });
    for (const { end } of [...sites, later]) await end();
  });
});
