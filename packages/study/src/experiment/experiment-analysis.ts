/**
 * What an experiment says: means with intervals, paired comparisons with their corrections, learning curves, cost. A
 * function of the record alone: the same record gives the same numbers.
 */
import { createRandom, type Random } from '@consilium/numerics';
import { canonicalJson, type Json, type Reliability } from '@consilium/protocol';
import { type Estimate, estimate } from '../bootstrap.ts';
import { type LearningCurve, learningCurve, type StudiesNeeded, studiesNeeded } from '../learning/learning-curve.ts';
import { cohensDz, rankBiserial } from '../statistics/effect-size.ts';
import { benjaminiHochbergAdjusted, holmAdjusted } from '../statistics/multiplicity.ts';
import { patientMeans, permutationTest, type TestResult, wilcoxonTest } from '../statistics/paired-test.ts';
import { type SubgroupResult, subgroupResults } from '../statistics/subgroup.ts';
import type { ExperimentRecord, RunRecord } from './experiment-record.ts';
import type { RunSettings } from './run-settings.ts';
import { finalRuns, mean, TestTable } from './test-table.ts';
import { costOf, secondsToScore, type TrainingCost } from './training-cost.ts';

interface ConfigurationResult {
  readonly configuration: string;
  readonly label: string;
  /** Mean over the seeds; null: a run did not come to its end. */
  readonly validation: number | null;
  /** Dice on the test patients, mean over regions and seeds; null: not tested. */
  readonly test: Estimate | null;
  /** The same, also for other sites than these; null with fewer than five sites. */
  readonly testBeyondSites: Estimate | null;
  /** Mean over regions and seeds; null: not tested, or before calibration was recorded. */
  readonly calibration: { readonly ece: Estimate; readonly brier: Estimate } | null;
  /** Over the seeds and the sites that tell it, by region. */
  readonly reliability: Reliability;
  /** With all of its rounds; 0 where it did not get so far. */
  readonly seeds: number;
  readonly jobs: readonly string[];
  readonly cost: TrainingCost;
  /** Until validation had come to a score, mean over the seeds; null: in a run it never did. */
  readonly secondsTo: readonly { readonly score: number; readonly seconds: number | null }[];
}

/** Of two tested configurations, `second` less `first`, paired by case. */
interface PairComparison {
  readonly first: string;
  readonly second: string;
  readonly difference: Estimate;
  /** Who gains and who loses: the difference on each site's patients; null where they are too few to be told. */
  readonly differenceBySite: Readonly<Record<string, Estimate | null>>;
  /** null with fewer than five sites. */
  readonly differenceBeyondSites: Estimate | null;
  /** Of expected calibration errors: below 0, the second is the better. */
  readonly eceDifference: Estimate | null;
  /** Over patients. */
  readonly wilcoxon: TestResult;
  readonly permutation: TestResult;
  /** Of the permutation test, over all comparisons of the experiment. */
  readonly pHolm: number;
  readonly pBenjaminiHochberg: number;
  readonly rankBiserial: number;
  readonly cohensDz: number;
}

interface CurveResult {
  /** What its configurations have in common: all settings but the number of patients and the seed. */
  readonly label: string;
  readonly configurations: readonly string[];
  readonly curve: LearningCurve;
  readonly needed: readonly StudiesNeeded[];
}

export interface ExperimentAnalysis {
  readonly experiment: string;
  readonly recordSha256OfExperiment: string;
  readonly testCases: number;
  readonly testPatients: number;
  /** How often the test patients were asked; more than once is a warning. */
  readonly looks: number;
  readonly configurations: readonly ConfigurationResult[];
  readonly comparisons: readonly PairComparison[];
  readonly curves: readonly CurveResult[];
  /** Of each tested configuration. */
  readonly subgroups: Readonly<Record<string, readonly SubgroupResult[]>>;
}

/** Groups of fewer patients are not told of. */
const minimumPatientsDefault = 5;

export function analyse(
  record: ExperimentRecord,
  { minimumPatients = minimumPatientsDefault } = {},
): ExperimentAnalysis {
  const random = createRandom(record.experimentSha256, 'analysis');
  const table = new TestTable(record, random);
  const comparisons = comparisonsOf(record, table, { random, minimumPatients });
  return {
    experiment: record.experiment.name,
    recordSha256OfExperiment: record.experimentSha256,
    testCases: table.cases.length,
    testPatients: new Set(table.cases.map(({ siteId, patient }) => `${siteId} ${patient}`)).size,
    looks: record.ledger.looks.length,
    configurations: record.configurations.map(({ id, label }) => {
      const runs = finalRuns(record, id);
      const dice = table.dice(id);
      return {
        configuration: id,
        label,
        validation: record.choice.standings.find(({ configuration }) => configuration === id)?.score ?? null,
        test: dice === null ? null : estimate(dice, table.resamples),
        testBeyondSites: dice === null ? null : beyondSites(dice, table),
        calibration: calibrationOf(table, id),
        reliability: table.reliability(id),
        seeds: runs.length,
        jobs: runs.map(({ jobId }) => jobId),
        cost: costOf(runs),
        secondsTo: record.experiment.compare.secondsTo.map((score) => ({ score, seconds: meanSecondsTo(runs, score) })),
      };
    }),
    comparisons,
    curves: curvesOf(record, table, random),
    subgroups: Object.fromEntries(
      record.configurations.flatMap(({ id }) => {
        const dice = table.dice(id);
        if (dice === null) return [];
        const options = { minimumPatients, random: random.fork('subgroups', id) };
        return [[id, subgroupResults(table.grouped(id), dice, options)]];
      }),
    ),
  };
}

