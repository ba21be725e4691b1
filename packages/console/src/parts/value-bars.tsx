/** How often each value of a field occurs, as buttons with bars: pressing one chooses the value. */
import { Button, Group, Stack, Text, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import classes from './bars.module.css';
import { countOf, wholeNumber } from './quantity.ts';

interface BarValue {
  /** As it is chosen by. */
  readonly key: string;
  readonly label: string;
  readonly count: number;
}

export interface ValueBarsProps {
  readonly title: string;
  readonly values: readonly BarValue[];
  readonly chosen: ReadonlySet<string>;
  readonly onToggle: (key: string) => void;
  readonly noun?: string;
}

const shownFirst = 6;

export function ValueBars({ chosen, noun = 'series', onToggle, title, values }: ValueBarsProps) {
  const [showsAll, setShowsAll] = useState(false);
  const most = Math.max(1, ...values.map(({ count }) => count));
  const shown = showsAll ? values : values.filter(({ key }, at) => at < shownFirst || chosen.has(key));
  return (
    <Stack gap={4} role="group" aria-label={title}>
      <Text fw={600} size="sm">
        {title}
      </Text>
      {values.length === 0 && (
        <Text size="sm" c="dimmed">
          No values
        </Text>
      )}
      {shown.map(({ count, key, label }) => (
        <UnstyledButton
          key={key}
          className={classes['bar']}
          aria-pressed={chosen.has(key)}
          aria-label={`${label}: ${countOf(count, noun, 'series')}`}
          onClick={() => onToggle(key)}
        >
          <span className={classes['fill']} style={{ width: `${(100 * count) / most}%` }} />
          <Group justify="space-between" wrap="nowrap" gap="xs" className={classes['words'] ?? ''}>
            <Text size="sm" truncate component="span" title={label}>
              {label}
            </Text>
            <Text size="sm" component="span">
              {wholeNumber(count)}
            </Text>
          </Group>
        </UnstyledButton>
      ))}
      {values.length > shownFirst && (
        <Button size="compact-xs" variant="subtle" onClick={() => setShowsAll(!showsAll)} aria-expanded={showsAll}>
          {showsAll ? 'Fewer' : `All ${values.length}`}
        </Button>
      )}
    </Stack>
  );
}
