/** A reliability diagram: what models say against how often they are right; the diagonal is where the two agree. */
import { ink } from '../palette.ts';
import type { ReliabilityPoint } from '../reliability.ts';
import type { ChartSpec } from './chart.ts';

export interface ReliabilityChart {
  /** Told apart by colour and shape; named above the picture. */
  readonly models: readonly {
    readonly name: string;
    readonly points: readonly ReliabilityPoint[];
    readonly colour: string;
    /** A Vega symbol. */
    readonly shape: string;
  }[];
}

const lineHeight = 18;
const plotHeightMax = 340;
const values = [0.2, 0.4, 0.6, 0.8, 1];

export function reliabilitySpec({ models }: ReliabilityChart, width: number): ChartSpec {
  const padding = { left: 58, right: 18, top: 12 + lineHeight * models.length, bottom: 46 };
  const plot = Math.min(plotHeightMax, width - padding.left - padding.right);
  const share = { type: 'quantitative', scale: { domain: [0, 1], nice: false } } as const;
  const axis = { values, format: '.0%', ticks: false, domain: false };
  const x = { ...share, field: 'said', axis: { ...axis, title: 'The model says' } };
  const y = {
    ...share,
    field: 'right',
    axis: { ...axis, values: [0, ...values], title: 'It is right in', titleX: -44 },
  };
  const diagonal = { said: 0, right: 0, saidEnd: 1, rightEnd: 1 };
  const layer = [
    {
      data: { values: [diagonal] },
      mark: { type: 'rule', color: ink.muted, strokeWidth: 1, strokeDash: [5, 4] },
      encoding: { x, y, x2: { field: 'saidEnd' }, y2: { field: 'rightEnd' } },
    },
    ...models.flatMap((model, index) => modelLayers(model, -lineHeight * (models.length - index), x, y)),
  ];
  return { width, height: plot + padding.top + padding.bottom, padding, layer };
}

function modelLayers(
  { colour, name, points, shape }: ReliabilityChart['models'][number],
  nameY: number,
  x: object,
  y: object,
): object[] {
  const symbol = {
    type: 'point',
    shape,
    filled: true,
    size: 70,
    opacity: 1,
    color: colour,
    stroke: 'white',
    strokeWidth: 1,
  };
  return [
    { data: { values: points }, mark: { type: 'line', color: colour, strokeWidth: 2 }, encoding: { x, y } },
    { data: { values: points }, mark: symbol, encoding: { x, y } },
    { data: { values: [{}] }, mark: { ...symbol, x: 6, y: nameY } },
    {
      data: { values: [{ name }] },
      mark: { type: 'text', x: 18, y: nameY, align: 'left', baseline: 'middle', fontSize: 12, color: ink.text },
      encoding: { text: { field: 'name' } },
    },
  ];
}
