/** How a number is distributed, as columns that are buttons: pressing one chooses its range, pressing again lets go. */
import { Group, Stack, Text, UnstyledButton } from '@mantine/core';
import classes from './bars.module.css';
import { countOf, measureText } from './quantity.ts';

export interface HistogramBarsProps {
  readonly title: string;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
  readonly missing: number;
  readonly onChoose: (from: number, to: number) => void;
  /** Lets go of a range that was chosen; undefined if none is. */
  readonly onClear?: (() => void) | undefined;
}

export function HistogramBars({ counts, max, min, missing, onChoose, onClear, title, unit }: HistogramBarsProps) {
  const most = Math.max(1, ...counts);
  const width = (max - min) / Math.max(1, counts.length);
  const shown = min === max ? counts.slice(0, 1) : counts;
  const text = (value: number) => measureText(value, unit) ?? '';
  return (
    <Stack gap={4} role="group" aria-label={title}>
      <Group justify="space-between" wrap="nowrap">
        <Text fw={600} size="sm">
          {title}
        </Text>
        {onClear && (
          <UnstyledButton className={classes['clear'] ?? ''} onClick={onClear} aria-label={`${title}: any`}>
            Clear
          </UnstyledButton>
        )}
      </Group>
      {counts.length === 0 ? (
        <Text size="sm" c="dimmed">
          No values
        </Text>
      ) : (
        <>
          <div className={classes['columns']}>
            {shown.map((count, at) => {
              const [from, to] = [min + at * width, min === max ? max : min + (at + 1) * width];
              const range = min === max ? text(min) : `${text(from)} to ${text(to)}`;
              return (
                <UnstyledButton
                  key={from}
                  className={classes['column'] ?? ''}
                  disabled={count === 0}
                  aria-label={`${range}: ${countOf(count, 'series', 'series')}`}
                  title={`${range}: ${countOf(count, 'series', 'series')}`}
                  onClick={() => onChoose(from, to)}
                >
                  <span style={{ height: `${(100 * count) / most}%` }} />
                </UnstyledButton>
              );
            })}
          </div>
          <Group justify="space-between">
            <Text size="xs">{text(min)}</Text>
            {max !== min && <Text size="xs">{text(max)}</Text>}
          </Group>
        </>
      )}
      {missing > 0 && (
        <Text size="xs" c="dimmed">
          {countOf(missing, 'series', 'series')} without a value
        </Text>
      )}
    </Stack>
  );
}
