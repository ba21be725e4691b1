/** `consilium coordinator`: make the directory of a project's coordinator, run it, and get back in. */
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import {
  Coordinator,
  coordinatorOrigin,
  initCoordinator,
  type Member,
  openServiceLog,
  recoverMember,
  type ServiceLogOptions,
  webLink,
} from '@consilium/coordinator';
import type { JobEvent } from '@consilium/federation';
import { siteIdSchema } from '@consilium/protocol';
import { wallClockMs } from '@consilium/transport';
import { type Command, Option } from 'commander';
import { type AnswerOptions, answer, jsonOption } from './answer.ts';
import { CliError } from './cli-error.ts';
import { consolePages } from './console-pages.ts';
import { coordinatorEnvironmentHelp, coordinatorOverrides } from './environment-settings.ts';
import { stopOnInterrupt } from './interruption.ts';
import { wholeNumber } from './number-option.ts';

interface InitOptions extends AnswerOptions {
  readonly directory: string;
  readonly project: string;
  readonly name: string[];
  readonly port: number;
  readonly host?: string;
  readonly publicPort?: number;
}

interface StartOptions {
  readonly directory: string;
  readonly host?: string;
  readonly port?: number;
  readonly web?: number | true;
  readonly log?: string;
  readonly logLevel: NonNullable<ServiceLogOptions['level']>;
}

export function addCoordinatorCommand(program: Command): void {
  const group = program
    .command('coordinator')
    .description('The process that runs a project’s rounds.')
    .addHelpText('after', '\nExample:\n  consilium coordinator start --directory /srv/kidney');
  group
    .command('init')
    .description('Make a coordinator: its settings, the project’s authority, and the identity of its first member.')
    .requiredOption('--directory <dir>', 'a new directory for everything it keeps')
    .requiredOption('--project <name>', 'name of the project: a-z, 0-9 and "-"')
    .requiredOption('--name <host...>', 'names or addresses by which sites reach it; the first stands in invitations')
    .option('--host <address>', 'address to listen on (default: all)')
    .option('--port <port>', 'port to listen on', wholeNumber(0, 65535), 443)
    .option('--public-port <port>', 'port by which sites reach it, if that is another', wholeNumber(1, 65535))
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium coordinator init --directory /srv/kidney --project kidney --name kidney.example.org
  consilium coordinator init --directory k --project kidney --name 10.0.0.7 --port 8443 --public-port 443`,
    )
    .action(init);
  group
    .command('start')
    .description('Run the coordinator until Ctrl-C or SIGTERM. It goes on with every job that had not ended.')
    .requiredOption('--directory <dir>', 'as made by "consilium coordinator init"')
    .option('--host <address>', 'listen on this address, whatever the settings say')
    .option('--port <port>', 'listen on this port, whatever the settings say', wholeNumber(0, 65535))
    .option('--web [port]', 'serve the pages of the project, on this port of this machine', wholeNumber(0, 65535))
    .option('--log <file>', 'write the log, a JSON object a line, to this file instead of stderr')
    .addOption(
      new Option('--log-level <level>', 'what is logged; debug has every request and training step')
        .choices(['error', 'warn', 'info', 'debug', 'trace'])
        .default('info'),
    )
    .addHelpText(
      'after',
      `${coordinatorEnvironmentHelp}

Examples:
  consilium coordinator start --directory /srv/kidney
  consilium coordinator start --directory /srv/kidney --web
  consilium coordinator start --directory /srv/kidney --log /var/log/consilium.jsonl`,
    )
    .action(start);
  group
    .command('open')
    .description('Show the link to the pages of a coordinator that runs. It lets in whoever has it.')
    .requiredOption('--directory <dir>', 'of the coordinator')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium coordinator open --directory /srv/kidney')
    .action(showLink);
  group
    .command('recover')
    .description(
      'Make a new identity for a member who has lost theirs; the old key counts no more. For who has the coordinator’s files, beside it as it runs or while it is stopped.',
    )
    .requiredOption('--directory <dir>', 'of the coordinator')
    .option('--member <name>', 'the member who is to have it', 'admin')
    .option('--out <dir>', 'where to write it (default for admin: admin in the directory of the coordinator)')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium coordinator recover --directory /srv/kidney
  consilium coordinator recover --directory /srv/kidney --member berta --out /home/berta/kidney`,
    )
    .action(recover);
}

