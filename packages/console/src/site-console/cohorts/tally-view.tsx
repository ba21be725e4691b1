/** How many belong to a cohort, and how many do not for each reason. */
import type { CohortMember } from '@consilium/archive/api';
import { Group, Progress, Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { countOf, wholeNumber } from '../../parts/quantity.ts';
import { exclusionWords, tallyOf } from './exclusion-words.ts';

export function TallyView({ members }: { members: readonly CohortMember[] }) {
  const { excluded, included, patients } = useMemo(() => tallyOf(members), [members]);
  const percent = members.length === 0 ? 0 : (100 * included) / members.length;
  return (
    <Stack gap={6}>
      <Text fw={600} role="status">
        {countOf(included, 'series', 'series')} of {countOf(patients, 'patient')} belong, of{' '}
        {wholeNumber(members.length)} found
      </Text>
      <Progress value={percent} color="teal" aria-label="Share of the series that belong" />
      <Group gap="md">
        {excluded.map(([exclusion, count]) => (
          <Text key={exclusion} size="sm" c="dimmed">
            {wholeNumber(count)} {exclusionWords[exclusion]}
          </Text>
        ))}
      </Group>
    </Stack>
  );
}
