/** `consilium predict` and `consilium publish` on a toy model: what they say and write, and how they end. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '@consilium/archive';
import { publicationSchema } from '@consilium/coordinator/api';
import { weightsOf } from '@consilium/engine';
import { axisAligned, decodeNifti, encodeNifti } from '@consilium/imaging';
import { createRandom, encodeSafetensors } from '@consilium/numerics';
import { newDirectory, openTree, parseAbout, publishModel, readPublishedModel } from '@consilium/publication';
import { buildNetwork, noAugmentation, parsePlan } from '@consilium/training';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { ExitCode } from './exit-code.ts';
import { writeModelFiles } from './model-files.ts';
import { addPredictCommand } from './predict-command.ts';
import { addPublishCommand } from './publish-command.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-publish-command-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const plan = parsePlan({
  version: 1,
  classes: [{ name: 'kidney', value: 1 }],
  regions: [{ name: 'kidney', classes: [1] }],
  spacingMm: [2, 2, 2],
  patchSize: [4, 8, 8],
  batchSize: 2,
  normalisation: { clipHu: [-100, 250], mean: 60, std: 70 },
  network: {
    kind: 'unet',
    classes: 2,
    channels: [4],
    strides: [[1, 1, 1]],
    kernelSizes: [[3, 3, 3]],
    blocksPerLevel: [1],
  },
  loss: { terms: [{ kind: 'dice' }] },
  optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true },
  schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
  foregroundFraction: 0.5,
  augmentation: noAugmentation,
  memoryBudgetMb: 512,
  inference: { overlap: 0.5, flips: false },
});
const network = buildNetwork(plan.network, { patchSize: plan.patchSize, batchSize: 2, random: createRandom(1) });
await writeModelFiles(join(root, 'model'), { model: network, weights: encodeSafetensors(weightsOf(network)), plan });

const image = {
  geometry: axisAligned({ size: [6, 12, 10], spacingMm: [2, 2, 2] }),
  voxels: Int16Array.from({ length: 720 }, (_, index) => (index * 53) % 300),
};
writeFileSync(join(root, 'ct.nii.gz'), encodeNifti(image));

async function run(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addPredictCommand(program);
  addPublishCommand(program);
  await program.parseAsync([...args], { from: 'user' });
  vi.restoreAllMocks();
  return written.join('');
}

describe('consilium predict', () => {
  it('writes a segmentation on the voxels of the image and says how much it found', async () => {
    const out = join(root, 'out.nii.gz');
    const said = JSON.parse(
      await run('predict', '--bundle', join(root, 'model'), '--input', join(root, 'ct.nii.gz'), '--out', out, '--json'),
    );
    const labels = decodeNifti(readFileSync(out));
    expect(labels.geometry.size).toEqual([6, 12, 10]);
    const count = [...labels.voxels].reduce((sum, value) => sum + value, 0);
    expect(said).toMatchObject({ format: 'nifti', structures: [{ name: 'kidney', voxels: count }] });
  });

  it('writes no DICOM of NIfTI', async () => {
    const out = join(root, 'out.dcm');
    await expect(
      run('predict', '--bundle', join(root, 'model'), '--input', join(root, 'ct.nii.gz'), '--out', out),
    ).rejects.toMatchObject({ code: 'publication.output-not-possible' });
    expect(existsSync(out)).toBe(false);
  });
});

describe('consilium publish', () => {
  it('verifies a crate, and ends with 7 once a file of it was changed', async () => {
    const crate = join(root, 'crate');
    const about = parseAbout({
      ...{ title: 'A toy', description: 'A toy.', version: '1.0.0', date: '2026-11-26', licence: 'CC-BY-4.0' },
      authors: [{ name: 'Ada Example' }],
    });
    await publishModel(
      await newDirectory(crate),
      {
        ...{ about, record: undefined, rehearsal: undefined, withPictures: false, extras: [], software: {} },
        model: await readPublishedModel(await openTree(join(root, 'model'), fileSource)),
      },
      generateKeyPairSync('ed25519').privateKey,
    );
    expect(JSON.parse(await run('publish', 'verify', crate, '--json'))).toMatchObject({ isWhole: true, faults: [] });
    expect(process.exitCode).toBeUndefined();
    writeFileSync(join(crate, 'README.md'), 'something else');
    expect(await run('publish', 'verify', crate)).toMatch(/NOT what was published:\s+README\.md {2,}is not what/);
    expect(process.exitCode).toBe(ExitCode.checkFailed);
  });

  it('asks who publishes before it makes anything of a model that was not trained in a rehearsal', async () => {
    const [out, key] = [join(root, 'never'), join(root, 'no-key')];
    await expect(run('publish', '--model', join(root, 'model'), '--out', out, '--key', key)).rejects.toMatchObject({
      code: 'publication.about-missing',
    });
    expect([existsSync(out), existsSync(key)]).toEqual([false, false]);
    await expect(run('publish', '--model', join(root, 'model'))).rejects.toMatchObject({ code: 'cli.bad-option' });
  });

  it('gives `dataset` its own options, and makes nothing where there is no archive', async () => {
    writeFileSync(
      join(root, 'about.yaml'),
      'title: T\ndescription: D\nversion: 1.0.0\ndate: 2026-11-26\nauthors: [{ name: Ada }]\nlicence: CC-BY-4.0\n',
    );
    const options = ['--cohort', 'renal', '--as', 'bids', '--about', join(root, 'about.yaml')];
    const where = ['--directory', join(root, 'nowhere'), '--out', join(root, 'set'), '--key', join(root, 'set-key')];
    await expect(run('publish', 'dataset', ...options, ...where)).rejects.toMatchObject({
      code: 'archive.not-writable',
    });
    expect([existsSync(join(root, 'set')), existsSync(join(root, 'set-key'))]).toEqual([false, false]);
  });
});

it('takes with --about whatever the wizard of a project’s pages can write', () => {
  const whole = publicationSchema.parse({
    ...{ title: 'Kidney tumours on CT', description: 'Outlines kidneys.', version: '1.0.0', date: '2026-11-26' },
    authors: [{ name: 'A. Example', orcid: 'https://orcid.org/0000-0002-1825-0097', affiliation: 'Ulm' }],
    ...{ licence: 'CC-BY-NC-SA-4.0', contact: 'a@example.org', intendedUse: 'Research.', outOfScope: 'Children.' },
    limitations: ['Adults only.'],
  });
  expect(Object.keys(whole).sort()).toEqual(Object.keys(publicationSchema.shape).sort());
  expect(parseAbout(whole)).toEqual(whole);
});
