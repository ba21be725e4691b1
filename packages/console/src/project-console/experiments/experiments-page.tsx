/** Experiments whose records were brought here; and one of them, in full. */
import type { Answer } from '@consilium/coordinator/api';
import { Badge, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { timeText, wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { experiments } from '../project-asking.ts';
import { ExperimentPage } from './experiment-page.tsx';

export function ExperimentsPage({ id }: { id: string | undefined }) {
  return id === undefined ? <ExperimentList /> : <ExperimentPage id={id} />;
}

function ExperimentList() {
  const query = useQuery(experiments);
  return (
    <PageFrame title="Experiments" about="Jobs that differ in some settings, tested on the same patients.">
      <Section title="Records">
        <QueryView of={query} height={160}>
          {(entries) =>
            entries.length === 0 ? (
              <EmptyPlace title="No record was brought here yet">Who runs an experiment uploads its record.</EmptyPlace>
            ) : (
              <RecordTable entries={entries} />
            )
          }
        </QueryView>
      </Section>
      <Section title="Run one, and bring its record here">
        <CopyBlock
          label="With a token that has the scope experiment.write, from My account"
          text={`consilium experiment run widths.yaml\nCONSILIUM_TOKEN=cns_… consilium experiment upload widths --to ${location.origin}`}
        />
      </Section>
    </PageFrame>
  );
}

function RecordTable({ entries }: { entries: Answer<'experiments'> }) {
  return (
    <Table.ScrollContainer minWidth={560}>
      <Table verticalSpacing={6} fz="sm" aria-label="Experiments">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Experiment</Table.Th>
            <Table.Th>Configurations</Table.Th>
            <Table.Th>Runs</Table.Th>
            <Table.Th>Brought</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {entries.map(({ configurations, id, question, runs, storedAt, synthetic }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Link href={`/experiments/${id}`}>{id}</Link>{' '}
                {synthetic && (
                  <Badge variant="default" tt="none">
                    synthetic patients
                  </Badge>
                )}
                {question !== '' && <Text size="sm">{question}</Text>}
              </Table.Td>
              <Table.Td>{wholeNumber(configurations)}</Table.Td>
              <Table.Td>{wholeNumber(runs)}</Table.Td>
              <Table.Td>{timeText(Date.parse(storedAt))}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
