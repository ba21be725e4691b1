/** Estimates with their intervals, one row each: name and numbers above, point and whisker below. */
import type { Estimate } from '../bootstrap.ts';
import type { Markup } from '../markup.ts';
import { ink } from '../palette.ts';
import { type ChartSpec, responsiveChart, ticksWithin } from './chart.ts';

interface IntervalRow {
  readonly name: string;
  readonly estimate: Estimate;
  /** The numbers in words, right-aligned in the row. */
  readonly numbers: string;
  readonly colour: string;
  readonly shape: string;
}

export interface IntervalChart {
  readonly alternative: string;
  readonly axisTitle: string;
  readonly rows: readonly IntervalRow[];
  readonly domain: readonly [number, number];
  /** A value to compare with; drawn as a line through all rows. */
  readonly reference?: number;
  /** Write a plus sign before positive values on the axis. */
  readonly signed?: boolean;
  /** Width on a wide screen, px; from 700 on, names and numbers stand beside the plot and no longer above it. */
  readonly wide?: number;
}

export function intervalChart(chart: IntervalChart): Promise<Markup> {
  return responsiveChart(chart.alternative, (width) => specOf(chart, width), { wide: chart.wide ?? 500, narrow: 340 });
}

/** Where the parts of a row lie: px from the row's upper edge; names and numbers px from the plot's left edge. */
const narrowLayout = {
  rowHeight: 62,
  name: { y: 12, x: 0 },
  numbers: { y: 29, align: 'left', fromRight: false, x: 0 },
  point: 47,
  padding: { left: 10, right: 10, top: 0, bottom: 44 },
};
const stackedLayout = {
  ...narrowLayout,
  rowHeight: 46,
  name: { y: 14, x: 0 },
  numbers: { y: 14, align: 'right', fromRight: true, x: 0 },
  point: 33,
};
const besideLayout = {
  rowHeight: 36,
  name: { y: 18, x: -305 },
  numbers: { y: 18, align: 'right', fromRight: true, x: 205 },
  point: 18,
  padding: { left: 310, right: 210, top: 0, bottom: 44 },
};

function specOf({ rows, domain, reference, axisTitle, signed = false }: IntervalChart, width: number): ChartSpec {
  const layout = width >= 700 ? besideLayout : width >= 420 ? stackedLayout : narrowLayout;
  const { padding } = layout;
  const values = rows.map(({ name, estimate, numbers, colour, shape }, index) => ({
    row: index * layout.rowHeight + layout.point,
    nameY: index * layout.rowHeight + layout.name.y,
    numbersY: index * layout.rowHeight + layout.numbers.y,
    name,
    numbers,
    colour,
    shape,
    size: shape.startsWith('triangle') ? 210 : 140,
    mean: estimate.cases === 0 ? null : estimate.mean,
    low: estimate.low,
    high: estimate.high,
  }));
  const height = rows.length * layout.rowHeight;
  const plotWidth = width - padding.left - padding.right;
  const x = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: {
      values: ticksWithin(domain, width > 400 ? 8 : 5),
      title: axisTitle,
      format: '.2~f',
      ...(signed ? { labelExpr: "datum.value === 0 ? '0' : format(datum.value, '+.2~f')" } : {}),
      tickSize: 4,
      grid: true,
    },
  });
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain: [height, 0], nice: false, zero: false },
    axis: null,
  });
  const colour = { field: 'colour', type: 'nominal', scale: null };
  const known = values.filter((value) => value.mean !== null);
  const words = (field: string, align: string, at: number, fontWeight: number): object[] =>
    [{ stroke: 'white', strokeWidth: 5, strokeJoin: 'round' }, {}].map((halo) => ({
      data: { values },
      mark: { type: 'text', align, fontSize: 13, fontWeight, color: ink.text, x: at, ...halo },
      encoding: { y: y(`${field}Y`), text: { field } },
    }));
  const layer = [
    ...(reference === undefined ? [] : [referenceLine(reference, x)]),
    ...words('name', 'left', layout.name.x, 600),
    ...words('numbers', layout.numbers.align, layout.numbers.x + (layout.numbers.fromRight ? plotWidth : 0), 400),
    {
      data: { values: known },
      mark: { type: 'rule', strokeWidth: 3, strokeCap: 'round' },
      encoding: { x: x('low'), x2: { field: 'high' }, y: y('row'), color: colour },
    },
    {
      data: { values: known },
      mark: { type: 'point', filled: true, opacity: 1, stroke: 'white', strokeWidth: 1.5 },
      encoding: {
        x: x('mean'),
        y: y('row'),
        fill: colour,
        shape: { field: 'shape', type: 'nominal', scale: null },
        size: { field: 'size', type: 'quantitative', scale: null },
      },
    },
  ];
  return { width, height: height + padding.bottom, padding, layer };
}

function referenceLine(reference: number, x: (field: string) => object): object {
  return {
    data: { values: [{ reference }] },
    mark: { type: 'rule', color: ink.muted, strokeWidth: 1.5, strokeDash: [4, 3] },
    encoding: { x: x('reference') },
  };
}
