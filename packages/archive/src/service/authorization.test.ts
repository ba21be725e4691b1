/** Who may ask what of an archive's service: every route, by everybody who might try, over the one table of needs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Permission, Role, type RouteNeeds } from '@consilium/people';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passing, ToyClock, ToyDirectory } from '../toy-archive.fixture.ts';
import { ArchiveService, consoleTokenFile, type ServiceExtension } from './archive-service.ts';
import { routeNeedsOf } from './route-needs.ts';
import { serviceSettingsOf } from './service-settings.ts';

const directory = new ToyDirectory();
const path = join(directory.path, 'archive');
const pages = join(directory.path, 'pages');
const clock = new ToyClock();
const viewerToken = 'viewer-token-of-some-length';
const extension: ServiceExtension = {
  prefix: '/toy/v1',
  needs: { 'GET /things/:id': 'room.enter', 'POST /things': 'room.enter' },
  register: async (app, { access }) => {
    app.get('/things/:id', async (request) => ({ person: access.of(request).name }));
    app.post('/things', async () => ({}));
  },
};
const founder = { kind: 'person', id: 'console' } as const;
let service: ArchiveService;
let needs: RouteNeeds;
let token: string;
/** Method, address, need, as the service has made them. */
let routes: readonly { readonly method: string; readonly url: string; readonly need: RouteNeeds[string] }[];

const settings = () =>
  serviceSettingsOf({
    ...{ project: 'kidney', settleMs: 0 },
    dicomweb: {
      clients: [{ name: 'viewer', tokenFile: join(directory.path, 'viewer'), may: ['read'] }],
      corsOrigins: ['https://viewer.example.org'],
    },
  });