async function init(options: InitOptions): Promise<void> {
  const { project, name, host, port, publicPort } = options;
  const directory = resolve(options.directory);
  const settings = await initCoordinator(
    directory,
    {
      project,
      names: name,
      listen: { port, ...(host === undefined ? {} : { host }) },
      ...(publicPort === undefined ? {} : { publicPort }),
    },
    { nowMs: wallClockMs },
  );
  const origin = coordinatorOrigin(settings);
  answer(
    options,
    { directory, project, origin, identity: `${directory}/admin` },
    `The coordinator of "${project}" is made. Sites will reach it at ${origin}.

  ${directory}/coordinator.yaml   its settings
  ${directory}/authority/         issues every certificate of the project: back it up, keep it secret
  ${directory}/admin/             your identity as the member "admin": whoever has it runs the project

Next:
  consilium coordinator start --directory ${options.directory}`,
  );
}

async function recover({
  directory,
  member,
  ...options
}: AnswerOptions & { readonly directory: string; readonly member: string; readonly out?: string }): Promise<void> {
  const { data: id } = siteIdSchema.safeParse(member);
  if (id === undefined) {
    throw new CliError('cli.bad-option', `"${member}" is no name of a member: 1 to 64 of a-z, 0-9, ".", "_", "-".`);
  }
  if (options.out === undefined && id !== 'admin') {
    throw new CliError('cli.bad-option', `Say where to write the identity of ${id}: --out DIR.`);
  }
  const identity = resolve(options.out ?? join(directory, id));
  const { fingerprint } = await recoverMember(resolve(directory), { id, identity }, { nowMs: wallClockMs });
  answer(
    options,
    { id, identity, fingerprint },
    `${id} has a new identity in ${identity}, with the key ${fingerprint}. An old key of ${id} counts no more.
Look whether all who are listed shall be: consilium member list --identity ${identity}`,
  );
}

async function start(options: StartOptions): Promise<void> {
  const { host, port, web, log, logLevel: level } = options;
  const overrides = coordinatorOverrides(process.env);
  const listen = {
    ...overrides.listen,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  };
  const logger = openServiceLog({ level, ...(log === undefined ? {} : { to: resolve(log) }) });
  const signal = stopOnInterrupt('Stopping. Sites go on with what they do, and so does every job at the next start.');
  const directory = resolve(options.directory);
  const pages = web === undefined ? {} : { web: web === true ? {} : { port: web } };
  await using coordinator = await Coordinator.start(directory, {
    logger,
    overrides: { ...overrides, ...pages, listen },
    pages: consolePages,
    onEvent: sayEvent,
    onMember: sayMember,
  });
  const { settings } = coordinator;
  say(
    `${styleText('bold', settings.project)}: listening on ${settings.listen.host}, port ${coordinator.port}; sites reach it at ${coordinatorOrigin(settings)}`,
  );
  const sites = coordinator.registry.list().filter(({ role, state }) => role === 'site' && state === 'admitted');
  const jobs = coordinator.board.list().filter(({ state }) => state === 'running' || state === 'queued');
  say(`${sites.length} sites admitted, ${jobs.length} jobs to go on with`);
  if (sites.length === 0) {
    say(`Next: consilium member invite --site NAME --identity ${options.directory}/admin`);
  }
  const link = await webLink(directory);
  if (link !== undefined) process.stdout.write(`\nThe pages of the project: open ${link}\n\n`);
  await new Promise<void>((end) => signal.addEventListener('abort', () => end()));
}

async function showLink({ directory, ...options }: AnswerOptions & { readonly directory: string }): Promise<void> {
  const link = await webLink(resolve(directory));
  if (link === undefined) {
    const text = `No pages are served from ${directory}: "consilium coordinator start --web" serves them.`;
    throw new CliError('cli.not-running', text);
  }
  answer(options, { link }, link);
}

function say(text: string): void {
  process.stdout.write(`${styleText('dim', new Date().toLocaleTimeString('sv'))}  ${text}\n`);
}

function sayMember({ role, id, state, fingerprint }: Member): void {
  if (state !== 'pending') say(`${role} ${id} is ${state}`);
  else {
    say(`${role} ${id} asks to be admitted with the key ${fingerprint}`);
    say(`  Compare it by telephone, then: consilium member admit ${id}`);
  }
}

function sayEvent(event: JobEvent): void {
  const text = told(event);
  if (text !== null) say(text);
}

function told(event: JobEvent): string | null {
  switch (event.kind) {
    case 'job-started':
      return `job ${event.jobId} runs at ${event.participants.join(', ')}`;
    case 'site-lost':
    case 'site-left-out':
      return `job ${event.jobId}: ${event.siteId}: ${event.message}`;
    case 'job-ended':
      return `job ${event.jobId} ${event.state}: ${event.reason.text}`;
    default:
      return null;
  }
}
