/** How far each two sites are apart, by several measures: a row for each pair, a mark for each measure. */
import { ink } from '../palette.ts';
import { type ChartSpec, ticksWithin } from './chart.ts';

export interface PairChart {
  /** With its unit. */
  readonly axisTitle: string;
  /** The first is drawn hollow: how it is now. */
  readonly measures: readonly string[];
  /** The farthest apart first. */
  readonly pairs: readonly {
    readonly name: string;
    /** Of each measure. */
    readonly values: readonly number[];
    /** Up to here by chance; drawn as a stroke. */
    readonly chance: number | null;
  }[];
}

const rowHeight = 26;
const legendHeight = 22;
/** Told apart by shape and filling, not by colour alone. */
const marks = [
  { shape: 'circle', colour: ink.muted, isFilled: false },
  { shape: 'circle', colour: '#0072b2', isFilled: true },
  { shape: 'diamond', colour: '#d55e00', isFilled: true },
] as const;

export function pairSpec({ axisTitle, measures, pairs }: PairChart, width: number): ChartSpec {
  const hasChance = pairs.some(({ chance }) => chance !== null);
  const legend = [
    ...measures.map((text, at) => ({ text, ...marks[at % marks.length]! })),
    ...(hasChance ? [null] : []),
  ];
  const left = 24 + 7 * Math.max(...pairs.map(({ name }) => name.length), 4);
  const [top, height] = [legend.length * legendHeight + 14, pairs.length * rowHeight];
  const most = Math.max(
    ...pairs.flatMap(({ chance, values }) => [...values, chance ?? 0]).filter(Number.isFinite),
    1e-3,
  );
  const domain: readonly [number, number] = [0, most * 1.04];
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { domain, nice: false, zero: true },
    axis: { values: ticksWithin(domain, 6), title: axisTitle, format: '.2~f', grid: true },
  };
  const y = {
    field: 'at',
    type: 'quantitative',
    scale: { domain: [height, 0], nice: false, zero: false },
    axis: null,
  };
  const rows = pairs.map(({ chance, name, values }, index) => {
    const finite = values.filter(Number.isFinite);
    return {
      name,
      values,
      chance,
      at: (index + 0.5) * rowHeight,
      value: Math.min(...finite),
      end: Math.max(...finite),
    };
  });
  const ofMeasure = (measure: number) =>
    rows.flatMap(({ at, values }) => (Number.isFinite(values[measure]) ? [{ at, value: values[measure]! }] : []));
  const layer = [
    {
      data: { values: rows },
      mark: { type: 'rule', color: ink.rule, strokeWidth: 3 },
      encoding: { x, x2: { field: 'end' }, y },
    },
    {
      data: { values: rows.flatMap(({ at, chance }) => (chance === null ? [] : [{ at, value: chance }])) },
      mark: { type: 'tick', orient: 'vertical', color: ink.text, thickness: 2, size: 16 },
      encoding: { x, y },
    },
    ...measures
      .map((_, measure) => ({ measure, ...marks[measure % marks.length]! }))
      .map(({ measure, ...look }) => ({
        data: { values: ofMeasure(measure) },
        mark: pointOf(look),
        encoding: { x, y },
      })),
    {
      data: { values: rows },
      mark: { type: 'text', x: -10, align: 'right', fontSize: 12, color: ink.text },
      encoding: { y, text: { field: 'name' } },
    },
    ...legend.flatMap((entry, index) => legendEntry(entry, { x: 20 - left, y: index * legendHeight + 14 - top })),
  ];
  return { width, height: height + top + 48, padding: { left, right: 18, top, bottom: 48 }, layer };
}

function pointOf({ colour, isFilled, shape }: { shape: string; colour: string; isFilled: boolean }): object {
  const ring = isFilled ? { fill: colour, stroke: 'white' } : { fill: 'white', stroke: colour };
  return { type: 'point', shape, size: 110, strokeWidth: isFilled ? 1 : 2.5, opacity: 1, ...ring };
}

function legendEntry(
  entry: { readonly text: string; shape: string; colour: string; isFilled: boolean } | null,
  at: { readonly x: number; readonly y: number },
): object[] {
  const text = entry?.text ?? 'Up to here chance alone explains it (95 in 100)';
  const symbol =
    entry === null
      ? { type: 'tick', orient: 'vertical', color: ink.text, thickness: 2, size: 16, ...at }
      : { ...pointOf(entry), ...at };
  return [
    { data: { values: [{}] }, mark: symbol },
    {
      data: { values: [{ text }] },
      mark: { type: 'text', align: 'left', fontSize: 12, color: ink.text, x: at.x + 14, y: at.y },
      encoding: { text: { field: 'text' } },
    },
  ];
}
