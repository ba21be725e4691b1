/**
 * Bootstrap intervals of a mean over cases (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13:
 * percentile method).
 *
 * The unit that is drawn is the patient, because two cases of one patient are not independent; patients are drawn
 * within their site, because the number of patients a site contributed is a decision and no accident. That understates
 * the variance of a site with n patients by the factor (n - 1) / n, down to nothing for n = 1; where a site has fewer than
 * `patientsPerSiteMin`, patients are therefore drawn from all sites together, which errs to the wide side by letting the
 * sites' shares vary. One set of resamples serves every statistic of a report: differences between models are then
 * compared on the same draws.
 */
import type { Random } from '@consilium/numerics';

/** The patient that a case belongs to. Patients are told apart within their site. */
export interface CaseOwner {
  readonly siteId: string;
  readonly patient: string;
}

/** How often each case occurs in each resample: row-major `[resample, case]`. */
export interface Resamples {
  readonly count: number;
  readonly caseCount: number;
  readonly weights: Uint16Array;
  /** Whether each site keeps its number of patients in every resample. */
  readonly withinSites: boolean;
}

/** A mean with its interval; all three are `NaN` if no case has a value. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Cases with a value. */
  readonly cases: number;
}

const resampleCount = 10_000;
export const confidenceLevel = 0.95;
/** Fewer patients of a site than this say too little about that site's spread. */
export const patientsPerSiteMin = 5;

/** Draws patients with replacement, within their site if every site has enough. `owners` is in the order of the values given to `estimate`. */
export function drawResamples(owners: readonly CaseOwner[], random: Random, count = resampleCount): Resamples {
  const sites = new Map<string, Map<string, number[]>>();
  owners.forEach(({ siteId, patient }, index) => {
    const patients = sites.get(siteId) ?? new Map<string, number[]>();
    patients.set(patient, [...(patients.get(patient) ?? []), index]);
    sites.set(siteId, patients);
  });
  const bySite = [...sites.values()].map((patients) => [...patients.values()]);
  const withinSites = bySite.every((patients) => patients.length >= patientsPerSiteMin);
  const strata = withinSites ? bySite : [bySite.flat()];
  const weights = new Uint16Array(count * owners.length);
  for (let resample = 0; resample < count; resample++) {
    const row = resample * owners.length;
    for (const patients of strata) {
      for (let draw = 0; draw < patients.length; draw++) {
        for (const index of patients[random.integer(0, patients.length)]!) weights[row + index]! += 1;
      }
    }
  }
  return { count, caseCount: owners.length, weights, withinSites };
}

/**
 * Mean over the cases that have a value (`NaN`: none) with its percentile interval. A resample in which no case has a
 * value says nothing about the mean and is left out.
 */
export function estimate(values: Float64Array, resamples: Resamples, level = confidenceLevel): Estimate {
  const defined = [...values.keys()].filter((index) => !Number.isNaN(values[index]));
  if (defined.length === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN, cases: 0 };
  const mean = defined.reduce((sum, index) => sum + values[index]!, 0) / defined.length;
  const means: number[] = [];
  for (let resample = 0; resample < resamples.count; resample++) {
    const row = resample * resamples.caseCount;
    let sum = 0;
    let weight = 0;
    for (const index of defined) {
      const times = resamples.weights[row + index]!;
      sum += times * values[index]!;
      weight += times;
    }
    if (weight > 0) means.push(sum / weight);
  }
  const sorted = Float64Array.from(means).sort();
  const tail = (1 - level) / 2;
  return { mean, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), cases: defined.length };
}

/**
 * Linear interpolation between order statistics (definition 7 of Hyndman and Fan 1996; NumPy's default).
 * `sorted` ascends; `NaN` if it is empty.
 */
export function quantile(sorted: ArrayLike<number>, probability: number): number {
  const position = (sorted.length - 1) * probability;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low === high || position === below ? low : low + (position - below) * (high - low);
}
