/** Who has asked whom pseudonyms stand for. */
import { ScrollArea, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { reidentifications } from '../archive-asking.ts';

export function ReidentificationRecord() {
  const query = useQuery(reidentifications);
  return (
    <QueryView of={query}>
      {(asked) =>
        asked.length === 0 ? (
          <Text size="sm" c="dimmed">
            Nobody yet.
          </Text>
        ) : (
          <ScrollArea.Autosize mah={420} viewportProps={{ tabIndex: 0 }}>
            <Table verticalSpacing={4} fz="sm" aria-label="Who has asked">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={130}>When</Table.Th>
                  <Table.Th>Pseudonym</Table.Th>
                  <Table.Th>Who and why</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {asked.map(({ level, pseudonym, reason, time }) => (
                  <Table.Tr key={`${time} ${pseudonym}`}>
                    <Table.Td>{timeText(Date.parse(time))}</Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>
                      {level} {pseudonym}
                    </Table.Td>
                    <Table.Td>{reason}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </ScrollArea.Autosize>
        )
      }
    </QueryView>
  );
}
