/**
 * From an experiment to its runs, in an order that depends on the file alone: configurations as the file names them, the
 * last varied setting fastest, and of each its seeds. A run's digest is that of everything that decides its result, so that
 * a run that was done before, in whatever experiment, is known again.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '@consilium/protocol';
import { StudyError } from '../study-error.ts';
import type { Experiment } from './experiment-file.ts';
import { type RunSettings, runSettingsSchema } from './run-settings.ts';

export interface Configuration {
  /** SHA-256 of the settings without the seed, the first 16 digits. */
  readonly id: string;
  /** What it differs in from the others, for people: `network unet, width 8`. */
  readonly label: string;
  /** With the first of the seeds. */
  readonly settings: RunSettings;
}

export interface PlannedRun {
  /** SHA-256. */
  readonly digest: string;
  readonly configuration: Configuration;
  readonly settings: RunSettings;
}

/** What decides a run beside its settings. */
export interface RunContext {
  /** Version of the software. */
  readonly software: string;
  /** Digest of what the sites have said about their data. */
  readonly dataSha256: string;
  readonly participants: readonly string[];
  readonly minimumSites: number;
}

const runsMax = 10_000;

/** @throws StudyError `study.experiment-malformed` if two configurations are the same, or there are too many */
export function configurationsOf(experiment: Experiment): Configuration[] {
  const { base, seeds, vary } = experiment;
  const variants = Array.isArray(vary)
    ? vary
    : gridOf(vary as Readonly<Record<string, readonly unknown[] | undefined>>);
  if (variants.length * seeds.length > runsMax) throw malformed(`has more than ${runsMax} runs`);
  const made = variants.map(({ name, set }) => {
    const settings = runSettingsSchema.parse({ ...base, ...set, seed: seeds[0] });
    const { seed: _, ...decisive } = settings;
    return { id: sha256(decisive).slice(0, 16), label: name, settings };
  });
  const ids = new Set(made.map(({ id }) => id));
  if (ids.size !== made.length) throw malformed('has two configurations that are the same');
  return made;
}

export function runsOf(experiment: Experiment, context: RunContext): PlannedRun[] {
  return configurationsOf(experiment).flatMap((configuration) =>
    experiment.seeds.map((seed) =>
      plannedRun({ configuration, settings: { ...configuration.settings, seed } }, context),
    ),
  );
}

/** The run that has so many rounds at most, for a rung of successive halving. */
export function shortened(run: PlannedRun, rounds: number, context: RunContext): PlannedRun {
  if (rounds >= run.settings.rounds) return run;
  return plannedRun({ configuration: run.configuration, settings: { ...run.settings, rounds } }, context);
}

function plannedRun(run: Omit<PlannedRun, 'digest'>, context: RunContext): PlannedRun {
  const participants = [...context.participants].sort();
  return { ...run, digest: sha256({ settings: run.settings, ...context, participants }) };
}

function gridOf(
  grid: Readonly<Record<string, readonly unknown[] | undefined>>,
): { name: string; set: Readonly<Record<string, unknown>> }[] {
  const axes = Object.entries(grid).flatMap(([name, values]) => (values === undefined ? [] : [{ name, values }]));
  const sets = axes.reduce<Readonly<Record<string, unknown>>[]>(
    (some, { name, values }) => some.flatMap((set) => values.map((value) => ({ ...set, [name]: value }))),
    [{}],
  );
  return sets.map((set) => ({ name: labelOf(set), set }));
}

function labelOf(set: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(set).map(([name, value]) => `${wordsOf(name)} ${valueText(value)}`);
  return parts.length === 0 ? 'base' : parts.join(', ');
}

function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.join(' × ');
  if (typeof value !== 'object' || value === null) return String(value);
  const { kind, ...rest } = value as Record<string, unknown>;
  if (typeof kind !== 'string') return JSON.stringify(value);
  return Object.keys(rest).length === 0 ? kind : `${kind} ${JSON.stringify(rest)}`;
}

export function sha256(value: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(value as Json))
    .digest('hex');
}

function malformed(what: string): StudyError {
  return new StudyError('study.experiment-malformed', `The experiment ${what}.`);
}
