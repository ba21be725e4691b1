/**
 * A job as files that a person can look at and edit: `job.json` (who, how long, when it ends, which strategy),
 * `plan.json`, `model.onnx` (the graph) and `weights.safetensors` (where it begins).
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { encodeModel, type Model, weightsOf } from '@consilium/engine';
import { jobSchema } from '@consilium/federation';
import { encodeSafetensors } from '@consilium/numerics';
import type { Json } from '@consilium/protocol';
import { type Plan, parsePlan } from '@consilium/training';
import { makeDirectory, writeDurably } from '@consilium/transport';
import { z } from 'zod';
import { CliError } from './cli-error.ts';

/** The job without what lies in files of its own. */
const jobFileSchema = z.strictObject(
  jobSchema.omit({ plan: true, model: true, initialWeights: true, mandate: true }).shape,
);
export type JobFile = z.infer<typeof jobFileSchema>;

export const jobFiles = {
  job: 'job.json',
  plan: 'plan.json',
  model: 'model.onnx',
  weights: 'weights.safetensors',
} as const;

/** @throws CliError `cli.directory-taken` */
export async function requireFree(directory: string): Promise<void> {
  if (!existsSync(directory) || (await readdir(directory)).length === 0) return;
  throw new CliError('cli.directory-taken', `${directory} is not empty. Give the job a new directory.`);
}

export async function writeJobDirectory(
  directory: string,
  { job, plan, model }: { readonly job: JobFile; readonly plan: Plan; readonly model: Model },
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await makeDirectory(directory);
  await writeDurably(join(directory, jobFiles.plan), json(plan));
  await writeDurably(join(directory, jobFiles.model), encodeModel(model));
  await writeDurably(join(directory, jobFiles.weights), encodeSafetensors(weightsOf(model)));
  await writeDurably(join(directory, jobFiles.job), json(job));
}

/** @throws CliError `cli.bad-job-directory`, TrainingError for a plan that is none */
export async function readJobDirectory(directory: string): Promise<{ readonly job: JobFile; readonly plan: Json }> {
  for (const name of [jobFiles.model, jobFiles.weights]) {
    if (!existsSync(join(directory, name))) throw bad(`${join(directory, name)} is missing.`);
  }
  const plan = await readPlan(join(directory, jobFiles.plan));
  const { data, error } = jobFileSchema.safeParse(await readJson(join(directory, jobFiles.job)));
  if (data !== undefined) return { job: data, plan: JSON.parse(JSON.stringify(plan)) as Json };
  const { path, message } = error!.issues[0]!;
  throw bad(`${join(directory, jobFiles.job)} is wrong at "${path.join('.')}": ${message}.`);
}

export async function readPlan(path: string): Promise<Plan> {
  return parsePlan(await readJson(path));
}

/** A name for a job from that of its directory. */
export function jobNameOf(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 60);
  return name === '' ? 'job' : name.replace(/[^a-z0-9]+$/, '');
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw bad(code === 'ENOENT' ? `There is no ${path}.` : `${path} cannot be read, or is not JSON.`);
  }
}

function bad(what: string): CliError {
  return new CliError('cli.bad-job-directory', `${what} "consilium job plan" makes such a directory.`);
}
