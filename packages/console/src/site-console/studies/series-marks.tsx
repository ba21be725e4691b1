/** What is worth knowing of a series at a glance. */
import type { SeriesEntry } from '@consilium/archive/api';
import { Badge } from '@mantine/core';
import { isSynthetic, stateWords } from '../series-words.ts';

export interface SeriesMarksProps {
  readonly series: SeriesEntry;
  /** Where more is known than the list says. */
  readonly isSynthetic?: boolean;
  /** Only what is wrong. */
  readonly areFew?: boolean;
  /** Default: yes. */
  readonly hasPhase?: boolean;
}

export function SeriesMarks({ areFew = false, hasPhase = true, isSynthetic: isMadeUp, series }: SeriesMarksProps) {
  const { duplicateOf, failedCount, findingCount, labelCount, phase, state } = series;
  const marks: readonly (readonly [string, string, boolean])[] = [
    ['synthetic', 'grape.9', !areFew && (isMadeUp ?? isSynthetic(series))],
    [phase ?? '', 'blue.9', hasPhase && !areFew && phase !== undefined],
    [labelCount === 1 ? 'segmented' : `${labelCount} segmentations`, 'teal.9', !areFew && labelCount > 0],
    ['duplicate', 'gray.7', duplicateOf !== undefined],
    ['failed', 'red.9', failedCount > 0],
    [findingCount === 1 ? '1 finding' : `${findingCount} findings`, 'orange.9', findingCount > 0 && failedCount === 0],
    [stateWords[state], 'gray.7', state !== 'described'],
  ];
  return marks
    .filter(([, , isShown]) => isShown)
    .map(([text, color]) => (
      <Badge key={text} color={color} size="sm" tt="none" style={{ flex: 'none' }}>
        {text}
      </Badge>
    ));
}
