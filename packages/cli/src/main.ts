#!/usr/bin/env node
/** The `consilium` command: reads what was asked for, does it, and says what happened. */
import { styleText } from 'node:util';
import type { RehearsalSummary } from '@consilium/study';
import { Command, Option } from 'commander';
import { CliError } from './cli-error.ts';
import { outcomeText } from './outcome-text.ts';
import { makePhantoms } from './phantom-command.ts';
import { humanProgress, jsonProgress } from './progress.ts';
import {
  claimDirectory,
  parseSettings,
  type RehearsalSettings,
  rehearsalDefaults,
  reopenDirectory,
} from './rehearsal-settings.ts';
import { rehearse } from './rehearse.ts';
import { finishedSummary } from './result.ts';
import { consiliumVersion } from './version.ts';

const interrupted = 130;

interface RehearseOptions extends Partial<Record<keyof RehearsalSettings, string>> {
  readonly out?: string;
  readonly resume?: true;
  readonly json?: true;
}

const program = new Command('consilium')
  .description('Train one segmentation model at several hospitals without an image leaving any of them.')
  .version(consiliumVersion)
  .showHelpAfterError('(add --help for the options)');

const shown = ({ data: _, ...defaults }: typeof rehearsalDefaults) => defaults;
const option = (flags: string, description: string, key?: keyof ReturnType<typeof shown>): Option => {
  const made = new Option(
    flags,
    key === undefined ? description : `${description} (default: ${shown(rehearsalDefaults)[key]})`,
  );
  return made;
};

program
  .command('rehearse')
  .description(
    'A whole project on this machine: simulated hospitals train one kidney-tumour model; ends with a report.',
  )
  .addOption(option('--out <dir>', 'where the result goes (default: the first free of rehearsal, rehearsal-2, ...)'))
  .addOption(option('--resume', 'go on with a rehearsal that was stopped, from its last completed step'))
  .addOption(option('--sites <n>', 'simulated hospitals', 'sites'))
  .addOption(option('--studies <n>', 'synthetic patients of each hospital', 'studies'))
  .addOption(
    option('--data <dir>', 'your own data instead: one subdirectory a hospital; NIfTI pairs or DICOM with DICOM SEG'),
  )
  .addOption(option('--seed <n>', 'the same seed gives the same bytes', 'seed'))
  .addOption(
    option('--rounds <n>', 'rounds at most; training stops earlier when predictions no longer improve', 'rounds'),
  )
  .addOption(option('--steps <n>', 'gradient steps of each hospital in each round', 'steps'))
  .addOption(option('--patience <n>', 'rounds without a gain before training stops', 'patience'))
  .addOption(option('--minimum-gain <dice>', 'smallest gain in validation Dice that counts', 'minimumGain'))
  .addOption(option('--minimum-sites <n>', 'a round needs the contributions of so many hospitals', 'minimumSites'))
  .addOption(
    option(
      '--memory-budget-mb <mb>',
      'memory of one training process, from which the plan is derived',
      'memoryBudgetMb',
    ),
  )
  .addOption(option('--detail <small|full>', 'size of the synthetic patients and of the network', 'detail'))
  .addOption(option('--format <nifti|dicom>', 'file format of the synthetic patients', 'format'))
  .addOption(option('--json', 'one JSON object a line on stdout instead of text'))
  .addHelpText(
    'after',
    `
Examples:
  consilium rehearse                            six hospitals, a few minutes
  consilium rehearse --studies 50 --out big     as large as the real project
  consilium rehearse --data sites --out result  on data sorted by hospital: sites/<hospital>/<case>/image.nii.gz, label.nii.gz
  consilium rehearse --resume --out result      after Ctrl-C, a crash or a power cut`,
  )
  .action(runRehearsal);

program
  .command('phantom')
  .description(
    'Synthetic abdominal CT of patients with renal masses, one directory a hospital. Complete studies are kept.',
  )
  .argument('<dir>', 'where to write them')
  .option('--sites <n>', 'simulated hospitals', '6')
  .option('--studies <n>', 'patients of each hospital', '8')
  .option('--seed <n>', 'the same seed gives the same bytes', '1')
  .addOption(
    new Option('--detail <size>', 'small: the region of the kidneys at about 3 mm')
      .choices(['small', 'full'])
      .default('small'),
  )
  .addOption(new Option('--format <format>', 'DICOM comes with DICOM SEG').choices(['nifti', 'dicom']).default('nifti'))
  .addHelpText('after', '\nExample:\n  consilium phantom patients --studies 50 --detail full --format dicom')
  .action(async (directory: string, options: Record<string, string>) => {
    const { sites, studies, seed, detail, format } = parseSettings(options);
    using progress = humanProgress(process.stderr);
    await makePhantoms(
      { directory, sites, studiesPerSite: studies, seed, detail, format },
      {
        processes: 2,
        signal: stopOnInterrupt(),
        onStudy: (done, of) => progress.show({ type: 'count', what: 'synthetic studies', done, of }),
      },
    );
  });

async function runRehearsal({ out, resume, json, ...asked }: RehearseOptions): Promise<void> {
  const opened = resume
    ? await reopenDirectory(out)
    : await (async () => {
        const settings = parseSettings(asked);
        return { settings, directory: await claimDirectory(out, settings) };
      })();
  if (resume && Object.keys(asked).length > 0) {
    throw new CliError(
      'cli.bad-option',
      '--resume goes on with the settings of the start; leave out the other options.',
    );
  }
  const { directory, settings } = opened;
  using progress = json ? jsonProgress() : humanProgress(process.stdout);
  const finish = (summary: RehearsalSummary) =>
    progress.show({ type: 'finished', directory, text: outcomeText(summary, directory), summary });
  const earlier = finishedSummary(directory);
  if (earlier !== null) return finish(earlier);
  const signal = stopOnInterrupt();
  try {
    const command = `consilium ${process.argv.slice(2).join(' ')}`;
    const { summary } = await rehearse(directory, settings, { progress, signal, command, resumed: resume === true });
    finish(summary);
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.show({
      type: 'warning',
      text: `Stopped. What was done is kept: consilium rehearse --resume --out ${directory}`,
    });
    process.exitCode = interrupted;
  }
}

/** Aborts at the first Ctrl-C; a second one, a second later or more, ends the process at once. */
function stopOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let firstMs: number | null = null;
  const stop = (): void => {
    firstMs ??= performance.now();
    if (performance.now() - firstMs > 1000) process.exit(interrupted);
    if (!controller.signal.aborted) process.stderr.write('\nStopping after the current step ...\n');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}

try {
  await program.parseAsync();
} catch (error) {
  const known =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z]+\./.test(error.code);
  const text = known
    ? `${(error as Error).message}\n(${(error as Error & { code: string }).code})`
    : String((error as Error)?.stack ?? error);
  process.stderr.write(`${styleText('red', text)}\n`);
  process.exitCode = known ? 2 : 1;
}
