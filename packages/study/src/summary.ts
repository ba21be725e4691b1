/** `summary.json`: the outcome of a rehearsal in a few numbers, for scripts. The shape only ever grows. */
import { confidenceLevel, type Estimate } from './bootstrap.ts';
import { type Arm, allRegions, type Comparison, compare, type Opponent, type PairedDifference } from './comparison.ts';
import type { RehearsalRecord } from './record.ts';
import { verdictOf } from './verdict.ts';

/** Mean Dice with its 95 % bootstrap interval; `null` if no such model was tested. */
type EstimateSummary = {
  readonly meanDice: number;
  readonly low: number;
  readonly high: number;
  readonly cases: number;
} | null;

/** Paired difference in mean Dice, federated less the other. */
type DifferenceSummary = {
  readonly meanDice: number;
  readonly low: number;
  readonly high: number;
  readonly casesBetter: number;
  readonly casesWorse: number;
  readonly casesEqual: number;
} | null;

/** With 95 % bootstrap intervals, 0 is best; `null` if no such model was tested, or nothing is recorded of it. */
type CalibrationSummary = {
  /** Expected calibration error. */
  readonly ece: { readonly mean: number; readonly low: number; readonly high: number };
  readonly brier: { readonly mean: number; readonly low: number; readonly high: number };
  readonly cases: number;
} | null;

interface RegionSummary {
  readonly federated: EstimateSummary;
  readonly local: EstimateSummary;
  readonly localElsewhere: EstimateSummary;
  readonly localAtHome: EstimateSummary;
  readonly pooled: EstimateSummary;
  readonly differences: {
    readonly federatedLessLocal: DifferenceSummary;
    readonly federatedLessLocalElsewhere: DifferenceSummary;
    readonly federatedLessLocalAtHome: DifferenceSummary;
    readonly federatedLessPooled: DifferenceSummary;
  };
  /** Absent from summaries that are older than it. */
  readonly calibration?: Readonly<Record<'federated' | 'local' | 'pooled', CalibrationSummary>>;
}

export interface RehearsalSummary extends RegionSummary {
  readonly version: 1;
  readonly title: string;
  readonly synthetic: boolean;
  readonly startedAt: string;
  readonly seconds: number;
  readonly seed: number;
  /** Of the federated job. */
  readonly rounds: number;
  readonly bestRound: number | null;
  readonly stopReason: string;
  readonly weightsSha256: string | null;
  readonly verdict: string;
  readonly testCases: number;
  readonly testPatients: number;
  readonly regions: Readonly<Record<string, RegionSummary>>;
  readonly method: {
    readonly meanDice: string;
    readonly interval: string;
    readonly level: number;
    readonly resamples: number;
  };
}

export function summaryOf(record: RehearsalRecord, comparison: Comparison = compare(record)): RehearsalSummary {
  const federated = record.jobs.find((job) => job.kind === 'federated');
  return {
    version: 1,
    title: record.title,
    synthetic: record.synthetic,
    startedAt: record.startedAt,
    seconds: record.seconds,
    seed: record.seed,
    rounds: federated?.rounds.length ?? 0,
    bestRound: federated?.bestRound ?? null,
    stopReason: federated?.stopReason ?? 'no federated job ran',
    weightsSha256: federated?.weightsSha256 ?? null,
    verdict: verdictOf(comparison),
    ...regionSummary(comparison, allRegions),
    testCases: comparison.cases.length,
    testPatients: comparison.patientCount,
    regions: Object.fromEntries(record.regions.map(({ id }) => [id, regionSummary(comparison, id)])),
    method: {
      meanDice: `mean over test cases of the mean over the regions ${record.regions.map(({ id }) => id).join(', ')}`,
      interval: `percentile bootstrap; patients drawn with replacement ${comparison.resamples.withinSites ? 'within their site' : 'from all sites together'}`,
      level: confidenceLevel,
      resamples: comparison.resamples.count,
    },
  };
}

function regionSummary(comparison: Comparison, key: string): RegionSummary {
  const of = (arm: Arm): EstimateSummary => estimateSummary(comparison.estimates[arm][key]!);
  const less = (opponent: Opponent): DifferenceSummary => differenceSummary(comparison.differences[opponent][key]!);
  return {
    federated: of('federated'),
    local: of('local'),
    localElsewhere: of('local-elsewhere'),
    localAtHome: of('local-at-home'),
    pooled: of('pooled'),
    differences: {
      federatedLessLocal: less('local'),
      federatedLessLocalElsewhere: less('local-elsewhere'),
      federatedLessLocalAtHome: less('local-at-home'),
      federatedLessPooled: less('pooled'),
    },
    calibration: {
      federated: calibrationSummary(comparison.calibration.federated[key]!),
      local: calibrationSummary(comparison.calibration.local[key]!),
      pooled: calibrationSummary(comparison.calibration.pooled[key]!),
    },
  };
}

function calibrationSummary({ brier, ece }: Comparison['calibration'][Arm][string]): CalibrationSummary {
  const withoutCases = ({ high, low, mean }: Estimate) => ({ mean, low, high });
  return ece.cases === 0 ? null : { ece: withoutCases(ece), brier: withoutCases(brier), cases: ece.cases };
}

function estimateSummary({ mean, low, high, cases }: Estimate): EstimateSummary {
  return cases === 0 ? null : { meanDice: mean, low, high, cases };
}

function differenceSummary({ mean, low, high, cases, better, worse, equal }: PairedDifference): DifferenceSummary {
  if (cases === 0) return null;
  return { meanDice: mean, low, high, casesBetter: better, casesWorse: worse, casesEqual: equal };
}
