/** Logging in, and what is done against those who try to as somebody else. */
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PasswordHasher } from './password-hash.ts';
import { peopleRouteNeeds } from './people-routes.ts';
import { Role } from './permission.ts';
import { secondFactorSettingsSchema } from './second-factor-settings.ts';
import { cheapHash, directoryToken, founder, goodPassword, ToyBrowser, ToyService } from './toy-service.fixture.ts';

let toy: ToyService;
beforeAll(async () => {
  toy = await ToyService.open();
});
afterAll(() => toy[Symbol.asyncDispose]());

const browser = () => new ToyBrowser(toy);
const minute = 60_000;
/** Each test from where nobody has tried yet. */
let last = 0;
const address = () => `10.0.0.${++last}`;
const codeOf = (secret: string, atMs = toy.nowMs) => new TOTP({ secret }).generate({ timestamp: atMs });
/** Sets up a second factor in a browser that is logged in. */
async function secondFactor(own: ToyBrowser, nowMs = toy.nowMs) {
  const { json: draft } = await own.ask('/account/second-factor', { body: { password: goodPassword } });
  const { json } = await own.ask('/account/second-factor/confirm', { body: { code: codeOf(draft.secret, nowMs) } });
  return { ...draft, recoveryCodes: json.recoveryCodes as string[] };
}

