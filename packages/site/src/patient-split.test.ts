import type { SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitPatients } from './patient-split.ts';

const siteId = 'site-1' as SiteId;
const patientsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `patient ${index}`);
const countsOf = (count: number) => {
  const splits = [...splitPatients(1, siteId, new Set(patientsOf(count))).values()];
  return ['train', 'validation', 'test'].map((name) => splits.filter((split) => split === name).length);
};

describe('the split of patients', () => {
  it.each([
    [0, [0, 0, 0]],
    [1, [1, 0, 0]],
    [2, [1, 0, 1]],
    [3, [1, 1, 1]],
    [8, [5, 1, 2]],
    [50, [29, 8, 13]],
  ])('of %i is %j', (count, expected) => {
    expect(countsOf(count)).toEqual(expected);
  });

  it('gives every patient one part, whatever order they come in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer(), (patients, seed) => {
        const split = splitPatients(seed, siteId, new Set(patients));
        expect(new Set(split.keys())).toEqual(new Set(patients));
        expect(splitPatients(seed, siteId, new Set(patients.toReversed()))).toEqual(split);
      }),
    );
  });

  it('differs between seeds and between sites', () => {
    const splitOf = (seed: number, site: string) =>
      JSON.stringify([...splitPatients(seed, site as SiteId, new Set(patientsOf(30)))].sort());
    expect(new Set([splitOf(1, 'a'), splitOf(2, 'a'), splitOf(1, 'b')]).size).toBe(3);
  });
});
