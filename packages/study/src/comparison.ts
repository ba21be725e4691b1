/**
 * What the scores say: means with intervals, paired differences, the cross-site matrix. Everything is computed over
 * cases in one fixed order, so the order of the rows in the record changes nothing.
 *
 * An *arm* is a way to get a segmentation of a case: by the federated model, by the pooled model, or by sites' own
 * models. Where several own models segment one case, the case counts once, with their mean.
 */
import { createRandom } from '@consilium/numerics';
import { type CaseOwner, drawResamples, type Estimate, estimate, quantile, type Resamples } from './bootstrap.ts';
import type { RehearsalRecord, ScoreRow } from './record.ts';

export const arms = ['federated', 'local', 'local-elsewhere', 'local-at-home', 'pooled'] as const;
/**
 * `local`: the mean over all sites' own models. `local-elsewhere`: the same without the model of the case's own site.
 * `local-at-home`: only the model of the case's own site.
 */
export type Arm = (typeof arms)[number];

/** A region's id, or `allRegions`: the mean over the record's regions. */
type RegionKey = string;
export const allRegions = 'mean';

/** Differences federated less this arm. */
export const opponents = ['local', 'local-elsewhere', 'local-at-home', 'pooled'] as const;
export type Opponent = (typeof opponents)[number];

export interface PairedDifference extends Estimate {
  /** Cases in which the federated model scores higher, lower, the same. */
  readonly better: number;
  readonly worse: number;
  readonly equal: number;
}

interface SecondaryMetrics {
  readonly nsd: Estimate;
  /** Median of the finite distances, mm. */
  readonly hd95MedianMm: number;
  /** Share of the segmentations without a distance that hold nothing although the reference does. */
  readonly missedShare: number;
  /** Share of the segmentations that hold the region although the reference does not. */
  readonly inventedShare: number;
  /** Median of the absolute volume error, ml. */
  readonly volumeErrorMedianMl: number;
  readonly lesionSensitivity: number;
  readonly falsePositives: number;
}

/** 0 is best. */
interface CalibrationEstimates {
  /** Expected calibration error. */
  readonly ece: Estimate;
  readonly brier: Estimate;
}

interface ScoredCase extends CaseOwner {
  readonly case: string;
}

interface MatrixRow {
  readonly model: string;
  /** Mean Dice by site id; `NaN` where the model was not tested. */
  readonly sites: Readonly<Record<string, number>>;
  readonly overall: number;
}

export interface Comparison {
  readonly cases: readonly ScoredCase[];
  readonly patientCount: number;
  readonly patientCountBySite: Readonly<Record<string, number>>;
  readonly regionKeys: readonly RegionKey[];
  readonly resamples: Pick<Resamples, 'count' | 'withinSites'>;
  /** Dice. */
  readonly estimates: Readonly<Record<Arm, Readonly<Record<RegionKey, Estimate>>>>;
  readonly differences: Readonly<Record<Opponent, Readonly<Record<RegionKey, PairedDifference>>>>;
  /** Mean Dice, federated less the site's own model, on the site's own test set, by site id. */
  readonly atHome: Readonly<Record<string, PairedDifference>>;
  /** Mean Dice of an arm case by case, in the order of `cases`; `NaN`: no value. */
  readonly caseMeans: Readonly<Record<Arm, Float64Array>>;
  readonly secondary: Readonly<Record<Arm, Readonly<Record<RegionKey, SecondaryMetrics>>>>;
  /** Over no cases where the record says nothing of it. */
  readonly calibration: Readonly<Record<Arm, Readonly<Record<RegionKey, CalibrationEstimates>>>>;
  readonly matrix: readonly MatrixRow[];
}

export function compare(record: RehearsalRecord): Comparison {
  const cases = scoredCases(record);
  const resamples = drawResamples(cases, createRandom(record.seed, 'study', 'bootstrap'));
  const scores = new ScoreTable(record);
  const regionKeys = [allRegions, ...record.regions.map((region) => region.id)];
  const valuesOf = (field: MeanField, arm: Arm, key: RegionKey): Float64Array =>
    Float64Array.from(cases, (one) => scores.value(field, arm, one, key));
  const dice = (arm: Arm, key: RegionKey): Float64Array => valuesOf('dice', arm, key);
  const federatedLess = (opponent: Opponent, key: RegionKey): Float64Array => {
    const other = dice(opponent, key);
    return dice('federated', key).map((value, index) => value - other[index]!);
  };
  const byRegion = <T>(compute: (key: RegionKey) => T): Record<RegionKey, T> =>
    Object.fromEntries(regionKeys.map((key) => [key, compute(key)]));
  const patientCountBySite = Object.fromEntries(
    record.sites.map(({ id }) => [
      id,
      new Set(cases.filter((one) => one.siteId === id).map((one) => one.patient)).size,
    ]),
  );
  const atHome = federatedLess('local-at-home', allRegions);
  return {
    cases,
    patientCount: Object.values(patientCountBySite).reduce((sum, count) => sum + count, 0),
    patientCountBySite,
    regionKeys,
    resamples: { count: resamples.count, withinSites: resamples.withinSites },
    estimates: keyed(arms, (arm) => byRegion((key) => estimate(dice(arm, key), resamples))),
    differences: keyed(opponents, (opponent) => byRegion((key) => paired(federatedLess(opponent, key), resamples))),
    atHome: Object.fromEntries(
      record.sites.map((site) => {
        const ofSite = atHome.map((value, index) => (cases[index]!.siteId === site.id ? value : Number.NaN));
        return [site.id, paired(ofSite, resamples)];
      }),
    ),
    caseMeans: keyed(arms, (arm) => dice(arm, allRegions)),
    secondary: keyed(arms, (arm) =>
      Object.fromEntries(
        record.regions.map((region) => [region.id, secondaryMetrics(scores, cases, arm, region.id, resamples)]),
      ),
    ),
    calibration: keyed(arms, (arm) =>
      byRegion((key) => ({
        ece: estimate(valuesOf('ece', arm, key), resamples),
        brier: estimate(valuesOf('brier', arm, key), resamples),
      })),
    ),
    matrix: record.jobs.map((job) => matrixRow(record, scores, cases, job.id)),
  };
}

