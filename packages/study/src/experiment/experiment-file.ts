/** An experiment as a person writes it, in YAML: a base, what is varied, and what shall be compared. */
import { z } from 'zod';
import { StudyError } from '../study-error.ts';
import { type SettingName, settingsShape } from './run-settings.ts';

const settingNames = Object.keys(settingsShape) as SettingName[];
const settingName = z.enum(settingNames as [SettingName, ...SettingName[]]);

const partialSettings = z.strictObject(
  Object.fromEntries(Object.entries(settingsShape).map(([name, schema]) => [name, withoutDefault(schema)])),
);
/** Of each setting the values it takes. */
const gridSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(settingsShape).map(([name, schema]) => [name, z.array(withoutDefault(schema)).min(1).optional()]),
  ),
);

const experimentSchema = z.strictObject({
  /** Names its jobs: lower-case letters, digits and hyphens. */
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a-z, 0-9 and "-"'),
  /** What it shall answer, a sentence; stands in the report. */
  question: z.string().default(''),
  base: partialSettings.default({}),
  /** A grid: every combination. A list: each entry one configuration, under a name of its own if it has one. */
  vary: z
    .union([gridSchema, z.array(z.strictObject({ name: z.string().min(1), set: partialSettings })).min(1)])
    .default({}),
  /** Each configuration is trained once with each. */
  seeds: z
    .array(
      z
        .int()
        .min(0)
        .max(2 ** 31 - 1),
    )
    .min(1)
    .default([1]),
  compare: z
    .strictObject({
      /** Configurations that differ in this alone are compared with each other; default: all with all. */
      by: settingName.optional(),
      /** Each is compared with the configuration that has this value of `by`; default: the first. */
      baseline: z.json().optional(),
      /** Fit a learning curve over `patientsPerSite`, and tell how many studies these scores need. */
      studiesFor: z.array(z.number().min(0).max(1)).default([]),
      /** Tell how long training took until validation had come to these scores. */
      secondsTo: z.array(z.number().min(0).max(1)).default([]),
    })
    .prefault({}),
  /** Stop the hopeless early, by validation: the first rung has so many rounds, each next `factor` times as many. */
  halving: z.strictObject({ firstRounds: z.int().min(1), factor: z.number().min(2).default(3) }).optional(),
  /** What the test patients are asked about, once, at the end: the best by validation, so many of the best, or all. */
  test: z.union([z.enum(['best', 'all', 'none']), z.strictObject({ best: z.int().min(1) })]).default('best'),
  limits: z
    .strictObject({
      jobsAtOnce: z.int().min(1).max(64).default(1),
      /** A round needs the contributions of so many sites. */
      minimumSites: z.int().min(1).default(2),
      stragglerMinutes: z.number().positive().default(240),
    })
    .prefault({}),
});
export type Experiment = Readonly<z.output<typeof experimentSchema>>;

/**
 * @param value what the YAML says
 * @throws StudyError `study.experiment-malformed`, naming the field
 */
export function parseExperiment(value: unknown): Experiment {
  const parsed = experimentSchema.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw malformed(`at "${first!.path.join('.')}": ${first!.message}`);
  }
  const experiment = parsed.data;
  const varied = Array.isArray(experiment.vary)
    ? experiment.vary.flatMap(({ set }) => Object.keys(set))
    : Object.keys(experiment.vary);
  if (varied.includes('seed')) throw malformed('"seed" is varied with "seeds", not in "vary"');
  if (Array.isArray(experiment.vary)) {
    const names = experiment.vary.map(({ name }) => name);
    if (new Set(names).size !== names.length) throw malformed('two entries of "vary" have one name');
  }
  const { compare, halving } = experiment;
  if (compare.baseline !== undefined && compare.by === undefined)
    throw malformed('"compare.baseline" needs "compare.by"');
  if (halving !== undefined && compare.studiesFor.length > 0) {
    throw malformed('a learning curve needs every run to its end: leave out "halving"');
  }
  return experiment;
}

function malformed(what: string): StudyError {
  return new StudyError('study.experiment-malformed', `The experiment is wrong ${what}.`);
}

function withoutDefault(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType).optional() : schema;
}
