/** Who would belong to a cohort, and who would not and why; with the way to leave one out by hand. */
import type { CohortMember, SeriesEntry } from '@consilium/archive/api';
import { Badge, Button, Pagination, SegmentedControl, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { AskFirst } from '../../parts/ask-first.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { measureText } from '../../parts/quantity.ts';
import { series as seriesQuestion } from '../archive-asking.ts';
import { seriesPath, seriesTitle } from '../series-words.ts';
import { leaveOut, takeBack } from './cohort-draft.ts';
import { exclusionWords } from './exclusion-words.ts';

const pageSize = 15;
type Side = 'in' | 'out';

export interface CohortPreviewProps {
  readonly members: readonly CohortMember[];
  /** Frozen: nothing can be left out any more. */
  readonly isFrozen?: boolean;
  readonly query: string;
}

export function CohortPreview({ isFrozen = false, members }: CohortPreviewProps) {
  const [side, setSide] = useState<Side>('in');
  const [page, setPage] = useState(1);
  const shown = useMemo(
    () => members.filter(({ exclusion }) => (exclusion === undefined) === (side === 'in')),
    [members, side],
  );
  const pages = Math.max(1, Math.ceil(shown.length / pageSize));
  const at = Math.min(page, pages);
  const rows = shown.slice((at - 1) * pageSize, at * pageSize);
  const details = useQueries({ queries: rows.map(({ seriesInstanceUid }) => seriesQuestion(seriesInstanceUid)) });
  const out = members.length - members.filter(({ exclusion }) => exclusion === undefined).length;
  return (
    <Stack gap="sm">
      <SegmentedControl
        value={side}
        onChange={(value) => {
          setSide(value as Side);
          setPage(1);
        }}
        data={[
          { value: 'in', label: `Belong (${members.length - out})` },
          { value: 'out', label: `Left out (${out})` },
        ]}
        aria-label="Which series are shown"
        style={{ alignSelf: 'flex-start' }}
      />
      {shown.length === 0 ? (
        <EmptyPlace title={side === 'in' ? 'Nobody belongs' : 'Nobody is left out'}>
          {side === 'in' && members.length > 0 && 'Under “Left out” stands why.'}
          {members.length === 0 && 'The query finds no series.'}
        </EmptyPlace>
      ) : (
        <Table.ScrollContainer minWidth={640}>
          <Table verticalSpacing={4} aria-label="Series of the cohort">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Subject</Table.Th>
                <Table.Th>Series</Table.Th>
                <Table.Th>Phase</Table.Th>
                <Table.Th ta="right">Thickness</Table.Th>
                <Table.Th>{side === 'in' ? 'Segmentations' : 'Why not'}</Table.Th>
                {!isFrozen && (
                  <Table.Th>
                    <VisuallyHidden>What can be done</VisuallyHidden>
                  </Table.Th>
                )}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((member, row) => (
                <MemberRow key={member.seriesInstanceUid} {...{ member, isFrozen }} series={details[row]?.data} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {pages > 1 && (
        <Pagination
          total={pages}
          value={at}
          onChange={setPage}
          size="sm"
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
          getItemProps={(item) => ({ 'aria-label': `page ${item}` })}
        />
      )}
    </Stack>
  );
}

interface MemberRowProps {
  readonly member: CohortMember;
  readonly series: SeriesEntry | undefined;
  readonly isFrozen: boolean;
}

function MemberRow({ isFrozen, member, series }: MemberRowProps) {
  const { exclusion, explanation, patientId, seriesInstanceUid } = member;
  const title = series === undefined ? '…' : seriesTitle(series);
  return (
    <Table.Tr>
      <Table.Td>{patientId}</Table.Td>
      <Table.Td maw={280}>
        <Link href={seriesPath(seriesInstanceUid)}>{title}</Link>
      </Table.Td>
      <Table.Td>{series?.phase}</Table.Td>
      <Table.Td ta="right">{measureText(series?.sliceThicknessMm, 'mm')}</Table.Td>
      <Table.Td>
        {exclusion === undefined ? (
          <Badge color="teal.9" size="sm" tt="none">
            {series?.labelCount ?? 0}
          </Badge>
        ) : (
          <Text size="sm">
            {exclusionWords[exclusion]}
            {explanation !== undefined && `: ${explanation}`}
          </Text>
        )}
      </Table.Td>
      {!isFrozen && (
        <Table.Td ta="right">
          {exclusion === 'manual' && (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => takeBack(seriesInstanceUid)}
              aria-label={`Take back ${title} of ${patientId}`}
            >
              Take back
            </Button>
          )}
          {exclusion === undefined && (
            <AskFirst
              label="Leave out"
              ariaLabel={`Leave out ${title} of ${patientId}`}
              size="compact-sm"
              title="Leave a series out"
              explanation="Until the cohort is frozen it can be taken back."
              reasonLabel="Why does it not belong?"
              confirm="Leave out"
              onConfirm={(reason) => leaveOut(seriesInstanceUid, reason)}
            />
          )}
        </Table.Td>
      )}
    </Table.Tr>
  );
}
