/** Who may do what: every route that the coordinator has, asked by every kind of peer. */
import type { Credentials } from '@consilium/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from '../project.fixture.ts';

const everyone = ['nobody', 'site', 'member', 'revoked site', 'revoked member', 'replaced site', 'foreign'] as const;
const both = ['site', 'member'] as const;
const members = ['member'] as const;
const sites = ['site'] as const;

/** The one list of who may do what. A route that is not here fails the test. */
const allowed: Readonly<Record<string, readonly (typeof everyone)[number][]>> = {
  'GET /v1/authority': everyone,
  'POST /v1/enrolments': everyone,
  'POST /v1/renewals': both,
  'GET /v1/check': both,
  'POST /v1/line': sites,
  'POST /v1/messages': sites,
  'POST /v1/checkpoints': sites,
  'GET /v1/blobs/:id': both,
  'PUT /v1/blobs/:id': both,
  'GET /v1/chunks/:id': both,
  'PUT /v1/chunks/:id': both,
  'POST /v1/jobs': members,
  'GET /v1/jobs': members,
  'GET /v1/jobs/:jobId': members,
  'POST /v1/jobs/:jobId/pause': members,
  'POST /v1/jobs/:jobId/resume': members,
  'POST /v1/jobs/:jobId/abort': members,
  'GET /v1/jobs/:jobId/log': members,
  'GET /v1/jobs/:jobId/events': members,
  'GET /v1/jobs/:jobId/result': members,
  'POST /v1/invitations': members,
  'GET /v1/members': members,
  'POST /v1/members/admit': members,
  'POST /v1/members/revoke': members,
};

/** Why each of the others is turned away. */
const refusals: Readonly<Record<(typeof everyone)[number], readonly string[]>> = {
  nobody: ['transport.certificate-wanted'],
  site: ['coordinator.not-allowed'],
  member: ['coordinator.not-allowed'],
  'revoked site': ['transport.certificate-revoked'],
  'revoked member': ['transport.certificate-revoked'],
  'replaced site': ['transport.certificate-revoked'],
  foreign: ['transport.certificate-foreign'],
};

let project: TestProject;
let other: TestProject;
const peers = new Map<(typeof everyone)[number], Credentials | null>();

beforeAll(async () => {
  project = await TestProject.start();
  other = await TestProject.start();
  peers.set('nobody', null);
  peers.set('site', await project.admit('site', 'site-1'));
  peers.set('member', project.admin);
  peers.set('revoked site', await project.admit('site', 'site-2'));
  peers.set('revoked member', await project.admit('member', 'someone'));
  peers.set('replaced site', await project.admit('site', 'site-3'));
  peers.set('foreign', other.admin);
  project.coordinator.registry.revoke('site', 'site-2');
  project.coordinator.registry.revoke('member', 'someone');
  await project.admit('site', 'site-3');
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

const routes = () =>
  project.coordinator.routes.map(({ method, url }) => ({
    method,
    url,
    name: `${method.replace('HEAD', 'GET')} ${url}`,
  }));
const path = (url: string) => url.replace(':id', 'ab'.repeat(32)).replace(':jobId', 'no-such-job');
const ask = (peer: Credentials | null, { method, url }: { method: string; url: string }) =>
  project.ask(method, path(url), peer, method === 'POST' || method === 'PUT' ? {} : undefined);

describe('the routes of a coordinator', () => {
  it('are those of the table, and no others', () => {
    expect([...new Set(routes().map(({ name }) => name))].sort()).toEqual(Object.keys(allowed).sort());
  });

  it('answer those of the table, and nobody else', async () => {
    const actual: Record<string, string[]> = {};
    const wanted: Record<string, string[]> = {};
    for (const route of routes()) {
      const place = `${route.method} ${route.url}`;
      actual[place] = [];
      wanted[place] = [...allowed[route.name]!];
      for (const who of everyone) {
        const { status } = await ask(peers.get(who)!, route);
        if (status !== 401 && status !== 403) actual[place].push(who);
        expect(status, `${who}: ${place}`).toBeLessThan(500);
      }
    }
    expect(actual).toEqual(wanted);
  });

  it('say by a code why they turn somebody away', async () => {
    for (const route of routes().filter(({ method }) => method !== 'HEAD')) {
      for (const who of everyone) {
        if (allowed[route.name]!.includes(who)) continue;
        const { code, status } = await ask(peers.get(who)!, route);
        expect(refusals[who], `${who}: ${route.name}`).toContain(code);
        expect(status).toBe(who === 'nobody' ? 401 : 403);
      }
    }
  });

  it('have two that need no certificate', () => {
    const open = Object.keys(allowed).filter((name) => allowed[name]!.includes('nobody'));
    expect(open).toEqual(['GET /v1/authority', 'POST /v1/enrolments']);
  });

  it('answer no address that is not among them', async () => {
    for (const peer of peers.values()) {
      const { code, status } = await project.ask('GET', '/v1/nothing', peer);
      expect([401, 403, 404]).toContain(status);
      expect(code).toMatch(/^transport\./);
    }
  });

  it('turn a site away at once when it is revoked, also on a connection that is open', async () => {
    const credentials = await project.admit('site', 'site-4');
    expect((await project.ask('GET', '/v1/check', credentials)).status).toBe(200);
    const revoked = await project.ask('POST', '/v1/members/revoke', project.admin, { role: 'site', id: 'site-4' });
    expect(revoked).toMatchObject({ status: 200, body: { state: 'revoked' } });
    expect(await project.ask('GET', '/v1/check', credentials)).toMatchObject({ code: 'transport.certificate-revoked' });
    expect((await project.ask('GET', '/v1/check', peers.get('site')!)).status).toBe(200);
  });

  it('take nothing of a site that is about another one', async () => {
    const message = { kind: 'failure', taskId: 'job/1/train/site-1', attempt: 1 };
    const failure = { code: 'site.aborted', message: 'No.', lasting: true };
    const theirs = await project.admit('site', 'site-5');
    const answer = await project.ask('POST', '/v1/messages', theirs, { ...message, failure });
    expect(answer).toMatchObject({ status: 403, code: 'coordinator.task-of-another' });
  });
});
