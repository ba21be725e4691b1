import { createRandom } from '@consilium/numerics';
import type { Reliability } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reliabilityPhrase, reliabilityPoints, summedReliability } from './reliability.ts';

const empty = { voxels: 0, probability: 0, reference: 0 };
/** All voxels in one bin, with so many of a hundred in the reference. */
const inBin = (bin: number, said: number, right: number) =>
  Array.from({ length: 10 }, (_, index) =>
    index === bin ? { voxels: 100, probability: 100 * said, reference: right } : empty,
  );

const anyBins = fc.array(
  fc.record({ voxels: fc.nat(1000), share: fc.double({ min: 0, max: 1, noNaN: true }), reference: fc.nat(1000) }),
  { minLength: 10, maxLength: 10 },
);
const anyReliability: fc.Arbitrary<Reliability> = fc.dictionary(
  fc.constantFrom('masses', 'tumour'),
  anyBins.map((bins) =>
    bins.map(({ reference, share, voxels }) => ({ voxels, probability: voxels * share, reference })),
  ),
  { noNullPrototype: true },
);

describe('reliability counts', () => {
  it('add up over sites, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(anyReliability), fc.nat(), (all, seed) => {
        const sum = summedReliability(all);
        expect(summedReliability(createRandom(seed).shuffle(all))).toEqual(sum);
        for (const [region, bins] of Object.entries(sum)) {
          const voxels = all.map((each) => each[region]?.[3]?.voxels ?? 0);
          expect(bins[3]!.voxels).toBe(voxels.reduce((total, count) => total + count, 0));
        }
        expect(new Set(Object.keys(sum))).toEqual(new Set(all.flatMap((each) => Object.keys(each))));
      }),
    );
  });

  it('are points where there are voxels', () => {
    expect(reliabilityPoints(inBin(4, 0.45, 30))).toEqual([{ said: 0.45, right: 0.3, voxels: 100 }]);
  });

  it('are one sentence about the voxels of which a network is rather sure', () => {
    const space = '\u00a0';
    expect(reliabilityPhrase(inBin(7, 0.78, 71), 'tumour')).toBe(
      `where it says tumour with 78${space}%, it is right in 71${space}%: it is too sure`,
    );
    expect(reliabilityPhrase(inBin(8, 0.81, 90), 'tumour')).toMatch(/it could be surer/);
    expect(reliabilityPhrase(inBin(8, 0.81, 80), 'tumour')).toMatch(/its word can be taken/);
    const both = summedReliability([{ tumour: inBin(7, 0.75, 70) }, { tumour: inBin(8, 0.85, 60) }])['tumour']!;
    expect(reliabilityPhrase(both, 'tumour')).toMatch(/with 80.%, it is right in 65.%/);
    expect(reliabilityPhrase(inBin(9, 0.99, 90), 'tumour')).toBe(`nowhere does it say tumour with 70 to 90${space}%`);
    const few = inBin(7, 0.75, 1).map((bin) => ({ ...bin, voxels: Math.min(bin.voxels, 99) }));
    expect(reliabilityPhrase(few, 'tumour')).toMatch(/^hardly anywhere does it say tumour/);
  });
});
