import { describe, expect, it } from 'vitest';
import { inventedRecord } from './record.fixture.ts';
import { parseRecord } from './record.ts';
import { summaryOf } from './summary.ts';

const record = parseRecord(inventedRecord({ sites: 3, testCases: 4 }));

describe('the summary', () => {
  it('states what a script asks for first', () => {
    const summary = summaryOf(record);
    expect(summary).toMatchObject({
      version: 1,
      synthetic: true,
      rounds: 14,
      bestRound: 10,
      stopReason: record.jobs[0]!.stopReason,
      seconds: 281,
      weightsSha256: record.jobs[0]!.weightsSha256,
      testCases: 12,
    });
    for (const { meanDice, low, high } of [summary.federated!, summary.local!, summary.pooled!]) {
      expect(low).toBeLessThan(meanDice);
      expect(meanDice).toBeLessThan(high);
    }
    expect(Object.keys(summary.regions)).toEqual(['kidney-and-masses', 'masses', 'tumour']);
  });

  it('states how well models are calibrated, and null where nothing is recorded of it', () => {
    const { calibration, regions } = summaryOf(record);
    const { brier, cases, ece } = calibration!.federated!;
    expect(cases).toBe(12);
    // Invented as 0.01 more for the Brier score of each case.
    expect(brier.low).toBeCloseTo(ece.low + 0.01, 12);
    expect(ece.low).toBeLessThan(ece.mean);
    expect(regions['tumour']!.calibration!.pooled!.ece.mean).toBeGreaterThan(0);
    const before = { ...record, scores: record.scores.map((row) => ({ ...row, ece: null, brier: null })) };
    expect(summaryOf(before).calibration).toEqual({ federated: null, local: null, pooled: null });
  });

  it('agrees with itself: a difference of means is the mean difference', () => {
    const { federated, local, differences } = summaryOf(record);
    expect(differences.federatedLessLocal!.meanDice).toBeCloseTo(federated!.meanDice - local!.meanDice, 12);
  });

  it('answers by the interval of the difference to the sites’ own models', () => {
    const verdict = (gain: number): string =>
      summaryOf(parseRecord(inventedRecord({ sites: 3, testCases: 6, gain }))).verdict;
    expect(verdict(0.2)).toBe('yes');
    expect(verdict(-0.2)).toBe('no');
    expect(verdict(0.026)).toBe('not-shown');
  });

  it('does not take a handful of patients for an answer', () => {
    const few = summaryOf(parseRecord(inventedRecord({ sites: 2, testCases: 2, gain: 0.3 })));
    expect(few.testPatients).toBeLessThan(6);
    expect(few.verdict).toBe('too-few');
  });

  it('says null where there is nothing to say', () => {
    const { pooled, differences } = summaryOf(parseRecord(inventedRecord({ pooled: false, sites: 2, testCases: 2 })));
    expect(pooled).toBeNull();
    expect(differences.federatedLessPooled).toBeNull();
    const bare = summaryOf({ ...record, jobs: [], scores: [] });
    expect(bare).toMatchObject({ verdict: 'unknown', rounds: 0, weightsSha256: null, federated: null, local: null });
  });

  it('is JSON without a number that JSON lacks', () => {
    const summary = summaryOf({ ...record, scores: [] });
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });
});
