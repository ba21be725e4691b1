import { uidOf, writeDicomSeries } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCases } from './case-finder.ts';
import { groupsOf, sliceThicknessOf, tellableGroups } from './case-groups.ts';
import type { FoundCase } from './found-case.ts';
import { groupKinds } from './settings.ts';
import { ToyDirectory, toyVolume } from './toy-hospital.fixture.ts';

const groupsFor = (note: object) => askFor(note, groupsOf);

async function askFor<T>(note: object, ask: (found: FoundCase) => Promise<T>): Promise<T> {
  using directory = new ToyDirectory();
  directory.toyCase('a');
  directory.file('a/case.json', JSON.stringify(note));
  const [found] = await findCases({ directory: directory.path });
  return await ask(found!); // before the directory is gone
}

describe('the groups of a case', () => {
  it('are words of a closed list, whatever the files say', async () => {
    expect(
      await groupsFor({
        sex: 'female',
        ageYears: 53,
        manufacturer: 'SIMULATED (Siemens-like)',
        kernel: 'Br40d3 (simulated)',
        phase: 'nephrographic',
      }),
    ).toEqual({ sex: 'female', age: '50-to-59', vendor: 'siemens', kernel: 'standard', phase: 'nephrographic' });
    expect(await groupsFor({ sex: 'DOE^JANE', ageYears: 97, manufacturer: 'DOE^JANE', phase: 'DOE^JANE' })).toEqual({
      ...{ age: '80-and-more', vendor: 'other' },
    });
    expect(await groupsFor({ sex: 7, ageYears: 'old', manufacturer: null })).toEqual({});
    expect(await groupsFor({ kernel: 'DOE^JANE' })).toEqual({ kernel: 'unknown' });
    expect(await groupsFor({ manufacturer: 'TOSHIBA', sex: 'M', ageYears: 17.9 })).toEqual({
      ...{ vendor: 'canon', sex: 'male', age: 'under-18' },
    });
  });

  it('come with how thick slices are, if that can be', async () => {
    expect(await askFor({ sliceThicknessMm: 2.5 }, sliceThicknessOf)).toBe(2.5);
    for (const said of [0, -1, 20261126, '3']) {
      expect(await askFor({ sliceThicknessMm: said }, sliceThicknessOf)).toBeUndefined();
    }
  });

  it('are read from the first slice of a DICOM series, the kernel as its family', async () => {
    using directory = new ToyDirectory();
    const image = toyVolume(() => 40);
    const files = writeDicomSeries(image, {
      ...{ seriesInstanceUid: uidOf('series'), frameOfReferenceUid: uidOf('frame') },
      patient: { id: 'P1', name: 'TOY', birthDate: '19560102', sex: 'F' },
      study: {
        ...{ instanceUid: uidOf('study'), id: '1', date: '20260102', time: '', accessionNumber: '' },
        ...{ referringPhysician: '', description: '' },
      },
      acquisition: {
        ...{ manufacturer: 'SIEMENS', model: 'Toy', kvp: 120, kernel: 'B70f', sliceThicknessMm: 2.5 },
        ...{ contrastAgent: undefined, comments: undefined },
      },
    });
    for (const [index, bytes] of files.entries()) directory.file(`scan/ct/${index}.dcm`, bytes);
    directory.file('scan/seg.dcm');
    const [found] = await findCases({ directory: directory.path });
    expect(await groupsOf(found!)).toEqual({ vendor: 'siemens', kernel: 'sharp', sex: 'female', age: '70-to-79' });
    expect(await sliceThicknessOf(found!)).toBe(2.5);
  });

  const casesOf = (sizes: Readonly<Record<string, number>>) =>
    Object.entries(sizes).flatMap(([sex, size]) =>
      Array.from({ length: size }, (_, index) => ({
        patient: `${sex}${index}`,
        groups: sex === 'none' ? {} : { sex },
      })),
    );
  const toldOf = (
    sizes: Readonly<Record<string, number>>,
    minimumCount = 3,
    kinds = groupKinds as readonly (typeof groupKinds)[number][],
  ) => [...new Set(tellableGroups(casesOf(sizes), { kinds, minimumCount }).flatMap(({ sex }) => sex ?? []))];

  it('are told only of kinds that the site allows, and only of groups with enough patients', () => {
    expect(toldOf({ female: 4, male: 5 })).toEqual(['female', 'male']);
    expect(toldOf({ female: 4, male: 5 }, 3, ['phase'])).toEqual([]);
    expect(toldOf({ female: 4, male: 5, other: 1 })).toEqual(['male']);
    expect(toldOf({ female: 9, male: 1 })).toEqual([]);
    expect(toldOf({ female: 9, none: 3 })).toEqual(['female']);
  });

  it('count patients, not cases', () => {
    const twice = [...casesOf({ female: 2 }), ...casesOf({ female: 2 })];
    expect(tellableGroups(twice, { kinds: groupKinds, minimumCount: 3 })).toEqual([{}, {}, {}, {}]);
  });

  it('never leave few patients over of whom something would follow', () => {
    const sizes = fc.record({
      ...{ female: fc.integer({ min: 0, max: 9 }), male: fc.integer({ min: 0, max: 9 }) },
      ...{ other: fc.integer({ min: 0, max: 9 }), none: fc.integer({ min: 0, max: 9 }) },
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), (counts, minimum) => {
        const told = toldOf(counts, minimum);
        for (const group of told) expect(counts[group as keyof typeof counts]).toBeGreaterThanOrEqual(minimum);
        const rest = Object.entries(counts).filter(([group]) => !told.includes(group));
        const untold = rest.reduce((sum, [, count]) => sum + count, 0);
        if (told.length > 0 && untold > 0) expect(untold).toBeGreaterThanOrEqual(minimum);
      }),
    );
  });
});
