/** `consilium archive`: a hospital's studies, de-identified at the door, found again and handed to training. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import {
  ArchiveService,
  consoleTokenFile,
  readServiceSettings,
  type ServiceExtension,
  type ServiceSettings,
  serviceSettingsFile,
} from '@consilium/archive';
import { monaiLabelExtension, monaiLabelSettingsOf, readingExtension } from '@consilium/reading';
import { makeDirectory, writeDurably } from '@consilium/transport';
import type { Command } from 'commander';
import { answer, jsonOption } from './answer.ts';
import { addCatalogueCommands } from './archive-catalogue-command.ts';
import { addressOf } from './archive-client.ts';
import { addIntakeCommands } from './archive-intake-command.ts';
import { addLabelCommands } from './archive-label-command.ts';
import { type ArchiveOptions, appFolders, directoryOption } from './archive-options.ts';
import { CliError } from './cli-error.ts';
import { consolePages } from './console-pages.ts';
import { archiveEnvironmentHelp, archivePorts } from './environment-settings.ts';
import { stopOnInterrupt } from './interruption.ts';

export function addArchiveCommand(program: Command): void {
  const group = program
    .command('archive')
    .description('A hospital’s studies: taken in, de-identified at the door, found again, handed to training.')
    .addHelpText('after', '\nExample:\n  consilium archive start --directory /srv/archive');
  group
    .command('init')
    .description('Make an archive: its settings and keys.')
    .requiredOption('--directory <dir>', 'for everything the archive keeps')
    .requiredOption('--project <name>', 'the research question whose studies these are')
    .option('--ae-title <title>', 'by which scanners and PACS call it', 'CONSILIUM')
    .option('--dicom-port <port>', 'for C-STORE; 0 offers none', '11112')
    .option('--from <name=address...>', 'AE titles and addresses that may send, as PACS=10.1.2.3')
    .option('--web-port <port>', 'of the pages, on this machine only', '8042')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium archive init --directory /srv/archive --project kidney --from PACS=10.1.2.3
  consilium archive init --directory /srv/archive --project kidney --dicom-port 0      folders and uploads only`,
    )
    .action(init);
  group
    .command('start')
    .description('Run the archive until Ctrl-C or SIGTERM: C-STORE, DICOMweb, watched folders, the pages.')
    .requiredOption(...directoryOption)
    .option('--json', 'one JSON object a line on stdout instead of text')
    .addHelpText('after', `\nExample:\n  consilium archive start --directory /srv/archive\n${archiveEnvironmentHelp}`)
    .action(start);
  group
    .command('open')
    .description('Show the link that opens the pages of an archive that runs. It lets in whoever has it.')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(showLink);
  addIntakeCommands(group);
  addCatalogueCommands(group);
  addLabelCommands(group.command('label').description('Segmentations as files, out and in.'));
}

interface InitOptions extends ArchiveOptions {
  readonly project: string;
  readonly aeTitle: string;
  readonly dicomPort: string;
  readonly webPort: string;
  readonly from?: readonly string[];
}

async function init(options: InitOptions): Promise<void> {
  const directory = resolve(options.directory);
  const path = join(directory, serviceSettingsFile);
  if (existsSync(path)) {
    throw new CliError('cli.directory-taken', `${directory} holds an archive already. Its settings are in ${path}.`);
  }
  await makeDirectory(directory);
  await writeDurably(path, settingsText(options), { mode: 0o600 });
  try {
    // Reads the settings as the service will, and makes the keys.
    const settings = await readServiceSettings(directory);
    await (await ArchiveService.open(directory, settings, archivePorts(process.env)))[Symbol.asyncDispose]();
  } catch (error) {
    const { rm } = await import('node:fs/promises');
    await rm(path, { force: true });
    throw error;
  }
  answer(
    options,
    { directory, settings: path },
    `The archive of "${options.project}" is made.

  ${path}   its settings
  ${['secret', 'identity.key']
    .map((name) => join(directory, name))
    .filter(existsSync)
    .join(', ')}   its keys: back them up apart from the images

Next:
  consilium archive start --directory ${options.directory}`,
  );
}

/** Strings in JSON's notation are YAML. */
function settingsText({ aeTitle, dicomPort, from = [], project, webPort }: InitOptions): string {
  const peers = from.map((text) => {
    const [title = '', address = ''] = text.split('=');
    if (title === '' || address === '') {
      throw new CliError('cli.bad-option', `--from ${text}: name an AE title and an address, as PACS=10.1.2.3`);
    }
    return `    - { name: ${JSON.stringify(title)}, aeTitle: ${JSON.stringify(title)}, addresses: [${JSON.stringify(address)}] }`;
  });
  const dicom = `dicom:
  aeTitle: ${JSON.stringify(aeTitle)}
  port: ${dicomPort}
  # Who may send. Nobody else is let in.
  peers:${peers.length === 0 ? ' []' : `\n${peers.join('\n')}`}
`;
  return `# The archive's settings. Changes count from the next start. All of them: docs/guides/archive.md, docs/guides/pacs.md
project: ${JSON.stringify(project)}
web:
  port: ${webPort}        # the pages, on this machine only
${dicomPort === '0' ? '' : dicom}# watch:
#   - { directory: /data/incoming }   # files put there are taken in, and moved to done/
# deidentification:
#   dates: shifted              # or removed
#   patientCharacteristics: kept
# remotes:
#   - { kind: dimse, name: pacs, aeTitle: PACS, host: pacs.example.org, port: 104 }
`;
}

