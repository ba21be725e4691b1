import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { decodeNifti, encodeNifti, readDicomSegmentation, readDicomSeries, uidOf } from '@consilium/imaging';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../archive.ts';
import {
  openToyArchive,
  ToyDirectory,
  type ToySeries,
  toyImage,
  toySegmentation,
  toySeries,
} from '../toy-archive.fixture.ts';
import { type DrawnPatient, drawPatients } from './patient-draw.ts';

const uid = ({ patient, study = 'study', series = 'series' }: ToySeries) => uidOf('toy', patient, study, series);
const labelled: readonly ToySeries[] = [
  { patient: 'A', studyDate: '20240101', seed: 1 },
  { patient: 'A', study: 'later', studyDate: '20250101', seed: 2 },
  { patient: 'A', study: 'later', series: 'second', studyDate: '20250101', seed: 3, description: 'nativ' },
  { patient: 'B', seed: 4 },
  { patient: 'B', series: 'copy', seed: 4 },
  { patient: 'C', seed: 5 },
  { patient: 'D', seed: 6 },
];
const unlabelled: ToySeries = { patient: 'E', seed: 7 };
const incomplete: ToySeries = { patient: 'F', seed: 8, size: [6, 6, 8] };

let directory: ToyDirectory;
let archive: Archive;
beforeAll(async () => {
  directory = new ToyDirectory();
  archive = await openToyArchive(directory.path);
  const files = [...labelled, unlabelled].flatMap(toySeries);
  files.push(...toySeries(incomplete).filter((_, at) => at !== 2));
  for (const toy of labelled) files.push(await toySegmentation(toy));
  for (const bytes of files) await archive.door.admit(bytes, { kind: 'folder' });
  await archive.series.settle();
  await archive.curation.find(uid(labelled[6]!), {
    code: 'motion',
    severity: 'failed',
    message: 'Moved.',
    source: 'Reader',
  });
});
afterAll(async () => {
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const reasons = (rules: Parameters<Archive['cohorts']['preview']>[1]) =>
  Object.fromEntries(
    archive.cohorts.preview('modality = CT', rules).map(({ seriesInstanceUid, exclusion }) => {
      const toy = [...labelled, unlabelled, incomplete].find((one) => uid(one) === seriesInstanceUid)!;
      return [[toy.patient, toy.study, toy.series].filter(Boolean).join(' '), exclusion ?? 'in'];
    }),
  );

describe('a cohort', () => {
  it('says of each series that a query finds why it does not belong', () => {
    const manual = [{ seriesInstanceUid: uid(labelled[5]!), reason: 'wrong organ' }];
    expect(reasons({ perPatient: 'one-study', manual })).toEqual({
      A: 'in',
      'A later': 'other-study-of-patient',
      'A later second': 'other-study-of-patient',
      B: 'in',
      'B copy': 'duplicate',
      C: 'manual',
      D: 'failed-quality',
      E: 'no-label',
      F: 'not-a-volume',
    });
    expect(
      reasons({ perPatient: 'one-series', excludeFailed: false, excludeDuplicates: false, requireLabel: false }),
    ).toMatchObject({
      'B copy': 'other-series-of-patient',
      D: 'in',
      E: 'in',
    });
  });

  it('keeps a duplicate whose first is excluded for another reason', () => {
    const manual = [{ seriesInstanceUid: uid(labelled[3]!), reason: 'no consent' }];
    expect(reasons({ manual })).toMatchObject({ B: 'manual', 'B copy': 'in' });
  });

  it('is frozen: what comes later, or changes, belongs to the next version', async () => {
    const first = await archive.cohorts.freeze('frozen', 'modality = CT and subject = C');
    expect(first).toMatchObject({ version: 1, included: 1, excluded: {} });
    await archive.curation.find(uid(labelled[5]!), { code: 'x', severity: 'failed', message: 'X.', source: 'test' });
    const second = await archive.cohorts.freeze('frozen', 'modality = CT and subject = C');
    expect(second).toMatchObject({ version: 2, included: 0, excluded: { 'failed-quality': 1 } });
    expect(archive.cohorts.version({ name: 'frozen', version: 1 })).toEqual(first);
    expect(archive.cohorts.casesOf({ name: 'frozen', version: 1 })).toHaveLength(1);
    expect(archive.cohorts.list().map(({ name, version }) => [name, version])).toContainEqual(['frozen', 2]);
    expect(archive.cohorts.members({ name: 'frozen' })).toMatchObject([
      { patientId: 'C', exclusion: 'failed-quality' },
    ]);
    expect(archive.catalogue.count('cohort = frozen').series).toBe(0);
    await archive.curation.withdrawFinding(uid(labelled[5]!), { code: 'x', source: 'test' });
    expect(() => archive.cohorts.members({ name: 'frozen', version: 9 })).toThrow(
      expect.objectContaining({ code: 'archive.cohort-unknown' }),
    );
  });

  it('gives its cases as files that hold the volume and its segmentation', async () => {
    await archive.cohorts.freeze('cases', 'modality = CT');
    const cases = archive.cohorts.casesOf({ name: 'cases' });
    expect(cases.map(({ patientId }) => patientId)).toEqual(['A', 'A', 'A', 'B', 'C']);
    const { image, label } = cases[1]!;
    if (image.kind !== 'dicom') throw new Error('no DICOM');
    const read = await readDicomSeries(await Promise.all(image.slices.map((path) => readFile(path))));
    expect(read.image.voxels).toEqual(toyImage(labelled[1]!).voxels);
    const { labels } = await readDicomSegmentation(await readFile(label!.path), read.image.geometry);
    expect(labels.voxels.filter((value) => value > 0)).toHaveLength(96);
  });

  it('gives NIfTI cases too, without those whose label lies elsewhere', async () => {
    using folder = new ToyDirectory();
    const { mkdirSync, writeFileSync } = await import('node:fs');
    const image = toyImage({ seed: 20 });
    const shifted = { ...image.geometry, originMm: [0, 0, 0] as const };
    const label = (geometry: typeof image.geometry) =>
      encodeNifti({ geometry, voxels: Uint8Array.from(image.voxels, (_, at) => at % 3) });
    for (const [name, bytes] of [
      ['good', label(image.geometry)],
      ['off', label(shifted)],
    ] as const) {
      mkdirSync(`${folder.path}/${name}`);
      writeFileSync(`${folder.path}/${name}/image.nii.gz`, encodeNifti(image));
      writeFileSync(`${folder.path}/${name}/label.nii.gz`, bytes);
    }
    await archive.intake.importFolder(folder.path);
    await archive.series.settle();
    expect(await archive.cohorts.freeze('files', 'format = file')).toMatchObject({
      included: 1,
      excluded: { 'label-off-grid': 1 },
    });
    const [only] = archive.cohorts.casesOf({ name: 'files' });
    expect(only!.label?.format).toBe('nifti');
    if (only!.image.kind !== 'nifti') throw new Error('no NIfTI');
    expect(decodeNifti(await readFile(only!.image.path)).voxels).toEqual(image.voxels);
    expect(existsSync(only!.label!.path)).toBe(true);
  });
});

describe('a split', () => {
  const shares = { train: 0.5, test: 0.5 };

  it('is drawn once, and only added to', async () => {
    const rules = { excludeFailed: false, requireLabel: false };
    await archive.cohorts.freeze('split', 'modality = CT and subject in (A, B)', rules);
    const first = await archive.cohorts.createSplit({
      split: 's',
      name: 'split',
      shares,
      stratifyBy: ['phase'],
      seed: '1',
    });
    expect([...first.parts.keys()].sort()).toEqual(['A', 'B']);
    expect(new Set(first.parts.values())).toEqual(new Set(['train', 'test']));
    await archive.cohorts.freeze('split', 'format = dicom and modality = CT and subject != B', rules);
    const second = await archive.cohorts.extendSplit('s', { name: 'split' });
    expect([...second.parts.keys()].sort()).toEqual(['A', 'B', 'C', 'D', 'E']);
    for (const [patient, part] of first.parts) expect(second.parts.get(patient)).toBe(part);
    const parts = archive.cohorts
      .casesOf({ name: 'split' }, { split: 's' })
      .map(({ patientId, part }) => [patientId, part]);
    expect(parts).toContainEqual(['A', first.parts.get('A')]);
    await expect(
      archive.cohorts.createSplit({ split: 's', name: 'split', shares, stratifyBy: [], seed: '2' }),
    ).rejects.toMatchObject({ code: 'archive.split-exists' });
    await archive.cohorts.freeze('another', 'modality = CT');
    await expect(archive.cohorts.extendSplit('s', { name: 'another' })).rejects.toMatchObject({
      code: 'archive.cohort-unknown',
    });
    await expect(archive.cohorts.extendSplit('none', { name: 'another' })).rejects.toMatchObject({
      code: 'archive.split-unknown',
    });
    await expect(
      archive.cohorts.createSplit({ split: 't', name: 'another', shares: { train: 0 }, stratifyBy: [], seed: '' }),
    ).rejects.toMatchObject({ code: 'archive.split-shares-invalid' });
  });

  it('gives every stratum and every part its share, whatever the patients and the seed', () => {
    const patients = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 });
    fc.assert(
      fc.property(patients, fc.string(), fc.integer({ min: 1, max: 4 }), (names, seed, strata) => {
        const all = names.map((patientId, at) => ({ patientId, stratum: `s${at % strata}` }));
        const drawn = drawPatients(all, { shares: { train: 7, validation: 1, test: 2 }, seed, drawn: [] });
        expect(drawn).toHaveLength(all.length);
        const off = (some: readonly DrawnPatient[], part: string, share: number): number =>
          Math.abs(some.filter((one) => one.part === part).length - share * some.length);
        for (const [part, share] of [
          ['train', 0.7],
          ['validation', 0.1],
          ['test', 0.2],
        ] as const) {
          expect(off(drawn, part, share)).toBeLessThan(2);
          for (let stratum = 0; stratum < strata; stratum++) {
            expect(
              off(
                drawn.filter((one) => one.stratum === `s${stratum}`),
                part,
                share,
              ),
            ).toBeLessThan(2.5);
          }
        }
      }),
    );
  });

  it('depends on the seed and the patients, not on their order, and later ones change nothing', () => {
    const patients = Array.from({ length: 40 }, (_, at) => ({ patientId: `P${at}`, stratum: `s${at % 3}` }));
    const draw = (some: typeof patients, seed: string, drawn: readonly DrawnPatient[] = []) =>
      drawPatients(some, { shares, seed, drawn });
    const byName = (drawn: readonly DrawnPatient[]) => drawn.toSorted((a, b) => (a.patientId < b.patientId ? -1 : 1));
    expect(byName(draw(patients.toReversed(), 'x'))).toEqual(byName(draw(patients, 'x')));
    expect(byName(draw(patients, 'y'))).not.toEqual(byName(draw(patients, 'x')));
    const first = draw(patients.slice(0, 20), 'x');
    const added = draw(patients, 'x', first);
    expect(added.map(({ patientId }) => patientId).sort()).toEqual(
      patients
        .slice(20)
        .map(({ patientId }) => patientId)
        .sort(),
    );
  });
});
