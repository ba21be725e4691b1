/** The reading room for the people of an archive: who they are, and what their roles let them do. */
import type { AddressInfo } from 'node:net';
import { ArchiveService, serviceSettingsOf } from '@consilium/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeTable } from '../contract/route-table.ts';
import { passing, renalProtocol, ToyClock, ToyDirectory } from '../toy-room.fixture.ts';
import { readingExtension } from './reading-extension.ts';

const directory = new ToyDirectory();
const founder = { kind: 'person', id: 'console' } as const;
let service: ArchiveService;

beforeAll(async () => {
  const settings = serviceSettingsOf({ project: 'kidney' });
  const options = { clock: new ToyClock(), deidentify: passing, extensions: [readingExtension()] };
  service = await ArchiveService.open(directory.path, settings, options);
  const roles = { lena: ['lead', 'engineer'], anna: ['reader'], adele: ['adjudicator', 'reviewer'] } as const;
  for (const [name, held] of Object.entries(roles)) {
    await service.people.accounts.add(founder, { name, display: name, roles: held });
    await service.people.accounts.setPassword(founder, name, 'violet harbour 7 lanterns');
  }
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

async function as(name: string, method: 'GET' | 'PUT', path: string, payload?: object) {
  const cookie = `consilium_archive=${service.people.sessions.begin(name, { agent: 'test', way: 'password' })}`;
  // Who says that they are somebody else is not believed.
  const headers = { cookie, 'x-person': 'lena', 'x-forwarded-user': 'lena' };
  const answer = await service.app.inject({ method, url: `/reading/v1${path}`, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, json: answer.json() };
}

describe('a person of the archive', () => {
  it('is known to the reading room by name, with the roles that it knows', async () => {
    expect((await as('lena', 'GET', '/me')).json).toEqual({ person: 'lena', roles: ['lead'] });
    expect((await as('anna', 'GET', '/me')).json).toEqual({ person: 'anna', roles: ['reader'] });
    expect((await as('adele', 'GET', '/me')).json).toEqual({ person: 'adele', roles: ['reviewer', 'adjudicator'] });
    const authorization = `Bearer ${service.ownToken}`;
    const { body } = await service.app.inject({ url: '/reading/v1/me', headers: { authorization } });
    expect(JSON.parse(body)).toEqual({ person: 'console', roles: ['lead', 'reader', 'reviewer', 'adjudicator'] });
  });

  it('does there what the own roles say', async () => {
    expect((await as('anna', 'PUT', '/projects/renal', renalProtocol)).json.code).toBe('reading.role-wanted');
    expect((await as('lena', 'PUT', '/projects/renal', renalProtocol)).status).toBe(200);
  });

  it('is told nothing more once the session has ended', async () => {
    const admit = (title: string) => as('lena', 'PUT', `/projects/${title}`, renalProtocol);
    await admit('watched');
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = service.app.server.address() as AddressInfo;
    const secret = service.people.sessions.begin('anna', { agent: 'test', way: 'password' });
    const address = `http://127.0.0.1:${port}/reading/v1${routeTable.eventStream.path.replace(':project', 'watched')}`;
    const response = await fetch(address, { headers: { cookie: `consilium_archive=${secret}` } });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain(': here');
    service.people.sessions.endAll('anna');
    await admit('another');
    let part = await reader.read();
    while (!part.done) part = await reader.read();
    expect(part.done).toBe(true);
  });
});
