/** All jobs, the newest first. */
import type { JobEntry } from '@consilium/coordinator/api';
import { Group, SegmentedControl, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { askedText, JobProgress, StateBadge, scoreText } from '../job-words.tsx';
import { jobs } from '../project-asking.ts';

const kinds = [
  { value: 'all', label: 'All' },
  { value: 'train', label: 'Training' },
  { value: 'survey', label: 'Questions' },
];

export function JobsPage() {
  const query = useQuery(jobs);
  const [kind, setKind] = useState('all');
  return (
    <PageFrame
      title="Jobs"
      about="What sites were asked to do. A job is signed with the key of who asks, so it is made with the command line."
    >
      <Section
        title="Jobs"
        actions={
          <SegmentedControl
            data={kinds}
            value={kind}
            onChange={setKind}
            size="xs"
            transitionDuration={0}
            aria-label="Which jobs"
          />
        }
      >
        <QueryView of={query} height={200}>
          {(entries) => (
            <JobTable
              entries={entries.filter((each) => kind === 'all' || (each.kind === 'train') === (kind === 'train'))}
            />
          )}
        </QueryView>
      </Section>
      <Section title="Make a job">
        <CopyBlock
          label="On your own machine, with your identity"
          text={'consilium job plan kidney-1\nconsilium job submit kidney-1\nconsilium job watch kidney-1'}
        />
      </Section>
    </PageFrame>
  );
}

function JobTable({ entries }: { entries: readonly JobEntry[] }) {
  if (entries.length === 0) return <EmptyPlace title="No job yet">The commands below make one.</EmptyPlace>;
  return (
    <Table.ScrollContainer minWidth={680}>
      <Table verticalSpacing={6} fz="sm" aria-label="Jobs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Job</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>How far</Table.Th>
            <Table.Th>Best Dice</Table.Th>
            <Table.Th>Why it ended</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {entries.map((entry) => (
            <Table.Tr key={entry.jobId}>
              <Table.Td>
                <Link href={`/jobs/${entry.jobId}`}>{entry.jobId}</Link>
                <Text size="sm" c="dimmed">
                  {askedText(entry)}, {entry.participants.length} sites
                </Text>
              </Table.Td>
              <Table.Td>
                <Group gap={4}>
                  <StateBadge state={entry.state} />
                </Group>
              </Table.Td>
              <Table.Td miw={120}>
                <JobProgress entry={entry} />
              </Table.Td>
              <Table.Td>{scoreText(entry.score)}</Table.Td>
              <Table.Td maw={360}>{entry.reason?.text ?? '–'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
