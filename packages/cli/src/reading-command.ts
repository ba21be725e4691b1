/** `consilium reading`: what is read in a hospital, from which apps, with which models. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type App, checkApp, newApp } from '@consilium/reading';
import type { Answer } from '@consilium/reading/api';
import { bundleFiles, parsePlan } from '@consilium/training';
import type { Command } from 'commander';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { type ArchiveOptions, directoryOption } from './archive-options.ts';
import { CliError } from './cli-error.ts';
import { wholeNumber } from './number-option.ts';
import { openReading, projectRoute, seriesOf } from './reading-client.ts';
import { addModelCommands } from './reading-model-command.ts';

export function addReadingCommand(program: Command): void {
  const group = program
    .command('reading')
    .description('What is read in a hospital: apps, projects made from them, cases, models that propose.')
    .addHelpText(
      'after',
      `
Examples:
  consilium reading project create renal --app renal-mass --directory /srv/archive
  consilium reading project add renal --cohort renal@1 --readers 2 --directory /srv/archive
  consilium reading model put ./result --project renal --directory /srv/archive`,
    );
  addAppCommands(group.command('app').description('Annotation apps: one folder each, with what is drawn and how.'));
  addProjectCommands(group.command('project').description('What is read, from which app, by how many.'));
  addModelCommands(group.command('model').description('The models of a project, which propose or answer to clicks.'));
}

function addAppCommands(group: Command): void {
  group
    .command('list')
    .description('Those that come with Consilium, and those of the archive’s settings.')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .addHelpText('after', `\nExample:\n  consilium reading app list --directory /srv/archive`)
    .action(listApps);
  group
    .command('check')
    .description('Read an app as the archive will, and load its code once.')
    .argument('<folder>')
    .option(...jsonOption)
    .addHelpText('after', `\nExample:\n  consilium reading app check /srv/apps/liver-lesions`)
    .action(checkFolder);
  group
    .command('new')
    .description('Make an app to begin with. The folder’s name is the app’s.')
    .argument('<folder>', 'that is not there yet')
    .requiredOption('--structures <names...>', 'what is drawn')
    .option(...jsonOption)
    .addHelpText('after', `\nExample:\n  consilium reading app new /srv/apps/liver-lesions --structures Liver Lesion`)
    .action(makeApp);
}

function addProjectCommands(group: Command): void {
  group
    .command('create')
    .description('Make a project from an app.')
    .argument('<name>')
    .requiredOption('--app <name>', 'as "app list" shows it')
    .requiredOption(...directoryOption)
    .option('--title <text>', 'in place of the app’s')
    .option('--structures <names...>', 'what is drawn, of an app that leaves it open')
    .option('--bundle <folder>', 'of a model: its classes are what is drawn')
    .option('--no-four-eyes', 'readers may approve what they drew themselves')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium reading project create renal --app renal-mass --directory /srv/archive
  consilium reading project create livers --app scribbles --structures Liver Lesion --directory /srv/archive`,
    )
    .action(createProject);
  group
    .command('add')
    .description('Make cases of series, with a task for each reader. A series that is a case already is left alone.')
    .argument('<name>', 'of the project')
    .option('--cohort <name@version>', 'without a version, the newest')
    .option('--series <uids...>', 'in place of a cohort')
    .requiredOption(...directoryOption)
    .option('--readers <number>', 'of each case, who see nothing of each other', wholeNumber(1, 16), 1)
    .option('--assign <people...>', 'in place of the pool, each a reader of every case')
    .option('--priority <number>', 'the higher, the sooner', wholeNumber(-100, 100), 0)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `\nExample:\n  consilium reading project add renal --cohort renal@1 --readers 2 --directory /srv/archive`,
    )
    .action(addCases);
  group
    .command('list')
    .description('Projects, with the version of their protocol.')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(listProjects);
}

async function listApps(options: ArchiveOptions): Promise<void> {
  await using client = await openReading(options.directory);
  const apps = await client.ask<Answer<'listApps'>>('/reading/v1/apps');
  answer(options, apps, textTable(apps.map(({ description, name, title }) => [name, title, description])));
}

async function checkFolder(folder: string, options: AnswerOptions): Promise<void> {
  const { code, declaration, digest } = await checkApp(resolve(folder));
  const value = { name: declaration.name, title: declaration.title, digest, hasCode: code !== undefined };
  answer(
    options,
    value,
    `${textOf(declaration)}\n  version ${digest.slice(0, 12)}${code ? ', with code of its own' : ''}`,
  );
}

function textOf({ models, name, protocol, title, tools }: App['declaration']): string {
  const drawn = protocol.structures.map((structure) => structure.name).join(', ');
  const kinds = Object.keys(models).join(' and ');
  return `"${name}" is an app: ${title}
  draws ${drawn === '' ? 'whatever a project names' : drawn}
  tools ${tools.map(({ tool }) => tool).join(', ')}
  models ${kinds === '' ? 'none' : kinds}`;
}

async function makeApp(
  folder: string,
  { structures, ...options }: AnswerOptions & { structures: string[] },
): Promise<void> {
  const path = resolve(folder);
  if (existsSync(path)) throw new CliError('cli.directory-taken', `${folder} is there already.`);
  const files = newApp({ name: basename(path), structures });
  await mkdir(path, { recursive: true });
  for (const [name, text] of files) await writeFile(join(path, name), text);
  const text = `${folder} holds an app: ${[...files.keys()].join(', ')}
Next:
  consilium reading app check ${folder}`;
  answer(options, { folder: path, files: [...files.keys()] }, text);
}

interface CreateOptions extends ArchiveOptions {
  readonly app: string;
  readonly title?: string;
  readonly structures?: readonly string[];
  readonly bundle?: string;
  readonly fourEyes: boolean;
}

async function createProject(name: string, { app, bundle, ...options }: CreateOptions): Promise<void> {
  if (bundle !== undefined && options.structures !== undefined) {
    throw new CliError('cli.bad-option', 'Give --structures or --bundle, not both.');
  }
  const structures = bundle === undefined ? options.structures : await classesOf(bundle);
  await using client = await openReading(options.directory);
  const body = {
    ...{ app, ...(options.fourEyes ? {} : { fourEyes: false }) },
    ...(options.title === undefined ? {} : { title: options.title }),
    ...(structures === undefined ? {} : { structures }),
  };
  const { version } = await client.ask<Answer<'createProject'>>(projectRoute(name), { method: 'PUT', body });
  const text = `The project "${name}" is made from the app "${app}".
Next:
  consilium reading project add ${name} --cohort <name> --directory ${options.directory}`;
  answer(options, { project: name, app, protocolVersion: version }, text);
}

/** What a model draws, with its numbers. */
async function classesOf(folder: string): Promise<readonly string[]> {
  const path = join(resolve(folder), bundleFiles.plan);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) throw new CliError('cli.bad-option', `--bundle: ${folder} holds no ${bundleFiles.plan}.`);
  return parsePlan(JSON.parse(text)).classes.map((each) => each.name.replace(/^./, (letter) => letter.toUpperCase()));
}

interface AddOptions extends ArchiveOptions {
  readonly cohort?: string;
  readonly series?: readonly string[];
  readonly readers: number;
  readonly assign?: readonly string[];
  readonly priority: number;
}

async function addCases(
  name: string,
  { assign = [], cohort, priority, readers, ...options }: AddOptions,
): Promise<void> {
  await using client = await openReading(options.directory);
  const series = await seriesOf(client, { cohort, series: options.series });
  const body = { series, readers, assignTo: assign, priority };
  const made = await client.ask<Answer<'addCases'>>(`${projectRoute(name)}/cases`, { method: 'POST', body });
  const tasks = made.reduce((sum, each) => sum + each.tasks.length, 0);
  const known = series.length - made.length;
  const text = `${made.length} cases with ${tasks} tasks${known === 0 ? '' : `; ${known} series were cases already`}`;
  answer(options, made, text);
}

async function listProjects(options: ArchiveOptions): Promise<void> {
  await using client = await openReading(options.directory);
  const projects = await client.ask<Answer<'listProjects'>>('/reading/v1/projects');
  const rows = projects.map(({ name, protocolVersion, title }) => [name, String(protocolVersion), title]);
  answer(options, projects, rows.length === 0 ? 'There is no project yet.' : textTable(rows));
}
