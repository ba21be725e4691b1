import { siteDescriptionSchema } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupKinds } from './settings.ts';
import { type DescribedCase, describeSite, featuresOf } from './site-description.ts';
import { toyVolume } from './toy-hospital.fixture.ts';

const phases = ['nephrographic', 'unenhanced', undefined] as const;
const anyCase = fc.record({
  patient: fc.constantFrom(...'abcdefghij'),
  groups: fc
    .record({
      ...{ phase: fc.constantFrom(...phases), vendor: fc.constantFrom('siemens', 'ge') },
      ...{ kernel: fc.constantFrom('soft', 'sharp', undefined), sex: fc.constantFrom('female', 'male') },
    })
    .map((groups) => groups as DescribedCase['groups']),
  features: fc.record(
    { 'class-1-hu-mean': fc.integer({ min: -50, max: 200 }), 'class-2-hu-mean': fc.integer({ min: -50, max: 200 }) },
    { requiredKeys: ['class-1-hu-mean'] },
  ) as fc.Arbitrary<DescribedCase['features']>,
});
const kinds = groupKinds;

describe('what a site tells of its training cases', () => {
  it('is of no fewer patients than its minimum, leaves none over that would be fewer, and adds up', () => {
    fc.assert(
      fc.property(fc.array(anyCase, { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (cases, minimumCount) => {
        const told = siteDescriptionSchema.parse(describeSite(cases, { kinds, minimumCount }));
        const patients = (some: readonly DescribedCase[]) => new Set(some.map(({ patient }) => patient)).size;
        for (const kind of ['vendor', 'kernel'] as const) {
          const groups = told.groups[kind]!;
          for (const group of Object.keys(groups)) {
            expect(patients(cases.filter((one) => one.groups[kind] === group))).toBeGreaterThanOrEqual(minimumCount);
          }
          const rest = patients(cases.filter((one) => !Object.hasOwn(groups, one.groups[kind] ?? '')));
          if (Object.keys(groups).length > 0 && rest > 0) expect(rest).toBeGreaterThanOrEqual(minimumCount);
        }
        for (const name of ['class-1-hu-mean', 'class-2-hu-mean']) {
          const having = cases.filter(({ features }) => features[name] !== undefined);
          const cells = told.features.filter((one) => one.name === name);
          const isTold = patients(having) >= minimumCount;
          const all = (pick: (one: (typeof cells)[number]) => number) => cells.reduce((sum, one) => sum + pick(one), 0);
          expect(all(({ count }) => count)).toBe(isTold ? having.length : 0);
          const sum = having.reduce((total, { features }) => total + features[name]!, 0);
          expect(all((one) => one.sum)).toBeCloseTo(isTold ? sum : 0, 6);
          for (const { phase, count } of cells) {
            expect(count).toBeGreaterThanOrEqual(minimumCount);
            const own = having.filter(({ groups }) => phase !== null && groups.phase === phase);
            if (phase !== null) expect(patients(own)).toBeGreaterThanOrEqual(minimumCount);
          }
        }
      }),
    );
  });

  const alike = Array.from({ length: 4 }, (_, index) => ({
    ...{ patient: `p${index}`, groups: { vendor: 'siemens', kernel: 'soft', sex: 'male' } },
    features: { 'class-1-hu-mean': index },
  }));

  it('names no kind of group that the site does not tell, and neither sex nor age', () => {
    expect(describeSite(alike, { kinds: ['vendor'], minimumCount: 3 }).groups).toEqual({ vendor: { siemens: 4 } });
    expect(describeSite(alike, { kinds: [], minimumCount: 3 }).groups).toEqual({});
    expect(describeSite(alike, { kinds: groupKinds, minimumCount: 3 }).groups).toEqual({
      ...{ vendor: { siemens: 4 }, kernel: { soft: 4 } },
    });
  });

  it('holds moments of the values', () => {
    expect(describeSite(alike, { kinds, minimumCount: 3 }).features).toEqual([
      { name: 'class-1-hu-mean', phase: null, count: 4, sum: 6, squaredDeviations: 5 },
    ]);
  });
});

it('measures volume and density of each class that was drawn', () => {
  const image = toyVolume((index) => (index % 2 === 0 ? 100 : 140));
  const label = toyVolume((index) => (index < 10 ? 1 : index < 12 ? 3 : 0));
  const features = featuresOf({ image, label: { ...label, voxels: Uint8Array.from(label.voxels) } });
  expect(features).toEqual({
    ...{ 'class-1-volume-log-ml': Math.log(0.08), 'class-1-hu-mean': 120, 'class-1-hu-deviation': 20 },
    ...{ 'class-3-volume-log-ml': Math.log(0.016), 'class-3-hu-mean': 120, 'class-3-hu-deviation': 20 },
  });
});
