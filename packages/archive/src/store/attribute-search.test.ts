import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { uidOf } from '@consilium/imaging';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../archive.ts';
import type { AttributeMatch, QueryLevel } from '../catalogue-query.ts';
import { openToyArchive, ToyDirectory, toySegmentation, toySeries } from '../toy-archive.fixture.ts';

const first = { patient: 'Alpha', study: 's1', series: 'thin', studyDate: '20240105' };
const studies = [
  first,
  { patient: 'Alpha', study: 's1', series: 'thick', description: 'Thick', studyDate: '20240105' },
  { patient: 'Alpha', study: 's2', studyDate: '20250301' },
  { patient: 'Beta [x]', study: 's1', studyDate: '20240601' },
];

let directory: ToyDirectory;
let archive: Archive;
beforeAll(async () => {
  directory = new ToyDirectory();
  archive = await openToyArchive(directory.path);
  const files = [...studies.flatMap(toySeries), await toySegmentation(first)];
  for (const bytes of files) await archive.door.admit(bytes, { kind: 'folder' });
});
afterAll(async () => {
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const dates = (level: QueryLevel, ...matches: AttributeMatch[]) =>
  archive.catalogue.find({ level, matches }).matches.map(({ StudyDate }) => StudyDate?.[0]);

describe('the catalogue, asked by DICOM attributes', () => {
  it.each<[string, AttributeMatch, string[]]>([
    ['one value', { kind: 'equal', attribute: 'PatientID', value: 'Alpha' }, ['20240105', '20250301']],
    ['case of an id', { kind: 'equal', attribute: 'PatientID', value: 'alpha' }, []],
    ['a name in any case', { kind: 'wildcard', attribute: 'PatientName', pattern: 'alPH*' }, ['20240105', '20250301']],
    ['one character', { kind: 'wildcard', attribute: 'PatientID', pattern: '?lpha' }, ['20240105', '20250301']],
    ['a bracket as itself', { kind: 'wildcard', attribute: 'PatientID', pattern: '*[x]' }, ['20240601']],
    ['a list', { kind: 'any-of', attribute: 'StudyDate', values: ['20250301', '20240601'] }, ['20240601', '20250301']],
    ['a range', { kind: 'range', attribute: 'StudyDate', from: '20240105', to: '20240601' }, ['20240105', '20240601']],
    ['an open range', { kind: 'range', attribute: 'StudyDate', from: '20240602', to: undefined }, ['20250301']],
    ['an hour', { kind: 'range', attribute: 'StudyTime', from: '02', to: '03' }, ['20240105', '20240601', '20250301']],
    ['an earlier hour', { kind: 'range', attribute: 'StudyTime', from: undefined, to: '02' }, []],
    ['a modality of one of its series', { kind: 'equal', attribute: 'ModalitiesInStudy', value: 'SEG' }, ['20240105']],
  ])('finds studies by %s', (_, match, expected) => {
    expect(dates('study', match)).toEqual(expected);
  });

  it.each<[AttributeMatch['kind'], AttributeMatch]>([
    ['equal', { kind: 'equal', attribute: 'PatientName', value: 'MÜLLER-ŠŤASTNÁ^ŻOË' }],
    ['wildcard', { kind: 'wildcard', attribute: 'PatientName', pattern: 'müller-š?astn\u0061\u0301^*' }],
    ['any-of', { kind: 'any-of', attribute: 'PatientName', values: ['nobody', 'mu\u0308ller-šťastná^żoë'] }],
  ])('finds names beyond ASCII in any case, however composed: %s', async (_, match) => {
    const database = new DatabaseSync(join(directory.path, 'archive.sqlite'));
    const rename = database.prepare('UPDATE subject SET PatientName = ? WHERE PatientID = ?');
    try {
      rename.run('Müller-Šťastná^Żoë', 'Beta [x]');
      expect(dates('study', match)).toEqual(['20240601']);
    } finally {
      rename.run('Beta [x]', 'Beta [x]');
      database.close();
    }
  });

  it('gives each level its attributes and those above, and counts', () => {
    const [study] = archive.catalogue.find({ level: 'study', matches: [] }).matches;
    expect(study).toMatchObject({
      PatientID: ['Alpha'],
      StudyInstanceUID: [uidOf('toy', 'Alpha', 's1')],
      ModalitiesInStudy: ['CT', 'SEG'],
      NumberOfStudyRelatedSeries: [3],
      NumberOfStudyRelatedInstances: [9],
    });
    expect(study).not.toHaveProperty('Modality');
    const description: AttributeMatch = { kind: 'equal', attribute: 'SeriesDescription', value: 'Thick' };
    const { matches } = archive.catalogue.find({ level: 'instance', matches: [description] });
    expect(matches).toHaveLength(4);
    expect(matches[0]).toMatchObject({
      InstanceNumber: [1],
      Rows: [6],
      Columns: [8],
      Modality: ['CT'],
      PatientID: ['Alpha'],
    });
    const number: AttributeMatch = { kind: 'range', attribute: 'InstanceNumber', from: '2', to: '3' };
    expect(archive.catalogue.find({ level: 'instance', matches: [description, number] }).matches).toHaveLength(2);
  });

  it('gives every match once over any pages', () => {
    const all = archive.catalogue.find({ level: 'instance', matches: [] }).matches;
    expect(all).toHaveLength(17);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (limit) => {
        const paged = [];
        for (let offset = 0, more = true; more; offset += limit) {
          const page = archive.catalogue.find({ level: 'instance', matches: [], offset, limit });
          paged.push(...page.matches);
          more = page.hasMore;
        }
        expect(paged).toEqual(all);
      }),
    );
  });

  it.each<[QueryLevel, AttributeMatch['attribute']]>([
    ['study', 'Modality'],
    ['series', 'InstanceNumber'],
    ['study', 'NumberOfStudyRelatedSeries'],
  ])('does not answer at level %s for %s', (level, attribute) => {
    expect(() => archive.catalogue.find({ level, matches: [{ kind: 'equal', attribute, value: '1' }] })).toThrow(
      expect.objectContaining({ code: 'archive.query-unsupported' }),
    );
  });

  it('lists instances of a study, a series, or one', () => {
    const studyInstanceUid = uidOf('toy', 'Alpha', 's1');
    const seriesInstanceUid = uidOf('toy', 'Alpha', 's1', 'thin');
    const ofSeries = archive.catalogue.instancesOf({ studyInstanceUid, seriesInstanceUid });
    expect(archive.catalogue.instancesOf({ studyInstanceUid })).toHaveLength(9);
    expect(ofSeries).toHaveLength(4);
    const { sopInstanceUid } = ofSeries[2]!;
    expect(archive.catalogue.instancesOf({ studyInstanceUid, seriesInstanceUid, sopInstanceUid })).toEqual([
      ofSeries[2],
    ]);
    expect(archive.catalogue.instancesOf({ studyInstanceUid: '1.2.3' })).toEqual([]);
  });

  it('lists subjects, studies and series', () => {
    const { catalogue } = archive;
    expect(catalogue.subjects()).toEqual([
      { patientId: 'Alpha', sex: 'O', studies: 2 },
      { patientId: 'Beta [x]', sex: 'O', studies: 1 },
    ]);
    expect(catalogue.studiesOf('Alpha')).toMatchObject([
      { date: '20240105', series: 3, instances: 9 },
      { date: '20250301', series: 1, instances: 4 },
    ]);
    const series = catalogue.seriesOf(uidOf('toy', 'Alpha', 's1'));
    expect(series.map(({ modality, instances, state }) => [modality, instances, state])).toEqual([
      ['CT', 4, 'arriving'],
      ['CT', 4, 'arriving'],
      ['SEG', 1, 'arriving'],
    ]);
    expect(catalogue.seriesDetails(series[0]!.seriesInstanceUid).attributes).toMatchObject({ KVP: ['120'] });
    expect(() => catalogue.seriesDetails('1.2.3')).toThrow(expect.objectContaining({ code: 'archive.series-unknown' }));
  });
});
