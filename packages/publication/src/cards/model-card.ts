/**
 * The model card (Mitchell et al. 2019, doi:10.1145/3287560.3287596): what the model is for, from whom it learnt, how it did
 * and for whom, and what is not known. Facts come from the record of the work; what only people know, from `--about`. What
 * nobody has said is said to be missing.
 */
import { createRandom } from '@consilium/numerics';
import { type RehearsalRecord, type SubgroupResult, subgroupResults, summaryOf } from '@consilium/study';
import type { Plan } from '@consilium/training';
import type { About } from '../crate/about.ts';

export interface ModelCard {
  readonly kind: 'consilium-model-card-1';
  readonly title: string;
  readonly version: string;
  readonly date: string;
  readonly authors: readonly string[];
  readonly licence: string;
  readonly contact: string | null;
  readonly weightsSha256: string;
  readonly synthetic: boolean | null;
  readonly description: string;
  readonly intendedUse: string | null;
  readonly outOfScope: string | null;
  readonly network: { readonly kind: string; readonly channels: readonly number[]; readonly parameters: number };
  readonly input: {
    readonly modality: 'CT';
    readonly spacingMm: readonly number[];
    readonly patchSize: readonly number[];
    readonly clipHu: readonly number[];
  };
  readonly classes: readonly { readonly value: number; readonly name: string }[];
  /** null: nothing is recorded of how it was trained. */
  readonly training: {
    readonly sites: readonly {
      readonly site: string;
      readonly studies: Readonly<Record<'train' | 'validation' | 'test', number>>;
      readonly excluded: number;
      readonly profile: Readonly<Record<string, string>>;
    }[];
    readonly strategy: string;
    readonly rounds: number;
    readonly bestRound: number | null;
    readonly stopReason: string;
  } | null;
  readonly evaluation: {
    readonly against: string;
    readonly patients: number;
    readonly cases: number;
    /** Mean Dice with the 95 % interval, by region; `all` is their mean. */
    readonly dice: Readonly<Record<string, Interval>>;
    /** Expected calibration error, 0 is best, by region; empty: nothing is recorded of it. */
    readonly calibrationError: Readonly<Record<string, Interval>>;
    readonly subgroups: readonly SubgroupResult[];
  } | null;
  /** Sentences on what privacy cost and what was seen of it; empty: no formal privacy was used or recorded. */
  readonly privacy: readonly string[];
  readonly limitations: readonly string[];
  readonly ethics: string | null;
}

interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface ModelCardInput {
  readonly about: About;
  readonly plan: Plan;
  readonly weightsSha256: string;
  readonly parameters: number;
  readonly record: RehearsalRecord | undefined;
}

/** Groups of fewer patients are not told of. */
const minimumPatients = 5;

export function modelCard({ about, plan, weightsSha256, parameters, record }: ModelCardInput): ModelCard {
  return {
    kind: 'consilium-model-card-1',
    title: about.title,
    version: about.version,
    date: about.date,
    authors: about.authors.map(({ name }) => name),
    licence: about.licence,
    contact: about.contact ?? null,
    weightsSha256,
    synthetic: record?.synthetic ?? null,
    description: about.description,
    intendedUse: about.intendedUse ?? null,
    outOfScope: about.outOfScope ?? null,
    network: { kind: plan.network.kind, channels: plan.network.channels, parameters },
    input: {
      modality: 'CT',
      spacingMm: plan.spacingMm,
      patchSize: plan.patchSize,
      clipHu: plan.normalisation.clipHu,
    },
    classes: plan.classes.map(({ value, name }) => ({ value, name })),
    training: record === undefined ? null : trainingOf(record),
    evaluation: record === undefined ? null : evaluationOf(record, weightsSha256),
    privacy: record?.protection ?? [],
    limitations: [...(about.limitations ?? []), ...limitationsOf(record)],
    ethics: about.ethics ?? null,
  };
}

function trainingOf(record: RehearsalRecord): NonNullable<ModelCard['training']> {
  const job = record.jobs.find(({ kind }) => kind === 'federated');
  return {
    sites: record.sites.map(({ id, studies, excluded, profile }) => ({
      site: id,
      studies,
      excluded: excluded.length,
      profile: Object.fromEntries(
        Object.entries(profile).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    })),
    strategy: record.plan.aggregation,
    rounds: job?.rounds.length ?? 0,
    bestRound: job?.bestRound ?? null,
    stopReason: job?.stopReason ?? 'no federated job ran',
  };
}

function evaluationOf(record: RehearsalRecord, weightsSha256: string): ModelCard['evaluation'] {
  const job = record.jobs.find((one) => one.weightsSha256 === weightsSha256 && one.kind === 'federated');
  if (job === undefined) return null;
  const summary = summaryOf(record);
  const of = (estimate: (typeof summary)['federated']) =>
    estimate === null ? [] : [{ mean: estimate.meanDice, low: estimate.low, high: estimate.high }];
  const regions = Object.entries(summary.regions).flatMap(([name, { federated }]) =>
    of(federated).map((dice) => [name, dice] as const),
  );
  const errors = Object.entries({ all: summary, ...summary.regions }).flatMap(([name, { calibration }]) => {
    const of = calibration?.federated ?? null;
    return of === null ? [] : [[name, of.ece] as const];
  });
  return {
    against: record.scoredAgainst,
    patients: summary.testPatients,
    cases: summary.testCases,
    dice: Object.fromEntries([...of(summary.federated).map((dice) => ['all', dice] as const), ...regions]),
    calibrationError: Object.fromEntries(errors),
    subgroups: subgroupsOf(record, job.id),
  };
}

/** By site of the test patients; the mean over regions of a case. */
function subgroupsOf(record: RehearsalRecord, model: string): readonly SubgroupResult[] {
  const rows = record.scores.filter((row) => row.model === model);
  const cases = [...Map.groupBy(rows, (row) => JSON.stringify([row.siteId, row.case])).values()];
  const values = cases.map((own) => {
    const dice = own.map((row) => row.dice).filter((value) => value !== null);
    return dice.length === 0 ? Number.NaN : dice.reduce((sum, value) => sum + value, 0) / dice.length;
  });
  const grouped = cases.map(([first]) => ({
    siteId: first!.siteId,
    patient: first!.patient,
    groups: { site: first!.siteId },
  }));
  return subgroupResults(grouped, values, { minimumPatients, random: createRandom(record.seed, 'model card') });
}

function limitationsOf(record: RehearsalRecord | undefined): string[] {
  const always = [
    'It is not a medical device: nobody has approved it for use on patients.',
    'It says of every voxel of any CT what it would be in a patient like those it was trained on, and does not notice when an image is of another kind.',
  ];
  if (record === undefined) return [...always, 'How it was trained and tested is not recorded with it.'];
  const testPatients = new Set(record.scores.map(({ siteId, patient }) => JSON.stringify([siteId, patient]))).size;
  return [
    ...(record.synthetic
      ? ['It was trained and tested on synthetic patients. Nothing is known of how it does on real ones.']
      : []),
    ...always,
    `It was tested on ${testPatients} patients of the sites that trained it; no other hospital has tested it.`,
    ...record.warnings.map((warning) => `While it was made: ${warning}`),
  ];
}
