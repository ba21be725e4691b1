import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { analyse } from './experiment-analysis.ts';
import { inventedExperiment, inventedRun } from './experiment-record.fixture.ts';
import { parseExperimentRecord } from './experiment-record.ts';
import { costOf, secondsToScore } from './training-cost.ts';

const record = inventedExperiment();
const analysis = analyse(record);

describe('the analysis of an experiment', () => {
  it('depends on nothing but the record, and not on the order of its rows', () => {
    const random = createRandom(2);
    const [runs, scores] = [random.shuffle(record.runs), random.shuffle(record.scores)];
    const shuffled = { ...record, runs, scores, reliability: random.shuffle(record.reliability) };
    expect(JSON.stringify(analyse(shuffled))).toBe(JSON.stringify(analysis));
  });

  it('has of each configuration a mean over cases and seeds, with intervals, and the jobs it comes from', () => {
    for (const { jobs, seeds, test, testBeyondSites, validation } of analysis.configurations) {
      expect([jobs.length, seeds]).toEqual([2, 2]);
      expect(test!.mean).toBeCloseTo(validation!, 1);
      expect(test!.low).toBeLessThan(test!.mean);
      expect(testBeyondSites!.high).toBeGreaterThan(test!.mean);
    }
    expect(analysis.testCases).toBe(48);
    expect(analysis.testPatients).toBe(36);
  });

  it('compares what differs in one setting alone, and finds the difference that is there', () => {
    expect(analysis.comparisons).toHaveLength(4);
    const labels = new Map(analysis.configurations.map(({ configuration, label }) => [configuration, label]));
    for (const pair of analysis.comparisons) {
      const [first, second] = [labels.get(pair.first)!, labels.get(pair.second)!];
      expect(second).toBe(first.replace('unet', 'segresnet'));
      expect(pair.difference.mean).toBeCloseTo(0.05, 1);
      expect(pair.difference.low).toBeGreaterThan(0);
      expect(pair.wilcoxon).toMatchObject({ pairs: 36, method: 'exact' });
      expect(pair.pHolm).toBeGreaterThanOrEqual(pair.permutation.p);
      expect(pair.pHolm).toBeLessThan(0.01);
      expect(pair.rankBiserial).toBeGreaterThan(0.8);
    }
  });

  it('says how far probabilities are from what they say, beside accuracy and speed, and nothing of records from before', () => {
    for (const { calibration, cost, reliability, test } of analysis.configurations) {
      // Invented as 0.2 - Dice / 10 for the tumour, and 0.1 for masses.
      expect(calibration!.ece.mean).toBeCloseTo(0.15 - 0.05 * test!.mean, 12);
      expect(calibration!.ece.low).toBeCloseTo(0.15 - 0.05 * test!.high, 12);
      expect(calibration!.brier.cases).toBe(test!.cases);
      expect(cost.seconds).toBe(30);
      // Two seeds at two sites.
      expect(reliability['tumour']![4]!.voxels).toBe(4 * 1000);
    }
    for (const { difference, eceDifference } of analysis.comparisons) {
      expect(eceDifference!.mean).toBeCloseTo(-0.05 * difference.mean, 12);
    }
    const scores = record.scores.map((score) => ({ ...score, regions: { tumour: { dice: 0.5 } } }));
    const { reliability: _reliability, ...before } = { ...record, scores };
    const old = analyse(parseExperimentRecord(JSON.parse(JSON.stringify(before))));
    expect(old.configurations.every(({ calibration }) => calibration === null)).toBe(true);
    expect(old.configurations.every(({ reliability }) => Object.keys(reliability).length === 0)).toBe(true);
    expect(old.comparisons.every(({ eceDifference }) => eceDifference === null)).toBe(true);
  });

  it('says who gains and who loses, of sites with enough patients', () => {
    const [pair] = analysis.comparisons;
    const sites = Object.entries(pair!.differenceBySite);
    expect(sites.map(([siteId]) => siteId)).toEqual([1, 2, 3, 4, 5, 6].map((site) => `site-${site}`));
    const weighted = sites.reduce((sum, [, each]) => sum + each!.mean * each!.cases, 0) / analysis.testCases;
    expect(weighted).toBeCloseTo(pair!.difference.mean, 12);
    const few = analyse(record, { minimumPatients: 7 }).comparisons[0]!;
    expect(Object.values(few.differenceBySite).every((each) => each === null)).toBe(true);
  });

  it('claims nothing where there is nothing', () => {
    const none = analyse(inventedExperiment({ gain: 0 }));
    expect(none.comparisons.filter(({ pHolm }) => pHolm < 0.05)).toEqual([]);
  });

  it('fits a learning curve for each network, and says how many studies a score needs', () => {
    expect(analysis.curves.map(({ label }) => label)).toEqual(['network unet', 'network segresnet']);
    for (const { curve, needed } of analysis.curves) {
      if (curve.kind !== 'fitted') expect.unreachable();
      expect(curve.seeds).toBe(2);
      expect(needed.map(({ answer }) => answer.kind)).toEqual(['reachable', 'not-reachable']);
    }
  });

  it('has subgroups by site and tumour volume, and keeps small ones to itself', () => {
    const [subgroups] = Object.values(analysis.subgroups);
    expect(new Set(subgroups!.map(({ division }) => division))).toEqual(new Set(['site', 'tumour volume']));
    expect(subgroups!.every(({ kind }) => kind === 'told')).toBe(true);
    const few = analyse(record, { minimumPatients: 7 });
    const sites = Object.values(few.subgroups)[0]!.filter(({ division }) => division === 'site');
    expect(sites.every(({ kind }) => kind === 'suppressed')).toBe(true);
  });

  it('says how often the test patients were asked', () => {
    expect(analysis.looks).toBe(1);
    const untested = analyse({ ...record, scores: [], ledger: { looks: [] } });
    expect(untested.looks).toBe(0);
    expect(untested.configurations.every(({ test }) => test === null)).toBe(true);
    expect([untested.comparisons, untested.curves]).toEqual([[], []]);
  });
});