beforeAll(async () => {
  mkdirSync(join(pages, 'assets'), { recursive: true });
  writeFileSync(join(pages, 'site.html'), '<!doctype html><title>pages</title>');
  writeFileSync(join(pages, 'assets', 'site.js'), '');
  writeFileSync(join(directory.path, 'viewer'), viewerToken);
  const options = { clock, deidentify: passing, pages, extensions: [extension] };
  service = await ArchiveService.open(path, settings(), options);
  await service.app.ready();
  token = readFileSync(join(path, consoleTokenFile), 'utf8').trim();
  needs = routeNeedsOf({ dicomwebPath: '/dicom-web', pages, extensions: [extension] });
  const asked = service.routes.filter(({ method }) => method !== 'HEAD');
  routes = asked.map(({ method, url }) => ({ method, url, need: needs[`${method} ${url}`]! }));
  for (const role of Object.values(Role)) {
    await service.people.accounts.add(founder, { name: role, display: role, roles: [role] });
    await service.people.accounts.setPassword(founder, role, `violet harbour ${role} 7 lanterns`);
  }
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

type Headers = Record<string, string>;

async function ask({ method, url }: { method: string; url: string }, headers: Headers, query = '') {
  const answer = await service.app.inject({
    method: method as 'GET',
    url: url.replace(/:\w+|\*/g, 'x') + query,
    headers,
    ...(method === 'GET' || method === 'OPTIONS' ? {} : { payload: {} }),
  });
  const isJson = String(answer.headers['content-type']).includes('json');
  return { status: answer.statusCode, code: isJson ? String(answer.json()?.code) : '', body: answer.body };
}

const cookieOf = (name: string) =>
  `consilium_archive=${service.people.sessions.begin(name, { agent: 'test', way: 'password' })}`;
const guarded = () => routes.filter(({ need }) => need !== 'anyone');
const isDicomweb = ({ url }: { url: string }) => url.startsWith('/dicom-web');
const strangerCode = (route: { url: string }) => (isDicomweb(route) ? 'archive.token-wanted' : 'people.login-wanted');
const refusedCode = (route: { url: string }) => (isDicomweb(route) ? 'archive.not-allowed' : 'people.not-allowed');

/** At every route that is not open to all. */
async function expectStranger(headers: Headers, query = ''): Promise<void> {
  for (const route of guarded()) {
    const { code, status } = await ask(route, headers, query);
    expect({ ...route, code, status }).toEqual({ ...route, code: strangerCode(route), status: 401 });
  }
}

describe('the table of needs', () => {
  it('is of exactly the routes that there are', () => {
    expect(new Set(routes.map(({ method, url }) => `${method} ${url}`))).toEqual(new Set(Object.keys(needs)));
    expect(routes.length).toBeGreaterThan(90);
  });

  it('is open without a login for the pages, the login and preflights only', () => {
    const open = routes.filter(({ need, url }) => need === 'anyone' && !url.startsWith('/assets/'));
    expect(open.map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
      'GET /',
      'GET /api/v1/login',
      'GET /api/v1/login/provider',
      'GET /api/v1/login/provider/return',
      'GET /site.html',
      'OPTIONS /dicom-web/*',
      'POST /api/v1/session',
    ]);
  });

  it('keeps a service from starting with a route that nobody has thought of', async () => {
    const forgetful: ServiceExtension = {
      ...extension,
      register: async (app) => void app.get('/forgotten', async () => ({})),
    };
    const other = join(directory.path, 'other');
    const opened = ArchiveService.open(other, settings(), { clock, deidentify: passing, extensions: [forgetful] });
    await expect(opened).rejects.toThrow('GET /toy/v1/forgotten is not in the table of needs');
  });
});

describe('every route of the service', () => {
  it('lets in nobody who is not known: without anything, with made-up cookies and tokens, or by other headers', async () => {
    await expectStranger({});
    await expectStranger({ cookie: 'consilium_archive=AAAA; consilium_session=1.2' });
    await expectStranger({ authorization: `Bearer cns_${'A'.repeat(43)}` });
    await expectStranger({ authorization: `Basic ${Buffer.from(`administrator:${token}`).toString('base64')}` });
    await expectStranger({
      ...{ 'x-forwarded-user': 'administrator', 'remote-user': 'administrator', 'x-person': 'administrator' },
      ...{ 'x-remote-user': 'administrator', 'x-forwarded-for': '127.0.0.1', 'x-consilium-person': 'administrator' },
    });
  });

  it('takes no token from its address', async () => {
    await expectStranger({}, `?token=${token}&access_token=${token}&api_key=${token}&bearer=${token}`);
  });

  it('takes no cookie where a token is shown that is not good', async () => {
    await expectStranger({ authorization: 'Bearer nonsense', cookie: cookieOf(Role.dataManager) });
  });

  it('lets in nobody whose session is over, or ended, or whose account is shut', async () => {
    const old = cookieOf(Role.dataManager);
    clock.timeMs += 61 * 60_000 + 60_000;
    await expectStranger({ cookie: old });
    const ended = cookieOf(Role.dataManager);
    service.people.sessions.endAll(Role.dataManager);
    await expectStranger({ cookie: ended });
    const shut = cookieOf(Role.dataManager);
    const made = await service.people.tokens.make(founder, Role.dataManager, {
      ...{ name: 'program', scopes: ['catalogue.read', 'image.read'], days: 1 },
    });
    await service.people.accounts.setDisabled(founder, Role.dataManager, true);
    await expectStranger({ cookie: shut });
    await expectStranger({ authorization: `Bearer ${made.secret}` });
    await service.people.accounts.setDisabled(founder, Role.dataManager, false);
  });

  it('lets in no token that was revoked, or has expired', async () => {
    const making = { name: 'program', scopes: ['catalogue.read', 'image.read'], days: 1 } as const;
    const revoked = await service.people.tokens.make(founder, Role.dataManager, making);
    await service.people.tokens.revoke(founder, Role.dataManager, revoked.id);
    await expectStranger({ authorization: `Bearer ${revoked.secret}` });
    const expiring = await service.people.tokens.make(founder, Role.dataManager, making);
    const overview = { method: 'GET', url: '/api/v1/overview' };
    expect((await ask(overview, { authorization: `Bearer ${expiring.secret}` })).status).toBe(200);
    clock.timeMs += 86_400_000;
    await expectStranger({ authorization: `Bearer ${expiring.secret}` });
  });

  it.each(Object.values(Role))('does for the role %s what its permissions say, and nothing else', async (role) => {
    const cookie = cookieOf(role);
    const { permissions } = JSON.parse((await ask({ method: 'GET', url: '/api/v1/session' }, { cookie })).body);
    const may = new Set<string>(permissions);
    const isAllowed = ({ need }: { need: string }) => need === 'known' || may.has(need);
    for (const route of guarded().filter((one) => !isAllowed(one))) {
      const { code, status } = await ask(route, { cookie });
      expect({ ...route, code, status }).toEqual({ ...route, code: refusedCode(route), status: 403 });
    }
    for (const route of guarded().filter(isAllowed)) {
      // A stream of events does not end.
      if (route.url === '/api/v1/events') continue;
      const { code, status } = await ask(route, { cookie: cookieOf(role) });
      const isLetIn = status !== 401 && code !== refusedCode(route);
      expect({ ...route, isLetIn }).toEqual({ ...route, isLetIn: true });
    }
  });

  it('does for a token what its scopes say, as long as its owner may', async () => {
    const scope: Permission = 'cohort.freeze';
    const tokenOf = (account: string) =>
      service.people.tokens.make(founder, account, { name: 'program', scopes: [scope], days: 1 });
    const { secret } = await tokenOf(Role.lead);
    const beyond = (await tokenOf(Role.reader)).secret;
    for (const route of guarded()) {
      if (route.need === 'known') continue;
      const asked = await ask(route, { authorization: `Bearer ${secret}` });
      const isLetIn = asked.status !== 401 && asked.code !== refusedCode(route);
      expect({ ...route, isLetIn }).toEqual({ ...route, isLetIn: route.need === scope });
      const refused = await ask(route, { authorization: `Bearer ${beyond}` });
      expect({ ...route, code: refused.code }).toEqual({ ...route, code: refusedCode(route) });
    }
  });

  it('does for a DICOMweb client of the settings what it may, and nothing outside', async () => {
    for (const route of guarded()) {
      if (route.need === 'known') continue;
      const { code, status } = await ask(route, { authorization: `Bearer ${viewerToken}` });
      // Pictures and labels of the pages are images, too.
      const isLetIn = status !== 401 && code !== refusedCode(route);
      expect({ ...route, isLetIn }).toEqual({ ...route, isLetIn: route.need === 'image.read' });
    }
  });

  it('does nothing for another page that has the cookie of a person', async () => {
    const cookie = cookieOf(Role.dataManager);
    const foreign: Headers[] = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }];
    foreign.push({ origin: 'https://elsewhere.example' }, { origin: 'null' });
    for (const route of guarded()) {
      if (route.method === 'GET') continue;
      for (const headers of foreign) {
        const { code, status } = await ask(route, { cookie, ...headers });
        const expected = isDicomweb(route) ? 'archive.not-allowed' : 'people.foreign-page';
        expect({ ...route, code, status }).toEqual({ ...route, code: expected, status: 403 });
      }
    }
  });

  it('tells who is not known nothing of what there is not', async () => {
    for (const url of ['/api/v1/nothing', '/toy/v1/nothing', '/dicom-web/nothing']) {
      expect((await ask({ method: 'GET', url }, {})).status).toBe(401);
    }
    expect((await ask({ method: 'GET', url: '/nothing' }, {})).status).toBe(404);
    expect((await ask({ method: 'GET', url: '/..%2f..%2farchive/console.token' }, {})).status).toBe(404);
  });
});

