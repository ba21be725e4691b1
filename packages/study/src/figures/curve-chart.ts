/** Values a round: one emphasised line, thin lines behind it, and marks at rounds that matter. */
import type { Markup } from '../markup.ts';
import { armColours, ink } from '../palette.ts';
import { type ChartSpec, responsiveChart, ticksWithin, valueAxis } from './chart.ts';

export interface Curve {
  readonly id: string;
  /** Round (from 1) and value; rounds without a value are left out. */
  readonly points: readonly { readonly round: number; readonly value: number }[];
  readonly colour: string;
  readonly emphasised: boolean;
}

export interface CurveChart {
  readonly alternative: string;
  readonly axisTitle: string;
  readonly curves: readonly Curve[];
  readonly domain: readonly [number, number];
  readonly roundsMax: number;
  readonly marks?: readonly {
    readonly round: number;
    readonly value: number;
    readonly label: string;
    readonly filled: boolean;
  }[];
}

const markColour = armColours.federated;

export function curveChart(chart: CurveChart): Promise<Markup> {
  return responsiveChart(chart.alternative, (width) => specOf(chart, width));
}

function specOf({ axisTitle, curves, domain, roundsMax, marks = [] }: CurveChart, width: number): ChartSpec {
  const values = curves.flatMap(({ id, points, colour, emphasised }) =>
    points.map(({ round, value }) => ({ id, round, value, colour, width: emphasised ? 3 : 1.25 })),
  );
  const padding = { left: 54, right: 14, top: 10 + 18 * marks.length, bottom: 46 };
  const rounds: [number, number] = roundsMax > 1 ? [1, roundsMax] : [0.5, 1.5];
  const x = {
    field: 'round',
    type: 'quantitative',
    scale: { domain: rounds, nice: false, zero: false },
    axis: { values: ticksWithin(rounds, 10).filter(Number.isInteger), title: 'Round', format: 'd', grid: false },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: valueAxis(domain, axisTitle),
  };
  const line = (emphasised: boolean): object => ({
    data: { values: values.filter((value) => value.width > 2 === emphasised) },
    mark: { type: 'line', strokeWidth: emphasised ? 3 : 1.25, strokeJoin: 'round', opacity: emphasised ? 1 : 0.55 },
    encoding: {
      x,
      y,
      detail: { field: 'id', type: 'nominal' },
      color: { field: 'colour', type: 'nominal', scale: null },
    },
  });
  const lonely = values.filter(({ id }) => values.filter((value) => value.id === id).length === 1);
  const layer = [
    line(false),
    line(true),
    {
      data: { values: lonely },
      mark: { type: 'point', filled: true, size: 50, opacity: 1 },
      encoding: { x, y, color: { field: 'colour', type: 'nominal', scale: null } },
    },
    ...marks.flatMap((mark, index) => markLayers(mark, -6 - 18 * index, x, y, rounds)),
  ];
  return { width, height: 270, padding, layer };
}

function markLayers(
  mark: NonNullable<CurveChart['marks']>[number],
  labelY: number,
  x: object,
  y: object,
  [first, last]: readonly [number, number],
): object[] {
  const share = (mark.round - first) / (last - first);
  const align = share > 0.66 ? 'right' : share < 0.33 ? 'left' : 'center';
  const data = { values: [mark] };
  const [color, stroke] = mark.filled ? [markColour, 'white'] : ['white', markColour];
  return [
    {
      data,
      mark: { type: 'rule', color: ink.muted, strokeWidth: 1, strokeDash: [4, 3], y: labelY + 2, y2: 'height' },
      encoding: { x },
    },
    {
      data,
      mark: { type: 'point', filled: true, size: 110, opacity: 1, color, stroke, strokeWidth: 2 },
      encoding: { x, y },
    },
    {
      data,
      mark: { type: 'text', align, baseline: 'bottom', y: labelY, fontSize: 12, fontWeight: 600, color: ink.text },
      encoding: { x, text: { field: 'label' } },
    },
  ];
}
