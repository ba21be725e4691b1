/** Statistics of the sites' cases for people: a table, and a small histogram of each variable. */
import {
  type PooledHistogram,
  type PooledSummary,
  quantileBounds,
  type StatisticsOutcome,
} from '@consilium/federation';
import { textTable } from './answer.ts';

const shares = [0.05, 0.25, 0.5, 0.75, 0.95];
const barWidth = 40;

type Bounds = ReturnType<typeof quantileBounds>;

/** As JSON: by variable, null where no site has enough values. */
export function statisticsAsJson({ summaries, histograms, leftOut }: StatisticsOutcome): object {
  const variables = [...summaries].map(([name, summary]) => {
    const histogram = histograms.get(name) ?? null;
    return [name, summary && { ...summary, histogram, quantiles: histogram && quantilesOf(summary, histogram) }];
  });
  return { variables: Object.fromEntries(variables), leftOut };
}

export function statisticsText({ summaries, histograms, leftOut }: StatisticsOutcome): string {
  const rows = [...summaries].flatMap(([name, summary]) =>
    summary === null ? [] : [rowOf(name, summary, histograms.get(name) ?? null)],
  );
  const unknown = [...summaries].flatMap(([name, summary]) => (summary === null ? [name] : []));
  const drawn = [...histograms].flatMap(([name, histogram]) =>
    histogram === null ? [] : ['', name, ...barsOf(histogram)],
  );
  const table = ['variable', 'sites', 'values', 'mean', 'deviation', '5 %', 'median', '95 %'];
  const without = [
    ...(unknown.length === 0 ? [] : [`No site has enough values of ${unknown.join(', ')}.`]),
    ...leftOut.map(({ siteId, message }) => `${siteId} is not in it: ${message}`),
  ];
  return [...(rows.length === 0 ? [] : [textTable([table, ...rows]), ...drawn, '']), ...without].join('\n').trimEnd();
}

function rowOf(name: string, summary: PooledSummary, histogram: PooledHistogram | null): string[] {
  const { sites, count, mean, variance } = summary;
  const quantile = (share: number) => (histogram === null ? '' : rangeText(boundsOf(summary, histogram, share)));
  return [
    name,
    String(sites.length),
    String(count),
    numberText(mean),
    variance === null ? '' : numberText(Math.sqrt(variance)),
    ...[0.05, 0.5, 0.95].map(quantile),
  ];
}

function quantilesOf(summary: PooledSummary, histogram: PooledHistogram): object {
  return Object.fromEntries(shares.map((share) => [share, boundsOf(summary, histogram, share)]));
}

/** No value lies beyond the edges where all who counted had their ranges in them. */
function boundsOf({ sites }: PooledSummary, histogram: PooledHistogram, share: number): Bounds {
  const { low, high } = quantileBounds(histogram, share);
  if (!histogram.sites.every((siteId) => sites.includes(siteId))) return { low, high };
  return { low: low ?? histogram.edges[0] ?? null, high: high ?? histogram.edges.at(-1) ?? null };
}

/** A line for each bin, and one for what sites did not tell of. */
function barsOf({ count, edges, told }: PooledHistogram): string[] {
  const most = Math.max(1, ...told);
  const bins = told.flatMap((values, bin) => {
    const isOutside = bin === 0 || bin === edges.length;
    if (isOutside && values === 0) return [];
    const range = rangeText({ low: edges[bin - 1] ?? null, high: edges[bin] ?? null });
    return [[range, `${'█'.repeat(Math.round((values / most) * barWidth))} ${values}`.trim()]];
  });
  const untold = count - told.reduce((sum, values) => sum + values, 0);
  const lines = textTable(bins.map(([range, bar]) => [`  ${range}`, bar!])).split('\n');
  return untold === 0 ? lines : [...lines, `  and ${untold} in bins of too few values at a site to tell`];
}

function rangeText({ low, high }: Bounds): string {
  return `${low === null ? '' : numberText(low)} – ${high === null ? '' : numberText(high)}`.trim();
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(3)));
}
