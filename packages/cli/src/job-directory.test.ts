import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobIdSchema, plainEncoding, siteIdSchema } from '@consilium/protocol';
import { fingerprintOf } from '@consilium/training';
import { afterAll, describe, expect, it } from 'vitest';
import { type JobFile, jobNameOf, readJobDirectory, requireFree, writeJobDirectory } from './job-directory.ts';
import { strategyFrom } from './job-plan-command.ts';
import { networkFor, planFor } from './network-plan.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-job-'));
afterAll(() => rmSync(root, { recursive: true }));

const job: JobFile = {
  kind: 'train',
  jobId: jobIdSchema.parse('kidney-1'),
  participants: [siteIdSchema.parse('charite')],
  rounds: { max: 3 },
  stepsPerRound: 10,
  minimumSites: 1,
  stragglerMs: 60_000,
  attempts: 2,
  stopping: { patience: 2, minimumGain: 0 },
  seed: 1,
  strategy: { kind: 'fed-avg' },
  reply: plainEncoding,
};

/** Of a cube of kidney in fat. */
async function tinyPlan() {
  const geometry = {
    size: [16, 16, 16],
    spacingMm: [5, 5, 5],
    originMm: [0, 0, 0],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  } as const;
  const kidney = Uint8Array.from({ length: 16 ** 3 }, (_, index) => Number(index % 16 > 8));
  const image = Int16Array.from(kidney, (inside, index) => (inside ? 120 + (index % 50) : -100));
  const one = { id: 'one', image: { geometry, voxels: image }, label: { geometry, voxels: kidney } };
  const fingerprint = JSON.parse(JSON.stringify(await fingerprintOf([one])));
  return planFor([fingerprint], { memoryBudgetMb: 512, size: 'small' });
}

describe('the directory of a job', () => {
  it('is read as it was written, and says what is wrong once somebody has edited it', async () => {
    const directory = join(root, 'kidney-1');
    const plan = await tinyPlan();
    await writeJobDirectory(directory, { job, plan, model: networkFor(plan, 1) });
    const read = await readJobDirectory(directory);
    expect(read).toEqual({ job, plan: JSON.parse(JSON.stringify(plan)) });

    const path = join(directory, 'job.json');
    const text = readFileSync(path, 'utf8');
    const after = async (edited: string) => {
      writeFileSync(path, edited);
      return readJobDirectory(directory).then(
        () => 'read',
        ({ code, message }) => `${code}: ${message}`,
      );
    };
    expect(await after(text.replace('"max": 3', '"max": 0'))).toMatch(/^cli\.bad-job-directory: .*"rounds\.max"/);
    expect(await after(text.replace('"seed"', '"sead"'))).toMatch(/^cli\.bad-job-directory: /);
    expect(await after('{')).toMatch(/^cli\.bad-job-directory: .*not JSON/);
    expect(await after(text)).toBe('read');
    rmSync(join(directory, 'model.onnx'));
    expect(await after(text)).toMatch(/^cli\.bad-job-directory: .*model\.onnx is missing/);
    await expect(requireFree(directory)).rejects.toMatchObject({ code: 'cli.directory-taken' });
    await requireFree(join(root, 'another'));
  });

  it.each([
    ['/srv/Kidney 1', 'kidney-1'],
    ['.', 'job'],
    ['_x_', 'x'],
    ['äöü', 'job'],
    [`long-${'x'.repeat(100)}`, `long-${'x'.repeat(55)}`],
  ])('%s gives the job a name that is one: %s', (directory, name) => {
    expect(jobNameOf(directory)).toBe(name);
    expect(jobIdSchema.safeParse(name).success).toBe(true);
  });
});

describe('a strategy on the command line', () => {
  it('is a name, or JSON with settings', () => {
    expect(strategyFrom('fed-avg')).toEqual({ kind: 'fed-avg' });
    expect(strategyFrom('{"kind":"fed-prox","mu":0.01}')).toEqual({ kind: 'fed-prox', mu: 0.01 });
  });

  it.each(['fed-magic', '{"kind":"fed-prox"', '{"kind":"fed-prox","mu":"much"}'])(
    'is refused when it is %s',
    (text) => {
      expect(() => strategyFrom(text)).toThrow(/--strategy/);
    },
  );
});
