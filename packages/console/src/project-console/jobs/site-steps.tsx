/** How far each site is with its present task, as it says it. */
import { Group, Progress, SimpleGrid, Text } from '@mantine/core';
import { type ProjectLive, useSteps } from '../project-live.ts';

export function SiteSteps({ jobId, live }: { jobId: string; live: ProjectLive }) {
  const steps = [...useSteps(live, jobId).values()].sort((one, other) => (one.siteId < other.siteId ? -1 : 1));
  if (steps.length === 0) return null;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="xs">
      {steps.map(({ done, of, siteId }) => (
        <div key={siteId}>
          <Group justify="space-between">
            <Text size="sm">{siteId}</Text>
            <Text size="sm" c="dimmed">
              {done} of {of}
            </Text>
          </Group>
          <Progress value={(100 * done) / Math.max(1, of)} size="sm" aria-label={`${siteId}: ${done} of ${of}`} />
        </div>
      ))}
    </SimpleGrid>
  );
}
