/**
 * What one rehearsal was asked to do. Written to `rehearsal.json` in its directory before anything else happens, so that
 * `--resume` goes on with exactly the same.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeDurably } from '@consilium/transport';
import { z } from 'zod';
import { CliError } from './cli-error.ts';

const whole = (low: number, high: number) => z.coerce.number().int().min(low).max(high);

const rehearsalSettingsSchema = z.object({
  sites: whole(2, 100),
  studies: whole(3, 10_000),
  /** Real data already sorted by site, or archives; null: synthetic patients. */
  data: z.string().nullable(),
  /** Of archives, this cohort; `NAME@2` is its second version. */
  cohort: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*(?:@[1-9]\d*)?$/, 'must be a cohort’s name, or a name and a version as renal@2')
    .nullable()
    .default(null),
  /** A split of that cohort, drawn in the archive. */
  split: z.string().nullable().default(null),
  seed: whole(0, 2 ** 31 - 1),
  format: z.enum(['nifti', 'dicom']),
  detail: z.enum(['tiny', 'small', 'full']),
  rounds: whole(1, 10_000),
  /** Gradient steps of each site in each round. */
  steps: whole(1, 100_000),
  /** Rounds without a gain of `minimumGain` in validation Dice before the job stops. */
  patience: whole(1, 1000),
  minimumGain: z.coerce.number().min(0).max(1),
  minimumSites: whole(1, 100),
  memoryBudgetMb: whole(256, 1_000_000),
  /** The whole project, with archives, reading rooms and two phases of annotation: see `full-rehearsal/`. */
  full: z.boolean().default(false),
  /** Everything that protects at once: see `private-rehearsal.ts`. */
  private: z.boolean().default(false),
  mechanism: z.enum(['dp-sgd', 'noisy-update']).default('noisy-update'),
  /** Of all rounds together, at each site. */
  epsilon: z.coerce.number().positive().max(1e9).default(100_000),
  /** Longest that one patient's gradient, or a site's whole movement in a round, may be. */
  clipNorm: z.coerce.number().positive().max(1e6).default(1),
  /** Sites in every sum, at least; null: just more than half. */
  threshold: whole(2, 100).nullable().default(null),
});
export type RehearsalSettings = z.infer<typeof rehearsalSettingsSchema>;

export const rehearsalDefaults = {
  sites: 6,
  studies: 8,
  data: null,
  cohort: null,
  split: null,
  seed: 1,
  format: 'nifti',
  detail: 'small',
  rounds: 16,
  steps: 18,
  patience: 5,
  minimumGain: 0.005,
  minimumSites: 2,
  memoryBudgetMb: 1024,
  full: false,
  private: false,
  mechanism: 'noisy-update',
  epsilon: 100_000,
  clipNorm: 1,
  threshold: null,
} as const satisfies RehearsalSettings;

const settingsFile = 'rehearsal.json';

/** @throws CliError naming the option that is wrong. */
export function parseSettings(options: Record<string, unknown>): RehearsalSettings {
  const parsed = rehearsalSettingsSchema.safeParse({ ...rehearsalDefaults, ...options });
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new CliError('cli.bad-option', `${optionName(path.join('.'))}: ${message}. See "consilium rehearse --help".`);
}

/** As it is typed. */
export function optionName(setting: string): string {
  return `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The directory of a new rehearsal: the one asked for if it is free, else the first free `rehearsal`, `rehearsal-2`, ... */
export async function claimDirectory(out: string | undefined, settings: RehearsalSettings): Promise<string> {
  const directory = out === undefined ? firstFree() : resolve(out);
  if (existsSync(directory) && (await readdir(directory)).length > 0) {
    throw new CliError(
      'cli.directory-taken',
      existsSync(join(directory, settingsFile))
        ? `${directory} holds a rehearsal already. Add --resume to go on with it, or give another --out.`
        : `${directory} is not empty. Give an empty or new directory with --out.`,
    );
  }
  await mkdir(directory, { recursive: true });
  await writeDurably(join(directory, settingsFile), `${JSON.stringify(settings, null, 2)}\n`);
  return directory;
}

function firstFree(): string {
  for (let count = 1; ; count++) {
    const directory = resolve(count === 1 ? 'rehearsal' : `rehearsal-${count}`);
    if (!existsSync(directory)) return directory;
  }
}

/** The directory and settings of an earlier rehearsal: the one asked for, or the newest in the working directory. */
export async function reopenDirectory(
  out: string | undefined,
): Promise<{ directory: string; settings: RehearsalSettings }> {
  const directory = out === undefined ? await newest() : resolve(out);
  const path = join(directory, settingsFile);
  if (!existsSync(path)) {
    throw new CliError('cli.nothing-to-resume', `${directory} holds no rehearsal. Leave out --resume to start one.`);
  }
  try {
    return { directory, settings: rehearsalSettingsSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) };
  } catch {
    throw new CliError('cli.settings-damaged', `${path} cannot be read. Start a new rehearsal in another --out.`);
  }
}

async function newest(): Promise<string> {
  const numbered = (await readdir('.'))
    .map((name) => /^rehearsal(?:-(\d+))?$/.exec(name))
    .filter((match) => match !== null)
    .sort((one, other) => Number(one[1] ?? 1) - Number(other[1] ?? 1));
  const last = numbered.at(-1);
  if (last === undefined) {
    throw new CliError('cli.nothing-to-resume', 'There is no rehearsal here to resume. Name its directory with --out.');
  }
  return resolve(last[0]);
}
