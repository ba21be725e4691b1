/** A number for each two sites, as a table whose darkness says the same. */
import { heat, ink } from '../palette.ts';
import type { ChartSpec } from './chart.ts';

export interface MatrixChart {
  /** What the numbers are, with their unit. */
  readonly title: string;
  readonly names: readonly string[];
  /** `[row, column]`. */
  readonly values: readonly (readonly number[])[];
  readonly digits: number;
}

const cell = { width: 64, height: 34 };

export function matrixSpec({ digits, names, title, values }: MatrixChart): ChartSpec {
  const highest = Math.max(...values.flat().filter(Number.isFinite), 1e-12);
  const cells = values.flatMap((row, y) =>
    row.map((value, x) => {
      const { background, text } = heat(Number.isFinite(value) ? value / highest : 0);
      const shown = Number.isFinite(value) ? value.toFixed(digits) : '–';
      return { left: x * cell.width, top: y * cell.height, background, text, shown };
    }),
  );
  const plot = { width: names.length * cell.width, height: names.length * cell.height };
  const place = (field: string, domain: readonly [number, number]) => ({
    field,
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: null,
  });
  const across = (field: string) => place(field, [0, plot.width]);
  const down = (field: string) => place(field, [plot.height, 0]);
  const left = 20 + 7 * Math.max(...names.map(({ length }) => length), 4);
  const data = {
    values: cells.map((each) => ({ ...each, right: each.left + cell.width, bottom: each.top + cell.height })),
  };
  const colour = (field: string) => ({ field, type: 'nominal', scale: null });
  const layer = [
    {
      data,
      mark: { type: 'rect', stroke: 'white', strokeWidth: 2 },
      encoding: {
        x: across('left'),
        x2: { field: 'right' },
        y: down('top'),
        y2: { field: 'bottom' },
        fill: colour('background'),
      },
    },
    {
      data,
      mark: { type: 'text', fontSize: 13, dx: cell.width / 2, dy: cell.height / 2 },
      encoding: { x: across('left'), y: down('top'), text: { field: 'shown' }, color: colour('text') },
    },
    {
      data: { values: names.map((name, index) => ({ name, at: (index + 0.5) * cell.height })) },
      mark: { type: 'text', x: -10, align: 'right', fontSize: 12, color: ink.text },
      encoding: { y: down('at'), text: { field: 'name' } },
    },
    {
      data: { values: names.map((name, index) => ({ name, at: (index + 0.5) * cell.width })) },
      mark: { type: 'text', y: -10, align: 'center', fontSize: 12, color: ink.text },
      encoding: { x: across('at'), text: { field: 'name' } },
    },
    {
      data: { values: [{ title }] },
      mark: { type: 'text', x: -left + 8, y: -34, align: 'left', fontSize: 13, fontWeight: 600, color: ink.text },
      encoding: { text: { field: 'title' } },
    },
  ];
  return {
    width: Math.max(left + plot.width + 14, 40 + 7.5 * title.length),
    height: plot.height + 64,
    padding: { left, right: Math.max(14, 40 + 7.5 * title.length - left - plot.width), top: 54, bottom: 10 },
    layer,
  };
}
