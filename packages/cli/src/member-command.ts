/** `consilium member`: who belongs to the project, and how somebody comes to or ceases to. */
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { encodeInvitation, fingerprintOf, IdentityDirectory } from '@consilium/transport';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ActingMember, type ActingOptions, actAs, actingOptions } from './acting-member.ts';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { CliError } from './cli-error.ts';
import { stopOnInterrupt } from './interruption.ts';
import { invitationFor, joinProject } from './joining.ts';
import { realNumber } from './number-option.ts';

const memberSchema = z.object({
  role: z.enum(['site', 'member']),
  id: z.string(),
  state: z.enum(['pending', 'admitted', 'revoked']),
  fingerprint: z.string(),
  /** Sites only. */
  connected: z.boolean().optional(),
  silentSeconds: z.number().nullable().optional(),
});
export type ListedMember = z.infer<typeof memberSchema>;

type CommonOptions = ActingOptions & AnswerOptions;
type NamedOptions = CommonOptions & { readonly role?: string };

export function addMemberCommand(program: Command): void {
  const group = program
    .command('member')
    .description('Who belongs to the project: invite, list, admit, revoke, join.')
    .addHelpText('after', '\nExamples:\n  consilium member invite --site charite\n  consilium member admit charite');
  const acting = (name: string) =>
    group
      .command(name)
      .option(...actingOptions[0])
      .option(...actingOptions[1])
      .option(...jsonOption);
  acting('invite')
    .description('Print an invitation, a line to hand over to one site or one person. It is good once.')
    .option('--site <name>', 'invite a site of this name: a-z, 0-9, ".", "_", "-"')
    .option('--member <name>', 'invite a person of this name, who may do all that you may')
    .option('--hours <hours>', 'how long it is good for', realNumber(0.0001, 24 * 90), 72)
    .addHelpText(
      'after',
      '\nExamples:\n  consilium member invite --site charite\n  consilium member invite --member berta --hours 4',
    )
    .action(invite);
  acting('list')
    .description('Who belongs to the project, who asks to, and which sites are connected.')
    .addHelpText('after', '\nExamples:\n  consilium member list\n  consilium member list --json')
    .action(list);
  acting('admit')
    .description('Admit who asks, after comparing the fingerprint of their key by telephone.')
    .argument('<name>')
    .option('--fingerprint <text>', 'as it was read to you; without it you are shown what to compare and asked')
    .option('--role <role>', 'site or member, where both are called so')
    .addHelpText(
      'after',
      '\nExamples:\n  consilium member admit charite\n  consilium member admit charite --fingerprint "91c2 40ab ..."',
    )
    .action(admit);
  acting('revoke')
    .description('Let someone in no more, from now on. Nobody else is touched. To undo it, invite them anew.')
    .argument('<name>')
    .option('--role <role>', 'site or member, where both are called so')
    .addHelpText('after', '\nExample:\n  consilium member revoke charite')
    .action(revoke);
  group
    .command('join')
    .description('Join a project as a person: make a key, show its fingerprint, wait to be admitted.')
    .argument('<invitation>', 'the line you were given')
    .requiredOption('--directory <dir>', 'where your identity is kept')
    .option(...actingOptions[1])
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium member join consilium-invitation:eyJwcm9q... --directory admin')
    .action(join);
}

async function invite({
  site,
  member,
  hours,
  ...options
}: CommonOptions & { readonly site?: string; readonly member?: string; readonly hours: number }): Promise<void> {
  if ((site === undefined) === (member === undefined)) {
    throw new CliError('cli.bad-option', 'Say whom to invite: either --site NAME or --member NAME.');
  }
  const whom = site === undefined ? { role: 'member' as const, id: member! } : { role: 'site' as const, id: site };
  await using acting = await actAs(options);
  const { token } = z
    .object({ token: z.string() })
    .parse(await acting.client.post('/v1/invitations', { ...whom, hours }));
  const { project, coordinator } = acting.facts;
  const authority = fingerprintOf(new X509Certificate(acting.authority).raw);
  const invitation = encodeInvitation({ ...whom, project, coordinator, authority, token });
  answer(options, { ...whom, project, hours, invitation }, invitation);
}

