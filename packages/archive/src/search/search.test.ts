import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../archive.ts';
import { openToyArchive, ToyDirectory, type ToySeries, toySeries } from '../toy-archive.fixture.ts';
import { parseQuery } from './query-parser.ts';

const studies: readonly ToySeries[] = [
  { patient: 'A', study: 's1', series: 'nativ', description: 'Abdomen nativ', kvp: 100, studyDate: '20240105' },
  { patient: 'A', study: 's1', series: 'venous', description: 'Abdomen venös', kvp: 120, studyDate: '20240105' },
  {
    patient: 'A',
    study: 's2',
    series: 'late',
    description: 'Renal mass, follow-up',
    kernel: 'I30f',
    studyDate: '20250301',
  },
  { patient: 'B', study: 's1', description: 'Renal mass', manufacturer: 'GE MEDICAL SYSTEMS', studyDate: '20240601' },
  {
    patient: 'C',
    study: 's1',
    description: 'Mass of the left kidney, renal',
    studyDate: '20231231',
    contrastAgent: 'Iomeron',
  },
];

let directory: ToyDirectory;
let archive: Archive;
beforeAll(async () => {
  directory = new ToyDirectory();
  archive = await openToyArchive(directory.path);
  for (const toy of studies) for (const bytes of toySeries(toy)) await archive.door.admit(bytes, { kind: 'folder' });
});
afterAll(async () => {
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const found = (query: string): string =>
  archive.catalogue
    .search(query)
    .series.map(({ patientId, description }) => `${patientId}: ${description}`)
    .join(' | ');
const patients = (query: string): string =>
  [...new Set(archive.catalogue.search(query).series.map(({ patientId }) => patientId))].join('');

describe('a search', () => {
  it.each([
    ['', 'ABC'],
    ['modality = ct', 'ABC'],
    ['subject = A or subject = B', 'AB'],
    ['subject in (A, "C")', 'AC'],
    ['not subject = A', 'BC'],
    ['subject != A', 'BC'],
    ['subject not in (A, B)', 'C'],
    ['KVP < 110', 'A'],
    ['KVP between 110 and 120 and subject = A', 'A'],
    ['KVP > 9', 'ABC'],
    ['studyDate >= 2024-06-01', 'AB'],
    ['studyDate < 20240101', 'C'],
    ['Manufacturer like ge*', 'B'],
    ['ConvolutionKernel = i30F', 'A'],
    ['ContrastBolusAgent is missing', 'AB'],
    ['ContrastBolusAgent is not missing', 'C'],
    ['ContrastBolusAgent != Iomeron', 'AB'],
    ['phase = unenhanced and labelled = false', 'A'],
    ['phase in (nephrographic, excretory)', 'A'],
    ['phase is missing', 'ABC'],
    ['vendor = GE', 'B'],
    ['contrast = yes', 'C'],
    ['sliceThickness < 3', 'ABC'],
    ['"renal mass"', 'AB'],
    ['"renal" and "mass"', 'ABC'],
    ['"venos"', 'A'],
    ['"kidn*"', 'C'],
    ['received = 2026-03-01', 'ABC'],
    ['received > 2026-03-01', ''],
    ['(subject = A and "nativ") or subject = C', 'AC'],
    ['not (subject = A or subject = B)', 'C'],
  ])('for %s finds %s', (query, expected) => {
    expect(patients(query)).toBe(expected);
  });

  it('binds "and" more tightly than "or"', () => {
    expect(found('subject = C or subject = A and "nativ"')).toBe(
      'A: Abdomen nativ | C: Mass of the left kidney, renal',
    );
  });

  it('gives pages in an order of choice', () => {
    const { catalogue } = archive;
    const page = catalogue.search('', { sortBy: 'studyDate', descending: true, limit: 2 });
    expect(page.series.map(({ studyDate }) => studyDate)).toEqual(['20250301', '20240601']);
    expect(page.hasMore).toBe(true);
    const last = catalogue.search('', { sortBy: 'studyDate', offset: 3, limit: 2 });
    expect([last.series.length, last.hasMore]).toEqual([2, false]);
  });

  it.each([
    ['modality = ', 'archive.query-invalid', 11],
    ['modality CT', 'archive.query-invalid', 9],
    ['"open', 'archive.query-invalid', 0],
    ['(modality = CT', 'archive.query-invalid', 14],
    ['modality = CT subject = A', 'archive.query-invalid', 14],
    ['modality = CT; drop', 'archive.query-invalid', 13],
    ['x'.repeat(9000), 'archive.query-invalid', 8192],
    [`${'('.repeat(100)}`, 'archive.query-invalid', 64],
    ['a = 1 and modlity = CT', 'archive.query-field-unknown', 0],
    ['modality = CT and modlity = CT', 'archive.query-field-unknown', 18],
    ['kvp < low', 'archive.query-value-invalid', 6],
    ['studyDate > 2024-13-01', 'archive.query-value-invalid', 12],
    ['labelled = perhaps', 'archive.query-value-invalid', 11],
    ['"--"', 'archive.query-value-invalid', 0],
    ['format = nifti', 'archive.query-value-invalid', 9],
    ['not phase in (excretory, venous)', 'archive.query-value-invalid', 25],
  ])('for %.40s is refused as %s at %i', (query, code, position) => {
    expect(() => archive.catalogue.search(query)).toThrow(expect.objectContaining({ code, position }));
  });

  it('counts what it finds', () => {
    expect(archive.catalogue.count('"renal mass"')).toEqual({ subjects: 2, studies: 2, series: 2, instances: 8 });
    expect(archive.catalogue.facet('', 'kernel').values).toEqual([
      { value: 'B30f', series: 4, subjects: 3 },
      { value: 'I30f', series: 1, subjects: 1 },
    ]);
    expect(archive.catalogue.facet('', 'subject').values[0]).toEqual({ value: 'A', series: 3, subjects: 1 });
    expect(archive.catalogue.facet('', 'ContrastBolusAgent').values).toEqual([
      { value: undefined, series: 4, subjects: 2 },
      { value: 'Iomeron', series: 1, subjects: 1 },
    ]);
    const { min, max, counts, missing } = archive.catalogue.histogram('', 'KVP', { bins: 4 });
    expect([min, max, counts, missing]).toEqual([100, 120, [1, 0, 0, 4], 0]);
    expect(() => archive.catalogue.histogram('', 'subject')).toThrow(
      expect.objectContaining({ code: 'archive.query-unsupported' }),
    );
  });

  it('treats what is quoted as a value, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const quoted = `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
        expect(archive.catalogue.count(`subject = ${quoted}`).series).toBe(
          text.toLowerCase() === 'a' ? 3 : /^[bc]$/i.test(text) ? 1 : 0,
        );
        expect(parseQuery(`subject = ${quoted}`)).toMatchObject({ value: { text } });
      }),
    );
  });

  it('never fails but by a query error, whatever is asked', () => {
    const pieces = fc.constantFrom(
      ...[
        'and',
        'or',
        'not',
        'in',
        'is',
        'missing',
        'like',
        'between',
        '(',
        ')',
        ',',
        '=',
        '<',
        'CT',
        'modality',
        'kvp',
        '"x"',
        '"',
        ';',
        '3',
      ],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (words) => {
        try {
          archive.catalogue.count(words.join(' '));
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^archive\.query-/),
            position: expect.any(Number),
          });
        }
      }),
    );
  });
});
