/** What was found of a series, by the archive or by people, and the way to add to it. */
import type { Finding, SeriesDetails } from '@consilium/archive/api';
import { Badge, Code, Group, Stack, Text } from '@mantine/core';
import { AskFirst } from '../parts/ask-first.tsx';
import { useChange } from '../parts/change.ts';
import { timeText } from '../parts/quantity.ts';
import { ask } from '../parts/service-client.ts';
import { seriesRoute } from './archive-asking.ts';
import { findingWords } from './finding-words.ts';
import { severityColors, severityWords } from './severity.ts';

/** Of those the archive finds again when it looks again. */
const archiveSources = new Set(['door', 'volume', 'label']);
const personsCode = 'unfit';

export interface FindingListProps {
  readonly series: Pick<SeriesDetails, 'seriesInstanceUid' | 'findings'>;
  /** The code that is explained already where this is shown. */
  readonly explained?: string;
}

export function FindingList({ explained, series }: FindingListProps) {
  const { findings } = series;
  return (
    <Stack gap="xs">
      {findings.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing was found wrong.
        </Text>
      )}
      {findings.map((finding) => (
        <FindingRow
          key={`${finding.source} ${finding.code}`}
          uid={series.seriesInstanceUid}
          finding={finding}
          words={finding.code === explained ? undefined : findingWords[finding.code]}
        />
      ))}
      <Group>
        <MarkFailed uid={series.seriesInstanceUid} />
      </Group>
    </Stack>
  );
}

interface FindingRowProps {
  readonly uid: string;
  readonly finding: Finding;
  /** What it means. */
  readonly words: string | undefined;
}

function FindingRow({ finding, uid, words }: FindingRowProps) {
  const change = useChange();
  const { code, createdMs, message, severity, source } = finding;
  const isArchives = archiveSources.has(source);
  const withdraw = (reason: string) =>
    change.mutate({
      run: async () => {
        await ask(seriesRoute(uid, 'findings', source, code), { method: 'DELETE' });
        await ask(seriesRoute(uid, 'notes'), {
          method: 'POST',
          body: { text: `Finding ${code} (${source}) withdrawn: ${reason}` },
        });
      },
      done: 'The finding is withdrawn; the reason is among the notes.',
      undo: () => ask(seriesRoute(uid, 'findings'), { method: 'POST', body: { code, severity, message, source } }),
    });
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
      <Stack gap={2}>
        <Group gap="xs">
          <Badge color={severityColors[severity]} size="sm" tt="none">
            {severityWords[severity]}
          </Badge>
          <Text size="sm">{message}</Text>
        </Group>
        {words !== undefined && (
          <Text size="sm" c="dimmed">
            {words}
          </Text>
        )}
        <Text size="xs" c="dimmed">
          <Code>{code}</Code> by {isArchives ? `the archive (${source})` : source}, {timeText(createdMs)}
        </Text>
      </Stack>
      <AskFirst
        label="Withdraw"
        style={{ flex: 'none' }}
        ariaLabel={`Withdraw ${code}`}
        size="compact-sm"
        title="Withdraw a finding"
        explanation={
          isArchives
            ? 'The archive found this itself, and finds it again when it looks at the series again.'
            : 'The series may then belong to cohorts again. Your reason becomes a note.'
        }
        reasonLabel="Why does it not hold?"
        confirm="Withdraw"
        onConfirm={withdraw}
      />
    </Group>
  );
}

/** Keeps a series out of cohorts. */
function MarkFailed({ uid }: { uid: string }) {
  const change = useChange();
  const body = { code: personsCode, severity: 'failed', source: 'data manager' } as const;
  return (
    <AskFirst
      label="Mark as failed"
      size="compact-sm"
      title="Mark as failed"
      explanation="A series with a failed finding is left out of cohorts from now on. Versions that were frozen stay."
      reasonLabel="What is wrong with it?"
      confirm="Mark as failed"
      onConfirm={(reason) =>
        change.mutate({
          run: () => ask(seriesRoute(uid, 'findings'), { method: 'POST', body: { ...body, message: reason } }),
          done: 'Marked as failed.',
          undo: () => ask(seriesRoute(uid, 'findings', body.source, body.code), { method: 'DELETE' }),
        })
      }
    />
  );
}
