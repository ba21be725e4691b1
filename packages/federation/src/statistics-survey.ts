/** Federated statistics as two surveys: sums first, then counts between edges that follow from them. */
import type { ContributionTo, JobId, SiteId, TaskBody } from '@consilium/protocol';
import { chunkIdOf } from './blob.ts';
import type { LeftOutSite } from './left-out-site.ts';
import type { JobReason } from './reason.ts';
import { commonEdges, type PooledHistogram, type PooledSummary, pooledHistogram, pooledSummary } from './statistics.ts';
import type { Survey, SurveyOutcome } from './survey.ts';

export interface StatisticsSurvey extends Omit<Survey<'statistics'>, 'task'> {
  readonly variables: readonly string[];
  /** Between the ends of the range. */
  readonly bins: number;
  readonly minimumCount: number;
  /** The largest share of its range by which a site moves each end outward. */
  readonly widenedByMax: number;
}

export interface StatisticsOutcome {
  readonly state: 'completed' | 'failed' | 'stopped';
  readonly reason: JobReason;
  /** By variable; null where no site has enough values. */
  readonly summaries: ReadonlyMap<string, PooledSummary | null>;
  /** Of the variables that have a range. */
  readonly histograms: ReadonlyMap<string, PooledHistogram | null>;
  readonly leftOut: readonly LeftOutSite[];
}

/**
 * The surveys are called `<job>.summary` and `<job>.histogram-<digest of the edges>`; `runs` has each carried out. Run
 * again, it asks only sites that have not answered; where their ranges move the edges, all are asked to count anew.
 */
export async function runStatistics(
  { variables, bins, minimumCount, widenedByMax, ...survey }: StatisticsSurvey,
  runs: (survey: Survey<'statistics'>) => Promise<SurveyOutcome<'statistics'>>,
): Promise<StatisticsOutcome> {
  const ask = (name: string, question: Question) =>
    runs({
      ...survey,
      jobId: `${survey.jobId}.${name}` as JobId,
      task: { kind: 'statistics', minimumCount, question },
    });
  const first = await ask('summary', { kind: 'summary', variables: [...variables], range: { widenedByMax } });
  const summaries = new Map(variables.map((name) => [name, pooledSummary(answersOf(first, 'summary', name))]));
  const edges: Record<string, number[]> = {};
  for (const [name, summary] of summaries) {
    const found = summary && commonEdges(summary, bins);
    if (found) edges[name] = [...found];
  }
  if (first.state !== 'completed' || Object.keys(edges).length === 0) {
    return { ...first, summaries, histograms: new Map() };
  }
  const digest = chunkIdOf(new TextEncoder().encode(JSON.stringify(edges))).slice(0, 8);
  const second = await ask(`histogram-${digest}`, { kind: 'histogram', edges });
  const histograms = new Map(
    Object.entries(edges).map(([name, at]) => [name, pooledHistogram(answersOf(second, 'histogram', name), at)]),
  );
  return { ...second, summaries, histograms, leftOut: [...first.leftOut, ...second.leftOut] };
}

type Question = Extract<TaskBody, { kind: 'statistics' }>['question'];
type Answer = ContributionTo<'statistics'>['answer'];
type VariableAnswer<K extends Answer['kind']> = Extract<Answer, { kind: K }>['variables'][string];

/** What each site says of one variable. */
function answersOf<K extends Answer['kind']>(
  { answers }: SurveyOutcome<'statistics'>,
  kind: K,
  variable: string,
): ReadonlyMap<SiteId, VariableAnswer<K>> {
  const given = new Map<SiteId, VariableAnswer<K>>();
  for (const [siteId, { answer }] of answers) {
    if (answer.kind === kind && Object.hasOwn(answer.variables, variable)) {
      given.set(siteId, answer.variables[variable] as VariableAnswer<K>);
    }
  }
  return given;
}
