/** Who did what, the newest first, from the coordinator's audit log. */
import type { Answer } from '@consilium/coordinator/api';
import { Alert, Group, NativeSelect, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { CodeWords } from '../../parts/code-words.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { timeText, wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { auditTrail } from '../project-asking.ts';

const shownMax = 200;

export function AuditPage() {
  const [action, setAction] = useState('');
  const [about, setAbout] = useState('');
  const query = useQuery(auditTrail({ last: shownMax, action: action || undefined, about: about.trim() || undefined }));
  const actions = Object.keys(query.data?.actions ?? {});
  return (
    <PageFrame
      title="Audit trail"
      about="Every act, written down before it is done. Sites keep the signed heads of this log, so that it cannot be rewritten."
    >
      {query.data?.alarms.map(({ code, origin, time }) => (
        <Alert
          key={`${origin} ${time}`}
          variant="default"
          role="alert"
          title={`The log of ${origin} is not what it was`}
        >
          <CodeWords code={code} />
          <Text size="sm">
            Since {timeText(Date.parse(time))}. Code: {code}
          </Text>
        </Alert>
      ))}
      <Section title="Entries">
        <Group align="flex-end" gap="sm" className="no-print">
          <NativeSelect
            label="Act"
            data={[{ value: '', label: 'all' }, ...actions.map((each) => ({ value: each, label: each }))]}
            value={action}
            onChange={({ currentTarget }) => setAction(currentTarget.value)}
          />
          <TextInput
            label="About, or by"
            description="exact: a job, a site, an account"
            value={about}
            onChange={({ currentTarget }) => setAbout(currentTarget.value)}
            data-search
            autoComplete="off"
          />
        </Group>
        <QueryView of={query} height={300}>
          {(trail) => <EntryTable trail={trail} />}
        </QueryView>
      </Section>
    </PageFrame>
  );
}

function EntryTable({ trail: { actions, entries, root, size } }: { trail: Answer<'audit'> }) {
  if (entries.length === 0) return <EmptyPlace title="No entry is like that" />;
  return (
    <>
      <Table.ScrollContainer minWidth={680} maxHeight={620} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table verticalSpacing={4} fz="sm" aria-label="Entries" stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>When</Table.Th>
              <Table.Th>Who</Table.Th>
              <Table.Th>Did</Table.Th>
              <Table.Th>To</Table.Th>
              <Table.Th>Outcome</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {entries.map(({ action, actor, code, number, outcome, reason, subjects, time }) => (
              <Table.Tr key={number}>
                <Table.Td>{timeText(Date.parse(time))}</Table.Td>
                <Table.Td>
                  {actor.id}
                  <Text size="xs" c="dimmed">
                    {actor.kind}
                  </Text>
                </Table.Td>
                <Table.Td>
                  {action}
                  <Text size="xs" c="dimmed">
                    {actions[action]}
                  </Text>
                </Table.Td>
                <Table.Td maw={260} style={{ overflowWrap: 'anywhere' }}>
                  {subjects.map(({ id, kind }) => (
                    <Text size="sm" key={`${kind} ${id}`}>
                      {kind} {id.length > 40 ? `${id.slice(0, 16)}…` : id}
                    </Text>
                  ))}
                </Table.Td>
                <Table.Td>
                  {outcome}
                  {(code ?? reason) && (
                    <Text size="xs" c="dimmed">
                      {[reason, code].filter((text) => text !== undefined).join(' ')}
                    </Text>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {entries.length === shownMax ? `The newest ${shownMax}. ` : ''}The log has {wholeNumber(size)} entries under the
        root {root}. To check it: <code>consilium audit verify</code>.
      </Text>
    </>
  );
}
