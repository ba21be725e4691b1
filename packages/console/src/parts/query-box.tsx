/** Where a query is written: runs on Enter, shows where it cannot be read, and which fields there are. */

import type { FieldAnswer } from '@consilium/archive/api';
import { Button, Code, Group, Popover, ScrollArea, Stack, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useId, useState } from 'react';
import { ask } from './service-client.ts';
import { ServiceError } from './service-error.ts';

export interface QueryBoxProps {
  readonly label: string;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  /** Of the query as it was run. */
  readonly error: unknown;
}

export function QueryBox({ error, label, onQuery, query }: QueryBoxProps) {
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onQuery(text.trim());
  };
  const wrong = error instanceof ServiceError && error.position !== undefined ? error : undefined;
  const errorId = useId();
  return (
    <search aria-label={label}>
      <form onSubmit={submit}>
        <Stack gap={4}>
          <Group align="flex-end" gap="xs" wrap="nowrap">
            <TextInput
              flex={1}
              label={label}
              value={text}
              onChange={({ currentTarget }) => setText(currentTarget.value)}
              placeholder='modality = CT and sliceThickness < 3 and "renal mass"'
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              spellCheck={false}
              autoComplete="off"
              data-search
              error={wrong !== undefined}
              {...(wrong === undefined ? {} : { 'aria-describedby': errorId })}
            />
            <Button type="submit">Search</Button>
            <FieldHelp />
          </Group>
          <div id={errorId} role="status">
            {wrong && <WrongPlace query={query} error={wrong} />}
          </div>
        </Stack>
      </form>
    </search>
  );
}

/** The query with a mark under the place from which it is not understood. */
function WrongPlace({ error, query }: { error: ServiceError; query: string }) {
  const at = Math.min(error.position ?? 0, query.length);
  return (
    <Stack gap={2}>
      <Code block>{`${query}\n${' '.repeat(at)}^`}</Code>
      <Text size="sm" c="var(--mantine-color-error)">
        {error.message} (character {at + 1}; {error.code})
      </Text>
    </Stack>
  );
}

function FieldHelp() {
  const [opened, setOpened] = useState(false);
  return (
    <Popover width={520} position="bottom-end" shadow="md" opened={opened} onChange={setOpened} trapFocus>
      <Popover.Target>
        <Button variant="default" onClick={() => setOpened(!opened)}>
          Fields
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="How to write a query" maw="95vw">
        <FieldList />
      </Popover.Dropdown>
    </Popover>
  );
}

const examples = [
  ['phase = nephrographic', 'text, without regard to case'],
  ['sliceThickness between 1 and 3', 'numbers; also <, <=, >, >=, !='],
  ['vendor in (GE, Siemens)', 'one of several'],
  ['description like *renal*', '* any characters, ? one'],
  ['phase is missing', 'nothing is known'],
  ['"renal mass"', 'words in descriptions, tags, notes, segments'],
  ['not failed = true and (kvp = 100 or kvp = 120)', 'and, or, not, ( )'],
] as const;

function FieldList() {
  const { data = [] } = useQuery({
    queryKey: ['fields'],
    queryFn: () => ask<FieldAnswer>('/fields'),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <ScrollArea.Autosize mah={420} viewportProps={{ tabIndex: 0 }}>
      <Stack gap="xs">
        <Table verticalSpacing={2} fz="sm">
          <Table.Tbody>
            {examples.map(([text, meaning]) => (
              <Table.Tr key={text}>
                <Table.Td>
                  <Code>{text}</Code>
                </Table.Td>
                <Table.Td>{meaning}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Table verticalSpacing={2} fz="sm" aria-label="Fields">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Field</Table.Th>
              <Table.Th>Kind</Table.Th>
              <Table.Th>What it is</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.map(({ description, name, type }) => (
              <Table.Tr key={name}>
                <Table.Td>{name}</Table.Td>
                <Table.Td>{type === 'time-ms' ? 'date' : type === 'boolean' ? 'true, false' : type}</Table.Td>
                <Table.Td>{description}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Text size="sm">Every DICOM keyword that the archive has seen is a field too: ExposureTime &gt; 500.</Text>
      </Stack>
    </ScrollArea.Autosize>
  );
}
