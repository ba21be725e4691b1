/**
 * `consilium publish dataset`: a cohort of an archive as a data set, at the site, as the site allows. It is written into the
 * archive's audit log before anything is read.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CohortCase, fileSource, openArchiveForReading } from '@consilium/archive';
import { AuditLog, auditSubject } from '@consilium/audit';
import {
  type DatasetCase,
  type DatasetForm,
  datasetForms,
  defaultReleasePolicy,
  keyIdOf,
  newDirectory,
  parseReleasePolicy,
  publishDataset,
  type ReleasePolicy,
  readOrCreateKey,
} from '@consilium/publication';
import { type Command, Option } from 'commander';
import { type AnswerOptions, answer, jsonOption } from './answer.ts';
import { CliError } from './cli-error.ts';
import { stopOnInterrupt } from './interruption.ts';
import { readAbout, readYaml } from './published-result.ts';
import { consiliumVersion } from './version.ts';

interface DatasetOptions extends AnswerOptions {
  readonly directory: string;
  readonly cohort: string;
  readonly split?: string;
  readonly as: DatasetForm;
  readonly out: string;
  readonly key: string;
  readonly about: string;
}

export function addDatasetCommand(group: Command): void {
  group
    .command('dataset')
    .description(
      'A cohort of an archive as a signed crate: DICOM, BIDS-like, nnU-Net’s raw layout, or statistics alone.',
    )
    .requiredOption('--directory <dir>', 'of the archive; its publication.yaml says what may leave')
    .requiredOption('--cohort <name>', 'NAME@2 is its second version')
    .option('--split <name>', 'of that cohort: says which part a patient belongs to')
    .addOption(new Option('--as <form>').choices(datasetForms).makeOptionMandatory())
    .requiredOption('--out <dir>', 'a new directory: the crate')
    .requiredOption('--key <dir>', 'where the key lies that signs; made there if there is none')
    .requiredOption('--about <file>', 'YAML: title, authors, licence, answers for the data sheet ...')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
publication.yaml, in the archive's directory; without it, statistics alone:
  allow: [statistics, bids]
  minimumPatients: 5

Example:
  consilium publish dataset --directory /srv/archive --cohort renal@1 --as bids --out renal --key ~/publishing --about about.yaml`,
    )
    .action(dataset);
}

async function dataset({ json, ...options }: DatasetOptions): Promise<void> {
  const directory = resolve(options.directory);
  const policy = await releasePolicy(directory);
  const about = await readAbout(options.about, undefined);
  const signal = stopOnInterrupt('Stopping ...');
  const { cases, cohort } = await casesOf(directory, options);
  const { key } = await readOrCreateKey(resolve(options.key));
  const sink = await newDirectory(resolve(options.out));
  const { manifest, proof } = await publishDataset(
    sink,
    {
      ...{ about, cases, cohort, policy, signal, form: options.as, software: consiliumVersion },
      onRelease: () => recordRelease(directory, options),
      onProgress: (done, of) => {
        if (json) process.stderr.write(`${JSON.stringify({ done, of })}\n`);
        else if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} images${done === of ? '\n' : ''}`);
      },
    },
    key,
  );
  const result = {
    out: resolve(options.out),
    files: Object.keys(manifest.files).length,
    keyId: keyIdOf(manifest),
    proof,
  };
  const images = proof === null ? 'No image is in it.' : `${cases.length} images with their segmentations are in it.`;
  answer(
    json ? { json } : {},
    result,
    `${options.out} holds ${result.files} files, signed. ${images}\nTell others the fingerprint of the key beside the crate: ${result.keyId}`,
  );
}

async function releasePolicy(directory: string): Promise<ReleasePolicy> {
  const path = join(directory, 'publication.yaml');
  return existsSync(path) ? parseReleasePolicy(await readYaml(path)) : defaultReleasePolicy;
}

async function casesOf(
  directory: string,
  { cohort, split }: Pick<DatasetOptions, 'cohort' | 'split'>,
): Promise<{
  readonly cases: readonly DatasetCase[];
  readonly cohort: { name: string; version: number; query: string; excluded: Record<string, number> };
}> {
  const [name, version] = cohort.split('@') as [string, string | undefined];
  if (version !== undefined && !/^[1-9]\d*$/.test(version)) {
    throw new CliError('cli.bad-option', '--cohort is a name, or a name and a version as renal@2.');
  }
  const selector = version === undefined ? { name } : { name, version: Number(version) };
  using archive = openArchiveForReading(directory);
  const frozen = archive.cohorts.version(selector);
  const found = archive.cohorts.casesOf(selector, split === undefined ? {} : { split });
  const cases: DatasetCase[] = [];
  for (const one of found) cases.push(await datasetCase(one, archive));
  const { query, excluded } = frozen;
  return { cases, cohort: { name, version: frozen.version, query, excluded: { ...excluded } } };
}

async function datasetCase(
  { image, label, name, part, patientId, phase }: CohortCase,
  { catalogue }: ReturnType<typeof openArchiveForReading>,
): Promise<DatasetCase> {
  const { labels, geometry } = catalogue.seriesDetails(name);
  const known = label && labels.find(({ sha256 }) => label.path.endsWith(sha256));
  return {
    ...{ patientId, phase, part },
    image:
      image.kind === 'dicom'
        ? { kind: 'dicom', instances: await Promise.all(image.slices.map(fileSource)) }
        : { kind: 'nifti', source: await fileSource(image.path) },
    spacingMm: geometry?.spacingMm,
    label: label && {
      format: label.format,
      source: await fileSource(label.path),
      segmentNames: label.segmentNames,
      sha256: known?.sha256 ?? '',
      kind: known?.provenance.kind ?? 'unknown',
      algorithm: known?.provenance.algorithm,
      createdAt: new Date(known?.createdMs ?? 0).toISOString(),
      volumesMl: Object.fromEntries((known?.segments ?? []).map((segment) => [segment.name, segment.volumeMl])),
    },
  };
}

async function recordRelease(directory: string, { as, cohort }: DatasetOptions): Promise<void> {
  using audit = await AuditLog.open(join(directory, 'audit'), {
    nowMs: () => Date.now(),
    service: { kind: 'service', id: 'archive' },
  });
  await audit.record({
    actor: { kind: 'person', id: 'console' },
    action: as === 'statistics' ? 'label.exported' : 'study.exported',
    subjects: [auditSubject('cohort', cohort)],
    outcome: 'allowed',
  });
}