describe('a login', () => {
  it('is by name and password, for a browser, until it logs out', async () => {
    await toy.add('anna', [Role.reader]);
    const anna = browser();
    expect(await anna.logIn('anna', goodPassword)).toMatchObject({ status: 200, json: { outcome: 'in' } });
    const { json } = await anna.ask('/session');
    expect(json).toMatchObject({ name: 'anna', roles: ['reader'], by: 'session', isPasswordDue: false });
    const { headers } = await anna.ask('/session', { method: 'DELETE' });
    expect(headers['set-cookie']).toContain('toy=;');
    expect((await anna.ask('/session')).json.code).toBe('people.login-wanted');
    expect(toy.entries('login.succeeded').at(-1)).toMatchObject({ actor: { kind: 'person', id: 'anna' } });
    expect(toy.entries('login.ended').at(-1)).toMatchObject({ actor: { kind: 'person', id: 'anna' } });
  });

  it('is for a cookie that no script reads and no other page sends, and that no log holds', async () => {
    const anna = browser();
    const { headers } = await anna.logIn('anna');
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      expect(line).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    }
    const value = anna.cookies.get('toy')!;
    expect(Buffer.from(value, 'base64url')).toHaveLength(32);
    expect(JSON.stringify(toy.entries())).not.toContain(value);
  });

  it('by https has a cookie that no other host and nobody by http can set', async () => {
    await using secure = await ToyService.open({ isSecure: true });
    await secure.add('anna', [Role.reader]);
    const anna = new ToyBrowser(secure);
    const { headers } = await anna.logIn('anna');
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      expect(line).toMatch(/^__Host-toy[^=]*=.*; Path=\/; HttpOnly; .*; Secure$/);
    }
    expect((await anna.ask('/session')).status).toBe(200);
    const value = anna.cookies.get('__Host-toy')!;
    expect((await new ToyBrowser(secure).ask('/session', { headers: { cookie: `toy=${value}` } })).status).toBe(401);
  });

  it('makes a new session whatever cookie the browser came with, and ends the one before (fixation)', async () => {
    const victim = browser();
    victim.cookies.set('toy', 'A'.repeat(43));
    await victim.logIn('anna');
    const first = victim.cookies.get('toy')!;
    expect(first).not.toBe('A'.repeat(43));
    await victim.logIn('anna');
    const thief = browser();
    thief.cookies.set('toy', first);
    expect((await thief.ask('/session')).status).toBe(401);
  });

  it('says no in the same words to a wrong password, to nobody’s name and to who is shut out', async () => {
    await toy.add('shut', [Role.reader]);
    await toy.people.accounts.setDisabled(founder, 'shut', true);
    const answers = [
      await browser().logIn('anna', 'wrong wrong wrong', { from: address() }),
      await browser().logIn('nobody', goodPassword, { from: address() }),
      await browser().logIn('shut', goodPassword, { from: address() }),
      await browser().logIn('__proto__', goodPassword, { from: address() }),
    ];
    for (const { headers, json, status } of answers) {
      expect([status, json, headers['set-cookie']]).toEqual([401, answers[0]!.json, undefined]);
    }
    expect(answers[0]!.json.code).toBe('people.login-refused');
  });

  it('computes the same hash where there is no such person', async () => {
    const hasher = new PasswordHasher(cheapHash);
    const known = await hasher.hash('a password');
    const cpu = async (stored: string | undefined) => {
      const before = process.cpuUsage();
      for (let time = 0; time < 300; time++) await hasher.verify(stored, 'another');
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    await cpu(undefined);
    // By how much they differ is for the machine to say; not that one of them does nothing.
    expect((await cpu(undefined)) / (await cpu(known))).toBeGreaterThan(0.2);
    expect(await hasher.verify(known, 'a password')).toBe(true);
    expect(await hasher.verify(undefined, 'nobody has this password')).toBe(false);
  });

  it('hashes anew where the parameters have changed since', async () => {
    await toy.add('olga', [Role.reader]);
    const stronger = { memoryKib: 16, passes: 2 };
    using later = toy.reopened({ hashCost: stronger });
    const hash = () => toy.people.accounts.get('olga').password!;
    expect(hash()).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$/);
    const from = { address: address(), device: undefined };
    expect(await later.login.withPassword({ name: 'olga', password: goodPassword }, from)).toMatchObject({
      kind: 'in',
    });
    expect(hash()).toMatch(/^\$argon2id\$v=19\$m=16,t=2,p=1\$/);
    expect(await later.login.withPassword({ name: 'olga', password: goodPassword }, from)).toMatchObject({
      kind: 'in',
    });
  });

  it('takes two spellings of one text for one password', async () => {
    await toy.add('zoe', [Role.reader], 'grüne Laternen am Hafen'.normalize('NFC'));
    expect((await browser().logIn('zoe', 'grüne Laternen am Hafen'.normalize('NFD'))).status).toBe(200);
  });

  it('does not compute hashes of oversized passwords, nor read bodies without end', async () => {
    expect((await browser().logIn('anna', 'x'.repeat(4000), { from: address() })).json.code).toBe(
      'people.login-refused',
    );
    expect((await browser().logIn('anna', 'x'.repeat(5000), { from: address() })).json.code).toBe(
      'people.request-malformed',
    );
    const { json, status } = await browser().logIn('anna', 'x'.repeat(20_000), { from: address() });
    expect([status, json.code]).toEqual([413, 'people.request-malformed']);
  });

  it('refuses bodies that would change what objects are', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const body of [
      `{"__proto__": {"isOn": true}, "token": "${'x'.repeat(64)}"}`,
      `{"constructor": {"prototype": {"roles": ["administrator"]}}, "token": "x"}`,
      '{"name": {"toString": "anna"}, "password": "x"}',
      '["anna"]',
      'null',
    ]) {
      const { json, status } = await browser().ask('/session', { method: 'POST', body, headers });
      expect([status, json.code]).toEqual([400, 'people.request-malformed']);
    }
    expect(({} as Record<string, unknown>)['roles']).toBeUndefined();
  });

  it('cannot be made by another page, which would log its reader in as somebody else', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    const { json } = await browser().ask('/session', { body: { name: 'anna', password: goodPassword }, headers });
    expect(json.code).toBe('people.foreign-page');
  });

  it('with the token of the directory is written down as such, and wrong ones are counted', async () => {
    const from = address();
    const console = browser();
    expect((await console.ask('/session', { body: { token: directoryToken }, from })).status).toBe(200);
    expect((await console.ask('/session')).json).toMatchObject({ name: 'console', by: 'directory' });
    let last = 0;
    for (let time = 0; time < 40 && last !== 429; time++) {
      last = (await browser().ask('/session', { body: { token: 'f'.repeat(64) }, from })).status;
    }
    expect(last).toBe(429);
    expect((await browser().ask('/session', { body: { token: directoryToken }, from: address() })).status).toBe(200);
  });

  it('waits for its turn where many come at once, and says so when too many do', async () => {
    const hasher = new PasswordHasher({ memoryKib: 1024, passes: 1 });
    const tries = await Promise.allSettled(Array.from({ length: 80 }, () => hasher.hash('x')));
    const refused = tries.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(40);
    expect(refused[0]!.reason).toMatchObject({ code: 'people.busy', statusCode: 503 });
    expect(await hasher.hash('x')).toMatch(/^\$argon2id\$/);
  });
});

