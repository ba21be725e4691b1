/** The project at a glance: who is here, what runs, what waits for somebody. */
import type { Answer } from '@consilium/coordinator/api';
import { Anchor, Badge, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { FigureCard } from '../../parts/figure-card.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { askedText, JobProgress, StateBadge, scoreText } from '../job-words.tsx';
import { SiteSteps } from '../jobs/site-steps.tsx';
import { jobs, overview } from '../project-asking.ts';
import type { ProjectLive } from '../project-live.ts';

type Overview = Answer<'overview'>;
type Site = Overview['sites'][number];

export function OverviewPage({ live }: { live: ProjectLive }) {
  const query = useQuery(overview);
  const { data } = query;
  const admitted = data?.sites.filter(({ state }) => state === 'admitted') ?? [];
  const present = admitted.filter(({ isConnected }) => isConnected).length;
  const told = admitted.flatMap(({ cases }) => cases ?? []);
  const studies = told.reduce((sum, { test, train, validation }) => sum + train + validation + test, 0);
  return (
    <PageFrame title="Overview" about="Names of sites and numbers: nothing else of a hospital reaches the coordinator.">
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        <FigureCard label="Sites connected" value={data && `${present} of ${admitted.length}`}>
          {data && data.waiting > 0 && (
            <Anchor component={Link} href="/members" size="sm">
              {wholeNumber(data.waiting)} to be admitted
            </Anchor>
          )}
        </FigureCard>
        <FigureCard
          label="Studies for training and test"
          value={data && (told.length === 0 ? 'not asked yet' : wholeNumber(studies))}
        >
          {told.length > 0 && `told by ${told.length} sites`}
        </FigureCard>
        <FigureCard label="Jobs under way" value={data && wholeNumber(data.jobs['running'] ?? 0)}>
          {data && `${data.jobs['completed'] ?? 0} completed, ${data.jobs['failed'] ?? 0} failed`}
        </FigureCard>
        <FigureCard label="Best model, validation Dice" value={data && scoreText(data.best?.score ?? null)}>
          {data?.best && (
            <Anchor component={Link} href={`/jobs/${data.best.jobId}`} size="sm">
              {data.best.jobId}
            </Anchor>
          )}
        </FigureCard>
      </SimpleGrid>
      <Section title="Sites">
        <QueryView of={query} height={160}>
          {({ sites }) => <SiteTable sites={sites} />}
        </QueryView>
      </Section>
      <Section title="Under way">
        <UnderWay live={live} />
      </Section>
    </PageFrame>
  );
}

function SiteTable({ sites }: { sites: readonly Site[] }) {
  if (sites.length === 0) {
    return (
      <EmptyPlace title="No site has joined yet">
        Invite one on the page <Link href="/members">Members</Link>.
      </EmptyPlace>
    );
  }
  return (
    <Table.ScrollContainer minWidth={620}>
      <Table verticalSpacing={4} fz="sm" aria-label="Sites">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Site</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Training</Table.Th>
            <Table.Th>Validation</Table.Th>
            <Table.Th>Test</Table.Th>
            <Table.Th>Does</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sites.map((site) => (
            <Table.Tr key={site.siteId}>
              <Table.Th scope="row">{site.siteId}</Table.Th>
              <Table.Td>
                <SiteState site={site} />
              </Table.Td>
              {(['train', 'validation', 'test'] as const).map((part) => (
                <Table.Td key={part}>{site.cases === null ? '–' : wholeNumber(site.cases[part])}</Table.Td>
              ))}
              <Table.Td>
                {site.tasks.map(({ jobId, kind, round }) => (
                  <Text size="sm" key={`${jobId} ${kind}`}>
                    {kind} of <Link href={`/jobs/${jobId}`}>{jobId}</Link>
                    {round === null ? '' : `, round ${round}`}
                  </Text>
                ))}
                {site.tasks.length === 0 && '–'}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function SiteState({ site: { isConnected, silentSeconds, state } }: { site: Site }) {
  if (state !== 'admitted') {
    return (
      <Badge variant="default" tt="none">
        {state === 'pending' ? 'to be admitted' : 'revoked'}
      </Badge>
    );
  }
  return (
    <Group gap={6}>
      <Badge color={isConnected ? '#22692f' : '#a61e1e'} autoContrast={false} c="white" tt="none">
        {isConnected ? 'connected' : 'away'}
      </Badge>
      {!isConnected && silentSeconds !== null && <Text size="sm">for {durationText(silentSeconds)}</Text>}
    </Group>
  );
}

function durationText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function UnderWay({ live }: { live: ProjectLive }) {
  const query = useQuery(jobs);
  return (
    <QueryView of={query}>
      {(entries) => {
        const open = entries.filter(({ reason }) => reason === null);
        if (open.length === 0) {
          return (
            <Stack>
              <EmptyPlace title="No job is under way">
                Jobs are signed with the key of who asks for them, so they are made with the command line.
              </EmptyPlace>
              <CopyBlock
                label="Make and submit a job"
                text={'consilium job plan kidney-1\nconsilium job submit kidney-1'}
              />
            </Stack>
          );
        }
        return open.map((entry) => (
          <Stack key={entry.jobId} gap={4}>
            <Group gap="sm">
              <Link href={`/jobs/${entry.jobId}`}>{entry.jobId}</Link>
              <StateBadge state={entry.state} />
              <Text size="sm" c="dimmed">
                {askedText(entry)}
              </Text>
            </Group>
            <JobProgress entry={entry} />
            <SiteSteps live={live} jobId={entry.jobId} />
          </Stack>
        ));
      }}
    </QueryView>
  );
}
