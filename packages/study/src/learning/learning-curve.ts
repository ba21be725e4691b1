/**
 * How a score grows with the number of studies that every site trains on, and how many are needed for a score. The
 * uncertainty is that of seeds and patients together: a resample draws seeds with replacement, each with its whole nested
 * series of subsets, and test patients with replacement, and fits the law anew.
 */
import type { Random } from '@consilium/numerics';
import { type CaseOwner, confidenceLevel, drawResamples, quantile, type Resamples } from '../bootstrap.ts';
import { fitPowerLaw, type PowerLaw, scoreAt, studiesFor } from './power-law.ts';

/** One trained model, tested. */
export interface LearningRun {
  readonly seed: number;
  /** Training studies a site, as the sites have told: the mean over sites. */
  readonly studies: number;
  /** In the order of the cases; `NaN`: none. */
  readonly scores: ArrayLike<number>;
}

interface CurvePoint {
  readonly studies: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Beyond what was measured. */
  readonly extrapolated: boolean;
}

/** The score of all models that were trained on so many studies. */
interface MeasuredPoint {
  readonly studies: number;
  readonly mean: number;
  readonly seeds: number;
}

export type LearningCurve =
  | { readonly kind: 'too-few-sizes'; readonly sizes: number }
  | {
      readonly kind: 'fitted';
      readonly law: PowerLaw;
      readonly measured: readonly MeasuredPoint[];
      readonly points: readonly CurvePoint[];
      /** With one, the interval says nothing of how training varies. */
      readonly seeds: number;
      readonly resampledLaws: readonly PowerLaw[];
    };

export interface StudiesNeeded {
  readonly score: number;
  readonly answer:
    | {
        readonly kind: 'reachable';
        readonly studies: number;
        readonly low: number;
        /** null: not bounded, because in more than 2.5 % of the resamples no number is enough. */
        readonly high: number | null;
        readonly extrapolated: boolean;
      }
    /** The law levels off below. `low` is the lower end where some resamples reach the score; null where too few do. */
    | { readonly kind: 'not-reachable'; readonly ceiling: number; readonly low: number | null };
  /** Of the resamples, those whose law reaches the score at all. */
  readonly shareReaching: number;
}

const sizesMin = 3;
const resampleCount = 1000;
const drawnPoints = 41;
/** The curve is drawn to so many times the most studies that were measured. */
const drawnBeyond = 4;

export function learningCurve(
  runs: readonly LearningRun[],
  owners: readonly CaseOwner[],
  random: Random,
  count = resampleCount,
): LearningCurve {
  const sizes = [...new Set(runs.map(({ studies }) => studies))].sort((one, other) => one - other);
  if (sizes.length < sizesMin) return { kind: 'too-few-sizes', sizes: sizes.length };
  const bySeed = [...Map.groupBy(runs, ({ seed }) => seed)].sort(([one], [other]) => one - other).map(([, own]) => own);
  const once = {
    count: 1,
    caseCount: owners.length,
    weights: new Uint16Array(owners.length).fill(1),
    withinSites: true,
  };
  const law = lawOf(bySeed, (run) => weightedMean(run.scores, once, 0));
  const patients = drawResamples(owners, random.fork('patients'), count);
  const seeds = random.fork('seeds');
  const resampledLaws = Array.from({ length: count }, (_, resample) => {
    const drawn = bySeed.map(() => seeds.choice(bySeed));
    return lawOf(drawn, (run) => weightedMean(run.scores, patients, resample));
  });
  const largest = sizes.at(-1)!;
  return {
    kind: 'fitted',
    law,
    measured: sizes.map((studies) => {
      const own = runs.filter((run) => run.studies === studies);
      const mean = own.reduce((sum, run) => sum + weightedMean(run.scores, once, 0), 0) / own.length;
      return { studies, mean, seeds: own.length };
    }),
    points: drawnSizes(sizes[0]!, largest).map((studies) => ({
      studies,
      mean: scoreAt(law, studies),
      ...interval(resampledLaws.map((each) => scoreAt(each, studies))),
      extrapolated: studies > largest,
    })),
    seeds: bySeed.length,
    resampledLaws,
  };
}

/** How many studies a site are needed for a score, with interval, or that no number is enough. */
export function studiesNeeded(curve: Extract<LearningCurve, { kind: 'fitted' }>, score: number): StudiesNeeded {
  const sorted = curve.resampledLaws.map((law) => studiesFor(law, score)).sort((one, other) => one - other);
  const shareReaching = sorted.filter(Number.isFinite).length / sorted.length;
  const { low, high } = interval(sorted);
  const studies = studiesFor(curve.law, score);
  if (!Number.isFinite(studies)) {
    const answer = {
      kind: 'not-reachable',
      ceiling: curve.law.ceiling,
      low: Number.isFinite(low) ? low : null,
    } as const;
    return { score, shareReaching, answer };
  }
  const extrapolated = studies > curve.measured.at(-1)!.studies;
  const bounds = { low: Math.min(low, studies), high: Number.isFinite(high) ? Math.max(high, studies) : null };
  return { score, shareReaching, answer: { kind: 'reachable', studies, ...bounds, extrapolated } };
}

function lawOf(series: readonly (readonly LearningRun[])[], scoreOf: (run: LearningRun) => number): PowerLaw {
  const points = series
    .flat()
    .map((run) => ({ studies: run.studies, score: scoreOf(run), weight: 1 }))
    .filter(({ score }) => !Number.isNaN(score));
  return fitPowerLaw(points);
}

function weightedMean(scores: ArrayLike<number>, { weights, caseCount }: Resamples, resample: number): number {
  let sum = 0;
  let total = 0;
  for (let index = 0; index < caseCount; index++) {
    const weight = weights[resample * caseCount + index]!;
    const score = scores[index]!;
    if (weight === 0 || Number.isNaN(score)) continue;
    sum += weight * score;
    total += weight;
  }
  return sum / total;
}

function interval(values: readonly number[]): { low: number; high: number } {
  const sorted = values.toSorted((one, other) => one - other);
  const tail = (1 - confidenceLevel) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/** Evenly in the logarithm, and the measured end among them. */
function drawnSizes(smallest: number, largest: number): number[] {
  const end = drawnBeyond * largest;
  const steps = Array.from(
    { length: drawnPoints },
    (_, index) => smallest * (end / smallest) ** (index / (drawnPoints - 1)),
  );
  return [...steps, largest].sort((one, other) => one - other);
}
