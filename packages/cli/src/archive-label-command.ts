/** Commands of `consilium archive label`: segmentations as files, for programs in which people draw, and back. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Label } from '@consilium/archive/api';
import { type Command, Option } from 'commander';
import { answer, jsonOption, textTable } from './answer.ts';
import { openArchiveClient } from './archive-client.ts';
import { type ArchiveOptions, directoryOption } from './archive-options.ts';

export function addLabelCommands(group: Command): void {
  group
    .command('export')
    .description('Write the newest segmentation of a series to a file, on the voxels of the series.')
    .argument('<series>', 'its UID, as "search" shows it')
    .requiredOption(...directoryOption)
    .requiredOption('--out <file>')
    .addOption(new Option('--format <format>').choices(['dicom-seg', 'nifti', 'nrrd']).default('nifti'))
    .option('--label <number>', 'another one than the newest, as "label list" shows it')
    .option(...jsonOption)
    .action(exportLabel);
  group
    .command('import')
    .description('Take in a segmentation of a series: DICOM SEG, NIfTI or NRRD, on the voxels of the series.')
    .argument('<file>')
    .requiredOption(...directoryOption)
    .requiredOption('--series <uid>')
    .option('--names <names>', 'as 1=kidney,2=tumour, for files that do not say what their numbers mean')
    .addOption(
      new Option('--kind <how>', 'how it was drawn').choices(['manual', 'semiautomatic', 'automatic', 'unknown']),
    )
    .option('--algorithm <name>', 'the program that drew it, or helped')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `\nExample:\n  consilium archive label import kidney.nii.gz --series 2.25.1 --names 1=kidney,2=tumour --directory /srv/archive`,
    )
    .action(importLabel);
  group
    .command('list')
    .description('The segmentations of a series, the newest first.')
    .argument('<series>')
    .requiredOption(...directoryOption)
    .option(...jsonOption)
    .action(listLabels);
}

interface ExportOptions extends ArchiveOptions {
  readonly out: string;
  readonly format: string;
  readonly label?: string;
}

async function exportLabel(series: string, { out, format, label, ...options }: ExportOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const bytes = await client.askBytes(`/series/${series}/label`, { query: { format, labelId: label } });
  await writeFile(resolve(out), bytes);
  answer(options, { series, format, path: resolve(out) }, `${out} holds the segmentation.`);
}

interface ImportOptions extends ArchiveOptions {
  readonly series: string;
  readonly names?: string;
  readonly kind?: string;
  readonly algorithm?: string;
}

async function importLabel(file: string, { series, names, kind, algorithm, ...options }: ImportOptions): Promise<void> {
  const bytes = await readFile(resolve(file));
  await using client = await openArchiveClient(resolve(options.directory));
  const query = { names, kind, algorithm };
  const labels = await client.ask<Label[]>(`/series/${series}/labels`, { method: 'POST', query, bytes });
  answer(options, labels, textOf(labels.slice(0, 1)));
}

async function listLabels(series: string, options: ArchiveOptions): Promise<void> {
  await using client = await openArchiveClient(resolve(options.directory));
  const { labels } = await client.ask<{ labels: Label[] }>(`/series/${series}`);
  answer(options, labels, labels.length === 0 ? 'The series has no segmentation.' : textOf(labels));
}

function textOf(labels: readonly Label[]): string {
  return textTable(
    labels.map(({ createdMs, format, id, isOnGrid, provenance, segments }) => [
      ...[String(id), new Date(createdMs).toISOString().slice(0, 16).replace('T', ' '), format, provenance.kind],
      isOnGrid ? '' : 'off the grid',
      segments.map(({ name, volumeMl }) => `${name} ${volumeMl.toFixed(1)} ml`).join(', '),
    ]),
  );
}
