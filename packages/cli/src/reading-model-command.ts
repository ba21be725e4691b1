/** `consilium reading model`: what training made, on the shelf of a reading project. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Answer } from '@consilium/reading/api';
import { bundleFiles } from '@consilium/training';
import type { Command } from 'commander';
import { zipSync } from 'fflate';
import { z } from 'zod';
import { answer, jsonOption, textTable } from './answer.ts';
import type { ArchiveClient } from './archive-client.ts';
import { type ArchiveOptions, directoryOption } from './archive-options.ts';
import { CliError } from './cli-error.ts';
import { wholeNumber } from './number-option.ts';
import { openReading, projectRoute, type SeriesOptions, seriesOf } from './reading-client.ts';

interface ModelOptions extends ArchiveOptions {
  readonly project: string;
}

const projectOption = ['--project <name>', 'of the reading room'] as const;
const tasksAtOnce = 1000;
const modelArgument = 'its name, or the beginning of its digest, as "model list" shows them';

export function addModelCommands(group: Command): void {
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .requiredOption(...projectOption)
      .requiredOption(...directoryOption)
      .option(...jsonOption);
  const example = (text: string) =>
    `\nExample:\n  consilium reading model ${text} --project renal --directory /srv/archive`;
  command('put', 'Put a model on the shelf, as a candidate.')
    .argument('<folder>', 'what "consilium job result" wrote, or a bundle')
    .option('--name <text>', 'what readers see; without, the folder’s')
    .option('--job <id>', 'it comes from; without, what the folder says')
    .option('--round <number>', 'of that job', wholeNumber(0, 1_000_000))
    .option('--structures <json>', 'the structure’s number by class, where names are not alike; null: not drawn')
    .addHelpText('after', `${example('put result --name kidney-3')}${example(putRenamed).replace('\nExample:', '')}`)
    .action(putModel);
  command('list', 'The models of a project, champions first.').addHelpText('after', example('list')).action(listModels);
  command(
    'set-aside',
    'Set cases with an approved label aside, on which candidates are measured. Nothing should train on them.',
  )
    .option('--cohort <name@version>', 'without a version, the newest')
    .option('--series <uids...>', 'in place of a cohort')
    .addHelpText('after', example('set-aside --cohort validation@1'))
    .action(setAside);
  command(
    'try',
    'Measure a candidate against the champion, on the cases that were set aside for it; with simulated clicks, if it answers to clicks.',
  )
    .argument('<model>', modelArgument)
    .addHelpText('after', example('try kidney-3'))
    .action(tryModel);
  command(
    'promote',
    'Make a model that answers to clicks the champion untried, while no cases are set aside. Others are tried instead.',
  )
    .argument('<model>', modelArgument)
    .addHelpText('after', example('promote clicks-2'))
    .action((model: string, options: ModelOptions) => act(model, options, 'promote'));
  command('retire', 'Have a model propose no more. What it drew stays.')
    .argument('<model>', modelArgument)
    .addHelpText('after', example('retire kidney-2'))
    .action((model: string, options: ModelOptions) => act(model, options, 'retire'));
  command('propose', 'Have labels proposed: for all cases that wait for a reader, or some.')
    .option('--model <model>', `in place of the champion: ${modelArgument}`)
    .option('--cases <ids...>', 'of the project')
    .option('--night', 'in the hours that the protocol says')
    .addHelpText('after', example('propose --night'))
    .action(propose);
}

const putRenamed = `put result --structures '{"Niere":1,"Zyste":null}'`;

interface PutOptions extends ModelOptions {
  readonly name?: string;
  readonly job?: string;
  readonly round?: number;
  readonly structures?: string;
}

async function putModel(folder: string, options: PutOptions): Promise<void> {
  const path = resolve(folder);
  const files = await filesOf(path);
  const origin = await originOf(path);
  const { directory, job = origin.job, name = basename(path), project, round = origin.round, structures } = options;
  const metadata = new TextEncoder().encode(`${JSON.stringify({ name, job, round })}\n`);
  // A job's result says the same in `rounds.json`.
  const whole = { [bundleFiles.metadata]: metadata, ...files };
  const kind = kindOf(files[bundleFiles.plan]!);
  await using client = await openReading(directory);
  // Weights hardly become smaller.
  const bytes = zipSync(whole, { level: 0 });
  const query = { name, kind, job, round, structures };
  const put = await client.ask<Answer<'putModel'>>(route(project), { method: 'POST', query, bytes });
  const promote = `\nWhile no cases are set aside, "promote" makes it the champion untried.`;
  const text = `"${put.name}" is a ${put.state} of "${project}" (${short(put.digest)}), which draws ${Object.keys(put.structures).join(', ')}.
Next:
  consilium reading model try ${put.name} --project ${project} --directory ${directory}${put.kind === 'interactive' ? promote : ''}`;
  answer(options, put, text);
}

/** @throws CliError `cli.bad-option` */
async function filesOf(folder: string): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for (const name of Object.values(bundleFiles)) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (bytes !== undefined) found[name] = bytes;
    else if (name !== bundleFiles.metadata) {
      throw new CliError('cli.bad-option', `${folder} holds no ${name}: it is no job’s result, and no bundle.`);
    }
  }
  return found;
}

const roundsSchema = z.object({ jobId: z.string(), best: z.object({ round: z.int() }) });

/** As `consilium job result` wrote it down. */
async function originOf(folder: string): Promise<{ readonly job?: string; readonly round?: number }> {
  const text = await readFile(join(folder, 'rounds.json'), 'utf8').catch(() => 'null');
  const { data } = roundsSchema.safeParse(JSON.parse(text));
  return data === undefined ? {} : { job: data.jobId, round: data.best.round };
}

