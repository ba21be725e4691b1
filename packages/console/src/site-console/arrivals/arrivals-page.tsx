/** What comes in now, and every way to bring more. */
import { Button, SimpleGrid, Stack, Table, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { useChange } from '../../parts/change.ts';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { FigureCard } from '../../parts/figure-card.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { bytesText, countOf, dicomDateText, wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { RateChart } from '../../parts/rate-chart.tsx';
import { Section } from '../../parts/section.tsx';
import { ask } from '../../parts/service-client.ts';
import { useMay } from '../../parts/session.ts';
import { arrivals, overview, search } from '../archive-asking.ts';
import { seriesPath, seriesTitle } from '../series-words.ts';
import classes from './arrivals.module.css';
import { FolderPanel } from './folder-panel.tsx';
import { RemotePanel } from './remote-panel.tsx';
import { UnderWay } from './under-way.tsx';
import { UploadPanel } from './upload-panel.tsx';

export function ArrivalsPage() {
  const maySend = useMay('image.store');
  return (
    <PageFrame
      title="Arrivals"
      about="What comes in is de-identified at the door, stored, and looked at once it has settled."
    >
      <Figures />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        {maySend && <Senders />}
        <Stack gap="md">
          <Section title="Instances a minute, last hour">
            <Rate />
          </Section>
          <WaitingSeries />
        </Stack>
      </SimpleGrid>
    </PageFrame>
  );
}

function Senders() {
  return (
    <Stack gap="md">
      <Section title="Bring studies in">
        <Tabs defaultValue="upload" keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="upload">From this computer</Tabs.Tab>
            <Tabs.Tab value="folder">A folder of the server</Tabs.Tab>
            <Tabs.Tab value="remote">From a PACS</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="upload" pt="sm">
            <UploadPanel />
          </Tabs.Panel>
          <Tabs.Panel value="folder" pt="sm">
            <FolderPanel />
          </Tabs.Panel>
          <Tabs.Panel value="remote" pt="sm">
            <RemotePanel />
          </Tabs.Panel>
        </Tabs>
      </Section>
      <Section title="Under way">
        <UnderWay />
      </Section>
    </Stack>
  );
}

function Figures() {
  const query = useQuery(overview);
  const data = query.data;
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <FigureCard label="Instances" value={data && wholeNumber(data.counts.instances)}>
        {data && `of ${countOf(data.counts.subjects, 'subject')}, ${countOf(data.counts.series, 'series', 'series')}`}
      </FigureCard>
      <FigureCard label="Series to be looked at" value={data && wholeNumber(data.waitingSeries)}>
        {data && (data.waitingSeries === 0 ? 'all have been' : 'by themselves, once they have settled')}
      </FigureCard>
      <FigureCard label="In quarantine" value={data && wholeNumber(data.quarantined)}>
        {data && (data.quarantined === 0 ? 'nothing was refused' : <Link href="/quarantine">see why</Link>)}
      </FigureCard>
      <FigureCard label="Disk" value={data && bytesText(data.storage.instanceBytes)}>
        {data && `${bytesText(data.storage.freeBytes)} free`}
      </FigureCard>
    </SimpleGrid>
  );
}

function Rate() {
  const query = useQuery(arrivals);
  return (
    <QueryView of={query} height={160}>
      {({ instances, minuteMs }) => {
        const sum = instances.reduce((total, count) => total + count, 0);
        const last = instances.at(-1) ?? 0;
        const words = `${countOf(sum, 'instance')} in the last hour, ${wholeNumber(last)} in this minute`;
        return (
          <>
            <RateChart minuteMs={minuteMs} counts={instances} summary={words} />
            <Text size="sm" c="dimmed">
              {words}. Counted since the archive was started.
            </Text>
          </>
        );
      }}
    </QueryView>
  );
}

const waitingQuery = { query: 'state in (arriving, settled)', limit: 8, sortBy: 'received', descending: true };

function WaitingSeries() {
  const change = useChange();
  const found = useQuery({ ...search(waitingQuery), queryKey: ['waiting'] });
  const series = found.data?.series ?? [];
  return (
    <Section
      title="Waiting to be looked at"
      actions={
        series.length > 0 && (
          <Button
            size="compact-sm"
            variant="default"
            loading={change.isPending}
            onClick={() =>
              change.mutate({ run: () => ask('/settle', { method: 'POST' }), done: 'All series have been looked at.' })
            }
          >
            Look at all now
          </Button>
        )
      }
    >
      {series.length === 0 ? (
        <EmptyPlace title="No series waits">
          A series is looked at once nothing has been added to it for a minute: its grid, its phase, its quality.
        </EmptyPlace>
      ) : (
        <Table verticalSpacing={4} aria-label="Series that wait">
          <Table.Tbody>
            {series.map((one) => (
              <Table.Tr key={one.seriesInstanceUid}>
                <Table.Td>
                  <Link href={seriesPath(one.seriesInstanceUid)}>{seriesTitle(one)}</Link>
                </Table.Td>
                <Table.Td className={classes['number'] ?? ''}>{dicomDateText(one.studyDate)}</Table.Td>
                <Table.Td ta="right" className={classes['number'] ?? ''}>
                  {countOf(one.instances, 'instance')}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
          {found.data?.hasMore && <Table.Caption>and more, that came before</Table.Caption>}
        </Table>
      )}
    </Section>
  );
}
