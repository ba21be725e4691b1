/** `consilium site`: join a project as a hospital, and run the hospital's service. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import type { AgentEvent } from '@consilium/federation';
import { parseSiteSettings, privacyReport, readSiteSettings, runSite, type SiteSettingsInput } from '@consilium/site';
import { IdentityDirectory, type Invitation, makeDirectory, writeDurably } from '@consilium/transport';
import type { Command } from 'commander';
import { type AnswerOptions, answer, jsonOption } from './answer.ts';
import { CliError } from './cli-error.ts';
import { siteEnvironmentHelp, siteOverrides } from './environment-settings.ts';
import { stopOnInterrupt } from './interruption.ts';
import { invitationFor, joinProject } from './joining.ts';
import { privacyText } from './privacy-text.ts';
import { addSiteApprovalsCommand } from './site-approvals-command.ts';

interface JoinOptions extends AnswerOptions {
  readonly directory: string;
  readonly data?: string;
  readonly proxy?: string;
}

export function addSiteCommand(program: Command): void {
  const group = program
    .command('site')
    .description('The process inside the hospital.')
    .addHelpText('after', '\nExample:\n  consilium site start --directory /srv/site');
  group
    .command('join')
    .description('Join a project: make a key and settings, show the fingerprint, wait to be admitted.')
    .argument('<invitation>', 'the line that the coordinator’s administrator gave you')
    .requiredOption('--directory <dir>', 'for everything the site keeps; the key in it never leaves it')
    .option('--data <path>', 'directory of the cases; needed the first time')
    .option('--proxy <url>', 'http://user:password@host:port, if connections must go through a proxy')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium site join consilium-invitation:eyJwcm9q... --directory /srv/site --data /data/kidney
  consilium site join consilium-invitation:eyJwcm9q... --directory /srv/site     to take it up again`,
    )
    .action(joinAsSite);
  group
    .command('start')
    .description(
      'Run the site until Ctrl-C or SIGTERM. It keeps a line to the coordinator and does the tasks that come.',
    )
    .requiredOption('--directory <dir>', 'as made by "consilium site join"')
    .option('--json', 'one JSON object a line on stdout instead of text')
    .addHelpText('after', `${siteEnvironmentHelp}\n\nExample:\n  consilium site start --directory /srv/site`)
    .action(start);
  group
    .command('privacy')
    .description('Show what jobs have spent of the patients’ privacy, and what is left of the site’s budget.')
    .requiredOption('--directory <dir>', 'as made by "consilium site join"')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium site privacy --directory /srv/site')
    .action(showPrivacy);
  addSiteApprovalsCommand(group);
}

async function showPrivacy({ json, ...options }: AnswerOptions & { readonly directory: string }): Promise<void> {
  const directory = resolve(options.directory);
  const report = await privacyReport(directory, await readSiteSettings(directory, siteOverrides(process.env)));
  answer(json === undefined ? {} : { json }, report, privacyText(report));
}

async function joinAsSite(text: string, options: JoinOptions): Promise<void> {
  const invitation = invitationFor('site', text);
  const { project, id, coordinator } = invitation;
  const directory = resolve(options.directory);
  const proxy = await writeSettings(directory, invitation, options);
  const identity = await IdentityDirectory.create(join(directory, 'identity'), {
    project,
    role: 'site',
    id,
    coordinator,
  });
  await joinProject(identity, invitation, {
    ...(options.json ? { json: true } : {}),
    ...(proxy === undefined ? {} : { proxy }),
    signal: stopOnInterrupt(''),
    again: `consilium site join INVITATION --directory ${options.directory}`,
  });
  answer(
    options,
    { state: 'admitted', id, project, directory },
    `
${id} is admitted to "${project}". Next:
  consilium preflight --directory ${options.directory}
  consilium site start --directory ${options.directory}`,
  );
}

/** Writes `site.yaml` the first time, and afterwards leaves it to people. Gives the proxy that it names. */
async function writeSettings(
  directory: string,
  { id, coordinator }: Invitation,
  { data, proxy }: JoinOptions,
): Promise<string | undefined> {
  const path = join(directory, 'site.yaml');
  if (existsSync(path)) {
    const present = await readSiteSettings(directory);
    if (data !== undefined && present.data !== resolve(data)) {
      process.stderr.write(`${path} is there already and is left as it is: its data directory is another.\n`);
    }
    return proxy ?? present.proxy;
  }
  if (data === undefined) {
    throw new CliError('cli.bad-option', 'Say where the cases lie: --data PATH.');
  }
  const settings: SiteSettingsInput = {
    siteId: id as SiteSettingsInput['siteId'],
    coordinator,
    ...(proxy === undefined ? {} : { proxy }),
    data: resolve(data),
  };
  parseSiteSettings(settings);
  await makeDirectory(directory);
  await writeDurably(path, settingsText(settings), { mode: 0o600 }); // a proxy's password may be in it
  return proxy;
}