describe('a session', () => {
  it('is over an hour after it was seen last, and after twelve hours in any case', async () => {
    const anna = browser();
    await anna.logIn('anna');
    for (let hour = 0; hour < 12; hour++) {
      toy.nowMs += 59 * minute;
      expect((await anna.ask('/session')).status).toBe(200);
    }
    toy.nowMs += 30 * minute;
    expect((await anna.ask('/session')).status).toBe(401);
    await anna.logIn('anna');
    toy.nowMs += 62 * minute;
    expect((await anna.ask('/session')).status).toBe(401);
  });

  it('is seen in a list of one’s own, and can be ended from there', async () => {
    const [one, other] = [browser(), browser()];
    await one.logIn('anna');
    await other.logIn('anna');
    const { sessions } = (await one.ask('/account')).json;
    expect(sessions.filter(({ isThis }: { isThis: boolean }) => isThis)).toHaveLength(1);
    const { id } = sessions.find(({ isThis }: { isThis: boolean }) => !isThis);
    expect((await one.ask(`/account/sessions/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await other.ask('/session')).status).toBe(401);
    expect((await one.ask(`/account/sessions/${id}`, { method: 'DELETE' })).json.code).toBe('people.session-unknown');
    await other.logIn('anna');
    await one.ask('/account/sessions', { method: 'DELETE' });
    expect([(await one.ask('/session')).status, (await other.ask('/session')).status]).toEqual([200, 401]);
  });

  it('of somebody else cannot be ended', async () => {
    await toy.add('mallory', [Role.reader]);
    const [anna, mallory] = [browser(), browser()];
    await anna.logIn('anna');
    await mallory.logIn('mallory');
    const { id } = (await anna.ask('/account')).json.sessions[0];
    expect((await mallory.ask(`/account/sessions/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect((await anna.ask('/session')).status).toBe(200);
  });

  it('ends, with all others, when the password is changed, which needs the old one', async () => {
    await toy.add('bert', [Role.reader]);
    const [one, other] = [browser(), browser()];
    await one.logIn('bert');
    await other.logIn('bert');
    const before = one.cookies.get('toy');
    const change = (password: string, newPassword: string) =>
      one.ask('/account/password', { body: { password, newPassword } });
    expect((await change('wrong', 'seven green bottles hang')).json.code).toBe('people.password-wrong');
    expect((await change(goodPassword, goodPassword)).json.code).toBe('people.password-weak');
    expect((await change(goodPassword, 'short')).json.code).toBe('people.password-weak');
    expect((await change(goodPassword, 'seven green bottles hang')).status).toBe(200);
    expect(one.cookies.get('toy')).not.toBe(before);
    expect([(await one.ask('/session')).status, (await other.ask('/session')).status]).toEqual([200, 401]);
    expect((await browser().logIn('bert', goodPassword, { from: address() })).status).toBe(401);
    expect(JSON.stringify(toy.entries())).not.toMatch(/bottles|lanterns/);
  });
});

describe('who guesses passwords', () => {
  it('of one account has to wait longer each time, and the owner is not kept out for ever', async () => {
    await toy.add('clara', [Role.reader]);
    const own = browser();
    await own.logIn('clara', goodPassword, { from: address() });
    const guess = () => browser().logIn('clara', 'a wrong password', { from: address() });
    for (let time = 0; time < 5; time++) expect((await guess()).status).toBe(401);
    const waits: number[] = [];
    for (let time = 0; time < 8; time++) {
      const { headers, json, status } = await guess();
      expect([status, json.code]).toEqual([429, 'people.too-many-tries']);
      waits.push(Number(headers['retry-after']));
      // Trying on does not make it longer.
      toy.nowMs += waits.at(-1)! * 500;
      expect(Number((await guess()).headers['retry-after'])).toBe(waits.at(-1)! / 2);
      toy.nowMs += waits.at(-1)! * 500;
      expect((await guess()).status).toBe(401);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
    // Right, but too early, and from a browser that is not known.
    expect((await browser().logIn('clara', goodPassword, { from: address() })).status).toBe(429);
    // In the browser in which she has logged in before.
    expect((await own.logIn('clara', goodPassword, { from: address() })).status).toBe(200);
    toy.nowMs += 900_000;
    expect((await browser().logIn('clara', goodPassword, { from: address() })).status).toBe(200);
  });

  it('has no more tries at once than one after the other', async () => {
    await toy.add('dora', [Role.reader]);
    const tries = await Promise.all(
      Array.from({ length: 20 }, () => browser().logIn('dora', 'a wrong password', { from: address() })),
    );
    expect(tries.filter(({ status }) => status === 401)).toHaveLength(5);
  });

  it('of many accounts from one address has to wait, and others need not', async () => {
    const from = '2001:db8:1:2::1';
    let tries = 0;
    for (; tries < 100; tries++) {
      // Addresses of one /64 are one.
      const next = `2001:db8:1:2::${tries.toString(16)}`;
      if ((await browser().logIn(`name${tries}`, 'a wrong password', { from: next })).status === 429) break;
    }
    expect(tries).toBe(30);
    expect((await browser().logIn('anna', goodPassword, { from })).status).toBe(429);
    expect((await browser().logIn('anna', goodPassword, { from: address() })).status).toBe(200);
    toy.nowMs += minute;
    expect((await browser().logIn('anna', goodPassword, { from })).status).toBe(200);
  });

  it('does not learn from the waiting whether somebody has a name', async () => {
    await toy.add('frida', [Role.reader]);
    const answers = async (name: string) => {
      const statuses: number[] = [];
      for (let time = 0; time < 7; time++) {
        statuses.push((await browser().logIn(name, 'a wrong password', { from: address() })).status);
      }
      return statuses;
    };
    expect(await answers('frida')).toEqual(await answers('no-such-frida'));
  });

  it('is in the log, once in ten seconds, without what was typed as a name', async () => {
    const before = toy.entries('login.refused').length;
    for (let time = 0; time < 3; time++) await browser().logIn('hunter2-typed-as-name', 'x', { from: address() });
    for (let time = 0; time < 3; time++) await browser().logIn('frida', 'x', { from: address() });
    toy.nowMs += 10_000;
    await browser().logIn('another', 'x', { from: address() });
    const entries = toy.entries('login.refused').slice(before);
    expect(entries.length).toBeLessThanOrEqual(3);
    expect(JSON.stringify(toy.entries())).not.toContain('hunter2');
  });
});

describe('a second factor', () => {
  it('is asked for after the password, and each code counts once', async () => {
    await toy.add('greta', [Role.reviewer]);
    const greta = browser();
    await greta.logIn('greta');
    expect((await greta.ask('/account/second-factor', { body: { password: 'wrong' } })).json.code).toBe(
      'people.password-wrong',
    );
    const {
      address: uri,
      secret,
      svg,
    } = (await greta.ask('/account/second-factor', { body: { password: goodPassword } })).json;
    expect(uri).toMatch(/^otpauth:\/\/totp\/Toy:greta\?/);
    expect(svg).toMatch(/^<svg /);
    expect((await greta.ask('/account/second-factor/confirm', { body: { code: '000000' } })).json.code).toBe(
      'people.code-wrong',
    );
    // Until a code was shown nothing is asked for.
    expect((await browser().logIn('greta')).json).toEqual({ outcome: 'in' });
    await greta.ask('/account/second-factor/confirm', { body: { code: codeOf(secret) } });
    const other = browser();
    expect((await other.logIn('greta')).json).toEqual({ outcome: 'code-wanted' });
    expect(other.cookies.size).toBe(0);
    // That code has been used.
    expect((await other.logIn('greta', goodPassword, { code: codeOf(secret) })).status).toBe(401);
    toy.nowMs += 30_000;
    const [one, two] = await Promise.all(
      [browser(), browser()].map((tab) => tab.logIn('greta', goodPassword, { code: codeOf(secret) })),
    );
    expect([one!.status, two!.status].sort()).toEqual([200, 401]);
    toy.nowMs += 30_000;
    const early = codeOf(secret, toy.nowMs + 30_000);
    expect((await browser().logIn('greta', goodPassword, { code: early })).status).toBe(200);
    expect((await browser().logIn('greta', goodPassword, { code: codeOf(secret) })).status).toBe(401);
  });

  it('can be guessed no more often than a password, also by who has the password', async () => {
    await toy.add('hilde', [Role.reader]);
    const hilde = browser();
    await hilde.logIn('hilde');
    await secondFactor(hilde);
    const statuses: number[] = [];
    for (let time = 0; time < 8; time++) {
      const code = String(time).repeat(6);
      statuses.push((await browser().logIn('hilde', goodPassword, { code, from: address() })).status);
      // The right password alone neither counts nor forgives.
      await browser().logIn('hilde', goodPassword, { from: address() });
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  });

  it('has codes on paper for a lost telephone, each good once, and is removed with password and code', async () => {
    await toy.add('ida', [Role.reader]);
    const ida = browser();
    await ida.logIn('ida');
    const { recoveryCodes } = await secondFactor(ida);
    expect(new Set(recoveryCodes).size).toBe(10);
    const typed = recoveryCodes[0]!.toLowerCase().replaceAll('-', ' ');
    expect((await browser().logIn('ida', goodPassword, { code: typed })).status).toBe(200);
    expect((await browser().logIn('ida', goodPassword, { code: typed, from: address() })).status).toBe(401);
    expect((await ida.ask('/account')).json.recoveryCodesLeft).toBe(9);
    const remove = (password: string, code: string) =>
      ida.ask('/account/second-factor/remove', { body: { password, code } });
    expect((await remove(goodPassword, '123456')).json.code).toBe('people.password-wrong');
    expect((await remove('wrong', recoveryCodes[1]!)).json.code).toBe('people.password-wrong');
    expect((await remove(goodPassword, recoveryCodes[2]!)).status).toBe(200);
    expect((await browser().logIn('ida')).json).toEqual({ outcome: 'in' });
  });

  it('is not set up by guessing the password in a browser that was left open', async () => {
    await toy.add('jutta', [Role.reader]);
    const open = browser();
    await open.logIn('jutta');
    const statuses: number[] = [];
    for (let time = 0; time < 7; time++) {
      statuses.push((await open.ask('/account/second-factor', { body: { password: `guess ${time}` } })).status);
    }
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429]);
  });
});

describe('a second factor that the settings demand', () => {
  it('of a role is set up before anything else is done, and goes on from there', async () => {
    await using strict = await ToyService.open({ secondFactor: { requiredFor: [Role.administrator, Role.auditor] } });
    await strict.people.accounts.add(founder, { name: 'reader', display: 'Reader', roles: [Role.reader] });
    await strict.add('karla', [Role.administrator]);
    const karla = new ToyBrowser(strict);
    expect((await karla.logIn('karla')).json).toEqual({ outcome: 'in' });
    expect((await karla.ask('/session')).json).toMatchObject({
      ...{ name: 'karla', roles: [], permissions: ['account.secure'] },
      ...{ isPasswordDue: false, isSecondFactorWanted: true },
    });
    const allowed = ['POST /account/password', 'POST /account/second-factor', 'POST /account/second-factor/confirm'];
    const closed = Object.entries(peopleRouteNeeds).filter(
      ([route, need]) => need !== 'anyone' && need !== 'known' && !allowed.includes(route),
    );
    expect(closed.length).toBeGreaterThan(10);
    for (const [route] of closed) {
      const [method, path] = route.split(' ') as ['GET', string];
      const { json, status } = await karla.ask(path.replace(/:\w+/g, 'x'), { method });
      expect([route, status, json.code]).toEqual([route, 403, 'people.second-factor-wanted']);
    }
    await secondFactor(karla, strict.nowMs);
    expect((await karla.ask('/session')).json).toMatchObject({
      ...{ roles: ['administrator'], isSecondFactorWanted: false },
    });
    const { accounts } = (await karla.ask('/people')).json;
    expect(accounts).toMatchObject([
      { name: 'karla', hasSecondFactor: true, isSecondFactorWanted: false },
      { name: 'reader', hasSecondFactor: false, isSecondFactorWanted: false },
    ]);
  });

  it('is wanted once the role is given, by who is logged in already too', async () => {
    await using strict = await ToyService.open({ secondFactor: { requiredFor: [Role.auditor] } });
    await strict.add('lena', [Role.reader]);
    const lena = new ToyBrowser(strict);
    await lena.logIn('lena');
    expect((await lena.ask('/account')).json.isSecondFactorRequired).toBe(false);
    await strict.people.accounts.setRoles(founder, 'lena', [Role.reader, Role.auditor]);
    expect((await lena.ask('/account')).json.code).toBe('people.second-factor-wanted');
  });

  it('of a password that is due comes after it', async () => {
    await using strict = await ToyService.open({ secondFactor: { requiredFor: 'all' } });
    const password = await strict.people.accounts.add(founder, { name: 'mia', display: 'Mia', roles: [] });
    const mia = new ToyBrowser(strict);
    await mia.logIn('mia', password);
    expect((await mia.ask('/session')).json).toMatchObject({ isPasswordDue: true, isSecondFactorWanted: true });
    expect((await mia.ask('/account')).json.code).toBe('people.password-due');
    await mia.ask('/account/password', { body: { password, newPassword: goodPassword } });
    expect((await mia.ask('/account')).json.code).toBe('people.second-factor-wanted');
  });

  it('is not removed, but replaced by who has it', async () => {
    await using strict = await ToyService.open({ secondFactor: { requiredFor: 'all' } });
    await strict.add('nora', [Role.reader]);
    const nora = new ToyBrowser(strict);
    await nora.logIn('nora');
    const first = await secondFactor(nora, strict.nowMs);
    const [code] = first.recoveryCodes;
    const removed = await nora.ask('/account/second-factor/remove', { body: { password: goodPassword, code } });
    expect([removed.status, removed.json.code]).toEqual([409, 'people.second-factor-kept']);
    expect((await nora.ask('/account')).json).toMatchObject({ isSecondFactorRequired: true, recoveryCodesLeft: 10 });
    // The password is not enough for it.
    const draft = (body: object) => nora.ask('/account/second-factor', { body: { password: goodPassword, ...body } });
    expect((await draft({})).json.code).toBe('people.password-wrong');
    expect((await draft({ code: '000000' })).json.code).toBe('people.password-wrong');
    const { secret } = (await draft({ code })).json;
    await nora.ask('/account/second-factor/confirm', { body: { code: codeOf(secret, strict.nowMs) } });
    strict.nowMs += 30_000;
    const logIn = (used: string) =>
      new ToyBrowser(strict).logIn('nora', goodPassword, { code: codeOf(used, strict.nowMs), from: address() });
    expect((await logIn(first.secret)).status).toBe(401);
    expect((await logIn(secret)).status).toBe(200);
  });

  it('is not asked of who comes from a provider, nor of programs', async () => {
    await using strict = await ToyService.open({ secondFactor: { requiredFor: 'all' } });
    const person = { issuer: 'https://login.example.org', subject: '1', name: 'olaf', display: 'Olaf' };
    const { name } = await strict.people.accounts.provided(founder, { ...person, roles: [Role.auditor] });
    const olaf = new ToyBrowser(strict);
    olaf.cookies.set('toy', strict.people.sessions.begin(name, { agent: 'test', way: 'provider' }));
    expect((await olaf.ask('/session')).json).toMatchObject({ roles: ['auditor'], isSecondFactorWanted: false });
    expect((await olaf.ask('/people')).status).toBe(200);
    await strict.add('robot', [Role.auditor]);
    const asked = { name: 'x', scopes: ['accounts.read'], days: 1 } as const;
    const { secret } = await strict.people.tokens.make(founder, 'robot', asked);
    const headers = { authorization: `Bearer ${secret}` };
    expect((await new ToyBrowser(strict).ask('/people', { headers })).status).toBe(200);
    const token = { authorization: `Bearer ${directoryToken}` };
    expect((await new ToyBrowser(strict).ask('/people', { headers: token })).status).toBe(200);
  });

  it('is demanded of roles that there are, or of all', () => {
    expect(secondFactorSettingsSchema.parse({})).toEqual({ requiredFor: [] });
    expect(secondFactorSettingsSchema.parse({ requiredFor: 'all' })).toEqual({ requiredFor: 'all' });
    expect(secondFactorSettingsSchema.parse({ requiredFor: ['lead'] })).toEqual({ requiredFor: ['lead'] });
    for (const requiredFor of ['lead', ['leader'], true]) {
      expect(secondFactorSettingsSchema.safeParse({ requiredFor }).success).toBe(false);
    }
  });
});