/** @throws CliError `cli.bad-option` */
function kindOf(plan: Uint8Array): 'automatic' | 'interactive' {
  try {
    const { interactive } = JSON.parse(new TextDecoder().decode(plan)) as { interactive?: unknown };
    return interactive === undefined ? 'automatic' : 'interactive';
  } catch {
    throw new CliError('cli.bad-option', `${bundleFiles.plan} is no JSON: it is no job’s result, and no bundle.`);
  }
}

async function listModels(options: ModelOptions): Promise<void> {
  await using client = await openReading(options.directory);
  const models = await client.ask<Answer<'listModels'>>(route(options.project));
  const rows = models.map(({ digest, kind, name, origin, person, putMs, state }) => [
    ...[name, short(digest), kind, state, new Date(putMs).toISOString().slice(0, 10), person],
    origin.job === undefined ? '' : `${origin.job}${origin.round === undefined ? '' : `, round ${origin.round}`}`,
  ]);
  const head = ['NAME', 'DIGEST', 'KIND', 'STATE', 'PUT', 'BY', 'FROM'];
  answer(options, models, rows.length === 0 ? 'The project has no model yet.' : textTable([head, ...rows]));
}

async function setAside({ cohort, series, ...options }: ModelOptions & SeriesOptions): Promise<void> {
  const { directory, project } = options;
  await using client = await openReading(directory);
  const wanted = new Set(await seriesOf(client, { cohort, series }));
  const approved = await approvedTasks(client, project);
  const found = approved.filter(({ seriesInstanceUid }) => wanted.has(seriesInstanceUid));
  const cases = [...new Set(found.map(({ caseId }) => caseId))];
  if (cases.length === 0) {
    throw new CliError('cli.bad-option', `None of the ${wanted.size} series has an approved label in "${project}".`);
  }
  const path = `${projectRoute(project)}/validation`;
  const set = await client.ask<Answer<'freezeValidation'>>(path, { method: 'POST', body: { cases } });
  const without = wanted.size - new Set(found.map(({ seriesInstanceUid }) => seriesInstanceUid)).size;
  const rest = without === 0 ? '' : `; ${without} of the series have no approved label`;
  answer(options, set, `${cases.length} cases are set aside${rest}.`);
}

type Task = Answer<'listTasks'>[number];

async function approvedTasks(client: ArchiveClient, project: string): Promise<readonly Task[]> {
  const found: Task[] = [];
  for (;;) {
    const query = { state: 'approved', offset: found.length, limit: tasksAtOnce };
    const some = await client.ask<Answer<'listTasks'>>(`${projectRoute(project)}/tasks`, { query });
    found.push(...some);
    if (some.length < tasksAtOnce) return found;
  }
}

async function tryModel(model: string, options: ModelOptions): Promise<void> {
  await using client = await openReading(options.directory);
  const { digest, name } = await named(client, options.project, model);
  const asked = await client.ask<Answer<'tryModel'>>(`${route(options.project)}/${digest}/trial`, {
    ...{ method: 'POST', body: {} },
  });
  answer(options, { ...asked, digest }, `"${name}" will be measured${whenOf(client)}.`);
}

async function act(model: string, options: ModelOptions, verb: 'promote' | 'retire'): Promise<void> {
  await using client = await openReading(options.directory);
  const { digest, name } = await named(client, options.project, model);
  await client.ask(`${route(options.project)}/${digest}/${verb}`, { method: 'POST' });
  const state = verb === 'promote' ? 'champion' : 'retired';
  const text = verb === 'promote' ? `"${name}" is the champion: it answers to clicks.` : `"${name}" is retired.`;
  answer(options, { digest, name, state }, text);
}

interface ProposeOptions extends ModelOptions {
  readonly model?: string;
  readonly cases?: readonly string[];
  readonly night?: true;
}

async function propose({ cases, model, night, ...options }: ProposeOptions): Promise<void> {
  await using client = await openReading(options.directory);
  const chosen = model === undefined ? {} : { model: (await named(client, options.project, model)).digest };
  const body = { ...chosen, ...(cases === undefined ? {} : { cases }), isNightly: night === true };
  const asked = await client.ask<Answer<'askProposals'>>(`${projectRoute(options.project)}/proposals`, {
    ...{ method: 'POST', body },
  });
  const when = night === true ? ' at night' : whenOf(client);
  answer(options, asked, `${asked.work.length} labels will be proposed${when}.`);
}

/** Where no service runs, what was asked for is kept. */
function whenOf({ isService }: ArchiveClient): string {
  return isService ? '' : ' when the archive runs';
}

/** One of the shelf. @throws CliError `cli.bad-option` unless it is exactly one; of those of one name, retired ones do not count. */
async function named(
  client: ArchiveClient,
  project: string,
  model: string,
): Promise<{ readonly digest: string; readonly name: string }> {
  const models = await client.ask<Answer<'listModels'>>(route(project));
  const alike = models.filter(({ digest, name }) => name === model || (model.length >= 6 && digest.startsWith(model)));
  const current = alike.filter(({ state }) => state !== 'retired');
  const [found, ...more] = current.length === 0 ? alike : current;
  if (found === undefined) throw new CliError('cli.bad-option', `The project has no model "${model}".`);
  if (more.length === 0) return found;
  throw new CliError('cli.bad-option', `The project has several models "${model}": give the beginning of its digest.`);
}

function route(project: string): string {
  return `${projectRoute(project)}/models`;
}

function short(digest: string): string {
  return digest.slice(0, 12);
}
