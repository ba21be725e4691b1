/** Logging in at a real provider in a process of its own, and everything that somebody might do to it on the way. */
import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderLogin, providerSettingsSchema } from './provider-login.ts';
import { founder, ToyBrowser, ToyService } from './toy-service.fixture.ts';

const returnUrl = 'http://127.0.0.1:8042/api/v1/login/provider/return';
let provider: ReturnType<typeof spawn>;
let issuer: string;
let toy: ToyService;

beforeAll(async () => {
  const file = fileURLToPath(new URL('provider.fixture.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', file, returnUrl];
  provider = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
  issuer = await new Promise<string>((resolve, reject) => {
    provider.stdout!.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    provider.once('exit', () => reject(new Error('the provider has ended')));
  });
  toy = await ToyService.open({ provider: login() });
});
afterAll(async () => {
  await toy[Symbol.asyncDispose]();
  provider.kill();
});

function login(more: object = {}, secret: string | undefined = 'secret-of-the-archive'): ProviderLogin {
  const settings = providerSettingsSchema.parse({
    ...{ name: 'Hospital login', issuer, clientId: 'archive', rolesClaim: 'realm.groups' },
    roles: { 'consilium-readers': ['reader'], 'consilium-leads': ['lead', 'reviewer'] },
    ...more,
  });
  return new ProviderLogin({
    settings,
    clientSecret: secret,
    returnUrl: () => returnUrl,
    nowMs: () => toy?.nowMs ?? 0,
  });
}

/** What a person does at the provider: from where we send them to where they are sent back. */
async function atProvider(url: string, person: string): Promise<string> {
  const cookies = new Map<string, string>();
  let next = new URL(url);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 12; step++) {
    const response = await fetch(next, {
      ...{ redirect: 'manual', method: form === undefined ? 'GET' : 'POST' },
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]!.split('=');
      cookies.set(name, value);
    }
    form = undefined;
    const location = response.headers.get('location');
    if (location !== null) {
      next = new URL(location, next);
      if (next.href.startsWith(returnUrl)) return next.href;
      continue;
    }
    const page = await response.text();
    const action = /action="([^"]+)"/.exec(page)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    if (action === undefined || prompt === undefined)
      throw new Error(`no form at the provider: ${response.status} ${page.slice(0, 300)}`);
    form = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login: person, password: 'any' } : {}) });
    next = new URL(action, next);
  }
  throw new Error('the provider does not come to an end');
}

const begun = async (browser: ToyBrowser, query = '') => {
  const { headers, status } = await browser.ask(`/login/provider${query}`);
  expect(status).toBe(302);
  return String(headers.location);
};
const back = (browser: ToyBrowser, url: string) => browser.ask(`/login/provider/return${new URL(url).search}`);
async function logIn(browser: ToyBrowser, person: string, query = '') {
  return back(browser, await atProvider(await begun(browser, query), person));
}

describe('a login at the provider', () => {
  it('makes the account at the first time, with roles by a claim, and goes on where the person wanted', async () => {
    const anna = new ToyBrowser(toy);
    expect((await anna.ask('/login')).json).toMatchObject({ provider: 'Hospital login' });
    const { headers, status } = await logIn(anna, 'anna', '?place=/annotator.html%23/studies/1.2.3');
    expect([status, headers.location]).toEqual([302, '/annotator.html#/studies/1.2.3']);
    expect((await anna.ask('/session')).json).toMatchObject({
      name: 'anna',
      display: 'anna of the hospital',
      roles: ['reader'],
    });
    const lena = new ToyBrowser(toy);
    await logIn(lena, 'lena');
    expect((await lena.ask('/session')).json.roles).toEqual(['lead', 'reader', 'reviewer']);
    expect(toy.entries('account.changed').slice(-2)).toMatchObject([
      { subjects: [{ id: 'anna' }], reason: 'made with roles reader, by the provider' },
      { subjects: [{ id: 'lena' }] },
    ]);
    await logIn(new ToyBrowser(toy), 'anna');
    expect(toy.people.accounts.list().filter(({ origin }) => origin === 'provider')).toHaveLength(2);
  });

  it('asks by code and PKCE, with state and nonce that are never the same', async () => {
    const urls = await Promise.all([1, 2].map(async () => new URL(await begun(new ToyBrowser(toy))).searchParams));
    for (const query of urls) {
      expect(Object.fromEntries(query)).toMatchObject({
        ...{ response_type: 'code', code_challenge_method: 'S256', redirect_uri: returnUrl, client_id: 'archive' },
      });
    }
    for (const name of ['state', 'nonce', 'code_challenge']) expect(urls[0]!.get(name)).not.toBe(urls[1]!.get(name));
  });

  it('lets in nobody to whom the settings give no role, nor whom an administrator has shut out', async () => {
    expect((await logIn(new ToyBrowser(toy), 'ward')).headers.location).toBe('/#refused=people.no-role');
    await toy.people.accounts.setDisabled(founder, 'anna', true);
    const shut = new ToyBrowser(toy);
    expect((await logIn(shut, 'anna')).headers.location).toBe('/#refused=people.login-refused');
    expect((await shut.ask('/session')).status).toBe(401);
    await toy.people.accounts.setDisabled(founder, 'anna', false);
  });

  it('does not take over an account that is here under the same name', async () => {
    await toy.add('adam', ['administrator']);
    const other = new ToyBrowser(toy);
    await logIn(other, 'adam');
    const { json } = await other.ask('/session');
    expect(json.name).toMatch(/^adam-[0-9a-f]{12}$/);
    expect(json.roles).toEqual(['lead', 'reviewer']);
  });

  it('has no password and no roles of our own', async () => {
    const code = (promise: Promise<unknown>) => promise.then(String, (error) => error.code);
    expect(await code(toy.people.accounts.reset(founder, 'lena'))).toBe('people.no-password');
    expect(await code(toy.people.accounts.setRoles(founder, 'lena', ['administrator']))).toBe('people.roles-provided');
    expect((await new ToyBrowser(toy).logIn('lena', '')).status).toBe(400);
    expect((await new ToyBrowser(toy).logIn('lena', 'any')).status).toBe(401);
  });

  it('goes nowhere but to our own pages afterwards', async () => {
    for (const place of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '/a?x=//b',
      '%2f%2fevil',
    ]) {
      const { headers } = await logIn(new ToyBrowser(toy), 'anna', `?place=${encodeURIComponent(place)}`);
      expect(headers.location).toBe('/');
    }
  });
});

