/** Accounts, their tokens, and the file in which they are. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTotpSecret, plainRecoveryCode, stepOfCode } from './one-time-code.ts';
import { objectionTo } from './password-rules.ts';
import { People } from './people.ts';
import { permissionsOf, Role } from './permission.ts';
import { secretHash } from './secret.ts';
import { directoryToken, founder, goodPassword, ToyBrowser, ToyService } from './toy-service.fixture.ts';

let toy: ToyService;
let administrator: ToyBrowser;
beforeAll(async () => {
  toy = await ToyService.open();
  await toy.add('adam', [Role.administrator]);
  administrator = new ToyBrowser(toy);
  await administrator.logIn('adam');
});
afterAll(() => toy[Symbol.asyncDispose]());

const add = (body: object) => administrator.ask('/people', { body });

describe('the first administrator', () => {
  it('is made by who has the token of the directory, which can be switched off then', async () => {
    await using fresh = await ToyService.open();
    const console = new ToyBrowser(fresh);
    expect((await console.ask('/login')).json).toEqual({ provider: null, hasPeople: false, isTokenOn: true });
    await console.ask('/session', { body: { token: directoryToken } });
    const off = () => console.ask('/directory-token', { method: 'PUT', body: { isOn: false } });
    expect((await off()).json.code).toBe('people.last-administrator');
    const body = { name: 'first', display: 'First Person', roles: ['administrator'] };
    const { password } = (await console.ask('/people', { body })).json;
    const first = new ToyBrowser(fresh);
    expect((await first.logIn('first', password)).status).toBe(200);
    expect((await first.ask('/session')).json).toMatchObject({
      isPasswordDue: true,
      roles: [],
      permissions: ['account.own', 'account.secure'],
    });
    expect((await first.ask('/people')).json.code).toBe('people.password-due');
    await first.ask('/account/password', { body: { password, newPassword: goodPassword } });
    expect((await first.ask('/people')).json.accounts).toMatchObject([{ name: 'first', display: 'First Person' }]);
    expect((await off()).status).toBe(200);
    expect((await console.ask('/session')).status).toBe(401);
    expect((await console.ask('/session', { body: { token: directoryToken } })).json.code).toBe('people.login-refused');
    const disable = await first.ask('/people/first/enabled', { method: 'PUT', body: { isOn: false } });
    expect(disable.json.code).toBe('people.last-administrator');
    const roles = await first.ask('/people/first/roles', { method: 'PUT', body: { roles: [] } });
    expect(roles.json.code).toBe('people.last-administrator');
  });
});

describe('an account', () => {
  it('is made with roles and a password for a week, and its name is never given again', async () => {
    const { password } = (await add({ name: 'rita', display: 'Rita R.', roles: ['reviewer'] })).json;
    expect((await add({ name: 'rita', display: 'Another', roles: [] })).json.code).toBe('people.name-taken');
    toy.nowMs += 8 * 86_400_000;
    expect((await new ToyBrowser(toy).logIn('rita', password)).status).toBe(401);
    await administrator.logIn('adam');
    const again = (await administrator.ask('/people/rita/reset', { body: {} })).json.password;
    expect((await new ToyBrowser(toy).logIn('rita', again)).status).toBe(200);
    const made = toy.entries('account.changed').filter(({ subjects }) => subjects[0]!.id === 'rita');
    expect(made.map(({ actor, outcome, reason }) => [actor.id, outcome, reason])).toEqual([
      ['adam', 'allowed', 'made with roles reviewer'],
      ['adam', 'allowed', 'reset'],
    ]);
    expect(JSON.stringify(toy.entries())).not.toContain(password);
  });

  it.each([
    ['Rita', 'capitals'],
    ['console', 'the service itself'],
    ['a b', 'a space'],
    ['', 'nothing'],
    ['../x', 'a path'],
    ['x'.repeat(65), 'too long'],
    ['__proto__', 'underscores first'],
  ])('cannot be called %s: %s', async (name) => {
    expect((await add({ name, display: 'x', roles: [] })).json.code).toBe('people.request-malformed');
  });

  it('has only roles that there are', async () => {
    expect((await add({ name: 'x', display: 'x', roles: ['root'] })).json.code).toBe('people.request-malformed');
    expect((await add({ name: 'x', display: 'x\ny', roles: [] })).json.code).toBe('people.request-malformed');
    for (const route of ['roles', 'enabled'] as const) {
      const body = route === 'roles' ? { roles: [] } : { isOn: true };
      const asked = await administrator.ask(`/people/nobody/${route}`, { method: 'PUT', body });
      expect(asked.json.code).toBe('people.account-unknown');
    }
  });

  it('may at once what a new role says, and no more what an old one said', async () => {
    await toy.add('sara', [Role.reader]);
    const sara = new ToyBrowser(toy);
    await sara.logIn('sara');
    expect((await sara.ask('/people')).json.code).toBe('people.not-allowed');
    // By another process, as a command is.
    using beside = toy.reopened();
    await beside.accounts.setRoles(founder, 'sara', [Role.auditor]);
    expect((await sara.ask('/people')).status).toBe(200);
    expect((await add({ name: 'y', display: 'y', roles: [] })).status).toBe(200);
    expect((await sara.ask('/people', { body: { name: 'z', display: 'z', roles: [] } })).json.code).toBe(
      'people.not-allowed',
    );
    await beside.accounts.setDisabled(founder, 'sara', true);
    expect((await sara.ask('/session')).status).toBe(401);
  });

  it('that is reset loses password, second factor, sessions and tokens', async () => {
    await toy.add('tom', [Role.engineer]);
    const tom = new ToyBrowser(toy);
    await tom.logIn('tom');
    const token = (await tom.ask('/account/tokens', { body: { name: 'x', scopes: ['image.read'], days: 1 } })).json;
    await administrator.ask('/people/tom/reset', { body: {} });
    expect((await tom.ask('/session')).status).toBe(401);
    expect((await new ToyBrowser(toy).logIn('tom')).status).toBe(401);
    const headers = { authorization: `Bearer ${token.secret}` };
    expect((await new ToyBrowser(toy).ask('/session', { headers })).status).toBe(401);
  });
});

describe('an API token', () => {
  it('is shown once, does what its scopes and its owner’s roles allow, and is revoked', async () => {
    await toy.add('uma', [Role.auditor]);
    const uma = new ToyBrowser(toy);
    await uma.logIn('uma');
    const make = (scopes: readonly string[]) =>
      uma.ask('/account/tokens', { body: { name: 'nightly', scopes, days: 30 } });
    expect((await make(['accounts.manage'])).json.code).toBe('people.not-allowed');
    expect((await make(['account.own'])).json.code).toBe('people.request-malformed');
    const { id, secret } = (await make(['accounts.read'])).json;
    expect(secret).toMatch(/^cns_[\w-]{43}$/);
    expect(JSON.stringify((await uma.ask('/account')).json)).not.toContain(secret);
    const program = new ToyBrowser(toy);
    const headers = { authorization: `Bearer ${secret}` };
    expect((await program.ask('/people', { headers })).status).toBe(200);
    expect((await program.ask('/account', { headers })).json.code).toBe('people.not-allowed');
    expect(
      (await program.ask('/account/tokens', { headers, body: { name: 'x', scopes: ['accounts.read'], days: 1 } }))
        .status,
    ).toBe(403);
    // A page with the token needs no cookie, so that no page can borrow it.
    expect(
      (await program.ask('/session', { headers: { ...headers, origin: 'https://elsewhere.example' } })).status,
    ).toBe(200);
    using beside = toy.reopened();
    await beside.accounts.setRoles(founder, 'uma', [Role.reader]);
    expect((await program.ask('/people', { headers })).json.code).toBe('people.not-allowed');
    expect((await uma.ask(`/account/tokens/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await program.ask('/session', { headers })).status).toBe(401);
    expect((await uma.ask(`/account/tokens/${id}`, { method: 'DELETE' })).json.code).toBe('people.token-unknown');
    const about = [
      { kind: 'account', id: 'uma' },
      { kind: 'token', id },
    ];
    expect(toy.entries('token.made').at(-1)).toMatchObject({ subjects: about, reason: 'accounts.read' });
    expect(toy.entries('token.revoked').at(-1)).toMatchObject({ subjects: about });
    expect(JSON.stringify(toy.entries())).not.toContain(secret);
  });

  it('works for an account whose person has not logged in yet, as one made for a program', async () => {
    await toy.people.accounts.add(founder, { name: 'robot', display: 'Nightly export', roles: [Role.auditor] });
    const { secret } = await toy.people.tokens.make(founder, 'robot', {
      name: 'x',
      scopes: ['accounts.read'],
      days: 1,
    });
    const headers = { authorization: `Bearer ${secret}` };
    expect((await new ToyBrowser(toy).ask('/people', { headers })).status).toBe(200);
    toy.nowMs += 86_400_000;
    expect((await new ToyBrowser(toy).ask('/people', { headers })).status).toBe(401);
    await administrator.logIn('adam');
  });

  it('of somebody else cannot be revoked, and there are at most fifty', async () => {
    await toy.add('vera', [Role.auditor]);
    const [vera, adam] = [new ToyBrowser(toy), administrator];
    await vera.logIn('vera');
    const body = { name: 'x', scopes: ['accounts.read'], days: 1 };
    const { id } = (await vera.ask('/account/tokens', { body })).json;
    expect((await adam.ask(`/account/tokens/${id}`, { method: 'DELETE' })).json.code).toBe('people.token-unknown');
    for (let count = 1; count < 50; count++) await vera.ask('/account/tokens', { body });
    expect((await vera.ask('/account/tokens', { body })).json.code).toBe('people.too-many-tokens');
  });
});

describe('a cookie', () => {
  it('does nothing for another page, nor beside a token that is not good', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    const foreign = await administrator.ask('/people', { body: { name: 'x', display: 'x', roles: [] }, headers });
    expect([foreign.status, foreign.json.code]).toEqual([403, 'people.foreign-page']);
    const beside = await administrator.ask('/people', { headers: { authorization: 'Bearer nonsense' } });
    expect([beside.status, beside.json.code]).toEqual([401, 'people.login-wanted']);
    expect((await administrator.ask('/people')).status).toBe(200);
  });

  it('made while the account was being shut lets in nobody', async () => {
    await toy.add('late', [Role.auditor]);
    await toy.people.accounts.setDisabled(founder, 'late', true);
    const late = new ToyBrowser(toy);
    late.cookies.set('toy', toy.people.sessions.begin('late', { agent: 'test', way: 'password' }));
    expect((await late.ask('/session')).status).toBe(401);
  });
});

describe('what cannot be written down', () => {
  it('is not done', async () => {
    toy.audit.database.exec('PRAGMA query_only = 1');
    const asked = await add({ name: 'ghost', display: 'x', roles: [] });
    expect([asked.status, asked.json.code]).toEqual([500, 'people.failed']);
    expect((await new ToyBrowser(toy).logIn('adam')).status).toBe(500);
    toy.audit.database.exec('PRAGMA query_only = 0');
    expect(toy.people.accounts.find('ghost')).toBeUndefined();
  });
});

describe('the file of the people', () => {
  it('is for its owner only, and holds no password, no cookie and no token', async () => {
    const path = join(toy.directory, 'people', 'people.sqlite');
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(join(toy.directory, 'people')).mode & 0o077).toBe(0);
    const cookie = administrator.cookies.get('toy')!;
    const bytes = readFileSync(path).toString('latin1') + readFileSync(`${path}-wal`).toString('latin1');
    for (const secret of [goodPassword, cookie]) expect(bytes).not.toContain(secret);
  });

  it('is refused where it is damaged, of a newer version, or cannot be written', async () => {
    const open = (directory: string) => {
      try {
        People.open(directory, { audit: toy.audit, nowMs: () => 0 })[Symbol.dispose]();
        return 'opened';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const place = (name: string) => {
      const directory = join(toy.directory, name);
      mkdirSync(join(directory, 'people'), { recursive: true });
      return directory;
    };
    writeFileSync(join(place('damaged'), 'people', 'people.sqlite'), 'no database'.repeat(100));
    expect(open(place('damaged'))).toBe('people.file-damaged');
    const newer = new DatabaseSync(join(place('newer'), 'people', 'people.sqlite'));
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(open(place('newer'))).toBe('people.file-newer');
    writeFileSync(join(toy.directory, 'file'), '');
    expect(open(join(toy.directory, 'file'))).toBe('people.not-writable');
  });
});

describe('the secret of a second factor', () => {
  const plain = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const draft = 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U';
  const paper = 'ABCD-EFGH-JKLM-NPQR';
  const from = { address: '127.0.0.1', device: undefined };
  /** Of what is in `people/`, but for the key: text of all files. */
  const bytesOf = ({ directory }: ToyService) =>
    readdirSync(join(directory, 'people'))
      .filter((name) => name !== 'second-factors.key')
      .map((name) => readFileSync(join(directory, 'people', name)).toString('latin1'))
      .join('');
  const keyOf = ({ directory }: ToyService) => join(directory, 'people', 'second-factors.key');
  const logIn = (people: People, name: string, code: string) =>
    people.login.withPassword({ name, password: goodPassword, code }, from);
  /** A service that has run already, in which xenia has a second factor. */
  async function withFactor(): Promise<ToyService & { secret: string }> {
    const fresh = await ToyService.open();
    await fresh.add('xenia', [Role.reader]);
    const secret = fresh.people.accounts.draftTotp('xenia');
    const code = new TOTP({ secret }).generate({ timestamp: fresh.nowMs });
    await fresh.people.accounts.confirmTotp(founder, 'xenia', code);
    fresh.nowMs += 30_000;
    return Object.assign(fresh, { secret });
  }
  const codeNow = ({ nowMs }: ToyService, secret: string) => new TOTP({ secret }).generate({ timestamp: nowMs });

  it('is not in the database, whose key is in a file of its own that only its owner reads', async () => {
    await using fresh = await withFactor();
    const begun = fresh.people.accounts.draftTotp('xenia');
    for (const secret of [fresh.secret, begun]) expect(bytesOf(fresh)).not.toContain(secret);
    expect(bytesOf(fresh)).toContain('xenia');
    expect(statSync(keyOf(fresh)).mode & 0o777).toBe(0o600);
    expect(readFileSync(keyOf(fresh), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    using other = fresh.reopened();
    expect(await logIn(other, 'xenia', codeNow(fresh, fresh.secret))).toMatchObject({ kind: 'in' });
  });

  it('that was written before is encrypted when the database is opened, and nothing is left of it', async () => {
    await using fresh = await ToyService.open();
    await fresh.add('yves', [Role.reader]);
    const old = new DatabaseSync(join(fresh.directory, 'people', 'people.sqlite'));
    old.prepare('UPDATE account SET totp_secret = ?, totp_draft = ?').run(plain, draft);
    old.exec('PRAGMA user_version = 1');
    old.close();
    expect(bytesOf(fresh)).toContain(plain);
    using later = fresh.reopened();
    for (const secret of [plain, draft]) expect(bytesOf(fresh)).not.toContain(secret);
    expect(await logIn(later, 'yves', codeNow(fresh, plain))).toMatchObject({ kind: 'in' });
    const confirmed = await later.accounts.confirmTotp(founder, 'yves', codeNow(fresh, draft));
    expect(confirmed).toHaveLength(10);
    using again = fresh.reopened();
    fresh.nowMs += 30_000;
    expect(await logIn(again, 'yves', codeNow(fresh, draft))).toMatchObject({ kind: 'in' });
  });

  it('of one account is not another’s', async () => {
    await using fresh = await withFactor();
    await fresh.add('zita', [Role.administrator]);
    const database = new DatabaseSync(join(fresh.directory, 'people', 'people.sqlite'));
    database.exec(`UPDATE account SET totp_secret = (SELECT totp_secret FROM account WHERE name = 'xenia')`);
    database.close();
    const code = codeNow(fresh, fresh.secret);
    await expect(logIn(fresh.people, 'zita', code)).rejects.toMatchObject({ code: 'people.second-factor-unreadable' });
    expect(await logIn(fresh.people, 'xenia', code)).toMatchObject({ kind: 'in' });
  });

  it('whose key is lost or another is refused by its code, until the key is restored or the account reset', async () => {
    await using fresh = await withFactor();
    const key = readFileSync(keyOf(fresh));
    const refused = expect.objectContaining({ code: 'people.second-factor-unreadable', statusCode: 500 });
    const guess = () => logIn(fresh.people, 'xenia', codeNow(fresh, fresh.secret));
    rmSync(keyOf(fresh));
    await expect(guess()).rejects.toEqual(refused);
    writeFileSync(keyOf(fresh), `${'ab'.repeat(32)}\n`, { mode: 0o600 });
    await expect(guess()).rejects.toEqual(refused);
    const asked = await new ToyBrowser(fresh).logIn('xenia', goodPassword, { code: codeNow(fresh, fresh.secret) });
    expect([asked.status, asked.json.code]).toEqual([500, 'people.second-factor-unreadable']);
    writeFileSync(keyOf(fresh), key);
    expect(await guess()).toMatchObject({ kind: 'in' });
    rmSync(keyOf(fresh));
    // As the command does it.
    using beside = fresh.reopened();
    const password = await beside.accounts.reset(founder, 'xenia');
    const xenia = new ToyBrowser(fresh);
    expect((await xenia.logIn('xenia', password)).json).toEqual({ outcome: 'in' });
    await xenia.ask('/account/password', { body: { password, newPassword: goodPassword } });
    const { secret } = (await xenia.ask('/account/second-factor', { body: { password: goodPassword } })).json;
    const code = codeNow(fresh, secret);
    expect((await xenia.ask('/account/second-factor/confirm', { body: { code } })).status).toBe(200);
    expect(readFileSync(keyOf(fresh), 'utf8')).not.toBe(key.toString());
  });

  it('is not needed for a recovery code', async () => {
    await using fresh = await withFactor();
    const database = new DatabaseSync(join(fresh.directory, 'people', 'people.sqlite'));
    const hash = secretHash(`xenia ${plainRecoveryCode(paper)}`);
    database.prepare('INSERT INTO recovery VALUES (?, ?)').run(hash, 'xenia');
    database.close();
    rmSync(keyOf(fresh));
    expect(await logIn(fresh.people, 'xenia', paper)).toMatchObject({ kind: 'in' });
  });

  it('has a key that is refused where others may read it, or where it is none', async () => {
    await using fresh = await withFactor();
    chmodSync(keyOf(fresh), 0o640);
    expect(() => fresh.reopened()).toThrow(expect.objectContaining({ code: 'people.key-exposed' }));
    chmodSync(keyOf(fresh), 0o600);
    writeFileSync(keyOf(fresh), 'short');
    expect(() => fresh.reopened()).toThrow(expect.objectContaining({ code: 'people.key-malformed' }));
  });
});

