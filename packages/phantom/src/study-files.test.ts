import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeNifti, toLabelMap } from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeStudy, type PhantomStudy } from './study.ts';
import { writeStudy } from './study-files.ts';

describe('a study written to files', () => {
  let folder: string;
  let study: PhantomStudy;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'phantom-'));
    study = makeStudy({ seed: 3, siteIndex: 3, studyIndex: 14, detail: 'small' });
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('as NIfTI reads back voxel by voxel, and each header says that it is synthetic', async () => {
    const directory = join(folder, 'nifti', 'case');
    await writeStudy(study, directory, 'nifti');
    expect((await readdir(directory)).sort()).toEqual([
      'case.json',
      'image.nii.gz',
      'label.nii.gz',
      'reference.nii.gz',
    ]);
    for (const name of ['image', 'label', 'reference'] as const) {
      const bytes = await readFile(join(directory, `${name}.nii.gz`));
      expect(gunzipSync(bytes).subarray(148, 228).toString('latin1')).toContain('SYNTHETIC phantom');
      const volume = decodeNifti(bytes);
      const read = name === 'image' ? volume : toLabelMap(volume);
      expect(read.geometry.size).toEqual(study[name].geometry.size);
      const differing = read.voxels.filter((value: number, at: number) => value !== study[name].voxels[at]);
      expect(differing.length).toBe(0);
      for (const axis of [0, 1, 2] as const) {
        expect(read.geometry.originMm[axis]).toBeCloseTo(study[name].geometry.originMm[axis], 3);
        expect(read.geometry.spacingMm[axis]).toBeCloseTo(study[name].geometry.spacingMm[axis], 4);
      }
    }
    const info = JSON.parse(await readFile(join(directory, 'case.json'), 'utf8'));
    expect(info).toEqual(study.info);
    expect(info).toMatchObject({ synthetic: true, patientId: 'SYNTH-s3-0014' });
  });

  it('gives the same bytes again', async () => {
    const directories = [join(folder, 'once'), join(folder, 'again')];
    for (const directory of directories) await writeStudy(study, directory, 'nifti');
    const [once, again] = await Promise.all(directories.map((directory) => readFile(join(directory, 'image.nii.gz'))));
    expect(once?.equals(again as Buffer)).toBe(true);
  });

  it('says which study could not be written, and keeps the path to itself', async () => {
    const taken = join(folder, 'taken');
    await writeFile(taken, '');
    const failure = await writeStudy(study, taken, 'nifti').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'phantom.study-not-written', detail: taken });
    expect((failure as Error).message).toContain('SYNTH-s3-0014');
    expect((failure as Error).message).not.toContain(taken);
  });
});