/** Strings in JSON's notation are YAML. */
function settingsText({ siteId, coordinator, proxy, data }: SiteSettingsInput): string {
  const quoted = JSON.stringify;
  return `# The site's settings. Changes count from the next start.
siteId: ${quoted(siteId)}
coordinator: ${quoted(coordinator)}
${proxy === undefined ? '# proxy: "http://user:password@proxy.example.org:3128"' : `proxy: ${quoted(proxy)}`}
data: ${quoted(data)}
# threads: 8            # for training; all cores but one if not given
# limits:
#   tasksAtOnce: 1
#   hours: { from: "19:00", to: "07:00" }   # local time; training and evaluation begin only then
#   freeMemoryMb: 4096  # a task begins only while so much memory is free
# privacy:
#   epsilonMax: 8       # all jobs together may spend so much of the patients' privacy
#   required: true      # train in no job that offers none
# policy:               # more in policy/*.cedar; try it with "consilium policy test"
#   minimumPatients: 10
#   approve: [train, evaluate]   # a person here looks at each new job first
`;
}

async function start({ directory, json }: AnswerOptions & { readonly directory: string }): Promise<void> {
  const signal = stopOnInterrupt('Stopping. What is under way is done again at the next start.');
  const overrides = siteOverrides(process.env);
  const { siteId, coordinator, data } = await readSiteSettings(resolve(directory), overrides);
  const say = (value: object, text: string) =>
    process.stdout.write(
      json
        ? `${JSON.stringify({ time: new Date().toISOString(), ...value })}\n`
        : `${styleText('dim', new Date().toLocaleTimeString('sv'))}  ${text}\n`,
    );
  say({ event: 'started', siteId, coordinator }, `${siteId}: cases in ${String(data)}, coordinator ${coordinator}`);
  const holdOpen = setInterval(() => {}, 60_000);
  try {
    await runSite(resolve(directory), {
      signal,
      overrides,
      onEvent: (event) => {
        const told = telling(event);
        if (told !== null) say({ event: event.kind, ...told.facts }, told.text);
      },
    });
  } finally {
    clearInterval(holdOpen);
  }
}

/** For the people of the site. More is in its `log.jsonl`. */
function telling(event: AgentEvent): { readonly facts: object; readonly text: string } | null {
  switch (event.kind) {
    case 'connected':
      return { facts: {}, text: 'connected: waiting for tasks' };
    case 'disconnected': {
      const { code, message } = (event.error ?? {}) as { code?: unknown; message?: unknown };
      const why = message === undefined ? 'The coordinator has ended the line.' : String(message);
      const seconds = Math.round(event.retryMs / 1000);
      return { facts: { code, reason: why }, text: `not connected: ${why} Trying again in ${seconds} s` };
    }
    case 'task-waiting': {
      const { taskId, jobId } = event.task;
      const text = `${taskId} waits for approval: consilium site approvals show ${jobId} --directory DIR`;
      return { facts: { taskId }, text };
    }
    case 'task-started':
      return { facts: { taskId: event.task.taskId }, text: `begins ${event.task.taskId}` };
    case 'task-finished': {
      const { taskId } = event.task;
      if (event.outcome.kind === 'contribution') return { facts: { taskId }, text: `has done ${taskId}` };
      const { code, message } = event.outcome.failure;
      return { facts: { taskId, code, reason: message }, text: `could not do ${taskId}: ${message} (${code})` };
    }
    case 'task-given-up':
      return { facts: { taskId: event.taskId }, text: `gives up ${event.taskId}: it is not wanted any more` };
    case 'delivered': {
      const { taskId } = event.task;
      if (event.verdict.kind !== 'refused') return null;
      const { code, message } = event.verdict;
      return { facts: { taskId, code, reason: message }, text: `${taskId} was refused: ${message} (${code})` };
    }
    default:
      return null;
  }
}
