/** `consilium rehearse --full`: what it may be asked, and how it tells of itself. */
import { styleText } from 'node:util';
import type { ProjectSummary } from '@consilium/study';
import { CliError } from '../cli-error.ts';
import { ExitCode } from '../exit-code.ts';
import { stopOnInterrupt } from '../interruption.ts';
import { humanProgress, jsonProgress } from '../progress.ts';
import { optionName, type RehearsalSettings } from '../rehearsal-settings.ts';
import { rehearseFully } from './full-rehearsal.ts';
import { finishedProject, writeProject } from './full-result.ts';

/** As large as the project that it rehearses, and as much training as shows something. */
export const fullDefaults = { studies: 50 } as const;

/** Settings of other rehearsals. */
const others = [
  'data',
  'cohort',
  'split',
  'format',
  'private',
  'mechanism',
  'epsilon',
  'clipNorm',
  'threshold',
] as const;
/** Six of a hospital are two to train, two to validate and two to test, at least. */
const studiesMin = 6;

/** @throws CliError `cli.bad-option` */
export function fullSettings(asked: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const stray = others.find((key) => asked[key] !== undefined && !(key === 'format' && asked[key] === 'dicom'));
  if (stray !== undefined)
    throw new CliError('cli.bad-option', `${optionName(stray)} is for other rehearsals than --full.`);
  const settings = { ...fullDefaults, ...asked, format: 'dicom' };
  if (Number(settings.studies) >= studiesMin) return settings;
  throw new CliError('cli.bad-option', `--studies: with --full, ${studiesMin} at least.`);
}

export async function runFully(directory: string, settings: RehearsalSettings, json: boolean): Promise<void> {
  using progress = json ? jsonProgress() : humanProgress(process.stdout);
  const finish = (summary: ProjectSummary) =>
    progress.show({ type: 'finished', directory, text: outcomeText(summary, directory), summary });
  const earlier = finishedProject(directory);
  if (earlier !== null) return finish(earlier);
  const signal = stopOnInterrupt();
  try {
    const command = commandOf(settings);
    const rehearsed = await rehearseFully(directory, settings, { progress, signal, command });
    progress.show({ type: 'stage', text: 'Report' });
    finish(await writeProject(rehearsed));
  } catch (error) {
    if (!signal.aborted) throw error;
    const text = `Stopped. What was done is kept: consilium rehearse --resume --out ${directory}`;
    progress.show({ type: 'warning', text });
    process.exitCode = ExitCode.interrupted;
  }
}

/** The same whoever resumes, and wherever it lies. */
function commandOf({ detail, rounds, seed, sites, steps, studies }: RehearsalSettings): string {
  return `consilium rehearse --full --sites ${sites} --studies ${studies} --seed ${seed} --rounds ${rounds} --steps ${steps} --detail ${detail}`;
}

type Estimate = NonNullable<ProjectSummary['dice']['manual']>;

function outcomeText({ configurations, dice, minutes, seconds }: ProjectSummary, directory: string): string {
  const line = (name: string, estimate: Estimate | null, digits = 3): string => {
    const text =
      estimate === null || estimate.cases === 0
        ? 'not measured'
        : `${estimate.mean.toFixed(digits)}  [${estimate.low.toFixed(digits)}, ${estimate.high.toFixed(digits)}]`;
    return `  ${name.padEnd(44)} ${text}`;
  };
  return [
    styleText('bold', 'Minutes a case, 95 % interval  (SIMULATED readers, synthetic patients)'),
    line('by hand', minutes.byHand, 1),
    line('with proposals less by hand, unseen patients', minutes.unseenPatients, 1),
    line('  … patients the model was trained on', minutes.seenPatients, 1),
    styleText('bold', 'Mean Dice on the test patients'),
    line('model of labels by hand', dice.manual),
    line('model of corrected proposals', dice.assisted),
    line('difference, paired', dice.assistedLessManual),
    ...configurations.map((one) => line(one.label, one.dice)),
    '',
    `  It took ${(seconds / 60).toFixed(1)} minutes.`,
    `Report: ${styleText('underline', `${directory}/report.html`)}`,
  ].join('\n');
}
