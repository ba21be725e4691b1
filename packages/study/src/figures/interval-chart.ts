/** Estimates with their intervals, one row each: name and numbers above, point and whisker below. */
import type { Estimate } from '../bootstrap.ts';
import type { Markup } from '../markup.ts';
import { ink } from '../palette.ts';
import { type ChartSpec, responsiveChart, ticksWithin } from './chart.ts';

export interface IntervalRow {
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
  readonly format?: string;
}

const rowHeight = 46;

export function intervalChart(chart: IntervalChart): Promise<Markup> {
  return responsiveChart(chart.alternative, (width) => specOf(chart, width));
}

function specOf({ rows, domain, reference, axisTitle, format }: IntervalChart, width: number): ChartSpec {
  const values = rows.map(({ name, estimate, numbers, colour, shape }, index) => ({
    row: index * rowHeight + 33,
    text: index * rowHeight + 14,
    name,
    numbers,
    colour,
    shape,
    mean: estimate.cases === 0 ? null : estimate.mean,
    low: estimate.low,
    high: estimate.high,
  }));
  const height = rows.length * rowHeight;
  const padding = { left: 10, right: 10, top: 0, bottom: 44 };
  const x = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: {
      values: ticksWithin(domain, width > 400 ? 8 : 5),
      title: axisTitle,
      format: format ?? '.2~f',
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
  const known = [{ filter: 'isValid(datum.mean)' }];
  const line = reference === undefined ? [] : [referenceLine(reference, x)];
  const layer = [
    ...line,
    {
      data: { values },
      transform: known,
      mark: { type: 'rule', strokeWidth: 3, strokeCap: 'round' },
      encoding: { x: x('low'), x2: { field: 'high' }, y: y('row'), color: colour },
    },
    {
      data: { values },
      transform: known,
      mark: { type: 'point', filled: true, size: 130, opacity: 1, stroke: 'white', strokeWidth: 1.5 },
      encoding: { x: x('mean'), y: y('row'), fill: colour, shape: { field: 'shape', type: 'nominal', scale: null } },
    },
    {
      data: { values },
      mark: { type: 'text', align: 'left', fontSize: 13, fontWeight: 600, color: ink.text, x: 0 },
      encoding: { y: y('text'), text: { field: 'name' } },
    },
    {
      data: { values },
      mark: { type: 'text', align: 'right', fontSize: 13, color: ink.text, x: width - padding.left - padding.right },
      encoding: { y: y('text'), text: { field: 'numbers' } },
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
