import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ballCase } from './case.fixture.ts';
import type { Case } from './case.ts';
import {
  type Fingerprint,
  fingerprintOf,
  mergeFingerprints,
  parseFingerprint,
  withoutRarePhases,
} from './fingerprint.ts';
import { histogramCount, histogramMoments, histogramQuantile, mergeHistograms } from './histogram.ts';
import { TrainingError } from './training-error.ts';

const cases = [1, 2, 3, 4].map((seed) =>
  ballCase({ id: `secret-${seed}`, seed, size: [20 + seed, 32, 36 + 2 * seed], spacingMm: [2 + seed, 2, 2] }),
);

describe('a fingerprint', () => {
  it('of all sites together is the merge of the sites’ fingerprints, in any order', async () => {
    const whole = await fingerprintOf(cases);
    const each = await Promise.all(cases.map((one) => fingerprintOf([one])));
    fc.assert(
      fc.property(fc.shuffledSubarray(each, { minLength: 4 }), fc.integer({ min: 1, max: 3 }), (order, cut) => {
        const halves = [mergeFingerprints(order.slice(0, cut)), mergeFingerprints(order.slice(cut))];
        expect(mergeFingerprints(halves)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('says how fine, how large and how dense the cases are', async () => {
    const fingerprint = await fingerprintOf([cases[0]!]);
    expect(histogramQuantile(fingerprint.spacingMm[0], 0.5)).toBeCloseTo(3, 6);
    expect(histogramQuantile(fingerprint.spacingMm[2], 0.5)).toBeCloseTo(2, 6);
    // The body is 3 voxels smaller on each side than the volume: (38 - 6) * 2 mm, in bins of 4 mm.
    expect(histogramQuantile(fingerprint.extentMm[2], 0.5)).toBe(64);
    const { mean } = histogramMoments(fingerprint.foregroundHu);
    expect(mean).toBeGreaterThan(90);
    expect(mean).toBeLessThan(150);
    const { voxels } = cases[0]!.label;
    const tumourVoxels = voxels.filter((value) => value === 2).length;
    expect(fingerprint.classes.map(({ value }) => value)).toEqual([1, 2]);
    expect(fingerprint.classes[1]).toEqual({ value: 2, cases: 1, totalMm3: tumourVoxels * 12 });
  });

  it('weighs no patient by more than 10 000 voxels', async () => {
    const large = ballCase({ size: [60, 80, 80], spacingMm: [0.7, 0.7, 0.7] });
    const foreground = large.label.voxels.filter((value) => value > 0).length;
    expect(foreground).toBeGreaterThan(20_000);
    const counted = histogramCount((await fingerprintOf([large])).foregroundHu);
    expect(counted).toBeLessThanOrEqual(10_000);
    expect(counted).toBeGreaterThan(5_000);
  });

  it('holds nothing but whole counts and bins', async () => {
    const fingerprint = await fingerprintOf(cases);
    expect(JSON.stringify(fingerprint)).not.toContain('secret');
    const numbers: number[] = [];
    JSON.stringify(fingerprint, (key, value) => {
      if (typeof value === 'number' && key !== 'binWidth') numbers.push(value);
      return value;
    });
    expect(numbers.every(Number.isSafeInteger)).toBe(true);
  });

  it('tells how dense the organs are in each phase, but not of fewer than 3 cases', async () => {
    const phased = cases.map((one, index): Case => ({ ...one, phase: index === 0 ? 'unenhanced' : 'nephrographic' }));
    const whole = await fingerprintOf(phased);
    const known = await fingerprintOf(cases);
    expect(known).not.toHaveProperty('phases');
    expect(whole.phases?.map(({ phase, cases: count }) => [phase, count])).toEqual([
      ['unenhanced', 1],
      ['nephrographic', 3],
    ]);
    expect(mergeHistograms(whole.phases!.map(({ foregroundHu }) => foregroundHu))).toEqual(known.foregroundHu);
    const each = await Promise.all(phased.map((one) => fingerprintOf([one])));
    expect(mergeFingerprints([...each.toReversed()])).toEqual(whole);
    const told = withoutRarePhases(whole);
    expect(told.phases?.map(({ phase }) => phase)).toEqual(['nephrographic']);
    expect({ ...told, phases: undefined }).toEqual({ ...known, phases: undefined });
    expect(withoutRarePhases(await fingerprintOf(phased.slice(0, 2)))).not.toHaveProperty('phases');
    expect(parseFingerprint(JSON.parse(JSON.stringify(told)))).toEqual(told);
  });

  it('survives the way over the wire, and damage is named', async () => {
    const fingerprint = await fingerprintOf(cases);
    expect(parseFingerprint(JSON.parse(JSON.stringify(fingerprint)))).toEqual(fingerprint);
    const damaged = { ...fingerprint, cases: -1 } as Fingerprint;
    expect(() => parseFingerprint(damaged)).toThrow(TrainingError);
    expect(() => parseFingerprint(damaged)).toThrow(/fingerprint\.cases/);
  });
});