function meanSecondsTo(runs: readonly RunRecord[], score: number): number | null {
  const seconds = runs.map((run) => secondsToScore(run, score)).filter((each) => each !== null);
  return runs.length === 0 || seconds.length < runs.length ? null : mean(seconds);
}

function comparisonsOf(
  record: ExperimentRecord,
  table: TestTable,
  { minimumPatients, random }: { readonly minimumPatients: number; readonly random: Random },
): PairComparison[] {
  const tested = record.configurations.filter(({ id }) => table.dice(id) !== null);
  const pairs = pairsOf(record, tested);
  const plain = pairs.map(([first, second]) => {
    const [one, other] = [table.dice(first)!, table.dice(second)!];
    const differences = other.map((value, index) => value - one[index]!);
    const ofPatients = patientMeans(table.cases, differences);
    return {
      ...{ first, second, difference: estimate(differences, table.resamples) },
      differenceBySite: bySite(differences, table, minimumPatients),
      differenceBeyondSites: beyondSites(differences, table),
      eceDifference: eceDifference(table, first, second),
      wilcoxon: wilcoxonTest(ofPatients),
      permutation: permutationTest(ofPatients, random.fork('permutations', first, second)),
      rankBiserial: rankBiserial(ofPatients),
      cohensDz: cohensDz(ofPatients),
    };
  });
  const p = plain.map(({ permutation }) => permutation.p);
  const [holm, hochberg] = [holmAdjusted(p), benjaminiHochbergAdjusted(p)];
  return plain.map((pair, index) => ({ ...pair, pHolm: holm[index]!, pBenjaminiHochberg: hochberg[index]! }));
}

function calibrationOf(table: TestTable, configuration: string): ConfigurationResult['calibration'] {
  const values = table.calibration(configuration);
  if (values === null) return null;
  return { ece: estimate(values.ece, table.resamples), brier: estimate(values.brier, table.resamples) };
}

function eceDifference(table: TestTable, first: string, second: string): Estimate | null {
  const [one, other] = [table.calibration(first), table.calibration(second)];
  if (one === null || other === null) return null;
  return estimate(
    other.ece.map((value, index) => value - one.ece[index]!),
    table.resamples,
  );
}

type Named = ExperimentRecord['configurations'][number];

/** All with all; or, by one setting, those that differ in it alone, each with the baseline's value. */
function pairsOf({ experiment }: ExperimentRecord, tested: readonly Named[]): (readonly [string, string])[] {
  const { by, baseline } = experiment.compare;
  if (by === undefined) {
    return tested.flatMap(({ id: first }, index) =>
      tested.slice(index + 1).map(({ id: second }) => [first, second] as const),
    );
  }
  return groupsBut(tested, [by]).flatMap((group) => {
    const isBaseline = ({ settings }: Named) => baseline === undefined || same(settings[by], baseline);
    const first = group.find(isBaseline);
    if (first === undefined) return [];
    return group.filter((other) => other !== first).map(({ id: second }) => [first.id, second] as const);
  });
}

function curvesOf(record: ExperimentRecord, table: TestTable, random: Random): CurveResult[] {
  const tested = record.configurations.filter(({ id }) => table.dice(id) !== null);
  return groupsBut(tested, ['patientsPerSite'])
    .filter((group) => group.length > 1)
    .map((group) => {
      const runs = group
        .flatMap(({ id }) => finalRuns(record, id))
        .filter((run) => table.isTested(run))
        .map((run) => ({ seed: run.settings.seed, studies: studiesOf(run), scores: table.ofRun(run.digest) }));
      const configurations = group.map(({ id }) => id);
      const curve = learningCurve(runs, table.cases, random.fork('curve', configurations[0]!));
      const asked = record.experiment.compare.studiesFor;
      const needed = curve.kind === 'fitted' ? asked.map((score) => studiesNeeded(curve, score)) : [];
      const label = group[0]!.label.replace(/(?:, )?patients per site [^,]+/, '').replace(/^, /, '');
      return { label: label === '' ? 'base' : label, configurations, curve, needed };
    });
}

/** Training cases a site, as the sites have told, of the kept round. */
function studiesOf({ rounds, best }: RunRecord): number {
  const round = rounds.find((one) => one.round === best?.round);
  return mean((round?.trained ?? []).flatMap(({ cases }) => cases ?? []));
}

/** Configurations that are the same but for these settings. */
function groupsBut(configurations: readonly Named[], but: readonly (keyof RunSettings)[]): Named[][] {
  const keyOf = ({ settings }: Named): string =>
    canonicalJson({ ...settings, seed: 0, ...Object.fromEntries(but.map((name) => [name, null])) } as Json);
  return [...Map.groupBy(configurations, keyOf).values()];
}

function bySite(differences: Float64Array, { cases, resamples }: TestTable, minimumPatients: number) {
  const siteIds = [...new Set(cases.map(({ siteId }) => siteId))];
  return Object.fromEntries(
    siteIds.map((siteId) => {
      const patients = new Set(cases.filter((one) => one.siteId === siteId).map(({ patient }) => patient)).size;
      const own = differences.map((value, index) => (cases[index]!.siteId === siteId ? value : Number.NaN));
      return [siteId, patients < minimumPatients ? null : estimate(own, resamples)];
    }),
  );
}

function beyondSites(values: Float64Array, { resamplesOfSites }: TestTable): Estimate | null {
  return resamplesOfSites === null ? null : estimate(values, resamplesOfSites);
}

function same(one: unknown, other: unknown): boolean {
  return canonicalJson((one ?? null) as Json) === canonicalJson((other ?? null) as Json);
}
