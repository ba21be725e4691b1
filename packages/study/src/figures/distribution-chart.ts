/** What values each site has: one outline a site, one below the other, over one axis. */
import { countOf, type Histogram } from '../heterogeneity/histogram-distance.ts';
import { ink, siteColours } from '../palette.ts';
import { type ChartSpec, ticksWithin } from './chart.ts';

export interface DistributionChart {
  /** With its unit. */
  readonly axisTitle: string;
  readonly sites: readonly { readonly name: string; readonly histogram: Histogram }[];
}

const rowHeight = 46;
/** Outlines are of so many equal parts of the axis. */
const parts = 60;

export function distributionSpec({ axisTitle, sites }: DistributionChart, width: number): ChartSpec {
  const filled = sites.filter(({ histogram }) => countOf(histogram) > 0);
  const domain = domainOf(filled.map(({ histogram }) => histogram));
  const rows = filled.map(({ histogram, name }, index) => ({ name, index, shares: sharesOf(histogram, domain) }));
  const highest = Math.max(...rows.flatMap(({ shares }) => shares));
  const height = filled.length * rowHeight;
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: { values: ticksWithin(domain, 7), title: axisTitle, format: '~r', grid: true },
  };
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain: [height, 0], nice: false, zero: false },
    axis: null,
  });
  const step = (domain[1] - domain[0]) / parts;
  const layer = rows.flatMap(({ index, name, shares }) => {
    const base = (index + 1) * rowHeight - 6;
    const color = siteColours[index % siteColours.length]!;
    const outline = shares.map((share, part) => ({
      value: domain[0] + (part + 0.5) * step,
      top: base - (share / highest) * (rowHeight - 12),
      base,
    }));
    return [
      {
        data: { values: outline },
        mark: { type: 'area', interpolate: 'step', color, opacity: 0.35, line: { color, strokeWidth: 1.5 } },
        encoding: { x, y: y('top'), y2: { field: 'base' } },
      },
      {
        data: { values: [{ name, at: base - 8 }] },
        mark: { type: 'text', x: -8, align: 'right', fontSize: 12, color: ink.text },
        encoding: { y: y('at'), text: { field: 'name' } },
      },
    ];
  });
  const left = 20 + 7 * Math.max(...filled.map(({ name }) => name.length), 4);
  return { width, height: height + 54, padding: { left, right: 14, top: 6, bottom: 48 }, layer };
}

/** The middle 99 % of all values, so that one stray voxel does not flatten the rest; never of no width. */
function domainOf(histograms: readonly Histogram[]): [number, number] {
  const ends = histograms.map((histogram) => {
    const { binWidth, counts, firstBin } = histogram;
    const total = countOf(histogram);
    let below = 0;
    const bins = counts.flatMap((count, index) => {
      below += count;
      return below >= 0.005 * total && below - count <= 0.995 * total ? [index] : [];
    });
    return [(firstBin + bins[0]! - 0.5) * binWidth, (firstBin + bins.at(-1)! + 0.5) * binWidth] as const;
  });
  const [low, high] = [Math.min(...ends.map(([end]) => end)), Math.max(...ends.map(([, end]) => end))];
  const spare = Math.max(0.02 * (high - low), 1e-3);
  return [low - spare, high + spare];
}

/** Each bin is dealt to the parts that it covers. */
function sharesOf(histogram: Histogram, [low, high]: readonly [number, number]): number[] {
  const shares = new Array<number>(parts).fill(0);
  const width = (high - low) / parts;
  const total = countOf(histogram);
  histogram.counts.forEach((count, index) => {
    if (count === 0) return;
    const from = (histogram.firstBin + index - 0.5) * histogram.binWidth;
    const to = from + histogram.binWidth;
    for (let part = Math.max(0, Math.floor((from - low) / width)); part < parts && low + part * width < to; part++) {
      const covered = Math.min(to, low + (part + 1) * width) - Math.max(from, low + part * width);
      if (covered > 0) shares[part]! += (count / total) * (covered / histogram.binWidth);
    }
  });
  return shares;
}
