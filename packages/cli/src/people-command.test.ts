/** `consilium people` on the directory of an archive: what it says, and what the people and the log are afterwards. */
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, AuditReader } from '@consilium/audit';
import { Access, People } from '@consilium/people';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { addPeopleCommand } from './people-command.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-people-command-'));
const directory = join(root, 'archive');
mkdirSync(join(directory, 'audit'), { recursive: true });
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

async function run(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addPeopleCommand(program);
  await program.parseAsync(['people', ...args, '--directory', directory], { from: 'user' });
  vi.restoreAllMocks();
  return written.join('');
}
const asJson = async (...args: readonly string[]) => JSON.parse(await run(...args, '--json'));
/** RFC 6238, as an authenticator does it. */
function totpOf(base32: string, ms: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...base32].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  return String((digest.readUInt32BE(digest.at(-1)! & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}
const codeOf = (promise: Promise<unknown>) => promise.then(String, (error) => error.code);

/** As a service that runs has them. */
async function withPeople<T>(look: (people: People) => T | Promise<T>): Promise<T> {
  const nowMs = () => Date.now();
  using audit = await AuditLog.open(join(directory, 'audit'), { nowMs, service: { kind: 'service', id: 'archive' } });
  using people = People.open(directory, { audit, nowMs });
  return await look(people);
}

describe('consilium people', () => {
  it('makes an account whose password lets its person in once, to choose another', async () => {
    const { password } = await asJson('add', 'adam', '--roles', 'administrator', '--display', 'Adam A.');
    const outcome = await withPeople(({ login }) =>
      login.withPassword({ name: 'adam', password }, { address: '127.0.0.1', device: undefined }),
    );
    expect(outcome).toMatchObject({ kind: 'in', account: 'adam' });
    expect((await asJson('list')).accounts).toMatchObject([
      { name: 'adam', display: 'Adam A.', roles: ['administrator'], passwordUntilMs: expect.any(Number) },
    ]);
    expect(await run('list')).toMatch(/^NAME .*\nadam {2,}Adam A\. {2,}administrator /);
    expect(await codeOf(run('add', 'adam'))).toBe('people.name-taken');
    expect(await codeOf(run('add', 'Adam B'))).toBe('cli.bad-option');
    expect(await codeOf(run('add', 'bert', '--roles', 'root'))).toBe('commander.invalidArgument');
  });

  it('gives roles, shuts out, lets in and resets', async () => {
    await run('add', 'rita');
    await run('roles', 'rita', 'reviewer', 'lead');
    const rita = async () => (await asJson('list')).accounts.find(({ name }: { name: string }) => name === 'rita');
    expect((await rita()).roles).toEqual(['lead', 'reviewer']);
    await run('disable', 'rita');
    expect((await rita()).isDisabled).toBe(true);
    await run('enable', 'rita');
    expect((await rita()).isDisabled).toBe(false);
    expect((await asJson('reset', 'rita')).password).toMatch(/^[\w-]{43}$/);
    await run('roles', 'rita');
    expect((await rita()).roles).toEqual([]);
    expect(await codeOf(run('reset', 'nobody'))).toBe('people.account-unknown');
  });

  it('makes tokens that let programs in until they are revoked', async () => {
    await run('roles', 'rita', 'engineer');
    const { id, secret } = await asJson(
      'token',
      'make',
      'rita',
      '--for',
      'export',
      '--scopes',
      'image.read',
      '--days',
      '5',
    );
    const isIn = () =>
      withPeople((people) => {
        const access = new Access({
          ...{ people, directoryToken: 'd'.repeat(64), ownToken: 'o'.repeat(64), machines: [], cookie: 'toy' },
          isSecure: false,
        });
        const request = { method: 'GET', host: '', headers: { authorization: `Bearer ${secret}` } };
        return access.isStillIn(request, 'image.read');
      });
    expect(await isIn()).toBe(true);
    expect(await run('token', 'list', 'rita')).toMatch(new RegExp(`^${id} +export +image\\.read +until `));
    await run('token', 'revoke', 'rita', id);
    expect(await isIn()).toBe(false);
  });

  it('shows who has a second factor, and removes it with a reset', async () => {
    const factorOf = async () => /^rita .* (second factor|-) {2,}\d+ sessions/m.exec(await run('list'))?.[1];
    expect(await factorOf()).toBe('-');
    await withPeople(async ({ accounts }) => {
      const secret = accounts.draftTotp('rita');
      await accounts.confirmTotp({ kind: 'person', id: 'rita' }, 'rita', totpOf(secret, Date.now()));
    });
    expect(await factorOf()).toBe('second factor');
    await run('reset', 'rita');
    expect(await factorOf()).toBe('-');
  });

  it('switches the link off and on, and writes down who did what', async () => {
    await run('link', 'off');
    expect((await asJson('list')).isTokenOn).toBe(false);
    expect(await codeOf(run('disable', 'adam'))).toBe('people.last-administrator');
    await run('link', 'on');
    using reader = AuditReader.open(join(directory, 'audit'));
    const done = reader.entries({ last: 100, action: 'account.changed' });
    expect(new Set(done.map(({ actor }) => actor.id))).toEqual(new Set(['console', 'rita']));
    expect(done.map(({ reason, subjects }) => `${subjects[0]!.id} ${reason}`)).toEqual([
      'adam made with roles administrator',
      'rita made with no role',
      'rita has roles lead, reviewer',
      'rita disabled',
      'rita enabled',
      'rita reset',
      'rita has no role',
      'rita has roles engineer',
      'rita second factor set up',
      'rita reset',
      'console the token of the directory is off',
      'console the token of the directory is on',
    ]);
  });

  it('says what each role may, and where there is no archive', async () => {
    expect(await run('roles')).toMatch(
      /administrator: accounts and roles.*\n {4}account\.own, account\.secure, accounts\.manage/,
    );
    rmSync(join(directory, 'audit'), { recursive: true });
    expect(await codeOf(run('list'))).toBe('cli.not-an-archive');
  });
});
