/** What came of a job that has ended, as files. */

import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModel } from '@consilium/engine';
import { blobIdSchema, jsonSchema } from '@consilium/protocol';
import { type CoordinatorClient, makeDirectory, writeDurably } from '@consilium/transport';
import { z } from 'zod';
import { fetchFile } from './blob-file.ts';
import { CliError } from './cli-error.ts';
import { isOver, jobStatusSchema } from './job-follower.ts';
import { writeModelFiles } from './model-files.ts';

const trainingSchema = z.looseObject({
  rounds: z.array(z.unknown()),
  best: z.object({ round: z.int(), weights: blobIdSchema, score: z.number().nullable() }).nullable(),
});
const surveySchema = z.looseObject({ answers: z.record(z.string(), z.unknown()), leftOut: z.array(z.unknown()) });
const resultSchema = jobStatusSchema.extend({ outcome: z.unknown() });
const submissionSchema = z.object({ submission: z.looseObject({ plan: jsonSchema, model: blobIdSchema }) });

export interface FetchedResult {
  readonly jobId: string;
  readonly state: string;
  readonly reason: unknown;
  readonly best: { readonly round: number; readonly score: number | null; readonly weightsSha256: string } | null;
  /** In `out`. */
  readonly files: readonly string[];
}

/**
 * Of training: `model.onnx`, `weights.safetensors`, `plan.json` of the best round, if there is one, and `rounds.json`. Of
 * a survey or a comparison of patients: `answers.json`.
 * @throws CliError `cli.job-not-over`
 */
export async function fetchResult(
  client: CoordinatorClient,
  jobId: string,
  { out, signal }: { readonly out: string; readonly signal: AbortSignal },
): Promise<FetchedResult> {
  const { outcome, kind, ...status } = resultSchema.parse(await client.get(`/v1/jobs/${jobId}/result`, signal));
  if (!isOver({ kind, ...status })) {
    throw new CliError('cli.job-not-over', `${jobId} is ${status.state}. Wait for it: consilium job watch ${jobId}`);
  }
  await makeDirectory(out);
  const json = (name: string, value: unknown) => writeDurably(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
  if (kind !== 'train') {
    const { answers, leftOut } = surveySchema.parse(outcome);
    await json('answers.json', { ...status, answers, leftOut });
    return { ...status, best: null, files: ['answers.json'] };
  }
  const { best, rounds } = trainingSchema.parse(outcome);
  const model = best === null ? null : await fetchModel(client, jobId, best.weights, { out, signal });
  const kept = best === null || model === null ? null : { round: best.round, score: best.score, ...model };
  await json('rounds.json', { ...status, best: kept, rounds });
  const files = ['model.onnx', 'weights.safetensors', 'plan.json'];
  return { ...status, best: kept, files: [...(kept === null ? [] : files), 'rounds.json'] };
}

async function fetchModel(
  client: CoordinatorClient,
  jobId: string,
  best: z.infer<typeof blobIdSchema>,
  { out, signal }: { readonly out: string; readonly signal: AbortSignal },
): Promise<{ readonly weightsSha256: string }> {
  const { submission } = submissionSchema.parse(await client.get(`/v1/jobs/${jobId}`, signal));
  const chunks = join(out, '.download');
  const [graph, weights] = [join(chunks, 'graph'), join(chunks, 'weights')];
  await fetchFile(client, submission.model, graph, { chunks, signal });
  await fetchFile(client, best, weights, { chunks, signal });
  const bytes = await readFile(weights);
  const model = decodeModel(await readFile(graph));
  await writeModelFiles(out, { model, weights: bytes, plan: submission.plan });
  await rm(chunks, { recursive: true });
  return { weightsSha256: createHash('sha256').update(bytes).digest('hex') };
}
