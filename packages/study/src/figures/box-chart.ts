/** Box plots side by side with every single value on top of them. */
import type { Markup } from '../markup.ts';
import { ink } from '../palette.ts';
import { spreadOf } from '../spread.ts';
import { type ChartSpec, responsiveChart, ticksWithin } from './chart.ts';

interface Box {
  /** One or two lines below the box. */
  readonly name: readonly string[];
  readonly values: readonly number[];
  readonly colour: string;
}

export interface BoxChart {
  readonly alternative: string;
  readonly boxes: readonly Box[];
  readonly domain: readonly [number, number];
}

export function boxChart(chart: BoxChart): Promise<Markup> {
  return responsiveChart(chart.alternative, (width) => specOf(chart, width), { wide: 330, narrow: 340 });
}

function specOf({ boxes, domain }: BoxChart, width: number): ChartSpec {
  const padding = { left: 36, right: 6, top: 8, bottom: 44 };
  const slot = (width - padding.left - padding.right) / boxes.length;
  const half = Math.min(19, slot * 0.3);
  const summaries = boxes.flatMap((box, index) => {
    const spread = spreadOf(box.values);
    const at = (index + 0.5) * slot;
    return spread === undefined ? [] : [{ ...spread, at, left: at - half, right: at + half, colour: box.colour }];
  });
  const points = boxes.flatMap((box, index) => {
    const defined = box.values.filter((value) => !Number.isNaN(value));
    return defined.map((value, order) => ({
      value,
      at: (index + 0.5) * slot + half * 1.1 * jitter(order, defined.length),
      colour: box.colour,
    }));
  });
  const x = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain: [0, slot * boxes.length], nice: false, zero: false },
    axis: null,
  });
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: { values: ticksWithin(domain, 5), title: null, format: '.2~f', ticks: false, domain: false },
  });
  const colour = { field: 'colour', type: 'nominal', scale: null };
  const rule = { type: 'rule', strokeWidth: 1.5 };
  const data = { values: summaries };
  const layer = [
    { data, mark: rule, encoding: { x: x('at'), y: y('lowerWhisker'), y2: { field: 'lowerQuartile' }, color: colour } },
    { data, mark: rule, encoding: { x: x('at'), y: y('upperQuartile'), y2: { field: 'upperWhisker' }, color: colour } },
    {
      data,
      mark: { type: 'rect', fillOpacity: 0.16, strokeWidth: 1.5 },
      encoding: {
        x: x('left'),
        x2: { field: 'right' },
        y: y('lowerQuartile'),
        y2: { field: 'upperQuartile' },
        fill: colour,
        stroke: colour,
      },
    },
    {
      data,
      mark: { type: 'rule', strokeWidth: 3 },
      encoding: { x: x('left'), x2: { field: 'right' }, y: y('median'), color: colour },
    },
    {
      data: { values: points },
      mark: { type: 'point', filled: true, size: 22, opacity: 0.75, stroke: 'white', strokeWidth: 0.5 },
      encoding: { x: x('at'), y: y('value'), fill: colour },
    },
    nameLayer(boxes, slot, x),
  ];
  return { width, height: 230, padding, layer };
}

function nameLayer(boxes: readonly Box[], slot: number, x: (field: string) => object): object {
  return {
    data: { values: boxes.map((box, index) => ({ at: (index + 0.5) * slot, name: box.name.join('\n') })) },
    mark: { type: 'text', y: 192, fontSize: 12, lineBreak: '\n', lineHeight: 15, color: ink.text },
    encoding: { x: x('at'), text: { field: 'name' } },
  };
}

/** Spreads points sideways evenly and without chance; -1 .. 1. */
function jitter(order: number, count: number): number {
  return count === 1 ? 0 : (((order * 0.618_034) % 1) - 0.5) * 1.6;
}
