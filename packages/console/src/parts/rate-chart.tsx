/** Something per minute over the last hour, by uPlot. */
import { useMantineTheme, VisuallyHidden } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const height = 180;

export interface RateChartProps {
  /** When the last minute began. */
  readonly minuteMs: number;
  /** A minute each, the oldest first. */
  readonly counts: readonly number[];
  /** For those who do not see it. */
  readonly summary: string;
}

export function RateChart({ counts, minuteMs, summary }: RateChartProps) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const { colors } = useMantineTheme();
  const blue = colors['blue']![6];
  useEffect(() => {
    if (place.current === null || width === 0) return;
    const chart = new uPlot(optionsOf(width, blue), [[], []], place.current);
    plot.current = chart;
    return () => chart.destroy();
  }, [width, blue]);
  useEffect(() => {
    if (width === 0) return;
    const times = counts.map((_, at) => minuteMs / 1000 - 60 * (counts.length - 1 - at));
    plot.current?.setData([times, [...counts]]);
  }, [counts, minuteMs, width]);
  return (
    <div ref={ref}>
      <div ref={place} style={{ height }} aria-hidden />
      <VisuallyHidden>{summary}</VisuallyHidden>
    </div>
  );
}

/** Text and lines in grey that is read on light and dark. */
const grey = '#868e96';

function optionsOf(width: number, colour: string): uPlot.Options {
  const axis = { stroke: grey, grid: { stroke: '#868e9633', width: 1 }, ticks: { show: false } };
  return {
    ...{ width, height, legend: { show: false }, cursor: { show: false } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(5, max * 1.1)] } },
    axes: [
      { ...axis, values: (_plot, splits) => splits.map((at) => clockText.format(at * 1000)) },
      { ...axis, size: 56 },
    ],
    series: [
      {},
      { stroke: colour, fill: `${colour}33`, paths: uPlot.paths.bars!({ size: [0.8, 40] }), points: { show: false } },
    ],
  };
}

const clockText = new Intl.DateTimeFormat('sv', { timeStyle: 'short' });
