/** `consilium reading model` on the directory of an archive that does not run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder } from '@consilium/engine';
import { tensor } from '@consilium/numerics';
import { encodeBundle, noAugmentation, parsePlan } from '@consilium/training';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { addArchiveCommand } from './archive-command.ts';
import { addReadingCommand } from './reading-command.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-reading-model-'));
const directory = join(root, 'archive');
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

async function run(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addArchiveCommand(program);
  addReadingCommand(program);
  await program.parseAsync([...args, '--directory', directory], { from: 'user' });
  vi.restoreAllMocks();
  return written.join('');
}
const model = (...args: readonly string[]) => run('reading', 'model', ...args, '--project', 'renal');
const asJson = async (...args: readonly string[]) => JSON.parse(await model(...args, '--json'));
const refusal = (promise: Promise<unknown>) => promise.then(String, ({ code, message }) => `${code} ${message}`);

/** What `consilium job result` writes: no `metadata.json`, but `rounds.json`. */
function resultFolder(name: string, { bias, isInteractive = false }: { bias: number; isInteractive?: boolean }) {
  const channels = isInteractive ? 4 : 1;
  const classes = isInteractive ? 2 : 3;
  const graph = new GraphBuilder({ name: 'linear' });
  const image = graph.input('image', 'float32', [1, channels, 4, 8, 8]);
  const kernel = tensor('float32', [classes, channels, 1, 1, 1], new Float32Array(classes * channels));
  const biases = tensor('float32', [classes], new Float32Array(classes).fill(bias));
  const inputs = [image, graph.parameter('weight', kernel), graph.parameter('bias', biases)];
  graph.output('logits', graph.op('Conv', inputs, { kernel_shape: [1, 1, 1] }));
  const one = [1, 1, 1];
  const network = { kind: 'unet', channels: [2], strides: [one], kernelSizes: [one], blocksPerLevel: [1], classes };
  const plan = parsePlan({
    version: 1,
    classes: ['kidney', 'tumour'].map((each, at) => ({ name: each, value: at + 1 })),
    ...{ regions: [{ name: 'kidney', classes: [1, 2] }], spacingMm: one, patchSize: [4, 8, 8], batchSize: 1 },
    normalisation: { clipHu: [-1000, 1000], mean: 0, std: 100 },
    network: isInteractive ? { ...network, inputChannels: channels } : network,
    ...{ loss: { terms: [{ kind: 'dice' }] }, optimiser: { kind: 'adamw' }, foregroundFraction: 0.5 },
    schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
    ...{ augmentation: noAugmentation, memoryBudgetMb: 100, inference: { overlap: 0.5, flips: false } },
    ...(isInteractive
      ? {
          interactive: {
            ...{ classes: [1, 2], guidance: { kind: 'disc', radiusMm: 1.5 }, clicksMax: 10, predictionsMax: 2 },
            ...{ automaticProbability: 0.1, previousMask: { probability: 0.5, errorMm: 2 } },
            evaluation: { clicks: [1, 3], scored: 3 },
          },
        }
      : {}),
  });
  const folder = join(root, name);
  mkdirSync(folder);
  for (const [file, bytes] of encodeBundle({ model: graph.build(), plan, metadata: {} })) {
    if (file !== 'metadata.json') writeFileSync(join(folder, file), bytes);
  }
  writeFileSync(join(folder, 'rounds.json'), JSON.stringify({ jobId: 'kidney-7', best: { round: 3 }, rounds: [] }));
  return folder;
}

describe('consilium reading model', () => {
  beforeAll(async () => {
    await run('archive', 'init', '--project', 'kidney', '--dicom-port', '0');
    await run('reading', 'project', 'create', 'renal', '--app', 'renal-mass');
  });

  it('puts what a job left on the shelf, and says from which', async () => {
    expect(await model('list')).toBe('The project has no model yet.\n');
    const put = await asJson('put', resultFolder('first', { bias: 0 }));
    expect(put).toMatchObject({
      ...{ name: 'first', kind: 'automatic', state: 'candidate', origin: { job: 'kidney-7', round: 3 } },
      structures: { kidney: 1, tumour: 2 },
    });
    expect(await model('list')).toMatch(
      new RegExp(
        `^NAME .*\nfirst +${put.digest.slice(0, 12)} +automatic +candidate +.* +console +kidney-7, round 3\n$`,
      ),
    );
    // The same again is the same.
    expect((await asJson('put', join(root, 'first'))).digest).toBe(put.digest);
  });

  it('leads to the ways in which a model of its kind becomes the champion', async () => {
    const clicks = resultFolder('clicks', { bias: 0, isInteractive: true });
    const put = await model('put', clicks, '--name', 'clicks-1');
    expect(put).toContain('Next:\n  consilium reading model try clicks-1');
    expect(put).toContain('While no cases are set aside, "promote"');
    expect(await refusal(model('try', 'clicks-1'))).toMatch(/^reading\.validation-wanted/);
    expect(await model('promote', 'clicks-1')).toBe('"clicks-1" is the champion: it answers to clicks.\n');
    expect(await refusal(model('promote', 'first'))).toMatch(/^reading\.trial-wanted/);
    expect(await refusal(model('try', 'first'))).toMatch(/^reading\.validation-wanted/);
    const unread = model('set-aside', '--series', '1.2.3');
    expect(await refusal(unread)).toBe('cli.bad-option None of the 1 series has an approved label in "renal".');
    expect(await refusal(model('set-aside'))).toMatch(/^cli\.bad-option Say which series/);
    expect(await refusal(model('propose'))).toMatch(/^reading\.model-wanted/);
    expect(await model('propose', '--model', 'first', '--night')).toBe('0 labels will be proposed at night.\n');
    expect(await model('retire', 'clicks-1')).toBe('"clicks-1" is retired.\n');
    expect((await asJson('list')).map(({ state }: { state: string }) => state)).toEqual(['retired', 'candidate']);
  });

  it('takes a name for the one model that has it, and else the beginning of a digest', async () => {
    const { digest } = await asJson('put', resultFolder('second', { bias: 1 }), '--name', 'first');
    expect(await refusal(model('retire', 'first'))).toMatch(/^cli\.bad-option .*several models "first"/);
    expect(await refusal(model('retire', 'none'))).toMatch(/^cli\.bad-option .*no model "none"/);
    await model('retire', digest.slice(0, 8));
    expect((await asJson('retire', 'first')).digest).not.toBe(digest);
  });

  it('refuses a folder without a model', async () => {
    const folder = resultFolder('broken', { bias: 2 });
    writeFileSync(join(folder, 'weights.safetensors'), readFileSync(join(root, 'first/weights.safetensors')));
    expect(await refusal(model('put', folder))).toMatch(/^reading\.model-malformed/);
    writeFileSync(join(folder, 'plan.json'), 'none');
    expect(await refusal(model('put', folder))).toMatch(/^cli\.bad-option plan\.json is no JSON/);
    rmSync(join(folder, 'model.onnx'));
    expect(await refusal(model('put', folder))).toMatch(/^cli\.bad-option .* holds no model\.onnx/);
  });
});
