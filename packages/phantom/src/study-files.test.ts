import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  decodeNifti,
  parsePart10,
  readDicomSegmentation,
  readDicomSeries,
  sameGrid,
  toLabelMap,
} from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicomFiles } from './dicom-study.ts';
import { makeStudy, type PhantomStudy } from './study.ts';
import { writeStudy } from './study-files.ts';

const options = { seed: 3, siteIndex: 3, studyIndex: 14, detail: 'small' } as const;

describe('a study written to files', () => {
  let folder: string;
  let study: PhantomStudy;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'phantom-'));
    study = makeStudy(options);
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

  it('as DICOM reads back voxel by voxel, and attributes, comments and descriptions say that it is synthetic', async () => {
    const directory = join(folder, 'dicom', 'case');
    await writeStudy(study, directory, 'dicom');
    const names = (await readdir(join(directory, 'ct'))).sort();
    expect((await readdir(directory)).sort()).toEqual(['case.json', 'ct', 'reference.seg.dcm', 'seg.dcm']);
    expect(names.length).toBe(study.image.geometry.size[0]);
    const files = await Promise.all(names.map((name) => readFile(join(directory, 'ct', name))));
    const { image, series, findings } = await readDicomSeries(files);
    expect(findings).toEqual([]);
    expect(sameGrid(image.geometry, study.image.geometry, 0.001)).toBe(true);
    expect(image.voxels.filter((value: number, at: number) => value !== study.image.voxels[at]).length).toBe(0);
    expect(series.patient).toMatchObject({ name: 'Nobody^Nobody', id: 'SYNTH-s3-0014' });
    expect(series.acquisition.isSynthetic).toBe(true);
    for (const text of [series.description, series.study.description, series.acquisition.comments]) {
      expect(text).toContain('SYNTHETIC');
    }
    for (const uid of [series.instanceUid, series.study.instanceUid, series.instances[0]?.sopInstanceUid]) {
      expect(uid).toMatch(/^2\.25\.[0-9.]+$/);
    }
    for (const [file, volume] of [
      ['seg.dcm', study.label],
      ['reference.seg.dcm', study.reference],
    ] as const) {
      const bytes = await readFile(join(directory, file));
      const { labels } = await readDicomSegmentation(bytes, study.image.geometry);
      expect(labels.voxels.filter((value, at) => value !== volume.voxels[at]).length).toBe(0);
      expect(parsePart10(bytes).data.text('SyntheticData')).toBe('YES');
    }
  });

  it('gives the same bytes again', async () => {
    const directories = [join(folder, 'once'), join(folder, 'again')];
    for (const directory of directories) await writeStudy(study, directory, 'nifti');
    const [once, again] = await Promise.all(directories.map((directory) => readFile(join(directory, 'image.nii.gz'))));
    expect(once?.equals(again as Buffer)).toBe(true);
    const [first, second] = [dicomFiles(study), dicomFiles(makeStudy(options))];
    expect(
      second.every(([path, bytes], at) => path === first[at]?.[0] && Buffer.compare(bytes, first[at][1]) === 0),
    ).toBe(true);
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
