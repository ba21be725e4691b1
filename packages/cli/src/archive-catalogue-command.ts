/** Commands of `consilium archive` that find, group and tell. */
import { resolve } from 'node:path';
import type {
  CohortMember,
  CohortVersion,
  ErasedSubject,
  FieldAnswer,
  SearchAnswer,
  SplitFacts,
} from '@consilium/archive/api';
import type { Command } from 'commander';
import { answer, jsonOption, textTable } from './answer.ts';
import { openArchiveClient } from './archive-client.ts';
import { type ArchiveOptions, directoryOption } from './archive-options.ts';
import { CliError } from './cli-error.ts';

export function addCatalogueCommands(group: Command): void {
  group
    .command('search')
    .description('Find series. Without a query, all.')
    .argument('[query]', 'such as: modality = CT and sliceThickness < 3', '')
    .requiredOption(...directoryOption)
    .option('--limit <count>', 'series shown', '50')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium archive search 'modality = CT and phase in (nephrographic, corticomedullary)' --directory /srv/archive
  consilium archive fields --directory /srv/archive                what a query can ask for`,
    )
    .action(search);
  group
    .command('fields')
    .description('What a query can ask for.')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(showFields);
  group
    .command('settle')
    .description('Look at what came in now, without waiting for more of it.')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(settle);
  group
    .command('reidentify')
    .description('Show who a pseudonym is. The question and its reason are written down.')
    .argument('<pseudonym>')
    .requiredOption(...directoryOption)
    .requiredOption('--reason <text>', 'who asks, and why')
    .option('--level <level>', 'subject, study or series', 'subject')
    .option(...jsonOption)
    .action(reidentify);
  group
    .command('pseudonym')
    .description('Show under which pseudonym a patient’s studies come. The question and its reason are written down.')
    .argument('<patient-id>', 'as the hospital’s systems have it')
    .requiredOption(...directoryOption)
    .requiredOption('--reason <text>', 'who asks, and why')
    .option('--issuer <name>', 'Issuer of Patient ID, where studies state one', '')
    .option(...jsonOption)
    .action(showPseudonym);
  group
    .command('delete')
    .description(
      'Erase a subject whose consent was withdrawn: images, segmentations, notes, identity. What comes of it later is refused.',
    )
    .argument('<subject>', 'the pseudonym, as "search" shows it')
    .requiredOption(...directoryOption)
    .requiredOption('--reason <text>', 'kept for good: it must not name the person')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `\nExample:\n  consilium archive delete SUB-7K3QX2M4ZD --reason 'consent withdrawn' --directory /srv/archive`,
    )
    .action(erase);
  group
    .command('allow')
    .description('Let a subject that was erased in again, as after a consent that was given anew.')
    .argument('<subject>', 'the pseudonym')
    .requiredOption(...directoryOption)
    .requiredOption('--reason <text>', 'kept for good: it must not name the person')
    .option(...jsonOption)
    .action(allow);
  addCohortCommands(group.command('cohort').description('A query, and what belonged to it when it was frozen.'));
}

function addCohortCommands(group: Command): void {
  group
    .command('freeze')
    .description('Make the next version of a cohort, or its first.')
    .argument('<name>')
    .argument('<query>')
    .requiredOption(...directoryOption)
    .option('--without-labels', 'also series that have no segmentation')
    .option('--per-patient <how>', 'all, one-study or one-series', 'all')
    .option('--leave-out <series=reason...>', 'a series, with the reason')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `\nExample:\n  consilium archive cohort freeze renal 'modality = CT' --directory /srv/archive`,
    )
    .action(freeze);
  group
    .command('list')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(listCohorts);
  group
    .command('show')
    .description('Its series, and why the others do not belong to it.')
    .argument('<name>')
    .requiredOption(...directoryOption)
    .option('--version <number>', 'default: the newest')
    .option(...jsonOption)
    .action(showCohort);
  group
    .command('split')
    .description('Draw the patients of a cohort into training, validation and test: once, and never again.')
    .argument('<name>', 'of the cohort')
    .argument('<split>', 'a name for the split')
    .requiredOption(...directoryOption)
    .option('--stratify <fields>', 'as phase,tumourVolume: each part gets its share of every combination', '')
    .option('--seed <seed>', 'decides the draw', '1')
    .option('--extend', 'draw the patients that were added since; nobody drawn before is drawn again')
    .option(...jsonOption)
    .action(split);
}

async function search(query: string, options: ArchiveOptions & { readonly limit: string }): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const found = await client.ask<SearchAnswer>('/search', { query: { query, limit: options.limit } });
  const { counts, hasMore, series } = found;
  const rows = series.map((one) => [
    ...[one.patientId, one.studyDate ?? '', one.modality ?? '', one.description ?? '', `${one.instances} instances`],
    ...[one.phase ?? '', one.labelCount > 0 ? 'labelled' : '', one.stateCode ?? one.state, one.seriesInstanceUid],
  ]);
  const total = `${counts.subjects} subjects, ${counts.studies} studies, ${counts.series} series, ${counts.instances} instances`;
  answer(
    options,
    found,
    [...(rows.length === 0 ? [] : [textTable(rows)]), hasMore ? `...\n${total}` : total].join('\n'),
  );
}

async function showFields(options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const fields = await client.ask<FieldAnswer>('/fields');
  answer(options, fields, textTable(fields.map(({ description, name, type }) => [name, type, description])));
}

async function settle(options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  await client.ask('/settle', { method: 'POST', body: {} });
  answer(options, {}, 'Every series has been looked at.');
}

interface ReidentifyOptions extends ArchiveOptions {
  readonly reason: string;
  readonly level: string;
}

async function reidentify(pseudonym: string, { level, reason, ...options }: ReidentifyOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const body = { pseudonym, level, reason };
  const { facts } = await client.ask<{ facts: Record<string, string>[] }>('/reidentify', { method: 'POST', body });
  const text = facts.map((one) => textTable(Object.entries(one))).join('\n\n');
  answer(options, { facts }, facts.length === 0 ? 'Nothing is known of this pseudonym.' : text);
}

type PseudonymOptions = ArchiveOptions & { readonly reason: string; readonly issuer: string };

async function showPseudonym(patientId: string, { reason, issuer, ...options }: PseudonymOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const body = { patientId, issuer, reason };
  const found = await client.ask<{ pseudonym: string; isHere: boolean }>('/pseudonym', { method: 'POST', body });
  answer(options, found, `${found.pseudonym}${found.isHere ? '' : ' (nothing of this patient is here)'}`);
}

type ReasonOptions = ArchiveOptions & { readonly reason: string };

async function erase(subject: string, { reason, ...options }: ReasonOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const erased = await client.ask<ErasedSubject>(`/subjects/${subject}/erase`, { method: 'POST', body: { reason } });
  answer(
    options,
    erased,
    `${subject} is erased, and stays away. Cohorts say so. Backups of the archive and the work directories of sites that
trained on it still hold it: see docs/guides/archive.md.`,
  );
}

async function allow(subject: string, { reason, ...options }: ReasonOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  await client.ask(`/subjects/${subject}/allow`, { method: 'POST', body: { reason } });
  answer(options, { allowed: subject }, `What comes of ${subject} is taken in again.`);
}

interface FreezeOptions extends ArchiveOptions {
  readonly withoutLabels?: true;
  readonly perPatient: string;
  readonly leaveOut?: readonly string[];
}

async function freeze(name: string, query: string, options: FreezeOptions): Promise<void> {
  const manual = (options.leaveOut ?? []).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new CliError('cli.bad-option', `--leave-out ${text}: name a series and a reason, as UID=reason`);
    return { seriesInstanceUid: text.slice(0, at), reason: text.slice(at + 1) };
  });
  await using client = await openArchiveClient(resolve(options.directory));
  const rules = { requireLabel: options.withoutLabels !== true, perPatient: options.perPatient, manual };
  const made = await client.ask<CohortVersion>('/cohorts', { method: 'POST', body: { name, query, rules } });
  answer(options, made, textOf(made));
}

async function listCohorts(options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const cohorts = await client.ask<CohortVersion[]>('/cohorts');
  answer(options, cohorts, cohorts.length === 0 ? 'There is no cohort yet.' : cohorts.map(textOf).join('\n'));
}

function textOf({ erased, excluded, included, name, query, version }: CohortVersion): string {
  const reasons = Object.entries(excluded).map(([reason, count]) => `${count} ${reason}`);
  const others = reasons.length === 0 ? '' : `; left out: ${reasons.join(', ')}`;
  const gone = erased
    .map((one) => `\n  erased since: ${one.patientId} with ${one.series} series (${one.reason})`)
    .join('');
  return `${name}, version ${version}: ${included} series${others}${gone}\n  ${query === '' ? '(everything)' : query}`;
}

async function showCohort(name: string, options: ArchiveOptions & { readonly version?: string }): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const cohort = await client.ask<{ version: CohortVersion; members: CohortMember[] }>(`/cohorts/${name}`, {
    query: { version: options.version },
  });
  const rows = cohort.members.map(({ exclusion, explanation, patientId, seriesInstanceUid }) => [
    ...[patientId, exclusion ?? 'belongs', explanation ?? '', seriesInstanceUid],
  ]);
  answer(options, cohort, `${textOf(cohort.version)}\n${textTable(rows)}`);
}

interface SplitOptions extends ArchiveOptions {
  readonly stratify: string;
  readonly seed: string;
  readonly extend?: true;
}

async function split(name: string, splitName: string, options: SplitOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const stratifyBy = options.stratify.split(',').filter((field) => field !== '');
  const made = options.extend
    ? await client.ask<SplitFacts>(`/splits/${splitName}/extend`, { method: 'POST', body: { name } })
    : await client.ask<SplitFacts>('/splits', {
        method: 'POST',
        body: { split: splitName, name, stratifyBy, seed: options.seed },
      });
  const counts = Object.entries(made.parts).map(([part, patients]) => `${patients.length} ${part}`);
  answer(options, made, `${splitName}: ${counts.join(', ')} patients. It is never drawn again.`);
}
