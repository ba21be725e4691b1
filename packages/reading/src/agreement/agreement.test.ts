/** How readers agree, and what they agree on. STAPLE's truths were recorded from SimpleITK by `recording/record_staple.py`. */
import { readFileSync } from 'node:fs';
import { axisAligned, dice, hausdorff95, normalisedSurfaceDice, type Triple } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consensusOf, disagreementMap } from './consensus.ts';
import { meanIntervalOf } from './mean-interval.ts';
import { agreementBetween } from './pair-agreement.ts';
import { staple } from './staple.ts';
import { croppedTo, unionBoxOf, widenedFrom } from './union-box.ts';

interface RecordedStaple {
  readonly size: Triple;
  readonly masks: readonly string[];
  readonly probability: string;
  readonly sensitivity: readonly number[];
  readonly specificity: readonly number[];
  readonly iterations: number;
}
const { cases } = JSON.parse(readFileSync(new URL('../recorded/staple.json', import.meta.url), 'utf8')) as {
  cases: RecordedStaple[];
};
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));

describe.each(cases)('STAPLE on $size', (recorded) => {
  it('is SimpleITK’s, to the last readers and voxels', () => {
    const { iterations, probability, sensitivity, specificity } = staple(recorded.masks.map(bytesOf));
    const truth = new Float64Array(bytesOf(recorded.probability).buffer);
    expect(Math.max(...probability.map((value, at) => Math.abs(value - truth[at]!)))).toBeLessThan(1e-9);
    for (const [reader, value] of recorded.sensitivity.entries()) expect(sensitivity[reader]).toBeCloseTo(value, 9);
    for (const [reader, value] of recorded.specificity.entries()) expect(specificity[reader]).toBeCloseTo(value, 9);
    expect(iterations).toBe(recorded.iterations);
  });
});

const size: Triple = [3, 4, 5];
const labels = fc
  .array(fc.integer({ min: 0, max: 2 }), { minLength: 60, maxLength: 60 })
  .map((all) => Uint8Array.from(all));

describe('a consensus', () => {
  it.each(['staple', 'majority'] as const)('of readers who agree is what they drew, by %s', (method) => {
    fc.assert(
      fc.property(labels, (voxels) => {
        expect(consensusOf([[voxels], [voxels], [voxels]], { method, size }).layers[0]).toEqual(voxels);
      }),
    );
  });

  it('by majority is what more than half say', () => {
    const at = (...values: number[]) => values.map((value) => [Uint8Array.from({ length: 60 }, () => value)]);
    const first = (readers: Uint8Array[][]) => consensusOf(readers, { method: 'majority', size }).layers[0]![0];
    expect([first(at(1, 1, 2)), first(at(1, 2)), first(at(1, 0)), first(at(2, 2, 0, 1, 2))]).toEqual([1, 0, 0, 2]);
  });

  it('by STAPLE tells who is off', () => {
    const truth = new Uint8Array(60).fill(1, 20, 40);
    const poor = new Uint8Array(60).fill(1, 25, 34);
    const { layers, performance } = consensusOf([[truth], [truth], [poor]], { method: 'staple', size });
    expect(layers[0]).toEqual(truth);
    expect(performance[0]!.sensitivity[0]).toBeCloseTo(1, 3);
    expect(performance[0]!.sensitivity[2]).toBeCloseTo(9 / 20, 2);
  });
});

it('the map of disagreement is nothing where all agree, and full where any two of two differ', () => {
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      expect([...disagreementMap([[a], [b]])]).toEqual([...a].map((value, at) => (value === b[at] ? 0 : 255)));
      expect(disagreementMap([[a], [a], [a]]).every((value) => value === 0)).toBe(true);
    }),
  );
});

it('agreement on the box around both is agreement on the whole grid', () => {
  const geometry = axisAligned({ size, spacingMm: [2, 1, 0.5] });
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const options = { geometry, toleranceMm: 1, structures: [1, 2, 3].map((number) => ({ number, layer: 0 })) };
      for (const { structure, volumesMl, ...found } of agreementBetween([a], [b], options)) {
        const [inA, inB] = [a, b].map((voxels) => voxels.map((value) => (value === structure ? 1 : 0))) as [
          Uint8Array,
          Uint8Array,
        ];
        const far = hausdorff95(inA, inB, geometry);
        expect(found.dice).toBeCloseTo(dice(inA, inB), 12);
        expect(found.surfaceDice).toBeCloseTo(normalisedSurfaceDice(inA, inB, geometry, 1), 12);
        expect(found.hausdorff95Mm ?? Number.POSITIVE_INFINITY).toBeCloseTo(far, 9);
        expect(volumesMl[0]).toBeCloseTo(inA.reduce((sum, value) => sum + value, 0) / 1000, 12);
      }
    }),
    { numRuns: 30 },
  );
});

it('a box holds all that is drawn', () => {
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const box = unionBoxOf([a, b], size);
      if (box === undefined) expect([...a, ...b].every((value) => value === 0)).toBe(true);
      else expect(widenedFrom(croppedTo(a, size, box), size, box)).toEqual(a);
    }),
  );
});

it('an interval holds the mean, is the same each time, and is not claimed for two cases', () => {
  const values = [0.91, 0.84, 0.95, 0.7, 0.88, 0.93];
  const interval = meanIntervalOf(values)!;
  expect(interval.low!).toBeLessThan(interval.mean);
  expect(interval.high!).toBeGreaterThan(interval.mean);
  expect(meanIntervalOf(values)).toEqual(interval);
  expect(meanIntervalOf([1, 2])).toMatchObject({ mean: 1.5, low: undefined });
  expect(meanIntervalOf([])).toBeUndefined();
});
