import type { ExperimentAnalysis, ExperimentRecord } from '@consilium/study';
import { describe, expect, it } from 'vitest';
import { comparisonText, experimentText } from './experiment-text.ts';

type Configuration = ExperimentAnalysis['configurations'][number];

const estimate = (mean: number) => ({ mean, low: mean - 0.01, high: mean + 0.01, cases: 8 });
const cost = { seconds: 90, patchesPerSecond: 2, bytes: 4e6, parameters: 1000, energyJoules: null };
const configuration = (name: string, error: number | null): Configuration => ({
  ...{ configuration: name, label: `network ${name}`, validation: 0.7, seeds: 1, jobs: [name], cost, secondsTo: [] },
  ...{ test: estimate(0.72), testBeyondSites: null, reliability: {} },
  calibration: error === null ? null : { ece: estimate(error), brier: estimate(0.2) },
});
const test = { p: 0.03, pairs: 8, method: 'exact' } as unknown as ExperimentAnalysis['comparisons'][number]['wilcoxon'];

function analysisOf(errors: readonly [number, number] | null): ExperimentAnalysis {
  return {
    ...{ experiment: 'networks', recordSha256OfExperiment: '', testCases: 8, testPatients: 8, looks: 1 },
    configurations: [configuration('unet', errors?.[0] ?? null), configuration('segresnet', errors?.[1] ?? null)],
    comparisons: [
      {
        ...{ first: 'unet', second: 'segresnet', difference: estimate(0.02), differenceBeyondSites: null },
        ...{
          differenceBySite: { north: null },
          eceDifference: errors === null ? null : estimate(errors[1] - errors[0]),
        },
        ...{ wilcoxon: test, permutation: test, pHolm: 0.03, pBenjaminiHochberg: 0.03, rankBiserial: 1, cohensDz: 1 },
      },
    ],
    ...{ curves: [], subgroups: {} },
  };
}

const record = {
  experiment: { question: '' },
  ...{ runs: [], ledger: { looks: [{}] }, choice: { rule: 'all' } },
  configurations: [
    { id: 'unet', label: 'network unet' },
    { id: 'segresnet', label: 'network segresnet' },
  ],
} as unknown as ExperimentRecord;

describe('an experiment at the terminal', () => {
  it('has calibration beside accuracy and speed', () => {
    const text = experimentText(record, analysisOf([0.15, 0.1]));
    expect(text).toMatch(/validation +test Dice \(95 %\) +calibration error \(95 %\) +seeds +trained/);
    expect(text).toMatch(/network unet +0\.700 +0\.720 \(0\.710 to 0\.730\) +0\.150 \(0\.140 to 0\.160\) +1 +1:30/);
    expect(comparisonText(record, analysisOf([0.15, 0.1]))).toMatch(
      /network segresnet less network unet +\+0\.020 \(\+0\.010 to \+0\.030\) +-0\.050 \(-0\.060 to -0\.040\)/,
    );
  });

  it('says nothing of calibration where nobody recorded it', () => {
    expect(`${experimentText(record, analysisOf(null))}${comparisonText(record, analysisOf(null))}`).not.toMatch(
      /calib/,
    );
  });
});