/** Differences with their interval and their signs; values within 1e-12 of each other are the same. */
function paired(differences: Float64Array, resamples: Resamples): PairedDifference {
  const defined = differences.filter((value) => !Number.isNaN(value));
  const better = defined.filter((value) => value > 1e-12).length;
  const worse = defined.filter((value) => value < -1e-12).length;
  return { ...estimate(differences, resamples), better, worse, equal: defined.length - better - worse };
}

/** Of what there is a mean over the regions. */
type MeanField = 'dice' | 'ece' | 'brier';

/** The scores by model, case and region, and the models behind each arm. */
class ScoreTable {
  readonly #rows = new Map<string, ScoreRow>();
  readonly #record: RehearsalRecord;

  constructor(record: RehearsalRecord) {
    this.#record = record;
    for (const row of record.scores) this.#rows.set(keyOf(row.model, row, row.region), row);
  }

  models(arm: Arm, siteId: string): string[] {
    return this.#record.jobs
      .filter((job) => {
        if (arm === 'federated' || arm === 'pooled') return job.kind === arm;
        if (job.kind !== 'local') return false;
        return arm === 'local' || (job.siteId === siteId) === (arm === 'local-at-home');
      })
      .map((job) => job.id)
      .sort();
  }

  rows(arm: Arm, one: ScoredCase, region: RegionKey): ScoreRow[] {
    const rows = this.models(arm, one.siteId).map((model) => this.#rows.get(keyOf(model, one, region)));
    return rows.filter((row) => row !== undefined);
  }

  value(field: MeanField, arm: Arm, one: ScoredCase, key: RegionKey): number {
    return mean(this.models(arm, one.siteId).map((model) => this.valueOfModel(field, model, one, key)));
  }

  valueOfModel(field: MeanField, model: string, one: ScoredCase, key: RegionKey): number {
    if (key === allRegions) {
      return mean(this.#record.regions.map((region) => this.valueOfModel(field, model, one, region.id)));
    }
    return this.#rows.get(keyOf(model, one, key))?.[field] ?? Number.NaN;
  }
}

function secondaryMetrics(
  scores: ScoreTable,
  cases: readonly ScoredCase[],
  arm: Arm,
  region: RegionKey,
  resamples: Resamples,
): SecondaryMetrics {
  const byCase = cases.map((one) => scores.rows(arm, one, region));
  const rows = byCase.flat();
  const infinite = rows.filter((row) => row.dice !== null && row.hd95Mm === null);
  const share = (some: readonly ScoreRow[]): number => (rows.length === 0 ? Number.NaN : some.length / rows.length);
  const caseMean = (field: (row: ScoreRow) => number | null): number =>
    mean(byCase.map((some) => mean(some.map((row) => field(row) ?? Number.NaN))));
  const nsd = Float64Array.from(byCase, (some) => mean(some.map((row) => row.nsd ?? Number.NaN)));
  return {
    nsd: estimate(nsd, resamples),
    hd95MedianMm: median(rows.map((row) => row.hd95Mm)),
    missedShare: share(infinite.filter((row) => (row.volumeErrorMl ?? -1) < 0)),
    inventedShare: share(infinite.filter((row) => (row.volumeErrorMl ?? -1) >= 0)),
    volumeErrorMedianMl: median(rows.map((row) => (row.volumeErrorMl === null ? null : Math.abs(row.volumeErrorMl)))),
    lesionSensitivity: caseMean((row) => row.lesionSensitivity),
    falsePositives: caseMean((row) => row.falsePositives),
  };
}

function matrixRow(
  record: RehearsalRecord,
  scores: ScoreTable,
  cases: readonly ScoredCase[],
  model: string,
): MatrixRow {
  const meanOver = (some: readonly ScoredCase[]): number =>
    mean(some.map((one) => scores.valueOfModel('dice', model, one, allRegions)));
  const sites = record.sites.map((site) => [site.id, meanOver(cases.filter((one) => one.siteId === site.id))]);
  return { model, sites: Object.fromEntries(sites), overall: meanOver(cases) };
}

/** The test cases, each once, by site, patient and case. */
function scoredCases(record: RehearsalRecord): ScoredCase[] {
  const byKey = new Map<string, ScoredCase>();
  for (const { siteId, patient, case: name } of record.scores) {
    byKey.set(JSON.stringify([siteId, patient, name]), { siteId, patient, case: name });
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function keyOf(model: string, one: ScoredCase | ScoreRow, region: RegionKey): string {
  return JSON.stringify([model, one.siteId, one.case, region]);
}

function keyed<K extends string, T>(keys: readonly K[], compute: (key: K) => T): Record<K, T> {
  return Object.fromEntries(keys.map((key) => [key, compute(key)])) as Record<K, T>;
}

/** Of the values that are numbers; `NaN` if there are none. */
function mean(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.length === 0 ? Number.NaN : defined.reduce((sum, value) => sum + value, 0) / defined.length;
}

function median(values: readonly (number | null)[]): number {
  return quantile(Float64Array.from(values.filter((value) => value !== null)).sort(), 0.5);
}
