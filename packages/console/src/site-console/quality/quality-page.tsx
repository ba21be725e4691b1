/** What was found of the series, kind by kind, and the series that it was found of. */
import type { FindingGroup } from '@consilium/archive/api';
import {
  Badge,
  Button,
  Card,
  Code,
  Grid,
  Group,
  Pagination,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  UnstyledButton,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { CodeWords } from '../../parts/code-words.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { countOf } from '../../parts/quantity.ts';
import { valueText } from '../../parts/query-conditions.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { findingGroups, search, series as seriesQuestion } from '../archive-asking.ts';
import { FindingList } from '../finding-list.tsx';
import { findingWords } from '../finding-words.ts';
import { seriesPath, seriesTitle } from '../series-words.ts';
import { severityColors, severityWords } from '../severity.ts';
import { SeriesPicture } from '../studies/series-picture.tsx';
import classes from '../studies/studies.module.css';

type Shown = FindingGroup['severity'] | 'all';
const pageSize = 12;

export function QualityPage({ code: asked }: { code: string | undefined }) {
  const query = useQuery(findingGroups);
  const [severity, setSeverity] = useState<Shown>('all');
  const code = asked ?? query.data?.[0]?.code;
  return (
    <PageFrame
      title="Quality"
      about="The archive looks at every series and notes what it finds. What failed is left out of cohorts; warnings are for you to judge."
    >
      <QueryView of={query} height={400}>
        {(groups) =>
          groups.length === 0 ? (
            <EmptyPlace title="Nothing was found">
              Findings come when series have been looked at, or when you mark one as failed on its page.
            </EmptyPlace>
          ) : (
            <Grid gap="md">
              <Grid.Col span={{ base: 12, md: 4 }}>
                <Stack gap="sm">
                  <SegmentedControl
                    value={severity}
                    onChange={(value) => setSeverity(value as Shown)}
                    data={[
                      { value: 'all', label: 'All' },
                      { value: 'failed', label: 'Failed' },
                      { value: 'warning', label: 'Warnings' },
                      { value: 'note', label: 'Notes' },
                    ]}
                    aria-label="How grave"
                  />
                  <GroupList
                    groups={groups.filter((one) => severity === 'all' || one.severity === severity)}
                    code={code}
                  />
                </Stack>
              </Grid.Col>
              <Grid.Col span={{ base: 12, md: 8 }}>
                {code === undefined ? (
                  <EmptyPlace title="Choose a finding">Its series are shown here.</EmptyPlace>
                ) : (
                  <FoundSeries code={code} group={groups.find((one) => one.code === code)} key={code} />
                )}
              </Grid.Col>
            </Grid>
          )
        }
      </QueryView>
    </PageFrame>
  );
}

function GroupList({ code, groups }: { groups: readonly FindingGroup[]; code: string | undefined }) {
  const [, navigate] = useLocation();
  if (groups.length === 0) return <EmptyPlace title="None of these" />;
  return groups.map((group) => (
    <UnstyledButton
      key={`${group.severity} ${group.code}`}
      onClick={() => navigate(`/quality/${encodeURIComponent(group.code)}`)}
      className={classes['row'] ?? ''}
      data-chosen={group.code === code || undefined}
      {...(group.code === code ? { 'aria-current': true } : {})}
    >
      <Badge color={severityColors[group.severity]} size="sm" tt="none" style={{ flex: 'none' }}>
        {severityWords[group.severity]}
      </Badge>
      <Text component="span" size="sm" flex={1}>
        {group.message}
      </Text>
      <Text component="span" size="sm" c="dimmed" style={{ flex: 'none' }}>
        {countOf(group.series, 'series', 'series')}
      </Text>
    </UnstyledButton>
  ));
}

function FoundSeries({ code, group }: { code: string; group: FindingGroup | undefined }) {
  const [page, setPage] = useState(1);
  const query = `finding = ${valueText(code)}`;
  const found = useQuery(search({ query, limit: pageSize, offset: (page - 1) * pageSize }));
  return (
    <Section
      title={group?.message ?? 'No series has it any more'}
      actions={
        <Button
          component={Link}
          href={`/studies?${new URLSearchParams({ q: query })}`}
          size="compact-sm"
          variant="default"
        >
          Find them in Studies
        </Button>
      }
    >
      <Text size="sm" component="div">
        Code: <Code>{code}</Code>
        {group !== undefined &&
          ` · ${countOf(group.series, 'series', 'series')} of ${countOf(group.subjects, 'subject')}`}
      </Text>
      <CodeWords code={code} otherwise={findingWords[code] ?? ''} />
      <QueryView of={found} height={400}>
        {({ counts, series }) => (
          <>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
              {series.map((one) => (
                <Card key={one.seriesInstanceUid} withBorder padding="sm">
                  <Stack gap="xs">
                    <Group align="flex-start" wrap="nowrap" gap="sm">
                      <div style={{ width: 96, flex: 'none' }}>
                        <SeriesPicture series={one} size={96} />
                      </div>
                      <Stack gap={2}>
                        <Link href={seriesPath(one.seriesInstanceUid)}>{seriesTitle(one)}</Link>
                        <Text size="sm" c="dimmed">
                          {one.patientId}
                        </Text>
                      </Stack>
                    </Group>
                    <Findings uid={one.seriesInstanceUid} explained={code} />
                  </Stack>
                </Card>
              ))}
            </SimpleGrid>
            {counts.series > pageSize && (
              <Pagination
                total={Math.ceil(counts.series / pageSize)}
                value={page}
                onChange={setPage}
                size="sm"
                getControlProps={(control) => ({ 'aria-label': `${control} page` })}
                getItemProps={(at) => ({ 'aria-label': `page ${at}` })}
              />
            )}
          </>
        )}
      </QueryView>
    </Section>
  );
}

function Findings({ explained, uid }: { uid: string; explained: string }) {
  const query = useQuery(seriesQuestion(uid));
  return (
    <QueryView of={query} height={60}>
      {(series) => <FindingList series={series} explained={explained} />}
    </QueryView>
  );
}
