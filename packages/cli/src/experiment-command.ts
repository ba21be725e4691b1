/** `consilium experiment`: run one, look at what it says, compare. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { analyse, type Experiment, labelEffort, parseExperiment, parseMeasures } from '@consilium/study';
import { type Command, Option } from 'commander';
import { parse as parseYaml } from 'yaml';
import { type ActingOptions, actingOptions } from './acting-member.ts';
import { type AnswerOptions, answer, jsonOption } from './answer.ts';
import { CliError } from './cli-error.ts';
import type { Hospital } from './committee.ts';
import { ExperimentDirectory } from './experiment-directory.ts';
import { ExperimentHost, type HostOptions } from './experiment-host.ts';
import { runExperiment } from './experiment-run.ts';
import { comparisonText, experimentText, labelEffortText } from './experiment-text.ts';
import { uploadRecord } from './experiment-upload.ts';
import { stopOnInterrupt } from './interruption.ts';
import { jobEventText } from './job-event-text.ts';
import { wholeNumber } from './number-option.ts';
import { hospitalIn, hospitalsIn } from './own-data.ts';
import { humanProgress } from './progress.ts';
import { parseSettings, type RehearsalSettings, rehearsalDefaults } from './rehearsal-settings.ts';
import { gatherPatients } from './rehearse.ts';

interface RunOptions extends ActingOptions, AnswerOptions {
  readonly out?: string;
  readonly rehearsal?: true;
  readonly sites?: readonly string[];
  readonly participants: string;
  readonly hospitals: number;
  readonly studies: number;
  readonly dataSeed: number;
  readonly cohort?: string;
  readonly split?: string;
  readonly lookAgain?: string;
  readonly verbose?: true;
}

export function addExperimentCommand(program: Command): void {
  const group = program
    .command('experiment')
    .description('Jobs that differ in some settings: run them all, test the chosen once, compare.')
    .addHelpText(
      'after',
      '\nExamples:\n  consilium experiment run widths.yaml --rehearsal\n  consilium experiment show widths\n  consilium experiment compare widths --json',
    );
  addRun(group);
  addLabels(group);
  addUpload(group);
  for (const [name, description, text] of [
    ['show', 'What the experiment says: each configuration with validation, test, cost.', experimentText],
    ['compare', 'Differences between configurations, paired by case, with tests and corrections.', comparisonText],
  ] as const) {
    group
      .command(name)
      .description(description)
      .argument('<dir>', 'as "consilium experiment run" has left it')
      .option(...jsonOption)
      .addHelpText('after', `\nExample:\n  consilium experiment ${name} widths`)
      .action(async (directory: string, options: AnswerOptions) => {
        const record = await ExperimentDirectory.finished(resolve(directory));
        const analysis = analyse(record);
        answer(options, name === 'show' ? analysis : analysis.comparisons, text(record, analysis));
      });
  }
}

function addRun(group: Command): void {
  group
    .command('run')
    .description('Run an experiment. The same again goes on where it was, and does nothing twice.')
    .argument('<file>', 'YAML: docs/guides/experiments.md')
    .option('--out <dir>', 'where its record goes (default: the name of the file)')
    .addOption(new Option('--rehearsal', 'on synthetic patients, with hospitals on this machine').conflicts('sites'))
    .addOption(
      new Option('--sites <dir...>', 'on this machine, with these directories as hospitals, or one that holds them'),
    )
    .option(...actingOptions[0])
    .option(...actingOptions[1])
    .option('--participants <sites>', 'of the project: names of sites separated by commas, or all', 'all')
    .option(
      '--hospitals <n>',
      'with --rehearsal, or one archive: so many',
      wholeNumber(2, 100),
      rehearsalDefaults.sites,
    )
    .option('--studies <n>', 'with --rehearsal: patients of each', wholeNumber(3, 10_000), rehearsalDefaults.studies)
    .option(
      '--data-seed <n>',
      'on this machine: of synthetic patients and of the split',
      wholeNumber(0, 2 ** 31 - 1),
      1,
    )
    .option('--cohort <name>', 'of archives, this cohort; NAME@2 is its second version')
    .option('--split <name>', 'of that cohort, the split drawn in the archive')
    .option('--look-again <reason>', 'ask the test patients about other models than before; the reason is recorded')
    .option('--verbose', 'tell every round, too')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Without --rehearsal and --sites the jobs go to the sites of the project whose member you are.

Examples:
  consilium experiment run widths.yaml --rehearsal --hospitals 6 --studies 50
  consilium experiment run widths.yaml --sites data --out widths
  consilium experiment run widths.yaml --identity anna`,
    )
    .action(run);
}

function addLabels(group: Command): void {
  group
    .command('labels')
    .description('What drawing costs by hand and with a model’s help, from the measures that reading rooms export.')
    .argument('<files...>', 'JSON of GET .../measures, one a site, called as the site')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium experiment labels charite.json mainz.json')
    .action(async (files: readonly string[], options: AnswerOptions) => {
      const read = files.map(
        async (file) => [basename(file, '.json'), parseMeasures(await readMeasures(file))] as const,
      );
      const effort = labelEffort(Object.fromEntries(await Promise.all(read)));
      answer(options, effort, labelEffortText(effort));
    });
}

/** @throws CliError `cli.bad-experiment` */
async function readMeasures(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new CliError('cli.bad-experiment', `${file} cannot be read, or is not JSON.`);
  }
}

