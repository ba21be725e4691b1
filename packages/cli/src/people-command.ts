/**
 * `consilium people`: who may use an archive, or a coordinator's pages. It works on the directory, also while the service
 * runs: whoever has the files is let in first, and lets the others in. What is done is in the service's audit log.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AuditLog } from '@consilium/audit';
import { People, permissionsOf } from '@consilium/people';
import {
  newAccountSchema,
  newRolesSchema,
  newTokenSchema,
  permissions,
  Role,
  roleWords,
  type Scope,
  scopes,
} from '@consilium/people/api';
import { Argument, type Command, Option } from 'commander';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { CliError } from './cli-error.ts';
import { wholeNumber } from './number-option.ts';

interface DirectoryOptions extends AnswerOptions {
  readonly directory: string;
}

const directoryOption = ['--directory <dir>', 'of an archive or a coordinator; it may run meanwhile'] as const;
const roleArgument = () => new Argument('[roles...]', 'the roles from now on').choices(Object.values(Role));
/** Whoever has the files of the service. */
const holder = { kind: 'person', id: 'console' } as const;

export function addPeopleCommand(program: Command): void {
  const group = program
    .command('people')
    .description('Who may use an archive or the pages of a coordinator, and as what.')
    .addHelpText('after', '\nExample:\n  consilium people add anna --roles reader --directory /srv/archive');
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .requiredOption(...directoryOption)
      .option(...jsonOption);
  command('add', 'Make an account. Shows a password that is good for a week, for choosing another.')
    .argument('<name>', 'for ever: of a-z, 0-9, ".", "_", "@" and "-"')
    .addOption(new Option('--roles <role...>', 'what the person does').choices(Object.values(Role)).default([]))
    .option('--display <text>', 'the name as it is shown')
    .addHelpText('after', '\nExample:\n  consilium people add rita --roles reviewer adjudicator --display "Rita R."')
    .action(add);
  command('list', 'Show all accounts.').action(list);
  command('roles', 'Give somebody these roles in place of others; without a name, show what each role may.')
    .argument('[name]')
    .addArgument(roleArgument())
    .addHelpText('after', '\nExample:\n  consilium people roles rita reviewer lead --directory /srv/archive')
    .action(setRoles);
  command('disable', 'Shut an account: its sessions end, its tokens count no more.')
    .argument('<name>')
    .action((name: string, options: DirectoryOptions) => setDisabled(name, options, true));
  command('enable', 'Open an account that was shut.')
    .argument('<name>')
    .action((name: string, options: DirectoryOptions) => setDisabled(name, options, false));
  command('reset', 'For who has lost password or telephone: a new first password, no second factor, no token.')
    .argument('<name>')
    .action(reset);
  command('link', 'Whether the token of the directory, and the link with it, let in browsers and programs.')
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .addHelpText(
      'after',
      '\nExample:\n  consilium people link off --directory /srv/archive     once there is an administrator',
    )
    .action(setLink);
  addTokenCommands(group.command('token').description('Tokens by which programs act for somebody.'));
}

function addTokenCommands(group: Command): void {
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .argument('<name>', 'of the person')
      .requiredOption(...directoryOption)
      .option(...jsonOption);
  command('make', 'Make a token. It is shown once.')
    .requiredOption('--for <text>', 'what it is for')
    .addOption(new Option('--scopes <scope...>', 'what it may').choices(scopes).makeOptionMandatory())
    .option('--days <n>', 'how long it is good', wholeNumber(1, 366), 90)
    .addHelpText(
      'after',
      '\nExample:\n  consilium people token make emil --for "nightly export" --scopes image.read --directory /srv/archive',
    )
    .action(makeToken);
  command('list', 'Show the tokens of a person.').action(listTokens);
  command('revoke', 'Let a token in no more.').argument('<id>', 'as in the list').action(revokeToken);
}

/** With the people of a directory, and its log. */
async function withPeople<T>({ directory: given }: DirectoryOptions, act: (people: People) => Promise<T>): Promise<T> {
  const directory = resolve(given);
  if (!existsSync(join(directory, 'audit'))) {
    throw new CliError(
      'cli.not-an-archive',
      `There is no archive or coordinator in ${directory}: "consilium archive init" makes one.`,
    );
  }
  const nowMs = () => Date.now();
  const isCoordinator = existsSync(join(directory, 'coordinator.yaml'));
  const service = isCoordinator
    ? ({ kind: 'coordinator', id: 'coordinator' } as const)
    : ({ kind: 'service', id: 'archive' } as const);
  using audit = await AuditLog.open(join(directory, 'audit'), { nowMs, service });
  using people = People.open(directory, { audit, nowMs });
  return await act(people);
}

interface AddOptions extends DirectoryOptions {
  readonly roles: readonly Role[];
  readonly display?: string;
}

