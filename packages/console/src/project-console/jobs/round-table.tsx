/** Each round: who has contributed, who was left out and why, bytes and seconds. The newest first. */
import type { JobRound } from '@consilium/coordinator/api';
import { Table, Text } from '@mantine/core';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { bytesText } from '../../parts/quantity.ts';
import { scoreText } from '../job-words.tsx';

export function RoundTable({ rounds }: { rounds: readonly JobRound[] }) {
  if (rounds.length === 0) return <EmptyPlace title="No round is complete yet">It appears here by itself.</EmptyPlace>;
  return (
    <Table.ScrollContainer minWidth={720} maxHeight={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing={4} fz="sm" aria-label="Rounds" stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Round</Table.Th>
            <Table.Th>Dice</Table.Th>
            <Table.Th>Contributed</Table.Th>
            <Table.Th>Left out</Table.Th>
            <Table.Th>Received</Table.Th>
            <Table.Th>Seconds</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {[...rounds].reverse().map(({ leftOut, round, score, seconds, trained }) => (
            <Table.Tr key={round}>
              <Table.Th scope="row">{round}</Table.Th>
              <Table.Td>{scoreText(score)}</Table.Td>
              <Table.Td>
                {trained.map(({ cases, filters, siteId }) => (
                  <Text size="sm" key={siteId}>
                    {siteId}
                    {cases === null ? '' : `, ${cases} cases`}
                    {filters.length === 0 ? '' : ` (${filters.join(', ')})`}
                  </Text>
                ))}
              </Table.Td>
              <Table.Td>
                {leftOut.map(({ code, message, siteId, task }) => (
                  <Text size="sm" key={`${siteId} ${task}`}>
                    {siteId} ({task}): {message} ({code})
                  </Text>
                ))}
                {leftOut.length === 0 && 'nobody'}
              </Table.Td>
              <Table.Td>{receivedText(trained)}</Table.Td>
              <Table.Td>{seconds.toFixed(1)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function receivedText(trained: JobRound['trained']): string {
  const known = trained.flatMap(({ bytes }) => bytes ?? []);
  if (known.length < trained.length) return '–';
  return bytesText(known.reduce((sum, bytes) => sum + bytes, 0));
}
