import type { Pseudonym, SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectedCases } from './case-selection.ts';
import { Cohort, type CohortCase } from './cohort.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';
import { writeToyPatients } from './toy-training.fixture.ts';

const source = (id: string): CohortCase['source'] => ({
  id,
  contentSha256: async () => id,
  load: () => expect.unreachable(),
  labelName: () => expect.unreachable(),
});

/** `count` patients of each source, every other one with two cases. */
function casesOf(sources: readonly string[], count: number): CohortCase[] {
  return sources.flatMap((site) =>
    Array.from({ length: Math.ceil(1.5 * count) }, (_, index) => ({
      pseudonym: `${site}.case-${index + 10}` as Pseudonym,
      split: 'train' as const,
      patient: `${site}/patient/${index % count}`,
      source: source(`${site}-${index}`),
      groups: async () => ({}),
      sliceThicknessMm: async () => undefined,
    })),
  );
}
const patientsIn = (cases: readonly CohortCase[]) => new Set(cases.map(({ patient }) => patient));

describe('a selection of training cases', () => {
  it('lies within every larger one of the same seed, and takes patients with all their cases', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 14 }),
        (seed, count, other) => {
          const cases = casesOf(['site-1'], 12);
          const [small, large] = [Math.min(count, other), Math.max(count, other)].map((each) =>
            selectedCases(cases, { seed, patients: { count: each } }),
          );
          expect(patientsIn(small!).size).toBe(Math.min(12, count, other));
          expect(large).toEqual(expect.arrayContaining([...small!]));
          for (const patient of patientsIn(small!)) {
            const all = cases.filter((one) => one.patient === patient);
            expect(small!.filter((one) => one.patient === patient)).toEqual(all);
          }
        },
      ),
    );
  });

  it('of a pooled site is what its hospitals select, and does not depend on the order of cases', () => {
    const both = casesOf(['a', 'b'], 8);
    const selection = { seed: 3, patients: { share: 0.5 } } as const;
    const alone = ['a', 'b'].flatMap((site) => selectedCases(casesOf([site], 8), selection));
    expect(selectedCases(both, selection).map(({ source: { id } }) => id)).toEqual(
      alone.map(({ source: { id } }) => id),
    );
    expect(patientsIn(selectedCases(both.toReversed(), selection))).toEqual(patientsIn(alone));
    expect(patientsIn(alone).size).toBe(8);
  });

  it('differs with the seed, holds one patient at least, and is everything where nothing is asked', () => {
    const cases = casesOf(['site-1'], 12);
    const of = (seed: number) => [...patientsIn(selectedCases(cases, { seed, patients: { count: 4 } }))].join();
    expect(new Set([1, 2, 3, 4].map(of)).size).toBeGreaterThan(1);
    expect(patientsIn(selectedCases(cases, { seed: 1, patients: { share: 0.001 } })).size).toBe(1);
    expect(selectedCases(cases, undefined)).toBe(cases);
    expect(selectedCases(cases, { seed: 1 })).toEqual(cases);
  });
});

describe('a set of labels', () => {
  it('takes the place of the cohort’s own, of the cases that it has; an unknown one is refused', async () => {
    using directory = new ToyDirectory();
    writeToyPatients(`${directory.path}/data`);
    writeToyPatients(`${directory.path}/assisted`, { count: 3, inverted: true });
    const siteId = 'site-1' as SiteId;
    const place = {
      directory: `${directory.path}/data`,
      labelSets: { assisted: { directory: `${directory.path}/assisted` } },
    };
    const settings = {
      siteId,
      sources: [{ siteId, ...place }],
      workDirectory: `${directory.path}/work`,
      seed: 1,
      threads: 1,
    };
    const cases = (await Cohort.open(settings, { write: () => {} })).usable();
    const assisted = selectedCases(cases, { seed: 1, labels: 'assisted' });
    expect(cases.length).toBeGreaterThan(3);
    expect(assisted).toHaveLength(3);
    expect(assisted.map(({ pseudonym }) => pseudonym)).toEqual(cases.slice(0, 3).map(({ pseudonym }) => pseudonym));
    expect(() => selectedCases(cases, { seed: 1, labels: 'other' })).toThrow(/no set of labels under the name other/);
    const [own, other] = await Promise.all([cases[0]!.source.load(), assisted[0]!.source.load()]);
    expect(other.image.voxels).toEqual(own.image.voxels);
    expect(Array.from(other.label.voxels)).toEqual(Array.from(own.label.voxels, (value) => 1 - Number(value)));
  });
});

describe('a reference that lies apart', () => {
  it('is what cases are tested against, also those that are trained with other labels; a case without has its own label', async () => {
    using directory = new ToyDirectory();
    writeToyPatients(`${directory.path}/data`);
    writeToyPatients(`${directory.path}/true`, { count: 3, inverted: true });
    const siteId = 'site-1' as SiteId;
    const place = {
      directory: `${directory.path}/data`,
      reference: { directory: `${directory.path}/true` },
      labelSets: { manual: { directory: `${directory.path}/data` } },
    };
    const sources = [{ siteId, ...place }];
    const settings = { siteId, sources, workDirectory: `${directory.path}/work`, seed: 1, threads: 1 };
    const cases = (await Cohort.open(settings, { write: () => {} })).usable();
    const [manual] = selectedCases(cases, { seed: 1, labels: 'manual' });
    const [first, relabelled, last] = await Promise.all(
      [cases[0]!, manual!, cases.at(-1)!].map(({ source }) => source.load()),
    );
    const inverted = Array.from(first!.label.voxels, (value) => 1 - Number(value));
    expect(Array.from(first!.reference!.voxels)).toEqual(inverted);
    expect(Array.from(relabelled!.reference!.voxels)).toEqual(inverted);
    expect(last!.reference).toBeUndefined();
  });
});
