/** Lines over whole numbers, a round each say: every line is told apart by colour and dashes, and its numbers can be read. */
import { Group, Table, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useState } from 'react';
import classes from './line-chart.module.css';

export interface ChartLine {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Drawn thick, in the colour of text: what the others are read against. */
  readonly isMain?: boolean;
}

export interface LineChartProps {
  /** What is shown, for those who do not see it. */
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly xTitle: string;
  /** As far as x may come. */
  readonly xMax: number;
  /** Bounds of the values; left out, those of the numbers. */
  readonly range?: readonly [number, number];
  readonly digits?: number;
}

const height = 240;
const margin = { left: 48, right: 14, top: 10, bottom: 34 };
const dashes = ['', '7 4', '2 4', '9 3 2 3'];
const colours = 6;

export function LineChart({ digits = 3, lines, range, title, xMax, xTitle }: LineChartProps) {
  const { ref, width } = useElementSize();
  const [low, high] = range ?? rangeOf(lines);
  const last = Math.max(2, xMax);
  const xOf = (x: number) => margin.left + ((x - 1) / (last - 1)) * (width - margin.left - margin.right);
  const yOf = (y: number) => margin.top + (1 - (y - low) / (high - low)) * (height - margin.top - margin.bottom);
  return (
    <div ref={ref}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={summaryOf(title, lines, digits)}
        className={classes['chart']}
      >
        {width > 0 && (
          <>
            {ticksOf(low, high).map((tick) => (
              <g key={tick}>
                <line
                  className={classes['grid']}
                  x1={margin.left}
                  x2={width - margin.right}
                  y1={yOf(tick)}
                  y2={yOf(tick)}
                />
                <text x={margin.left - 6} y={yOf(tick) + 4} textAnchor="end">
                  {Number(tick.toPrecision(3))}
                </text>
              </g>
            ))}
            {roundsOf(last, width).map((x) => (
              <text key={x} x={xOf(x)} y={height - margin.bottom + 16} textAnchor="middle">
                {x}
              </text>
            ))}
            <text x={(margin.left + width) / 2} y={height - 2} textAnchor="middle">
              {xTitle}
            </text>
            {lines.map((line, index) => (
              <g
                key={line.name}
                className={classOf(line, index)}
                data-line={line.name}
                data-points={line.points.length}
              >
                <path
                  d={line.points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${xOf(x)} ${yOf(y)}`).join('')}
                  strokeDasharray={dashOf(line, index)}
                />
                {line.points.map(({ x, y }) => (
                  <circle key={x} cx={xOf(x)} cy={yOf(y)} r={line.isMain ? 3 : 2.2} />
                ))}
              </g>
            ))}
          </>
        )}
      </svg>
      <Group gap="md" aria-hidden>
        {lines.map((line, index) => (
          <Group key={line.name} gap={6} wrap="nowrap">
            <svg width={28} height={8} className={classes['chart']} aria-hidden>
              <g className={classOf(line, index)}>
                <path d="M0 4L28 4" strokeDasharray={dashOf(line, index)} />
              </g>
            </svg>
            <Text size="sm">{line.name}</Text>
          </Group>
        ))}
      </Group>
      <Numbers title={title} lines={lines} xTitle={xTitle} digits={digits} />
    </div>
  );
}

function classOf({ isMain }: ChartLine, index: number): string {
  return `${classes['line']} ${isMain ? classes['main'] : classes[`colour${index % colours}`]}`;
}

function dashOf({ isMain }: ChartLine, index: number): string {
  return isMain ? '' : dashes[Math.floor(index / colours) % dashes.length]!;
}

/** A table that is made when it is opened: of a long job it is large. */
function Numbers({
  digits,
  lines,
  title,
  xTitle,
}: Required<Pick<LineChartProps, 'title' | 'lines' | 'xTitle' | 'digits'>>) {
  const [isOpen, setOpen] = useState(false);
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].sort((one, other) => one - other);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary className={classes['summary']}>The numbers</summary>
      {isOpen && (
        <Table.ScrollContainer minWidth={lines.length * 90}>
          <Table fz="sm" verticalSpacing={2} aria-label={`${title}: the numbers`}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{xTitle}</Table.Th>
                {lines.map(({ name }) => (
                  <Table.Th key={name}>{name}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {xs.map((x) => (
                <Table.Tr key={x}>
                  <Table.Th scope="row">{x}</Table.Th>
                  {lines.map(({ name, points }) => (
                    <Table.Td key={name}>{points.find((point) => point.x === x)?.y.toFixed(digits) ?? '–'}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </details>
  );
}

function summaryOf(title: string, lines: readonly ChartLine[], digits: number): string {
  const ends = lines.flatMap(({ name, points }) => {
    const last = points.at(-1);
    return last === undefined ? [] : [`${name} ${last.y.toFixed(digits)}`];
  });
  return ends.length === 0 ? `${title}: no values yet.` : `${title}. Last values: ${ends.join(', ')}.`;
}

function rangeOf(lines: readonly ChartLine[]): readonly [number, number] {
  const values = lines.flatMap(({ points }) => points.map(({ y }) => y));
  if (values.length === 0) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high === low ? Math.abs(high) * 0.1 + 0.1 : (high - low) * 0.08;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}

function ticksOf(low: number, high: number): readonly number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

function roundsOf(last: number, width: number): readonly number[] {
  const step = Math.max(1, Math.ceil((last * 36) / Math.max(width, 36)));
  return Array.from({ length: last }, (_, index) => index + 1).filter((x) => x === 1 || x % step === 0);
}
