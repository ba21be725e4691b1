/** Subjects that want to be erased: de-identified for real, so that pseudonyms and originals differ. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Archive } from '../archive.ts';
import { openArchiveForReading } from '../archive-reader.ts';
import { archiveSettingsSchema } from '../archive-settings.ts';
import { here, ToyClock, ToyDirectory, toySegmentation, toySeries } from '../toy-archive.fixture.ts';

const folder = { kind: 'folder' } as const;
const open = (directory: ToyDirectory): Promise<Archive> =>
  Archive.open(directory.path, archiveSettingsSchema.parse({}), { clock: new ToyClock(), describer: here });

const patients = ['MRN-0001', 'MRN-0002', 'MRN-0003', 'MRN-0004', 'MRN-0005'];

/** Labelled series of each, frozen and drawn; answers whose pseudonym is whose. */
async function filled(archive: Archive): Promise<Map<string, string>> {
  const subjects = new Map<string, string>();
  for (const [seed, patient] of patients.entries()) {
    const toy = { patient, seed };
    for (const bytes of [...toySeries(toy), await toySegmentation(toy)]) {
      expect(await archive.door.admit(bytes, folder)).toMatchObject({ kind: 'stored' });
    }
    const last = archive.catalogue.subjects({ limit: 1000 }).at(-1)!;
    subjects.set(patient, last.patientId);
  }
  await archive.series.settle();
  await archive.cohorts.freeze('renal', 'modality = CT');
  await archive.cohorts.createSplit({
    ...{ split: 'first', name: 'renal', stratifyBy: [], seed: '1', shares: { train: 0.6, test: 0.4 } },
  });
  return subjects;
}

const cutShort = (bytes: Uint8Array): Uint8Array => bytes.slice(0, bytes.length - 40);

function filesHolding(directory: string, word: string): string[] {
  return globSync('**/*', { cwd: directory }).filter((name) => {
    const path = join(directory, name);
    return name.includes(word) || (statSync(path).isFile() && readFileSync(path).includes(word));
  });
}

describe('a subject that is erased', () => {
  it('is gone from every file, while all others and their parts stay as they were', async () => {
    using directory = new ToyDirectory();
    await using archive = await open(directory);
    const subjects = await filled(archive);
    const gone = subjects.get('MRN-0002')!;
    expect(archive.pseudonymOfPatient('MRN-0002', '')).toBe(gone);
    const [series] = archive.catalogue.search(`subject = ${gone} and modality = CT`).series;
    await archive.curation.note(series!.seriesInstanceUid, { author: 'A', text: 'zebrawort' });
    await archive.curation.tag(series!.seriesInstanceUid, 'quaggabloom');
    // What was refused of them, and of somebody else.
    for (const patient of ['MRN-0002', 'MRN-0003']) {
      await archive.door.admit(cutShort(toySeries({ patient, series: 'other' })[0]!), folder);
    }
    expect(archive.quarantine.list()).toHaveLength(2);
    const partsBefore = new Map(archive.cohorts.split('first').parts);
    expect(archive.reidentify('subject', gone)).toMatchObject([{ PatientID: 'MRN-0002' }]);
    const words = [series!.seriesInstanceUid, series!.studyInstanceUid, 'zebrawort', 'quaggabloom'];

    const reason = 'consent withdrawn';
    expect(await archive.erasure.erase(gone, reason)).toMatchObject({ patientId: gone, reason, state: 'done' });

    expect(archive.catalogue.count('')).toMatchObject({ subjects: 4, series: 8 });
    expect(archive.catalogue.search('"zebrawort"').series).toEqual([]);
    expect(archive.reidentify('subject', gone)).toEqual([]);
    expect(archive.reidentify('study', series!.studyInstanceUid)).toEqual([]);
    expect(archive.quarantine.list()).toHaveLength(1);
    for (const word of words) expect(filesHolding(directory.path, word), word).toEqual([]);
    const version = archive.cohorts.version({ name: 'renal' });
    expect(version).toMatchObject({ included: 4, erased: [{ patientId: gone, series: 1, reason }] });
    partsBefore.delete(gone);
    expect(archive.cohorts.split('first').parts).toEqual(partsBefore);
    for (const one of archive.cohorts.casesOf({ name: 'renal' }, { split: 'first' })) {
      expect(one.part).toBe(partsBefore.get(one.patientId));
      for (const path of one.image.kind === 'dicom' ? one.image.slices : [])
        expect(statSync(path).size).toBeGreaterThan(0);
    }
    const record = readFileSync(join(directory.path, 'erasures.jsonl'), 'utf8').trim().split('\n');
    expect(record.map((line) => JSON.parse(line))).toMatchObject([{ event: 'erased', subject: gone, reason }]);
    await expect(archive.erasure.erase(gone, reason)).rejects.toMatchObject({ code: 'archive.subject-unknown' });
    await expect(archive.erasure.erase('SUB-0', reason)).rejects.toMatchObject({ code: 'archive.subject-unknown' });
  });

  it('stays away, in quarantine too, until it is allowed in again', async () => {
    using directory = new ToyDirectory();
    await using archive = await open(directory);
    const files = toySeries({ patient: 'MRN-0009' });
    await archive.door.admit(files[0]!, folder);
    const { patientId } = archive.catalogue.subjects()[0]!;
    await archive.erasure.erase(patientId, 'withdrawn');
    for (const bytes of files) {
      expect(await archive.door.admit(bytes, folder)).toMatchObject({
        ...{ kind: 'refused', code: 'archive.subject-erased', quarantineId: undefined },
      });
    }
    expect(archive.quarantine.list()).toEqual([]);
    expect(archive.reidentify('subject', patientId)).toEqual([]);
    await expect(archive.erasure.allow('SUB-0', 'consent')).rejects.toMatchObject({ code: 'archive.subject-unknown' });
    await archive.erasure.allow(patientId, 'consent given anew');
    expect(await archive.door.admit(files[0]!, folder)).toMatchObject({ kind: 'stored' });
    expect(await archive.erasure.erase(patientId, 'withdrawn again')).toMatchObject({ state: 'done' });
    expect(readFileSync(join(directory.path, 'erasures.jsonl'), 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('is erased to the end by the next opening, if it was broken off', async () => {
    using directory = new ToyDirectory();
    let gone: string;
    {
      await using archive = await open(directory);
      gone = (await filled(archive)).get('MRN-0001')!;
      await archive.door.admit(cutShort(toySeries({ patient: 'MRN-0001', series: 'other' })[0]!), folder);
      Object.defineProperty(archive.quarantine, 'deleteWhere', { value: () => Promise.reject(new Error('killed')) });
      await expect(archive.erasure.erase(gone, 'withdrawn')).rejects.toThrow('killed');
      expect(archive.reidentify('subject', gone)).toHaveLength(1);
    }
    await using archive = await open(directory);
    expect(archive.erasure.list()).toMatchObject([{ patientId: gone, state: 'done' }]);
    expect(archive.reidentify('subject', gone)).toEqual([]);
    expect(archive.quarantine.list()).toEqual([]);
    using reader = openArchiveForReading(directory.path);
    expect(reader.cohorts.version({ name: 'renal' }).erased).toMatchObject([{ patientId: gone, series: 1 }]);
  });
});
