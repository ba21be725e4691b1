/** A learning curve: measured points, the fitted law with its band, and beyond what was measured dashed and said. */
import type { LearningCurve } from '../learning/learning-curve.ts';
import { armColours, ink } from '../palette.ts';
import { type ChartSpec, valueAxis } from './chart.ts';

type FittedCurve = Extract<LearningCurve, { kind: 'fitted' }>;

export interface LearningChart {
  /** What is scored: "Mean Dice on the test patients". */
  readonly axisTitle: string;
  readonly curve: FittedCurve;
  readonly domain: readonly [number, number];
}

const colour = armColours.federated;
const roundNumbers = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] as const;

export function learningSpec({ axisTitle, curve, domain }: LearningChart, width: number): ChartSpec {
  const { points, measured } = curve;
  const extent: [number, number] = [points[0]!.studies, points.at(-1)!.studies];
  const last = measured.at(-1)!.studies;
  const x = {
    field: 'studies',
    type: 'quantitative',
    scale: { type: 'log', domain: extent, nice: false },
    axis: {
      values: roundNumbers.filter((number) => number >= extent[0] && number <= extent[1]),
      title: 'Training studies of each site',
      format: 'd',
      grid: false,
    },
  };
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain, nice: false, zero: false, clamp: true },
    axis: valueAxis(domain, axisTitle),
  });
  const data = (some: readonly object[]) => ({ values: some });
  const within = points.filter(({ extrapolated }) => !extrapolated);
  const beyond = points.filter(({ studies }) => studies >= last);
  const line = { type: 'line', color: colour, strokeWidth: 2.5 };
  const band = { type: 'area', color: colour };
  const layer = [
    { data: data(within), mark: { ...band, opacity: 0.18 }, encoding: { x, y: y('low'), y2: { field: 'high' } } },
    { data: data(beyond), mark: { ...band, opacity: 0.08 }, encoding: { x, y: y('low'), y2: { field: 'high' } } },
    { data: data(within), mark: line, encoding: { x, y: y('mean') } },
    { data: data(beyond), mark: { ...line, strokeDash: [6, 5] }, encoding: { x, y: y('mean') } },
    {
      data: data([{ studies: last }]),
      mark: { type: 'rule', color: ink.muted, strokeWidth: 1, strokeDash: [2, 3], y: -4, y2: 'height' },
      encoding: { x },
    },
    {
      data: data([{ studies: last, label: 'extrapolated →' }]),
      mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, y: -4, fontSize: 12, color: ink.muted },
      encoding: { x, text: { field: 'label' } },
    },
    {
      data: data(measured),
      mark: { type: 'point', filled: true, size: 60, opacity: 1, color: colour, stroke: 'white', strokeWidth: 1 },
      encoding: { x, y: y('mean') },
    },
  ];
  return { width, height: 270, padding: { left: 54, right: 14, top: 24, bottom: 46 }, layer };
}
