/** The scores of an experiment's test, by run and case, over cases in one fixed order. */
import type { Random } from '@consilium/numerics';
import type { Reliability } from '@consilium/protocol';
import { type CaseOwner, drawResamples, type Resamples } from '../bootstrap.ts';
import { summedReliability } from '../reliability.ts';
import { drawHierarchically, sitesMin } from '../statistics/hierarchical-bootstrap.ts';
import { volumeBand } from '../statistics/subgroup.ts';
import type { ExperimentRecord, RunRecord, TestScore } from './experiment-record.ts';

/** The runs of a configuration that came to their end, and not on a rung before. */
export function finalRuns({ configurations, runs }: ExperimentRecord, configuration: string): RunRecord[] {
  const { rounds } = configurations.find(({ id }) => id === configuration)!.settings;
  return runs
    .filter((run) => run.configuration === configuration && run.settings.rounds === rounds && run.state === 'completed')
    .sort((one, other) => one.settings.seed - other.settings.seed);
}

interface TestedCase extends CaseOwner {
  readonly case: string;
}

export class TestTable {
  readonly cases: readonly TestedCase[];
  /** Patients within their sites: for these sites. One set for everything, so that differences are on the same draws. */
  readonly resamples: Resamples;
  /** Sites, and their patients; null with too few sites. */
  readonly resamplesOfSites: Resamples | null;
  readonly #record: ExperimentRecord;
  readonly #scores = new Map<string, TestScore>();

  constructor(record: ExperimentRecord, random: Random) {
    this.#record = record;
    const cases = new Map<string, TestedCase>();
    for (const score of record.scores) {
      const { siteId, patient, case: name } = score;
      cases.set(JSON.stringify([siteId, patient, name]), { siteId, patient, case: name });
      this.#scores.set(JSON.stringify([score.run, siteId, name]), score);
    }
    this.cases = [...cases].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
    this.resamples = drawResamples(this.cases, random.fork('within sites'));
    const sites = new Set(this.cases.map(({ siteId }) => siteId)).size;
    this.resamplesOfSites = sites < sitesMin ? null : drawHierarchically(this.cases, random.fork('beyond sites'));
  }

  /** Mean over the regions. */
  ofRun(digest: string, metric = 'dice'): Float64Array {
    return Float64Array.from(this.cases, (one) => meanOverRegions(this.#score(digest, one), metric));
  }

  /** Of each case the mean over the seeds; null: the configuration was not tested. */
  dice(configuration: string): Float64Array | null {
    return this.#meanOverSeeds(configuration, 'dice');
  }

  /** The same of the expected calibration error and the Brier score; null also if nothing is recorded of them. */
  calibration(configuration: string): { readonly ece: Float64Array; readonly brier: Float64Array } | null {
    const ece = this.#meanOverSeeds(configuration, 'ece');
    const brier = this.#meanOverSeeds(configuration, 'brier');
    return ece === null || brier === null || ece.every(Number.isNaN) ? null : { ece, brier };
  }

  /** Over the seeds, and the sites that tell it. */
  reliability(configuration: string): Reliability {
    const runs = this.#tested(configuration).map(({ digest }) => digest);
    return summedReliability(
      this.#record.reliability.filter(({ run }) => runs.includes(run)).map(({ regions }) => regions),
    );
  }

  isTested({ digest }: RunRecord): boolean {
    return this.#record.scores.some(({ run }) => run === digest);
  }

  /** With what is known of each case: its site, how large its tumour is, and what the site tells of it. */
  grouped(configuration: string) {
    const [run] = this.#tested(configuration);
    return this.cases.map((one) => {
      const score = this.#score(run!.digest, one);
      const ml = score?.regions['tumour']?.['referenceMl'] ?? null;
      return {
        ...one,
        groups: { site: one.siteId, ...score?.groups, ...(ml === null ? {} : { 'tumour volume': volumeBand(ml) }) },
      };
    });
  }

  #meanOverSeeds(configuration: string, metric: string): Float64Array | null {
    const runs = this.#tested(configuration).map(({ digest }) => this.ofRun(digest, metric));
    if (runs.length === 0) return null;
    return Float64Array.from(this.cases, (_, index) => mean(runs.map((values) => values[index]!)));
  }

  #tested(configuration: string): RunRecord[] {
    return finalRuns(this.#record, configuration).filter((run) => this.isTested(run));
  }

  #score(digest: string, { siteId, case: name }: TestedCase): TestScore | undefined {
    return this.#scores.get(JSON.stringify([digest, siteId, name]));
  }
}

function meanOverRegions(score: TestScore | undefined, metric: string): number {
  return mean(Object.values(score?.regions ?? {}).map((metrics) => metrics[metric] ?? Number.NaN));
}

/** Of the values that are numbers; `NaN` if there are none. */
export function mean(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
