/** Subjects that were erased and are kept away; each can be let in again. */
import type { ErasedSubject } from '@consilium/archive/api';
import { Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { AskFirst } from '../../parts/ask-first.tsx';
import { useChange } from '../../parts/change.ts';
import { timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { ask } from '../../parts/service-client.ts';
import { erasures, routeOf } from '../archive-asking.ts';

export function ErasedSubjects() {
  const query = useQuery(erasures);
  return (
    <QueryView of={query}>
      {(erased) =>
        erased.length === 0 ? (
          <Text size="sm" c="dimmed">
            Nobody was erased. A subject is erased on the page of one of its studies.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={480}>
            <Table verticalSpacing={4} fz="sm" aria-label="Erased subjects">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Subject</Table.Th>
                  <Table.Th>When</Table.Th>
                  <Table.Th>Why</Table.Th>
                  <Table.Th>Now</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {erased.map((subject) => (
                  <Table.Tr key={`${subject.patientId} ${subject.erasedMs}`}>
                    <Table.Td>{subject.patientId}</Table.Td>
                    <Table.Td>{timeText(subject.erasedMs)}</Table.Td>
                    <Table.Td>{subject.reason}</Table.Td>
                    <Table.Td>
                      <Standing subject={subject} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </QueryView>
  );
}

function Standing({ subject: { patientId, state } }: { subject: ErasedSubject }) {
  const change = useChange();
  if (state === 'begun') return 'being erased';
  if (state === 'allowed') return 'let in again';
  return (
    <AskFirst
      label="Let in again"
      ariaLabel={`Let ${patientId} in again`}
      size="compact-sm"
      title={`Let ${patientId} in again`}
      explanation="What comes of the patient from now on is taken in again, as after a new consent. What was erased does not come back by itself."
      reasonLabel="Why, without a name?"
      confirm="Let in again"
      onConfirm={(reason) =>
        change.mutate({
          run: () => ask(routeOf('subjects', patientId, 'allow'), { method: 'POST', body: { reason } }),
          done: `${patientId} may come in again.`,
        })
      }
    />
  );
}