describe('passwords that are taken', () => {
  it.each([
    'password1234',
    'Passw0rd!2026',
    'qwertzuiop123',
    '123456789012',
    'aaaaaaaaaaaa',
    'abcabcabcabc',
    'consilium2026!',
    'anna.anna.anna',
    'Welcome12345!',
    'abcdefghijkl',
    'radiology-pacs',
    'short',
    'ANNAschmidt99',
  ])('are not %s', (password) => {
    expect(objectionTo(password, ['anna', 'Anna', 'Schmidt'])).toBeTypeOf('string');
  });

  it.each([
    'violet harbour 7 lanterns',
    'correct horse battery staple',
    'Mein Nachbar züchtet Tulpen',
    'k3V9-qqT2-zzR8-mmW1',
  ])('are such as %s', (password) => {
    expect(objectionTo(password, ['anna', 'Anna', 'Schmidt'])).toBeUndefined();
  });

  it('are looked at in a moment, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2000 }), (password) => void objectionTo(password, ['anna'])),
      { numRuns: 50 },
    );
    for (const text of ['ab'.repeat(500), 'a'.repeat(1024), 'abcdefghij'.repeat(100)]) objectionTo(text, ['anna']);
  });
});

describe('codes of an authenticator', () => {
  // RFC 6238, appendix B, for SHA-1, the last six digits; the secret is the ASCII text 12345678901234567890.
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238 at %d s', (seconds, code) => {
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    const step = Math.floor(seconds / 30);
    expect(stepOfCode(secret, { code, lastStep: 0, nowMs: seconds * 1000 })).toBe(step);
    expect(stepOfCode(secret, { code, lastStep: step, nowMs: seconds * 1000 })).toBeUndefined();
    expect(stepOfCode(secret, { code, lastStep: 0, nowMs: (seconds + 90) * 1000 })).toBeUndefined();
  });

  it('have secrets of 160 bits that are never the same', () => {
    const secrets = Array.from({ length: 20 }, newTotpSecret);
    expect(new Set(secrets).size).toBe(20);
    expect(secrets[0]).toMatch(/^[A-Z2-7]{32}$/);
  });
});

describe('roles', () => {
  it('keep apart who manages people, who sees patients’ names and who reads', () => {
    const holders = (permission: Parameters<ReturnType<typeof permissionsOf>['has']>[0]) =>
      Object.values(Role).filter((role) => permissionsOf([role]).has(permission));
    expect(holders('accounts.manage')).toEqual(['administrator']);
    expect(holders('identity.reveal')).toEqual(['data-manager']);
    expect(holders('subject.erase')).toEqual(['data-manager']);
    expect(holders('account.own')).toEqual(Object.values(Role));
    expect(holders('account.secure')).toEqual(Object.values(Role));
    expect(permissionsOf([Role.administrator]).has('image.read')).toBe(false);
    expect(permissionsOf([])).toEqual(new Set(['account.own', 'account.secure']));
  });
});
