/** Cases of a cohort, from an archive that took them in as NIfTI pairs. */
import { join } from 'node:path';
import { ArchiveService, serviceSettingsOf } from '@consilium/archive';
import { describe, expect, it } from 'vitest';
import { findCases } from './case-finder.ts';
import { caseSource } from './case-reader.ts';
import { Cohort } from './cohort.ts';
import { openLocalLog } from './ports/local-log.ts';
import { parseWorkerSettings } from './settings.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

async function archiveOf(directory: ToyDirectory, patients: readonly string[]): Promise<string> {
  for (const patient of patients) directory.toyCase(`incoming/${patient}`);
  const path = join(directory.path, 'archive');
  await using service = await ArchiveService.open(path, serviceSettingsOf({ project: 'toy' }));
  await service.archive.intake.importFolder(join(directory.path, 'incoming'));
  await service.archive.series.settle();
  await service.archive.cohorts.freeze('renal', '');
  await service.archive.cohorts.createSplit({
    ...{ split: 'first', name: 'renal', stratifyBy: [], seed: '1' },
    shares: { train: 0.5, validation: 0.25, test: 0.25 },
  });
  return path;
}

const patients = ['a', 'b', 'c', 'd'];

describe('the cases of an archive', () => {
  it('are those of the cohort, read where they lie, each in the part in which it was drawn', async () => {
    using directory = new ToyDirectory();
    const archive = await archiveOf(directory, patients);
    const found = await findCases({ directory: archive, cohort: { name: 'renal', version: 1, split: 'first' } });
    expect(found.map(({ split }) => split).sort()).toEqual(['test', 'train', 'train', 'validation']);
    expect(new Set(found.map(({ patientId }) => patientId)).size).toBe(4);
    expect(found.map(({ patientId }) => patientId).join()).not.toMatch(/\b[a-d]\b/);
    const { image, label } = await caseSource(found[0]!).load();
    expect(label.geometry).toEqual(image.geometry);
    expect(label.voxels.some((value) => value > 0)).toBe(true);
  });

  it('come with the phase that the archive knows', async () => {
    using directory = new ToyDirectory();
    const archive = await archiveOf(directory, patients.slice(0, 2));
    {
      await using service = await ArchiveService.open(archive, serviceSettingsOf({ project: 'toy' }));
      const [series] = service.archive.catalogue.search('').series;
      await service.archive.curation.setPhase(series!.seriesInstanceUid, 'excretory');
    }
    const found = await findCases({ directory: archive, cohort: { name: 'renal' } });
    expect(found.map(({ phase }) => phase).sort()).toEqual(['excretory', 'unenhanced']);
    for (const one of found) {
      expect(caseSource(one).phase).toBe(one.phase);
      expect((await caseSource(one).load()).phase).toBe(one.phase);
    }
  });

  it('are dealt to pretended hospitals by patient, everyone to one', async () => {
    using directory = new ToyDirectory();
    const archive = await archiveOf(directory, patients);
    const part = async (number: number) =>
      findCases({ directory: archive, cohort: { name: 'renal' }, share: { part: number, of: 3 } });
    const names = (await Promise.all([1, 2, 3].map(part))).map((cases) => cases.map(({ name }) => name));
    expect(names.map(({ length }) => length).sort()).toEqual([1, 1, 2]);
    expect(new Set(names.flat()).size).toBe(4);
  });

  it('are not those of the beginning once a patient was erased, and the site says so in words', async () => {
    using directory = new ToyDirectory();
    const archive = await archiveOf(directory, patients);
    const settings = parseWorkerSettings({
      ...{ siteId: 'a', sources: [{ siteId: 'a', directory: archive, cohort: { name: 'renal', version: 1 } }] },
      ...{ workDirectory: join(directory.path, 'work'), seed: 1, threads: 1 },
    });
    const log = openLocalLog(join(directory.path, 'log.jsonl'));
    const { patient } = (await Cohort.open(settings, log)).usable()[0]!;
    {
      await using service = await ArchiveService.open(archive, serviceSettingsOf({ project: 'toy' }));
      await service.archive.erasure.erase(patient.slice('a/'.length), 'withdrawn');
    }
    await expect(Cohort.open(settings, log)).rejects.toMatchObject({
      code: 'site.cohort-changed',
      message: expect.stringMatching(/1 are gone, 0 are new.* 1 of the archive’s patients withdrew consent/),
    });
  });

  it('are refused where the cohort or its split is not there, or has other parts', async () => {
    using directory = new ToyDirectory();
    const archive = await archiveOf(directory, patients.slice(0, 2));
    const looked = (cohort: { name: string; version?: number; split?: string }) =>
      findCases({ directory: archive, cohort });
    await expect(looked({ name: 'none' })).rejects.toMatchObject({ code: 'site.cohort-unreadable' });
    await expect(looked({ name: 'renal', version: 2 })).rejects.toMatchObject({ code: 'site.cohort-unreadable' });
    await expect(looked({ name: 'renal', split: 'none' })).rejects.toMatchObject({ code: 'site.cohort-unreadable' });
    await expect(findCases({ directory: directory.path, cohort: { name: 'renal' } })).rejects.toMatchObject({
      code: 'site.cohort-unreadable',
    });
    await using service = await ArchiveService.open(archive, serviceSettingsOf({ project: 'toy' }));
    await service.archive.cohorts.createSplit({
      ...{ split: 'other', name: 'renal', stratifyBy: [], seed: '1', shares: { learning: 1 } },
    });
    await expect(looked({ name: 'renal', split: 'other' })).rejects.toMatchObject({ code: 'site.split-unusable' });
  });
});
