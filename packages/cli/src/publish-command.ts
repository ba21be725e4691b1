/** `consilium publish`: crates of models, crates of data sets, and whether a crate is what was published. */
import { resolve } from 'node:path';
import { fileSource } from '@consilium/archive';
import {
  checkCrate,
  keyIdOf,
  newDirectory,
  openTree,
  publishModel,
  readOrCreateKey,
  readPublishedModel,
} from '@consilium/publication';
import type { Command } from 'commander';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { CliError } from './cli-error.ts';
import { ExitCode } from './exit-code.ts';
import { addDatasetCommand } from './publish-dataset-command.ts';
import { readAbout, readRecord, rehearsalOptions, resultFiles } from './published-result.ts';
import { consiliumVersion } from './version.ts';

interface PublishOptions extends AnswerOptions {
  readonly model?: string;
  readonly out?: string;
  readonly key?: string;
  readonly about?: string;
  readonly experiment?: readonly string[];
  readonly audit?: readonly string[];
  readonly measures?: readonly string[];
  readonly sbom?: string;
  readonly withPictures?: true;
}

export function addPublishCommand(program: Command): void {
  // `publish dataset` has options of the same names as `publish`: they belong to the command that they come after.
  program.enablePositionalOptions();
  const group = program
    .command('publish')
    .enablePositionalOptions()
    .description('Give out what came of the work: a signed RO-Crate with model, cards, numbers and examples.')
    .option('--model <dir>', 'what a rehearsal or "consilium job result" has left')
    .option('--out <dir>', 'a new directory: the crate')
    .option('--key <dir>', 'where the key lies that signs; made there if there is none')
    .option('--about <file>', 'YAML: title, authors, licence, intended use ...; a rehearsal has answers of its own')
    .option('--experiment <dir...>', 'experiments to be published with it')
    .option('--audit <dir...>', 'of a coordinator, sites or archives: the signed heads of their logs go with it')
    .option('--measures <file...>', 'measures that reading rooms export, one a site: what drawing cost goes with it')
    .option('--sbom <file>', 'software bill of materials (npm run sbom)')
    .option('--with-pictures', 'leave pictures of real patients in the report')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium publish --model rehearsal --out crate --key ~/publishing
  consilium publish verify crate
  consilium publish dataset --directory /srv/archive --cohort renal@1 --as bids --out renal --key ~/publishing --about about.yaml`,
    )
    .action(publish);
  group
    .command('verify')
    .description('Whether a crate is what was published. Exit code 0 if it is, 7 if not.')
    .argument('<crate>', 'a directory or a zip')
    .option('--key-id <sha256>', 'what the publisher has told of the key')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium publish verify crate.zip --key-id 5f0c...')
    .action(verify);
  addDatasetCommand(group);
}

async function publish({ model, out, key, ...options }: PublishOptions): Promise<void> {
  if (model === undefined || out === undefined || key === undefined) {
    throw new CliError('cli.bad-option', 'Name --model, --out and --key; see consilium publish --help.');
  }
  const directory = resolve(model);
  const published = await readPublishedModel(await openTree(directory, fileSource, { levels: 2 }));
  const record = await readRecord(directory);
  const about = await readAbout(options.about, record);
  const extras = await resultFiles(directory, {
    experiments: (options.experiment ?? []).map((path) => resolve(path)),
    measures: (options.measures ?? []).map((path) => resolve(path)),
    audit: (options.audit ?? []).map((path) => resolve(path)),
    sbom: options.sbom === undefined ? undefined : resolve(options.sbom),
  });
  const signing = await readOrCreateKey(resolve(key));
  const { manifest, card } = await publishModel(
    await newDirectory(resolve(out)),
    {
      ...{ about, model: published, record, extras, rehearsal: rehearsalOptions(directory, record) },
      withPictures: options.withPictures === true,
      software: record?.software ?? { consilium: consiliumVersion },
    },
    signing.key,
  );
  const result = { out: resolve(out), files: Object.keys(manifest.files).length, keyId: keyIdOf(manifest), card };
  answer(
    options.json ? { json: true } : {},
    result,
    `${out} holds ${result.files} files, signed.${signing.isNew ? `\nA key was made in ${key}: keep it, and keep it to yourselves.` : ''}
Tell others the fingerprint of the key beside the crate: ${result.keyId}`,
  );
}

interface VerifyOptions extends AnswerOptions {
  readonly keyId?: string;
}

const faultWords = {
  missing: 'is missing',
  altered: 'is not what was published',
  unlisted: 'was not published with it',
  unsigned: 'is not signed by the key in it',
  'other-key': 'is signed by another key',
  metadata: 'is missing from the metadata',
} as const;

async function verify(crate: string, { keyId, ...options }: VerifyOptions): Promise<void> {
  const report = await checkCrate(await openTree(resolve(crate), fileSource), keyId);
  const isWhole = report.faults.length === 0;
  if (!isWhole) process.exitCode = ExitCode.checkFailed;
  const faults = report.faults.map(({ fault, what }) => [what, faultWords[fault]]);
  const head = `${report.name} ${report.version}: ${report.files} files, ${(report.bytes / 1e6).toFixed(1)} MB`;
  const told = isWhole
    ? `${head}. All is as it was published, signed by ${report.keyId}${keyId === undefined ? '; ask the publisher whether that is their key' : ''}.`
    : `${head}. NOT what was published:\n\n${textTable(faults)}`;
  answer(options, { isWhole, ...report }, told);
}