function addUpload(group: Command): void {
  group
    .command('upload')
    .description('Bring the record of an experiment to the pages of a coordinator, with a token in CONSILIUM_TOKEN.')
    .argument('<dir>', 'as "consilium experiment run" has left it')
    .requiredOption('--to <url>', 'where the pages are')
    .option('--as <name>', 'under this name in place of the experiment’s')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium experiment upload widths --to https://kidney.example.org')
    .action(async (given: string, { as, to, ...options }: AnswerOptions & { to: string; as?: string }) => {
      const record = await ExperimentDirectory.finished(resolve(given));
      const name = as ?? record.experiment.name;
      await uploadRecord(record, { name, to, token: process.env['CONSILIUM_TOKEN'] });
      answer(options, { name, url: to }, `${name} is at ${to}/#/experiments/${name}`);
    });
}

async function run(file: string, options: RunOptions): Promise<void> {
  const experiment = await readExperiment(file);
  const out = resolve(options.out ?? basename(file).replace(/\.ya?ml$/, ''));
  const directory = await ExperimentDirectory.open(out);
  const signal = stopOnInterrupt('Stopping: what was done is kept, and the same command goes on ...');
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const onEvent: HostOptions['onEvent'] = (event) => {
    const text = jobEventText(event);
    if (text !== null && (options.verbose || event.kind === 'site-left-out')) say(`  ${text}`);
  };
  await using host = await hostOf(out, options, { signal, onEvent, onTrouble: say });
  const { record, analysis } = await runExperiment(experiment, {
    ...{ host, directory, signal, say },
    command: `consilium ${process.argv.slice(2).join(' ')}`,
    nowIso: () => new Date().toISOString(),
    lookAgain: options.lookAgain ?? null,
  });
  answer(
    options,
    { directory: out, ...analysis },
    `${experimentText(record, analysis)}\n\n${out} holds the record. Compare: consilium experiment compare ${out}`,
  );
}

/** @throws CliError `cli.bad-experiment`, StudyError `study.experiment-malformed` */
async function readExperiment(file: string): Promise<Experiment> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CliError('cli.bad-experiment', `${file} cannot be read.`);
  });
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch {
    throw new CliError('cli.bad-experiment', `${file} is not YAML.`);
  }
  return parseExperiment(value);
}

async function hostOf(out: string, options: RunOptions, host: HostOptions): Promise<ExperimentHost> {
  if (!options.rehearsal && options.sites === undefined) {
    return ExperimentHost.ofProject(options, options.participants, host);
  }
  const settings = localSettings(options);
  const hospitals = await localHospitals(out, options, settings, host.signal);
  return ExperimentHost.onThisMachine(out, hospitals, settings, host);
}

function localSettings(options: RunOptions): RehearsalSettings {
  const { cohort = null, dataSeed, hospitals, rehearsal, sites = [], split = null, studies } = options;
  const data = rehearsal ? null : resolve(sites[0]!);
  return parseSettings({ sites: hospitals, studies, data, cohort, split, seed: dataSeed });
}

async function localHospitals(
  out: string,
  { sites }: RunOptions,
  settings: RehearsalSettings,
  signal: AbortSignal,
): Promise<Hospital[]> {
  if (sites !== undefined && sites.length > 1) return sites.map((directory) => hospitalIn(directory, settings));
  if (settings.data !== null) return hospitalsIn(settings.data, settings);
  using progress = humanProgress(process.stderr);
  return gatherPatients(out, settings, { progress, signal });
}