describe('what comes back from the provider', () => {
  const refused = '/#refused=people.provider-refused';

  it('counts only in the browser that has begun, and once', async () => {
    const victim = new ToyBrowser(toy);
    const url = await atProvider(await begun(victim), 'anna');
    expect((await back(new ToyBrowser(toy), url)).headers.location).toBe(refused);
    // Somebody who has begun for himself cannot end for another.
    const thief = new ToyBrowser(toy);
    await begun(thief);
    expect((await back(thief, url)).headers.location).toBe(refused);
    expect((await back(victim, url)).headers.location).toBe('/');
    expect((await back(victim, url)).headers.location).toBe(refused);
  });

  it('counts only with the state, the code and the issuer as they were', async () => {
    for (const [name, value] of [
      ['state', 'another'],
      ['code', 'another'],
      ['iss', 'https://evil.example'],
      ['error', 'access_denied'],
    ] as const) {
      const browser = new ToyBrowser(toy);
      const honest = await atProvider(await begun(browser), 'anna');
      const url = new URL(honest);
      url.searchParams.set(name, value);
      const { headers } = await back(browser, url.href);
      expect([name, headers.location]).toEqual([name, refused]);
      expect((await browser.ask('/session')).status).toBe(401);
      // Nor afterwards with what is right: there is one try.
      expect((await back(browser, honest)).headers.location).toBe(refused);
    }
    expect((await new ToyBrowser(toy).ask('/login/provider/return')).headers.location).toBe(refused);
  });

  it('counts only with the nonce that was sent', async () => {
    const browser = new ToyBrowser(toy);
    const url = new URL(await begun(browser));
    url.searchParams.set('nonce', 'of-somebody-else');
    expect((await back(browser, await atProvider(url.href, 'anna'))).headers.location).toBe(refused);
  });

  it('counts only with the verifier of the challenge that was sent', async () => {
    const browser = new ToyBrowser(toy);
    const url = new URL(await begun(browser));
    url.searchParams.set('code_challenge', 'A'.repeat(43));
    expect((await back(browser, await atProvider(url.href, 'anna'))).headers.location).toBe(refused);
  });

  it('counts for ten minutes', async () => {
    const browser = new ToyBrowser(toy);
    const url = await atProvider(await begun(browser), 'anna');
    toy.nowMs += 10 * 60_000;
    expect((await back(browser, url)).headers.location).toBe(refused);
  });

  it('makes a new session, whatever cookie the browser came with', async () => {
    const browser = new ToyBrowser(toy);
    browser.cookies.set('toy', 'A'.repeat(43));
    await logIn(browser, 'anna');
    expect(browser.cookies.get('toy')).not.toBe('A'.repeat(43));
    expect((await browser.ask('/session')).status).toBe(200);
  });
});

describe('a provider', () => {
  const codeOf = (promise: Promise<unknown>) => promise.then(String, (error) => error.code);

  it('that does not answer, or calls itself otherwise, is said to be unreachable, and asked again', async () => {
    expect(await codeOf(login({ issuer: 'http://127.0.0.1:1' }).begin('/'))).toBe('people.provider-unreachable');
    const liar: Server = createServer((_request, response) => {
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ issuer: 'https://evil.example' }));
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    expect(await codeOf(login({ issuer: address }).begin('/'))).toBe('people.provider-unreachable');
    await new Promise((resolve) => liar.close(resolve));
    // By http only on this machine.
    expect(await codeOf(login({ issuer: 'http://provider.example' }).begin('/'))).toBe('people.provider-unreachable');
  });

  it('does not know us with another secret', async () => {
    await using other = await ToyService.open({ provider: login({}, 'another-secret') });
    const browser = new ToyBrowser(other);
    expect((await logIn(browser, 'anna')).headers.location).toBe('/#refused=people.provider-refused');
  });

  it('is not there where the settings name none', async () => {
    await using without = await ToyService.open();
    expect((await new ToyBrowser(without).ask('/login/provider')).json.code).toBe('people.no-provider');
  });
});
