/** `consilium rehearse`: options in, a finished rehearsal out. */
import type { RehearsalSummary } from '@consilium/study';
import { type Command, Option } from 'commander';
import { CliError } from './cli-error.ts';
import { ExitCode } from './exit-code.ts';
import { fullDefaults, fullSettings, runFully } from './full-rehearsal/full-run.ts';
import { stopOnInterrupt } from './interruption.ts';
import { outcomeText } from './outcome-text.ts';
import { humanProgress, jsonProgress } from './progress.ts';
import { isSound, protectionIn } from './protection.ts';
import {
  claimDirectory,
  optionName,
  parseSettings,
  type RehearsalSettings,
  rehearsalDefaults,
  reopenDirectory,
} from './rehearsal-settings.ts';
import { rehearse } from './rehearse.ts';
import { finishedSummary } from './result.ts';

interface RehearseOptions extends Partial<Record<Exclude<keyof RehearsalSettings, 'private' | 'full'>, string>> {
  readonly private?: true;
  readonly full?: true;
  readonly out?: string;
  readonly resume?: true;
  readonly json?: true;
}

const {
  data: _data,
  cohort: _cohort,
  split: _split,
  full: _full,
  private: _private,
  threshold: _threshold,
  ...defaults
} = rehearsalDefaults;
/** Of `--private` alone. */
const ofPrivate = ['mechanism', 'epsilon', 'clipNorm', 'threshold'] as const;

function option(flags: string, description: string, key?: keyof typeof defaults): Option {
  return new Option(flags, key === undefined ? description : `${description} (default: ${defaults[key]})`);
}

export function addRehearseCommand(program: Command): void {
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
      option(
        '--data <dir>',
        'your own data instead: one subdirectory a hospital, with NIfTI pairs, DICOM with DICOM SEG, or an archive; or one archive, whose patients are dealt to --sites hospitals',
      ),
    )
    .addOption(option('--cohort <name>', 'of archives, this cohort; NAME@2 is its second version'))
    .addOption(option('--split <name>', 'of that cohort, the split drawn in the archive; default: one is drawn'))
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
    .addOption(option('--detail <tiny|small|full>', 'size of the synthetic patients and of the network', 'detail'))
    .addOption(option('--format <nifti|dicom>', 'file format of the synthetic patients', 'format'))
    .addOption(
      option(
        '--private',
        'with everything that protects: signed jobs, policies of the hospitals, secure aggregation and differential privacy; one hospital more refuses, two are lost on the way, and what came out is checked',
      ),
    )
    .addOption(
      option(
        '--full',
        `the whole project: archives, reading rooms, labels by hand, a model that proposes, corrected labels, experiments, report; --studies ${fullDefaults.studies} unless you say otherwise`,
      ),
    )
    .addOption(option('--mechanism <dp-sgd|noisy-update>', 'with --private: where the noise is added', 'mechanism'))
    .addOption(option('--epsilon <n>', 'with --private: what all rounds together may cost each hospital', 'epsilon'))
    .addOption(
      option('--clip-norm <n>', 'with --private: norm to which gradients, or updates, are shortened', 'clipNorm'),
    )
    .addOption(
      option('--threshold <n>', 'with --private: hospitals in every sum, at least (default: just more than half)'),
    )
    .addOption(option('--json', 'one JSON object a line on stdout instead of text'))
    .addHelpText(
      'after',
      `
Examples:
  consilium rehearse                            six hospitals, a few minutes
  consilium rehearse --studies 50 --out big     as large as the real project
  consilium rehearse --data sites --out result  on data sorted by hospital: sites/<hospital>/<case>/image.nii.gz, label.nii.gz
  consilium rehearse --data /srv/archive --cohort renal@1
  consilium rehearse --full --out project       two phases of annotation and everything after; an hour or more
  consilium rehearse --private                  the same project, and nobody trusted with more than they need
  consilium rehearse --resume --out result      after Ctrl-C, a crash or a power cut`,
    )
    .action(runRehearsal);
}

async function runRehearsal({ out, resume, json, ...asked }: RehearseOptions): Promise<void> {
  const opened = resume
    ? await reopenDirectory(out)
    : await (async () => {
        const stray = ofPrivate.find((key) => asked[key] !== undefined);
        if (stray !== undefined && asked.private === undefined) {
          throw new CliError('cli.bad-option', `${optionName(stray)} is for --private rehearsals.`);
        }
        const settings = parseSettings(asked.full ? fullSettings(asked) : asked);
        return { settings, directory: await claimDirectory(out, settings) };
      })();
  if (resume && Object.keys(asked).length > 0) {
    throw new CliError(
      'cli.bad-option',
      '--resume goes on with the settings of the start; leave out the other options.',
    );
  }
  const { directory, settings } = opened;
  if (settings.full) return runFully(directory, settings, json === true);
  using progress = json ? jsonProgress() : humanProgress(process.stdout);
  const finish = (summary: RehearsalSummary) =>
    progress.show({ type: 'finished', directory, text: outcomeText(summary, directory), summary });
  const check = () => {
    if (settings.private && !isSound(protectionIn(directory))) process.exitCode = ExitCode.checkFailed;
  };
  const earlier = finishedSummary(directory);
  if (earlier !== null) {
    finish(earlier);
    return check();
  }
  const signal = stopOnInterrupt();
  try {
    const command = `consilium ${process.argv.slice(2).join(' ')}`;
    const { summary } = await rehearse(directory, settings, { progress, signal, command, resumed: resume === true });
    finish(summary);
    check();
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.show({
      type: 'warning',
      text: `Stopped. What was done is kept: consilium rehearse --resume --out ${directory}`,
    });
    process.exitCode = ExitCode.interrupted;
  }
}
