/** Subjects, their studies, their series: opened and closed, walked through with the arrow keys. */
import type { SeriesEntry } from '@consilium/archive/api';
import { Badge, Group, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { countOf, dicomDateText } from '../../parts/quantity.ts';
import { seriesTitle } from '../series-words.ts';
import { SeriesMarks } from './series-marks.tsx';
import classes from './studies.module.css';

export interface StudyTreeProps {
  readonly series: readonly SeriesEntry[];
  readonly chosen: string | undefined;
  readonly onOpen: (seriesInstanceUid: string) => void;
  /** Beside what is looked at there is no room for marks. */
  readonly isNarrow: boolean;
}

/** Two arrays of groups in the order in which they come. */
function groupsOf(series: readonly SeriesEntry[], key: (one: SeriesEntry) => string) {
  return [...Map.groupBy(series, key)];
}

export function StudyTree({ chosen, isNarrow, onOpen, series }: StudyTreeProps) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const root = useRef<HTMLUListElement>(null);
  const toggle = (id: string, isClosed = !closed.has(id)) => {
    const next = new Set(closed);
    if (isClosed) next.add(id);
    else next.delete(id);
    setClosed(next);
  };
  const walk = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || root.current === null) return;
    const rows = [...root.current.querySelectorAll<HTMLElement>('[data-row]')];
    const next = rows[rows.indexOf(document.activeElement as HTMLElement) + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  const branch = (id: string) => ({
    'data-row': true,
    'aria-expanded': !closed.has(id),
    className: classes['row'] ?? '',
    onClick: () => toggle(id),
    onKeyDown: ({ key }: KeyboardEvent) => {
      if (key === 'ArrowRight') toggle(id, false);
      if (key === 'ArrowLeft') toggle(id, true);
    },
  });
  return (
    <ul className={classes['tree']} ref={root} onKeyDown={walk} aria-label="Subjects, studies and series">
      {groupsOf(series, ({ patientId }) => patientId).map(([patientId, ofPatient]) => (
        <li key={patientId}>
          <UnstyledButton {...branch(patientId)}>
            <Arrow isOpen={!closed.has(patientId)} />
            <Text component="span" fw={600} size="sm">
              {patientId}
            </Text>
            <Text component="span" size="sm" c="dimmed">
              {countOf(ofPatient.length, 'series', 'series')}
            </Text>
          </UnstyledButton>
          {!closed.has(patientId) && (
            <ul>
              {groupsOf(ofPatient, ({ studyInstanceUid }) => studyInstanceUid).map(([uid, ofStudy]) => (
                <li key={uid}>
                  <Group gap={0} wrap="nowrap">
                    <UnstyledButton {...branch(uid)}>
                      <Arrow isOpen={!closed.has(uid)} />
                      <Text component="span" size="sm">
                        Study {dicomDateText(ofStudy[0]!.studyDate) ?? 'without a date'}
                      </Text>
                    </UnstyledButton>
                    <Link
                      href={`/studies/study/${uid}`}
                      className={classes['aside']}
                      aria-label={`About the study of ${patientId}`}
                    >
                      About
                    </Link>
                  </Group>
                  {!closed.has(uid) && (
                    <ul>
                      {ofStudy.map((one) => (
                        <li key={one.seriesInstanceUid}>
                          <Leaf {...{ isNarrow, onOpen }} series={one} isChosen={one.seriesInstanceUid === chosen} />
                        </li>
                      ))}
                    </ul>
                  )}
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}

interface LeafProps extends Pick<StudyTreeProps, 'isNarrow' | 'onOpen'> {
  readonly series: SeriesEntry;
  readonly isChosen: boolean;
}

function Leaf({ isChosen, isNarrow, onOpen, series }: LeafProps) {
  const isSmall = useMediaQuery('(max-width: 48em)') ?? false;
  const row = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isChosen) row.current?.scrollIntoView({ block: 'nearest' });
  }, [isChosen]);
  return (
    <UnstyledButton
      className={classes['row'] ?? ''}
      ref={row}
      data-row
      data-chosen={isChosen || undefined}
      {...(isChosen ? { 'aria-current': true } : {})}
      onClick={() => onOpen(series.seriesInstanceUid)}
    >
      <Badge variant="default" size="sm" w={46} style={{ flex: 'none' }}>
        {series.modality ?? '?'}
      </Badge>
      <Text component="span" size="sm" truncate title={seriesTitle(series)}>
        {seriesTitle(series)}
      </Text>
      <Group gap={4} wrap="nowrap" style={{ flex: 'none' }}>
        <SeriesMarks series={series} areFew={isNarrow || isSmall} />
      </Group>
    </UnstyledButton>
  );
}

function Arrow({ isOpen }: { isOpen: boolean }) {
  return (
    <span aria-hidden className={classes['arrow']} data-open={isOpen || undefined}>
      ▸
    </span>
  );
}
