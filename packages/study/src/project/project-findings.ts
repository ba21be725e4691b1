/** What a project found: the answers to its four questions as numbers, from its record alone. */
import { createRandom } from '@consilium/numerics';
import { drawResamples, type Estimate, estimate } from '../bootstrap.ts';
import { analyse, type ExperimentAnalysis } from '../experiment/experiment-analysis.ts';
import type { ExperimentRecord } from '../experiment/experiment-record.ts';
import { type SiteDifferences, siteDifferences } from '../heterogeneity/site-differences.ts';
import { type SiteGain, siteGains } from '../heterogeneity/site-gains.ts';
import { type LabelEffort, labelEffort, type Measures } from '../labels/label-effort.ts';
import type { ProjectRecord, ReadingRecord } from './project-record.ts';

type Configuration = ExperimentAnalysis['configurations'][number];
type Comparison = ExperimentAnalysis['comparisons'][number];

/** Of labels with what is true, of cases that were read in both phases. */
interface LabelQuality {
  readonly structure: string;
  readonly first: Estimate;
  readonly second: Estimate;
  /** Second less first. */
  readonly difference: Estimate;
}

export interface ProjectFindings {
  /** On patients whom the proposing model had never seen; and on those it was trained on, where proposals are better. */
  readonly effort: { readonly unseen: LabelEffort; readonly seen: LabelEffort };
  /** Minutes of each case that was read both ways; unseen patients. */
  readonly pairs: readonly {
    readonly siteId: string;
    readonly study: string;
    readonly manual: number;
    readonly assisted: number;
  }[];
  /** Empty where nobody knows what is true. */
  readonly quality: readonly LabelQuality[];
  readonly labels: ExperimentAnalysis;
  readonly studies: ExperimentAnalysis;
  /** Assisted less manual labels; undefined if one of the two came to no model. */
  readonly byLabels: Comparison | undefined;
  /** By number of studies a site, in the order of the experiment. */
  readonly byNetwork: readonly { readonly studies: string; readonly comparison: Comparison }[];
  readonly differences: SiteDifferences;
  /** Of training together; empty where no hospital trained alone. */
  readonly gains: readonly SiteGain[];
}

export function projectFindings(record: ProjectRecord): ProjectFindings {
  const labels = analyse(record.experiments.labels);
  const studies = analyse(record.experiments.studies);
  return {
    effort: { unseen: effortOn(record, 'test'), seen: effortOn(record, 'train') },
    pairs: pairsOf(record.readings.filter(({ part }) => part === 'test')),
    quality: qualityOf(record),
    ...{ labels, studies, byLabels: labels.comparisons[0] },
    byNetwork: studies.comparisons.map((comparison) => ({
      studies: studiesText(record.experiments.studies, comparison.first),
      comparison,
    })),
    differences: siteDifferences(record.experiments.labels),
    gains: gainsOf(record),
  };
}

function gainsOf({ experiments: { alone } }: ProjectRecord): readonly SiteGain[] {
  return alone === undefined ? [] : siteGains(alone, analyse(alone));
}

/** Patients of a site that a configuration trained on, as the experiment's file says it. */
function studiesText({ configurations }: ExperimentRecord, configuration: string): string {
  const { patientsPerSite } = configurations.find(({ id }) => id === configuration)!.settings;
  return patientsPerSite === 'all' ? 'all' : String(patientsPerSite);
}

export function configurationOf(analysis: ExperimentAnalysis, id: string): Configuration {
  return analysis.configurations.find(({ configuration }) => configuration === id)!;
}

function effortOn({ readings, seed, sites }: ProjectRecord, part: ReadingRecord['part']): LabelEffort {
  const measures = sites.map(({ id }): [string, Measures] => [
    id,
    { readings: readings.filter((one) => one.siteId === id && one.part === part && isInPhase(one)).map(measureOf) },
  ]);
  return labelEffort(Object.fromEntries(measures), seed);
}

/** Where the gate let the model not propose, the second phase was by hand too, and is no second reading by hand. */
function isInPhase({ how, phase }: ReadingRecord): boolean {
  return (how === 'manual') === (phase === 'first');
}

function measureOf({ how, minutes, reader, structures, study }: ReadingRecord): Measures['readings'][number] {
  return {
    ...{ caseId: study, reader, phase: how, activeMinutes: minutes },
    structures: structures.map(({ proposalDice, minutes: activeMinutes, ...rest }) => ({
      ...{ ...rest, activeMinutes },
      ...(proposalDice === null ? {} : { proposalDice }),
    })),
  };
}

function pairsOf(readings: readonly ReadingRecord[]): ProjectFindings['pairs'] {
  return readings
    .filter((one) => one.how === 'assisted')
    .flatMap(({ minutes, siteId, study }) => {
      const first = readings.find((one) => one.siteId === siteId && one.study === study && one.phase === 'first');
      return first === undefined ? [] : [{ siteId, study, manual: first.minutes, assisted: minutes }];
    });
}

function qualityOf({ readings, seed, structures }: ProjectRecord): LabelQuality[] {
  const again = readings.filter((one) => one.how === 'assisted');
  const pairs = again.flatMap((second) => {
    const first = readings.find(
      (one) => one.phase === 'first' && one.siteId === second.siteId && one.study === second.study,
    );
    return first === undefined ? [] : [{ first, second, siteId: first.siteId, patient: first.study }];
  });
  if (pairs.length === 0) return [];
  const random = createRandom(seed, 'project', 'label quality');
  return structures.flatMap(({ name }) => {
    const key = name.toLowerCase();
    const values = (of: 'first' | 'second') =>
      Float64Array.from(pairs, (pair) => pair[of].truthDice?.[key] ?? Number.NaN);
    const [first, second] = [values('first'), values('second')];
    if (first.every(Number.isNaN)) return [];
    const resamples = drawResamples(pairs, random.fork(key), 4000);
    return [
      {
        ...{ structure: name, first: estimate(first, resamples), second: estimate(second, resamples) },
        difference: estimate(
          second.map((value, at) => value - first[at]!),
          resamples,
        ),
      },
    ];
  });
}
