/** Series in rows, sorted by any column. */
import type { SeriesEntry } from '@consilium/archive/api';
import { Group, Table, UnstyledButton } from '@mantine/core';
import { dicomDateText, measureText, wholeNumber } from '../../parts/quantity.ts';
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
  { title: 'Vendor', field: 'vendor', text: ({ vendor }) => vendor },
  { title: 'Kernel', field: 'kernel', text: ({ kernel }) => kernel },
  {
    ...{ title: 'Thickness', field: 'sliceThickness', isNumber: true },
    text: ({ sliceThicknessMm }) => measureText(sliceThicknessMm, 'mm'),
  },
  {
    ...{ title: 'Coverage', field: 'coverage', isNumber: true },
    text: ({ coverageMm }) => measureText(coverageMm, 'mm'),
  },
  { title: 'Instances', field: 'instances', isNumber: true, text: ({ instances }) => wholeNumber(instances) },
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
    <Table.ScrollContainer minWidth={isNarrow ? 400 : 900}>
      <Table verticalSpacing={4} highlightOnHover aria-label="Series">
        <Table.Thead>
          <Table.Tr>
            <SortedHeader title="Series" field="description" sorting={sorting} onSort={onSort} />
            {shown.map(({ field, isNumber, title }) => (
              <SortedHeader key={field} {...{ field, title, sorting, onSort }} isNumber={isNumber === true} />
            ))}
            <Table.Th>Marks</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {series.map((one) => (
            <Table.Tr
              key={one.seriesInstanceUid}
              {...(one.seriesInstanceUid === chosen ? { bg: 'var(--mantine-color-blue-light)' } : {})}
            >
              <Table.Td maw={280}>
                <UnstyledButton
                  className={classes['row'] ?? ''}
                  onClick={() => onOpen(one.seriesInstanceUid)}
                  {...(one.seriesInstanceUid === chosen ? { 'aria-current': true } : {})}
                >
                  {seriesTitle(one)}
                </UnstyledButton>
              </Table.Td>
              {shown.map(({ field, isNumber, text }) => (
                <Table.Td key={field} ta={isNumber ? 'right' : 'left'}>
                  {text(one)}
                </Table.Td>
              ))}
              <Table.Td>
                <Group gap={4}>
                  <SeriesMarks series={one} />
                </Group>
              </Table.Td>
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
