/** Finds studies at a PACS and has them fetched. What it lists is identified, and kept nowhere. */
import type { RemoteStudy } from '@consilium/archive/api';
import {
  Badge,
  Button,
  Group,
  NativeSelect,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  VisuallyHidden,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { ErrorView } from '../../parts/error-view.tsx';
import { dicomDateText, wholeNumber } from '../../parts/quantity.ts';
import { ask } from '../../parts/service-client.ts';
import { overview, pulls, routeOf } from '../archive-asking.ts';

export function RemotePanel() {
  const { data } = useQuery(overview);
  const remotes = data?.roads.remotes ?? [];
  const [chosen, setChosen] = useState<string>();
  const remote = chosen ?? remotes[0];
  if (remote === undefined) {
    return (
      <EmptyPlace title="No PACS is connected">
        Add it under <code>remotes</code> in <code>archive.yaml</code> and start the archive again. What to enter at
        both sides stands on the page “Storage &amp; roads”.
      </EmptyPlace>
    );
  }
  return <RemoteSearch remotes={remotes} remote={remote} onRemote={setChosen} key={remote} />;
}

const fields = [
  ['patientId', 'Patient ID', '', 64],
  ['patientName', 'Name', 'MUSTER*', 200],
  ['studyDate', 'Study date', '20260101-20260131', 17],
  ['accessionNumber', 'Accession number', '', 16],
  ['modality', 'Modality', 'CT', 16],
  ['description', 'Description', '*abdomen*', 64],
] as const;

interface RemoteSearchProps {
  readonly remotes: readonly string[];
  readonly remote: string;
  readonly onRemote: (remote: string) => void;
}

function RemoteSearch({ onRemote, remote, remotes }: RemoteSearchProps) {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const verify = useMutation({ mutationFn: () => ask(routeOf('remotes', remote, 'verify'), { method: 'POST' }) });
  const find = useMutation({
    mutationFn: () =>
      ask<{ studies: readonly RemoteStudy[]; hasMore: boolean }>(routeOf('remotes', remote, 'search'), {
        method: 'POST',
        body: values,
      }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    find.mutate();
  };
  return (
    <form onSubmit={submit} aria-label="Search a PACS">
      <Stack gap="sm">
        <Group align="flex-end" gap="xs">
          <NativeSelect
            label="PACS"
            value={remote}
            onChange={({ currentTarget }) => onRemote(currentTarget.value)}
            data={[...remotes]}
          />
          <Button variant="default" onClick={() => verify.mutate()} loading={verify.isPending}>
            Does it answer?
          </Button>
          <Text size="sm" role="status">
            {verify.isSuccess ? 'It answers.' : ''}
          </Text>
        </Group>
        {verify.error && <ErrorView error={verify.error} />}
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs">
          {fields.map(([name, label, placeholder, length]) => (
            <TextInput
              key={name}
              label={label}
              placeholder={placeholder}
              maxLength={length}
              value={values[name] ?? ''}
              onChange={({ currentTarget }) => setValues({ ...values, [name]: currentTarget.value })}
            />
          ))}
        </SimpleGrid>
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            * stands for any characters, ? for one. At most 200 studies are shown.
          </Text>
          <Button type="submit" loading={find.isPending}>
            Search the PACS
          </Button>
        </Group>
        {find.error && <ErrorView error={find.error} />}
        {find.data && <RemoteStudies remote={remote} {...find.data} />}
      </Stack>
    </form>
  );
}

function RemoteStudies({
  hasMore,
  remote,
  studies,
}: {
  remote: string;
  studies: readonly RemoteStudy[];
  hasMore: boolean;
}) {
  if (studies.length === 0)
    return <EmptyPlace title="Nothing found">Leave out a field, or write * at its end.</EmptyPlace>;
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table aria-label="Studies at the PACS" verticalSpacing={4}>
        <Table.Caption>
          {hasMore
            ? 'There are more than 200: ask for less.'
            : 'As the PACS names them. They get pseudonyms as they come in.'}
        </Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Patient</Table.Th>
            <Table.Th>Date</Table.Th>
            <Table.Th>Description</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th ta="right">Instances</Table.Th>
            <Table.Th>
              <VisuallyHidden>What can be done</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {studies.map((study) => (
            <Table.Tr key={study.studyInstanceUid}>
              <Table.Td>
                {study.patientName.replaceAll('^', ' ')} ({study.patientId})
              </Table.Td>
              <Table.Td>{dicomDateText(study.studyDate)}</Table.Td>
              <Table.Td>{study.description}</Table.Td>
              <Table.Td>{study.modalities.join(', ')}</Table.Td>
              <Table.Td ta="right">{study.instances === undefined ? '' : wholeNumber(study.instances)}</Table.Td>
              <Table.Td>
                <FetchButton remote={remote} study={study} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function FetchButton({ remote, study }: { remote: string; study: RemoteStudy }) {
  const client = useQueryClient();
  const { data = [] } = useQuery(pulls);
  const under = data.find(
    ({ state, studyInstanceUid }) =>
      studyInstanceUid === study.studyInstanceUid && (state === 'waiting' || state === 'running'),
  );
  const fetchStudy = useMutation({
    mutationFn: () =>
      ask(routeOf('remotes', remote, 'pulls'), {
        method: 'POST',
        body: { studyInstanceUid: study.studyInstanceUid },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['pulls'] }),
  });
  if (under !== undefined) return <Badge variant="default">{under.state}</Badge>;
  return (
    <Button
      size="compact-sm"
      onClick={() => fetchStudy.mutate()}
      loading={fetchStudy.isPending}
      aria-label={`Fetch ${study.description || 'the study'} of ${study.patientId}`}
    >
      {fetchStudy.isSuccess ? 'Fetch again' : 'Fetch'}
    </Button>
  );
}
