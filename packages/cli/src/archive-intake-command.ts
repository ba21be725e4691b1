/** Commands of `consilium archive` by which studies come in, and what became of them. */
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Admission, ImportReport, PullEntry, QuarantinedFile, RemoteStudy } from '@consilium/archive/api';
import type { Command } from 'commander';
import { answer, jsonOption, textTable } from './answer.ts';
import { type ArchiveClient, openArchiveClient } from './archive-client.ts';
import { type ArchiveOptions, directoryOption } from './archive-options.ts';
import { CliError } from './cli-error.ts';
import { stopOnInterrupt } from './interruption.ts';

const lookMs = 250;

export function addIntakeCommands(group: Command): void {
  group
    .command('import')
    .description(
      'Take in a folder of this machine: DICOM under any names, NIfTI pairs, BIDS, nnU-Net. Goes on if broken off.',
    )
    .argument('<path>', 'the folder')
    .requiredOption(...directoryOption)
    .option('--one-series-a-folder', 'take DICOM files that state no study and series for one series a folder')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium archive import /data/export --directory /srv/archive')
    .action(importFolder);
  group
    .command('find')
    .description('Look for studies at a remote archive of the settings.')
    .argument('<remote>', 'its name in the settings')
    .requiredOption(...directoryOption)
    .option('--patient-id <id>')
    .option('--patient-name <name>', 'with * and ? as DICOM has them')
    .option('--study-date <date>', '20260101 or 20260101-20260131')
    .option('--accession-number <number>')
    .option('--modality <modality>')
    .option('--description <text>')
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  consilium archive find pacs --study-date 20260101-20260131 --modality CT --directory /srv/archive',
    )
    .action(findStudies);
  group
    .command('pull')
    .description('Fetch a study from a remote archive. Only what is missing is sent; broken off, it goes on.')
    .argument('<remote>', 'its name in the settings')
    .argument('<study>', 'Study Instance UID, as "find" shows it')
    .requiredOption(...directoryOption)
    .option('--series <uid>', 'only this series')
    .option(...jsonOption)
    .action(pullStudy);
  const quarantine = group
    .command('quarantine')
    .description('What could not be taken in, kept encrypted with the reason.');
  quarantine
    .command('list')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(listQuarantine);
  quarantine
    .command('release')
    .description('Try again to take in a file, after settings have changed.')
    .argument('<id>')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(release);
  quarantine
    .command('delete')
    .argument('<id>')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(deleteQuarantined);
}

interface ImportOptions extends ArchiveOptions {
  readonly oneSeriesAFolder?: true;
}

async function importFolder(path: string, options: ImportOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const signal = stopOnInterrupt('Stopping. The same command goes on with the rest.');
  const body = { path: resolve(path), oneSeriesAFolder: options.oneSeriesAFolder === true };
  const begun = await client.ask<ImportReport>('/imports', { method: 'POST', body });
  const report = await until(
    () => client.ask<ImportReport>(`/imports/${begun.id}`),
    ({ state }) => state !== 'running',
    { signal, show: ({ counts }) => (options.json ? '' : `${Object.values(counts).reduce((a, b) => a + b)} files`) },
  );
  if (!client.isService) await client.ask('/settle', { method: 'POST', body: {} });
  const { counts, exceptions, state, code } = report;
  const rows = exceptions.slice(0, 50).map(({ code, outcome, path }) => [`  ${outcome}`, code, path]);
  answer(
    options,
    report,
    `${counts.stored} stored, ${counts.duplicate} known already, ${counts.refused} refused, ${counts.ignored} ignored${rows.length === 0 ? '' : `\n${textTable(rows)}`}`,
  );
  if (state === 'failed')
    throw new CliError('cli.import-failed', `The import ended early (${code}). Run it again to go on.`);
}

/** Asks until `isDone`, telling on a terminal how far it is. */
async function until<T>(
  look: () => Promise<T>,
  isDone: (seen: T) => boolean,
  { signal, show }: { signal: AbortSignal; show: (seen: T) => string },
): Promise<T> {
  for (;;) {
    const seen = await look();
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${show(seen)}`);
    if (isDone(seen)) {
      if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
      return seen;
    }
    await setTimeout(lookMs, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

interface FindOptions extends ArchiveOptions {
  readonly patientId?: string;
  readonly patientName?: string;
  readonly studyDate?: string;
  readonly accessionNumber?: string;
  readonly modality?: string;
  readonly description?: string;
}

async function findStudies(remote: string, { directory, json, ...query }: FindOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(directory));
  const found = await client.ask<{ studies: RemoteStudy[]; hasMore: boolean }>(`/remotes/${remote}/search`, {
    method: 'POST',
    body: query,
  });
  const rows = found.studies.map(
    ({ description, instances, modalities, patientId, patientName, studyDate, ...study }) => [
      ...[studyDate, modalities.join(' '), patientId, patientName, description],
      ...[instances === undefined ? '' : `${instances} instances`, study.studyInstanceUid],
    ],
  );
  const more = found.hasMore ? '\nThere are more: ask for less.' : '';
  answer(json ? { json } : {}, found, `${rows.length === 0 ? 'No study matches.' : textTable(rows)}${more}`);
}

async function pullStudy(
  remote: string,
  study: string,
  options: ArchiveOptions & { readonly series?: string },
): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const signal = stopOnInterrupt('Stopping to watch; a running archive goes on.');
  const body = {
    studyInstanceUid: study,
    ...(options.series === undefined ? {} : { seriesInstanceUid: options.series }),
  };
  const { id } = await client.ask<PullEntry>(`/remotes/${remote}/pulls`, { method: 'POST', body });
  const entry = await until(
    () => pullOf(client, id),
    ({ state }) => state !== 'waiting' && state !== 'running',
    { signal, show: ({ held = 0, instances = 0 }) => `${held} of ${instances} instances` },
  );
  const { code, held = 0, instances = 0, state } = entry;
  answer(options, entry, `${held} of ${instances} instances are here.`);
  if (state === 'failed')
    throw new CliError('cli.pull-failed', `Not all came (${code}). Run it again to fetch the rest.`);
}

async function pullOf(client: ArchiveClient, id: string): Promise<PullEntry> {
  const pulls = await client.ask<PullEntry[]>('/pulls');
  return pulls.find((entry) => entry.id === id)!;
}

async function listQuarantine(options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const files = await client.ask<QuarantinedFile[]>('/quarantine', { query: { limit: 1000 } });
  const rows = files.map(({ arrivedMs, code, id, message, origin }) => [
    ...[id, new Date(arrivedMs).toISOString().slice(0, 16).replace('T', ' '), origin.kind, code, message],
  ]);
  answer(options, files, rows.length === 0 ? 'The quarantine is empty.' : textTable(rows));
}

async function release(id: string, options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const admission = await client.ask<Admission>(`/quarantine/${id}/release`, { method: 'POST', body: {} });
  const text = admission.kind === 'refused' ? `It stays: ${admission.message} (${admission.code})` : 'It is taken in.';
  answer(options, admission, text);
}

async function deleteQuarantined(id: string, options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  await client.ask(`/quarantine/${id}`, { method: 'DELETE' });
  answer(options, { deleted: id }, 'It is deleted.');
}
