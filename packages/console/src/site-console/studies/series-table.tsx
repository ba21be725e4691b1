/** Series in rows, sorted by any column. */
import type { SeriesEntry } from '@consilium/archive/api';
import { Group, Table, UnstyledButton } from '@mantine/core';
import { dicomDateText, measureText } from '../../parts/quantity.ts';
import { seriesTitle } from '../series-words.ts';
import { SeriesMarks } from './series-marks.tsx';
import classes from './studies.module.css';

export interface Sorting {
  /** A field of the search; undefined for the order of arrival. */
  readonly by: string | undefined;
  readonly descending: boolean;
}

interface Column {
  readonly title: string;
  readonly field: string;
  readonly isNumber?: boolean;
  readonly text: (series: SeriesEntry) => string | undefined;
}

const columns: readonly Column[] = [
  { title: 'Subject', field: 'subject', text: ({ patientId }) => patientId },
  { title: 'Date', field: 'studyDate', text: ({ studyDate }) => dicomDateText(studyDate) },
  { title: 'Kind', field: 'modality', text: ({ modality }) => modality },
  { title: 'Phase', field: 'phase', text: ({ phase }) => phase },
  { title: 'Vendor', field: 'vendor', text: ({ vendor }) => vendor },
  {
    ...{ title: 'Thickness', field: 'sliceThickness', isNumber: true },
    text: ({ sliceThicknessMm }) => measureText(sliceThicknessMm, 'mm'),
  },
  {
    ...{ title: 'Coverage', field: 'coverage', isNumber: true },
    text: ({ coverageMm }) => measureText(coverageMm, 'mm'),
  },
];
/** Beside what is looked at there is room for few. */
const narrowColumns = new Set(['Subject', 'Thickness']);

export interface SeriesTableProps {
  readonly series: readonly SeriesEntry[];
  readonly sorting: Sorting;
  readonly isNarrow: boolean;
  readonly chosen: string | undefined;
  readonly onSort: (sorting: Sorting) => void;
  readonly onOpen: (seriesInstanceUid: string) => void;
}

export function SeriesTable({ chosen, isNarrow, onOpen, onSort, series, sorting }: SeriesTableProps) {
  const shown = columns.filter(({ title }) => !isNarrow || narrowColumns.has(title));
  return (
    <Table.ScrollContainer minWidth={isNarrow ? 360 : 1000}>
      <Table verticalSpacing={2} fz="sm" highlightOnHover aria-label="Series" className={classes['table'] ?? ''}>
        <Table.Thead>
          <Table.Tr>
            <SortedHeader title="Series" field="description" sorting={sorting} onSort={onSort} />
            {shown.map(({ field, isNumber, title }) => (
              <SortedHeader key={field} {...{ field, title, sorting, onSort }} isNumber={isNumber === true} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {series.map((one) => (
            <Table.Tr
              key={one.seriesInstanceUid}
              {...(one.seriesInstanceUid === chosen ? { bg: 'var(--mantine-color-blue-light)' } : {})}
            >
              <Table.Td className={classes['title'] ?? ''}>
                <UnstyledButton
                  className={classes['row'] ?? ''}
                  onClick={() => onOpen(one.seriesInstanceUid)}
                  {...(one.seriesInstanceUid === chosen ? { 'aria-current': true } : {})}
                >
                  {seriesTitle(one)}
                </UnstyledButton>
                <Group gap={4} pl={8} pb={4}>
                  <SeriesMarks series={one} areFew={isNarrow} hasPhase={false} />
                </Group>
              </Table.Td>
              {shown.map(({ field, isNumber, text }) => (
                <Table.Td key={field} ta={isNumber ? 'right' : 'left'}>
                  {text(one)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface SortedHeaderProps {
  readonly title: string;
  readonly field: string;
  readonly isNumber?: boolean;
  readonly sorting: Sorting;
  readonly onSort: (sorting: Sorting) => void;
}

/** Once for rising, twice for falling, three times for the order of arrival. */
function SortedHeader({ field, isNumber = false, onSort, sorting, title }: SortedHeaderProps) {
  const isOn = sorting.by === field;
  const next: Sorting =
    isOn && sorting.descending ? { by: undefined, descending: false } : { by: field, descending: isOn };
  return (
    <Table.Th
      ta={isNumber ? 'right' : 'left'}
      aria-sort={isOn ? (sorting.descending ? 'descending' : 'ascending') : 'none'}
    >
      <UnstyledButton className={classes['sort'] ?? ''} onClick={() => onSort(next)} fz="sm">
        {title}
        <span aria-hidden>{isOn ? (sorting.descending ? ' ↓' : ' ↑') : ''}</span>
      </UnstyledButton>
    </Table.Th>
  );
}