async function start({ directory: given, json }: ArchiveOptions): Promise<void> {
  const signal = stopOnInterrupt('Stopping. What is under way goes on at the next start.');
  const directory = resolve(given);
  const say: Say = (value, text) =>
    process.stdout.write(
      json
        ? `${JSON.stringify({ time: new Date().toISOString(), ...value })}\n`
        : `${styleText('dim', new Date().toLocaleTimeString('sv'))}  ${text}\n`,
    );
  const settings = await readServiceSettings(directory);
  await using service = await ArchiveService.open(directory, settings, {
    ...archivePorts(process.env),
    extensions: readingExtensions(directory, settings, say),
    pages: consolePages(),
    onStorageEvent: (event) => {
      if (event.kind === 'opened') say({ event: 'association', peer: event.peer }, `${event.peer} sends`);
      if (event.kind === 'rejected') {
        const { address, callingAeTitle } = event;
        say(
          { event: 'rejected', address, callingAeTitle },
          `turned away ${callingAeTitle} from ${address}: not a peer`,
        );
      }
      if (event.kind === 'broken') {
        const { code, message } = event.error;
        say(
          { event: 'broken', address: event.address, code },
          `an association with ${event.address} broke: ${message}`,
        );
      }
    },
  });
  using _listening = service.archive.events.listen((event) => {
    const text = textOfEvent(event);
    if (text !== null) say({ event: event.kind, ...event }, text);
  });
  await service.start();
  const { dicom } = settings;
  say(
    { event: 'listening', url: service.url, dicomPort: service.dicomPort ?? null },
    `${settings.project}: the pages are at ${service.url}${dicom ? `, C-STORE as ${dicom.aeTitle} on port ${service.dicomPort}` : ''}`,
  );
  if (!json) process.stdout.write(`\nOpen ${await linkOf(directory, service.url)}\n\n`);
  const stopped = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  await Promise.race([stopped, service.failed()]);
}

type Say = (value: object, text: string) => void;

/** The reading room, and its interface for 3D Slicer and OHIF where the settings want it. */
function readingExtensions(directory: string, settings: ServiceSettings, say: Say): readonly ServiceExtension[] {
  const reading = readingExtension({
    apps: appFolders(directory, settings),
    onTrouble: (error) => {
      const { code = 'reading.failed', message } = error as Error & { code?: string };
      say({ event: 'reading-trouble', code }, `the reading room: ${message}`);
    },
  });
  if (settings.monaiLabel === undefined) return [reading];
  const { dicomweb, web } = settings;
  const wanted = monaiLabelSettingsOf(settings.monaiLabel, web);
  if (wanted.auth === 'off') {
    const text = `whoever works on this machine is let in without logging in at ${wanted.prefix} (monaiLabel.auth: off)`;
    say({ event: 'warning', code: 'monai-label-open' }, text);
  }
  return [reading, monaiLabelExtension({ reading, settings: wanted, dicomwebPath: dicomweb.path })];
}

type Event = Parameters<Parameters<ArchiveService['archive']['events']['listen']>[0]>[0];

/** Instances come by the thousand: they are seen on the page. */
function textOfEvent(event: Event): string | null {
  switch (event.kind) {
    case 'stored':
      return null;
    case 'quarantined':
      return `could not take in a file (${event.code}): it is in quarantine`;
    case 'described':
      return event.code === undefined
        ? `looked at series ${event.seriesInstanceUid}`
        : `series ${event.seriesInstanceUid} is no volume (${event.code})`;
    case 'import':
      return event.state === 'running' ? null : `import ${event.state}: ${event.done} files`;
    case 'pull':
      return event.state === 'running'
        ? null
        : `retrieval ${event.state}: ${event.held} of ${event.instances} instances`;
  }
}

async function showLink(options: ArchiveOptions): Promise<void> {
  const directory = resolve(options.directory);
  const url = await addressOf(directory);
  if (url === undefined) {
    throw new CliError('cli.not-running', `No archive runs in ${directory}: "consilium archive start" starts it.`);
  }
  const link = await linkOf(directory, url);
  answer(options, { link }, link);
}

/** The token is in the fragment, which browsers do not send and logs do not hold. */
async function linkOf(directory: string, url: string): Promise<string> {
  const token = (await readFile(join(directory, consoleTokenFile), 'utf8')).trim();
  return `${url}/#token=${token}`;
}