async function add(name: string, options: AddOptions): Promise<void> {
  const asked = checked(newAccountSchema.safeParse({ name, display: options.display ?? name, roles: options.roles }));
  const password = await withPeople(options, ({ accounts }) => accounts.add(holder, asked));
  const text = `${name} can log in for a week with this password, and chooses another then:\n\n  ${password}\n`;
  answer(options, { name, password }, text);
}

async function list(options: DirectoryOptions): Promise<void> {
  await withPeople(options, async ({ accounts, sessions, tokens }) => {
    const found = accounts.list();
    const rows = found.map(({ display, hasSecondFactor, isDisabled, loginMs, name, origin, roles }) => [
      ...[name, display, roles.join(', ') || '-', isDisabled ? 'disabled' : origin],
      hasSecondFactor ? 'second factor' : '-',
      `${sessions.list(name).length} sessions, ${tokens.list(name).length} tokens`,
      loginMs === undefined ? 'never' : new Date(loginMs).toISOString(),
    ]);
    const heading = ['NAME', 'SHOWN AS', 'ROLES', 'ACCOUNT', 'FACTOR', 'IN USE', 'LAST LOGIN'];
    const link = `The token of the directory is ${accounts.isTokenOn ? 'on' : 'off'}.`;
    answer(options, { accounts: found, isTokenOn: accounts.isTokenOn }, `${textTable([heading, ...rows])}\n\n${link}`);
  });
}

async function setRoles(name: string | undefined, asked: readonly Role[], options: DirectoryOptions): Promise<void> {
  if (name === undefined) {
    const roles = Object.values(Role).map((role) => ({
      role,
      means: roleWords[role],
      may: [...permissionsOf([role])],
    }));
    const lines = roles.flatMap(({ may, means }) => [means, `    ${may.join(', ')}`]);
    const meanings = textTable(Object.entries(permissions).map(([permission, means]) => [permission, means]));
    answer(options, { roles, permissions }, [...lines, '', meanings].join('\n'));
    return;
  }
  const { roles } = checked(newRolesSchema.safeParse({ roles: asked }));
  await withPeople(options, ({ accounts }) => accounts.setRoles(holder, name, roles));
  answer(options, { name, roles }, `${name} has ${roles.length === 0 ? 'no role' : roles.join(', ')} from now on.`);
}

async function setDisabled(name: string, options: DirectoryOptions, isDisabled: boolean): Promise<void> {
  await withPeople(options, ({ accounts }) => accounts.setDisabled(holder, name, isDisabled));
  answer(options, { name, isDisabled }, `${name} is ${isDisabled ? 'shut out' : 'let in again'}.`);
}

async function reset(name: string, options: DirectoryOptions): Promise<void> {
  const password = await withPeople(options, ({ accounts }) => accounts.reset(holder, name));
  answer(options, { name, password }, `${name} can log in for a week with this password:\n\n  ${password}\n`);
}

async function setLink(state: 'on' | 'off', options: DirectoryOptions): Promise<void> {
  await withPeople(options, ({ accounts }) => accounts.setTokenOn(holder, state === 'on'));
  answer(options, { state }, `The token of the directory is ${state}.`);
}

interface TokenOptions extends DirectoryOptions {
  readonly for: string;
  readonly scopes: readonly Scope[];
  readonly days: number;
}

async function makeToken(name: string, options: TokenOptions): Promise<void> {
  const { days, for: purpose } = options;
  const asked = checked(newTokenSchema.safeParse({ name: purpose, scopes: options.scopes, days }));
  const token = await withPeople(options, ({ accounts, tokens }) =>
    tokens.make(holder, accounts.get(name).name, { ...asked, scopes: asked.scopes }),
  );
  answer(options, token, `This token is good for ${days} days. It is not shown again:\n\n  ${token.secret}\n`);
}

async function listTokens(name: string, options: DirectoryOptions): Promise<void> {
  const tokens = await withPeople(options, async (people) => people.tokens.list(people.accounts.get(name).name));
  const dateOf = (ms: number | undefined) =>
    ms === undefined ? 'never used' : new Date(ms).toISOString().slice(0, 10);
  const rows = tokens.map(({ id, name: purpose, scopes: may, untilMs, usedMs }) => [
    ...[id, purpose, may.join(', '), `until ${dateOf(untilMs)}`, dateOf(usedMs)],
  ]);
  answer(options, { tokens }, rows.length === 0 ? `${name} has no token.` : textTable(rows));
}

async function revokeToken(name: string, id: string, options: DirectoryOptions): Promise<void> {
  await withPeople(options, ({ tokens }) => tokens.revoke(holder, name, id));
  answer(options, { name, id }, 'The token is revoked.');
}

function checked<T>(parsed: { data?: T; error?: { issues: readonly { path: PropertyKey[]; message: string }[] } }): T {
  if (parsed.data !== undefined) return parsed.data;
  const { message, path } = parsed.error!.issues[0]!;
  throw new CliError('cli.bad-option', `${path.join('.')}: ${message}.`);
}
