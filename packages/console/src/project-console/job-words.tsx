/** How jobs are spoken of. */
import type { JobEntry } from '@consilium/coordinator/api';
import { Badge, Progress, Text } from '@mantine/core';

/** White on each of them is read: 5:1 and more, on light and dark. */
const stateColours: Readonly<Record<JobEntry['state'], string>> = {
  queued: '#495057',
  running: '#1864ab',
  paused: '#8a4a00',
  completed: '#22692f',
  failed: '#a61e1e',
  aborted: '#495057',
};

export function StateBadge({ state }: { state: JobEntry['state'] }) {
  return (
    <Badge color={stateColours[state]} autoContrast={false} c="white" tt="none">
      {state}
    </Badge>
  );
}

const askedWords: Readonly<Record<string, string>> = {
  train: 'training',
  fingerprint: 'what the data is like',
  prepare: 'preparing the data',
  evaluate: 'testing a model',
  statistics: 'statistics of the data',
  introduce: 'sites make each other known',
  overlap: 'patients who are at several sites',
};

export function askedText({ asks }: Pick<JobEntry, 'asks'>): string {
  return askedWords[asks] ?? asks;
}

export function scoreText(score: number | null): string {
  return score === null ? '–' : score.toFixed(3);
}

/** How far a job is: rounds, or sites that have answered. */
export function JobProgress({ entry }: { entry: JobEntry }) {
  const { answered, participants, rounds } = entry;
  const [done, of, noun] =
    rounds === null ? [answered?.length ?? 0, participants.length, 'sites'] : [rounds.done, rounds.max, 'rounds'];
  return (
    <>
      <Text size="sm">
        {done} of {of} {noun}
      </Text>
      {entry.state === 'running' && (
        <Progress value={(100 * done) / of} size="sm" aria-label={`${entry.jobId}: ${done} of ${of} ${noun}`} />
      )}
    </>
  );
}