describe('a record', () => {
  it('survives JSON', () => {
    expect(parseExperimentRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  it('is refused where it lacks something, or holds what belongs to nothing', () => {
    const code = (value: unknown) => expect.objectContaining({ code: value });
    expect(() => parseExperimentRecord({ ...record, runs: undefined })).toThrow(code('study.record-malformed'));
    const strange = { ...record, scores: [{ ...record.scores[0]!, run: 'ab'.repeat(32) }] };
    expect(() => parseExperimentRecord(strange)).toThrow(code('study.record-inconsistent'));
    const reliability = [{ ...record.reliability[0]!, run: 'ab'.repeat(32) }];
    expect(() => parseExperimentRecord({ ...record, reliability })).toThrow(code('study.record-inconsistent'));
  });
});

describe('what training takes', () => {
  it('is time, patches, bytes; and energy only where it was measured in every run', () => {
    const run = inventedRun('a', { seed: 1, score: 0.7 });
    // Three rounds of 10 s; 2 patches a step, 5 steps in 10 s; two sites that get, send and get again.
    expect(costOf([run])).toEqual({
      seconds: 30,
      patchesPerSecond: 1,
      bytes: 3 * 6 * 4000,
      parameters: 1000,
      energyJoules: null,
    });
    expect(
      costOf([
        { ...run, energyJoules: 5 },
        { ...run, energyJoules: 7 },
      ]).energyJoules,
    ).toBe(6);
    expect(costOf([{ ...run, energyJoules: 5 }, run]).energyJoules).toBeNull();
  });

  it('is counted until a score is reached for the first time', () => {
    const run = inventedRun('a', { seed: 1, score: 0.7 });
    expect(secondsToScore(run, 0.6)).toBe(20);
    expect(secondsToScore(run, 0.71)).toBeNull();
    const targets = { ...record.experiment, compare: { ...record.experiment.compare, secondsTo: [0.5, 0.99] } };
    const [first] = analyse({ ...record, experiment: targets }).configurations;
    expect(first!.secondsTo).toEqual([
      { score: 0.5, seconds: 30 },
      { score: 0.99, seconds: null },
    ]);
  });
});
