/** Who patients are: of DICOM series in a directory, and of the same series in an archive that de-identified them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveService, serviceSettingsOf } from '@consilium/archive';
import { uidOf, writeDicomSeries } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { findCases } from './case-finder.ts';
import { digestsOfPatients } from './patient-facts.ts';
import { identifierOf } from './patient-identifier.ts';
import { ToyDirectory, toyVolume } from './toy-hospital.fixture.ts';

const reading = {
  identityKeyFile: undefined,
  digest: (facts: Readonly<Record<string, string>>) => identifierOf(facts, { kind: 'patient-id', issuer: 'City' }),
};

function writeSeries(directory: ToyDirectory, name: string, id: string): void {
  const uid = uidOf('toy', name);
  const files = writeDicomSeries(
    toyVolume(() => 40),
    {
      ...{ seriesInstanceUid: uid, frameOfReferenceUid: uid },
      patient: { id, name: 'Weiß^Anna', birthDate: '19560102', sex: 'F' },
      study: {
        ...{ instanceUid: uidOf('toy study', name), id: '1', date: '20260102', time: '030405' },
        ...{ accessionNumber: '', referringPhysician: '', description: '' },
      },
      acquisition: {
        ...{ manufacturer: 'Toy', model: 'Toy', kvp: 120, kernel: undefined, sliceThicknessMm: 2 },
        ...{ contrastAgent: undefined, comments: undefined },
      },
    },
  );
  for (const [index, bytes] of files.entries()) directory.file(`${name}/ct/${index}.dcm`, bytes);
  directory.file(`${name}/seg.dcm`);
}

const expected = (id: string) => JSON.stringify(['patient-id', 'CITY', id]);

describe('who the patients of cases are', () => {
  it('say the slices, and case.json, but no name of a directory', async () => {
    using directory = new ToyDirectory();
    writeSeries(directory, 'cases/one', 'p-1');
    writeSeries(directory, 'cases/two', 'p-2');
    directory.file('cases/two/case.json', JSON.stringify({ patientId: 'number 2' }));
    directory.toyCase('cases/three');
    directory.toyCase('cases/four');
    directory.file('cases/four/case.json', '{ "patientId": ');
    const source = { directory: join(directory.path, 'cases') };
    const digests = await digestsOfPatients(source, await findCases(source), reading);
    expect(Object.fromEntries(digests)).toEqual({
      'p-1': [expected('P-1')],
      'number 2': [expected('P-2'), expected('NUMBER2')],
      three: [],
      four: [],
    });
  });

  it('says the identity map of an archive, under pseudonyms, and nobody without its key', async () => {
    using directory = new ToyDirectory();
    writeSeries(directory, 'incoming/one', 'p-1');
    writeSeries(directory, 'incoming/two', 'p-2');
    for (const name of ['one', 'two']) rmSync(join(directory.path, 'incoming', name, 'seg.dcm'));
    const archive = join(directory.path, 'archive');
    {
      await using service = await ArchiveService.open(archive, serviceSettingsOf({ project: 'toy' }));
      await service.archive.intake.importFolder(join(directory.path, 'incoming'));
      await service.archive.series.settle();
      await service.archive.cohorts.freeze('all', '', { requireLabel: false, excludeFailed: false });
    }
    const source = { directory: archive, cohort: { name: 'all' } };
    const cases = await findCases(source);
    expect(cases).toHaveLength(2);
    const digests = await digestsOfPatients(source, cases, reading);
    expect([...digests.values()].flat().sort()).toEqual([expected('P-1'), expected('P-2')]);
    expect([...digests.keys()].join()).not.toMatch(/p-\d/i);
    const elsewhere = { ...reading, identityKeyFile: join(directory.path, 'no.key') };
    await expect(digestsOfPatients(source, cases, elsewhere)).rejects.toMatchObject({
      code: 'site.identities-unreadable',
      lasting: true,
    });
  });
});