/** @throws what the coordinator refuses it with */
export async function listMembers({ client }: ActingMember): Promise<readonly ListedMember[]> {
  return z.object({ members: z.array(memberSchema) }).parse(await client.get('/v1/members')).members;
}

async function list(options: CommonOptions): Promise<void> {
  await using acting = await actAs(options);
  const members = await listMembers(acting);
  const rows = members.map(({ role, id, state, fingerprint, connected, silentSeconds }) => {
    const link = connected === undefined || state !== 'admitted' ? '' : connected ? 'connected' : 'away';
    const silent = typeof silentSeconds === 'number' && state === 'admitted' ? `heard of ${silentSeconds} s ago` : '';
    return [role, id, state, link, silent, `${fingerprint.slice(0, 19)} ...`];
  });
  answer(options, { members }, textTable([['role', 'name', 'state', '', '', 'key'], ...rows]));
}

async function admit(
  name: string,
  { fingerprint, ...options }: NamedOptions & { readonly fingerprint?: string },
): Promise<void> {
  await using acting = await actAs(options);
  const member = await theOne(acting, name, options.role, ['pending', 'admitted']);
  const compared = fingerprint ?? (await compare(member));
  const { role, id } = member;
  const admitted = memberSchema.parse(
    await acting.client.post('/v1/members/admit', { role, id, fingerprint: compared }),
  );
  answer(options, admitted, `${role} ${id} is admitted.`);
}

async function revoke(name: string, options: NamedOptions): Promise<void> {
  await using acting = await actAs(options);
  const { role, id } = await theOne(acting, name, options.role, ['pending', 'admitted', 'revoked']);
  const revoked = memberSchema.parse(await acting.client.post('/v1/members/revoke', { role, id }));
  answer(options, revoked, `${role} ${id} is revoked: nobody with this key is let in any more.`);
}

async function join(
  text: string,
  options: AnswerOptions & { readonly directory: string; readonly proxy?: string },
): Promise<void> {
  const invitation = invitationFor('member', text);
  const { project, id, coordinator } = invitation;
  const directory = resolve(options.directory);
  const identity = await IdentityDirectory.create(directory, { project, role: 'member', id, coordinator });
  const again = `consilium member join INVITATION --directory ${options.directory}`;
  await joinProject(identity, invitation, { ...options, again, signal: stopOnInterrupt('') });
  answer(
    options,
    { state: 'admitted', id, project, directory },
    `\n${id} is admitted to "${project}". Try: consilium member list --identity ${options.directory}`,
  );
}

/** The member of this name, in one of the states. */
async function theOne(
  acting: ActingMember,
  name: string,
  role: string | undefined,
  states: readonly ListedMember['state'][],
): Promise<ListedMember> {
  const named = (await listMembers(acting)).filter(
    (member) => member.id === name && (role ?? member.role) === member.role,
  );
  const fitting = named.filter(({ state }) => states.includes(state));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1) {
    throw new CliError(
      'cli.bad-option',
      `A site and a person are called ${name}. Say which: --role site or --role member.`,
    );
  }
  const text =
    named.length === 0
      ? `Nobody called ${name} has asked to join. They run "consilium site join" or "consilium member join" first.`
      : `${name} was revoked. Invite them anew.`;
  throw new CliError('cli.no-such-member', text);
}

async function compare({ role, id, fingerprint }: ListedMember): Promise<string> {
  if (!process.stdin.isTTY) {
    const text = `Nobody is here to compare fingerprints. Give the one that was read to you: --fingerprint TEXT.`;
    throw new CliError('cli.fingerprint-wanted', text);
  }
  const question = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await question.question(
      `The ${role} ${id} asks to be admitted. Have them read the fingerprint of their key to you by telephone:

  ${fingerprint}

Is it the same, all of it? Type yes to admit: `,
    );
    if (said.trim().toLowerCase() === 'yes') return fingerprint;
  } finally {
    question.close();
  }
  throw new CliError('cli.not-confirmed', 'Nobody was admitted.');
}
