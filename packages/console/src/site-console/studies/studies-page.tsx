/** All that the archive holds: found by a query, listed by patient or in a row, looked at beside the list. */
import { Button, Grid, Group, Pagination, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { ErrorView } from '../../parts/error-view.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { countOf } from '../../parts/quantity.ts';
import { QueryBox } from '../../parts/query-box.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { ServiceError } from '../../parts/service-error.ts';
import { useSharedQuery } from '../../parts/shared-query.ts';
import { search } from '../archive-asking.ts';
import { seriesPath } from '../series-words.ts';
import { SeriesTable, type Sorting } from './series-table.tsx';
import { SeriesView } from './series-view.tsx';
import classes from './studies.module.css';
import { StudyTree } from './study-tree.tsx';
import { StudyView } from './study-view.tsx';

const pageSize = 50;
type Layout = 'patients' | 'list';

export interface StudiesPageProps {
  readonly kind: string | undefined;
  readonly uid: string | undefined;
}

export function StudiesPage({ kind, uid }: StudiesPageProps) {
  const [query, setQuery] = useSharedQuery();
  const [layout, setLayout] = useState<Layout>('patients');
  const [sorting, setSorting] = useState<Sorting>({ by: undefined, descending: false });
  const [page, setPage] = useState(1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another query begins at its first page.
  useEffect(() => setPage(1), [query, layout, sorting]);
  const found = useQuery(
    search({
      ...{ query, limit: pageSize, offset: (page - 1) * pageSize },
      ...(layout === 'patients' ? { sortBy: 'subject' } : { sortBy: sorting.by, descending: sorting.descending }),
    }),
  );
  const isChosen = uid !== undefined;
  return (
    <PageFrame
      title="Studies"
      about="Project, subjects, studies, series. Subjects are patients under pseudonyms."
      actions={
        <Button
          component={Link}
          href={`/cohorts/_new${query === '' ? '' : `?${new URLSearchParams({ q: query })}`}`}
          variant="default"
        >
          Make a cohort of these
        </Button>
      }
    >
      <QueryBox label="Find series" query={query} onQuery={setQuery} error={found.error} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: isChosen ? 4 : 12 }} {...(isChosen ? { visibleFrom: 'lg' } : {})}>
          <Stack gap="sm" className={isChosen ? (classes['beside'] ?? '') : ''}>
            <Group justify="space-between">
              <Text size="sm" role="status">
                {found.data
                  ? `${countOf(found.data.counts.subjects, 'subject')}, ${countOf(found.data.counts.studies, 'study', 'studies')}, ${countOf(found.data.counts.series, 'series', 'series')}`
                  : ' '}
              </Text>
              <SegmentedControl
                size="xs"
                value={layout}
                onChange={(value) => setLayout(value as Layout)}
                data={[
                  { value: 'patients', label: 'By subject' },
                  { value: 'list', label: 'As a list' },
                ]}
                aria-label="How series are listed"
              />
            </Group>
            <Found {...{ found, layout, sorting, setSorting, uid, isNarrow: isChosen, query }} />
            {found.data && found.data.counts.series > pageSize && (
              <Pagination
                total={Math.ceil(found.data.counts.series / pageSize)}
                value={page}
                onChange={setPage}
                size="sm"
                getControlProps={(control) => ({ 'aria-label': `${control} page` })}
                getItemProps={(at) => ({ 'aria-label': `page ${at}` })}
              />
            )}
          </Stack>
        </Grid.Col>
        {isChosen && (
          <Grid.Col span={{ base: 12, lg: 8 }}>
            <Stack gap="sm">
              <BackToList />
              {kind === 'study' ? <StudyView uid={uid} key={uid} /> : <SeriesView uid={uid} key={uid} />}
            </Stack>
          </Grid.Col>
        )}
      </Grid>
    </PageFrame>
  );
}

interface FoundProps {
  readonly found: ReturnType<typeof useQuery<Awaited<ReturnType<NonNullable<ReturnType<typeof search>['queryFn']>>>>>;
  readonly layout: Layout;
  readonly sorting: Sorting;
  readonly setSorting: (sorting: Sorting) => void;
  readonly uid: string | undefined;
  readonly isNarrow: boolean;
  readonly query: string;
}

function Found({ found, isNarrow, layout, query, setSorting, sorting, uid }: FoundProps) {
  const [, navigate] = useLocation();
  const open = (series: string) => navigate(seriesPath(series));
  // What is wrong with the query stands under the query.
  if (found.error instanceof ServiceError && found.error.position !== undefined) return null;
  if (found.error) return <ErrorView error={found.error} onRetry={() => void found.refetch()} />;
  return (
    <QueryView of={found} height={400}>
      {({ counts, series }) => {
        if (counts.series === 0 && query === '') {
          return (
            <EmptyPlace title="The archive is empty">
              <Link href="/">Bring studies in</Link>: drop a folder, take one of the server, or fetch from a PACS.
            </EmptyPlace>
          );
        }
        if (counts.series === 0) {
          return <EmptyPlace title="No series is like that">Take a condition away, or look at “Fields”.</EmptyPlace>;
        }
        if (layout === 'patients') return <StudyTree series={series} chosen={uid} onOpen={open} isNarrow={isNarrow} />;
        return <SeriesTable {...{ series, sorting, isNarrow }} chosen={uid} onSort={setSorting} onOpen={open} />;
      }}
    </QueryView>
  );
}

function BackToList() {
  return (
    <Group>
      <Button component={Link} href="/studies" size="compact-sm" variant="default">
        Back to the list
      </Button>
    </Group>
  );
}