describe('a stream of events', () => {
  it('ends when who listens has logged out, and tells no more', async () => {
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = service.app.server.address() as AddressInfo;
    const cookie = cookieOf(Role.auditor);
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { headers: { cookie } });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const tell = (quarantineId: string) =>
      service.archive.events.tell({ kind: 'quarantined', quarantineId, code: 'x' });
    let text = '';
    tell('first');
    while (!text.includes('first')) text += (await reader.read()).value;
    service.people.sessions.endAll(Role.auditor);
    tell('second');
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).not.toContain('second');
  });
});

describe('the token of the archive’s directory', () => {
  const overview = { method: 'GET', url: '/api/v1/overview' };
  const bearer = () => ({ authorization: `Bearer ${token}` });

  it('lets in whoever has it, but is no account', async () => {
    expect((await ask(overview, bearer())).status).toBe(200);
    expect((await ask({ method: 'GET', url: '/api/v1/account' }, bearer())).code).toBe('people.not-allowed');
    const whoAsks = JSON.parse((await ask({ method: 'GET', url: '/api/v1/session' }, bearer())).body);
    expect(whoAsks).toMatchObject({ name: 'console', by: 'directory' });
  });

  it('lets in nobody once it was switched off, and ends the sessions that it began', async () => {
    const login = await service.app.inject({ method: 'POST', url: '/api/v1/session', payload: { token } });
    const [cookie] = String(login.headers['set-cookie']).split(';');
    expect((await ask(overview, { cookie: cookie! })).status).toBe(200);
    await service.people.accounts.setTokenOn(founder, false);
    await expectStranger(bearer());
    await expectStranger({ cookie: cookie! });
    const again = await service.app.inject({ method: 'POST', url: '/api/v1/session', payload: { token } });
    expect([again.statusCode, again.json().code]).toEqual([401, 'people.login-refused']);
    // Commands that have the archive in their own process still can.
    expect((await ask(overview, { authorization: `Bearer ${service.ownToken}` })).status).toBe(200);
    await service.people.accounts.setTokenOn(founder, true);
  });
});

describe('who sees what files were called', () => {
  it('is who sends images, and nobody else who sees the overview', async () => {
    const folder = join(directory.path, 'Mrs Secret');
    mkdirSync(folder);
    const begun = await service.app.inject({
      ...{ method: 'POST', url: '/api/v1/imports', payload: { path: folder } },
      headers: { cookie: cookieOf(Role.dataManager) },
    });
    expect(begun.statusCode).toBe(200);
    const seen = async (role: string) =>
      (await ask({ method: 'GET', url: '/api/v1/overview' }, { cookie: cookieOf(role) })).body;
    expect(await seen(Role.dataManager)).toContain('Mrs Secret');
    for (const role of [Role.lead, Role.reader, Role.auditor]) expect(await seen(role)).not.toContain('Secret');
  });
});
