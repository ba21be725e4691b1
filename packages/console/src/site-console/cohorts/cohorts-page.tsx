/** Cohorts: those that there are, one of them, or a new one. */
import { Badge, Button, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { countOf, timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { cohorts } from '../archive-asking.ts';
import { CohortBuilder } from './cohort-builder.tsx';
import { CohortView } from './cohort-view.tsx';

/** No cohort can have this name. */
const newName = '_new';

export function CohortsPage({ name }: { name: string | undefined }) {
  if (name === newName) return <CohortBuilder />;
  if (name !== undefined) return <CohortView name={name} key={name} />;
  return <CohortList />;
}

function CohortList() {
  const query = useQuery(cohorts);
  const begin = (
    <Button component={Link} href={`/cohorts/${newName}`}>
      New cohort
    </Button>
  );
  return (
    <PageFrame
      title="Cohorts"
      about="A cohort is a query and what belonged to it when it was frozen. Training uses a frozen version, which never changes."
      actions={begin}
    >
      <QueryView of={query} height={300}>
        {(list) =>
          list.length === 0 ? (
            <EmptyPlace title="There is no cohort yet">
              Choose series by a query and by what they are; look at who is left out and why; freeze.
            </EmptyPlace>
          ) : (
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
              {list.map(({ createdMs, excluded, included, name, query: asked, version }) => (
                <Card key={name} withBorder component={Link} href={`/cohorts/${name}`}>
                  <Stack gap={6}>
                    <Group justify="space-between" wrap="nowrap">
                      <Title order={2} size="h5">
                        {name}
                      </Title>
                      <Badge variant="default" tt="none">
                        version {version}
                      </Badge>
                    </Group>
                    <Text size="sm">
                      {countOf(included, 'series', 'series')},{' '}
                      {Object.values(excluded).reduce((sum, count) => sum + count, 0)} left out
                    </Text>
                    <Text size="sm" c="dimmed" ff="monospace" lineClamp={2}>
                      {asked === '' ? 'everything' : asked}
                    </Text>
                    <Text size="xs" c="dimmed">
                      frozen {timeText(createdMs)}
                    </Text>
                  </Stack>
                </Card>
              ))}
            </SimpleGrid>
          )
        }
      </QueryView>
    </PageFrame>
  );
}
