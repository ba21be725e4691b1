/** What SciPy, statsmodels, pingouin and NumPy say; see recording/record_comparisons.py. */
import { readFileSync } from 'node:fs';
import type { CaseOwner } from './bootstrap.ts';

interface RecordedComparisons {
  readonly tests: readonly {
    readonly name: string;
    readonly differences: readonly number[];
    readonly wilcoxon: number;
    readonly permutation: number | null;
    readonly rankBiserial: number;
    readonly cohensDz: number;
  }[];
  readonly multiplicity: {
    readonly p: readonly number[];
    readonly holm: readonly number[];
    readonly benjaminiHochberg: readonly number[];
  };
  readonly agreement: {
    readonly ratings: readonly (readonly number[])[];
    readonly icc: { readonly agreement: number; readonly consistency: number };
    readonly bias: number;
    readonly limits: readonly [number, number];
  };
  readonly hierarchical: {
    readonly owners: readonly CaseOwner[];
    readonly values: readonly number[];
    readonly interval: readonly [number, number];
  };
  readonly curves: readonly {
    readonly sizes: readonly number[];
    readonly scores: readonly number[];
    readonly fitted: { readonly ceiling: number; readonly gap: number; readonly rate: number; readonly error: number };
  }[];
  readonly histograms: {
    readonly binWidth: number;
    readonly first: readonly number[];
    readonly second: readonly number[];
    readonly wasserstein: number;
    readonly jensenShannon: number;
  };
}

export const recordedComparisons: RecordedComparisons = JSON.parse(
  readFileSync(new URL('./recorded/comparisons.json', import.meta.url), 'utf8'),
);
