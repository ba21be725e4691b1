/** Imports and retrievals: how far they are, what became of them, and how to stop them or go on. */
import type { ImportEntry, PullEntry } from '@consilium/archive/api';
import { Badge, Button, Code, Group, List, Progress, Spoiler, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useChange } from '../../parts/change.ts';
import { CodeWords } from '../../parts/code-words.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { countOf, timeText, wholeNumber } from '../../parts/quantity.ts';
import { ask } from '../../parts/service-client.ts';
import { imports, pulls, routeOf } from '../archive-asking.ts';
import classes from './arrivals.module.css';
import { ignoredWords } from './outcome-words.ts';

const shownMax = 8;

export function UnderWay() {
  const importing = useQuery(imports);
  const pulling = useQuery(pulls);
  const entries = (importing.data ?? []).slice(0, shownMax);
  const retrievals = (pulling.data ?? []).slice(0, shownMax);
  if (entries.length === 0 && retrievals.length === 0) {
    return (
      <EmptyPlace title="Nothing is under way">
        Imports of folders and zip files, and retrievals from a PACS, stand here with their progress.
      </EmptyPlace>
    );
  }
  return (
    <Stack gap="md">
      {retrievals.map((pull) => (
        <PullRow key={pull.id} pull={pull} />
      ))}
      {entries.map((entry) => (
        <ImportRow key={entry.id} entry={entry} />
      ))}
    </Stack>
  );
}

const importNames: Readonly<Record<ImportEntry['kind'], string>> = {
  folder: 'Folder',
  zip: 'Zip file',
  watch: 'Watched folder',
  'series-folders': 'Folders of series',
};

function ImportRow({ entry }: { entry: ImportEntry }) {
  const change = useChange();
  const { counts, createdMs, id, kind, path, progress, state } = entry;
  const isStopped = state === 'running' && progress === null && kind !== 'watch';
  const name = path ?? 'from a browser';
  const act = (what: 'stop' | 'go-on', done: string) =>
    change.mutate({ run: () => ask(routeOf('imports', id, what), { method: 'POST' }), done });
  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text size="sm" className={classes['path'] ?? ''}>
          <b>{importNames[kind]}</b> {name}, {timeText(createdMs)}
        </Text>
        <Group gap="xs" wrap="nowrap">
          <StateBadge state={isStopped ? 'stopped' : kind === 'watch' && progress === null ? 'watching' : state} />
          {progress !== null && kind !== 'watch' && (
            <Button size="compact-sm" variant="default" onClick={() => act('stop', 'Stopped. It can go on.')}>
              Stop
            </Button>
          )}
          {isStopped && (
            <Button size="compact-sm" onClick={() => act('go-on', 'It goes on.')}>
              Go on
            </Button>
          )}
        </Group>
      </Group>
      {progress !== null && (
        <Progress
          value={progress.total === 0 ? 0 : (100 * progress.done) / progress.total}
          animated
          aria-label={`${name}: ${progress.done} of ${progress.total} files`}
        />
      )}
      <Text size="sm" c="dimmed">
        {progress !== null && `${wholeNumber(progress.done)} of ${countOf(progress.total, 'file')}. `}
        {wholeNumber(counts.stored)} stored, {wholeNumber(counts.duplicate)} there already,{' '}
        {wholeNumber(counts.refused)} refused, {wholeNumber(counts.ignored)} ignored.
      </Text>
      {entry.code !== undefined && <CodeWords code={entry.code} />}
      {entry.exceptions.length > 0 && <Exceptions exceptions={entry.exceptions} />}
    </Stack>
  );
}

function Exceptions({ exceptions }: { exceptions: ImportEntry['exceptions'] }) {
  return (
    <Spoiler maxHeight={0} showLabel={`Show the ${countOf(exceptions.length, 'file')} left out`} hideLabel="Hide them">
      <List size="sm" spacing={4}>
        {exceptions.slice(0, 100).map(({ code, outcome, path }) => (
          <List.Item key={path}>
            {path}: {outcome}. {ignoredWords[code] ?? <Code>{code}</Code>}
            {ignoredWords[code] === undefined && <CodeWords code={code} c="dimmed" />}
          </List.Item>
        ))}
      </List>
    </Spoiler>
  );
}

function PullRow({ pull }: { pull: PullEntry }) {
  const change = useChange();
  const { held = 0, id, instances, remote, state, studyInstanceUid } = pull;
  const isOpen = state === 'waiting' || state === 'running';
  const again = () =>
    change.mutate({
      run: () => ask(routeOf('remotes', remote, 'pulls'), { method: 'POST', body: { studyInstanceUid } }),
      done: 'It is fetched again: only what is missing.',
    });
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm">
          <b>Retrieval</b> from {remote}
        </Text>
        <Group gap="xs" wrap="nowrap">
          <StateBadge state={state} />
          {isOpen && (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() =>
                change.mutate({ run: () => ask(routeOf('pulls', id), { method: 'DELETE' }), done: 'Cancelled.' })
              }
            >
              Cancel
            </Button>
          )}
          {(state === 'failed' || state === 'cancelled') && (
            <Button size="compact-sm" onClick={again}>
              Go on
            </Button>
          )}
        </Group>
      </Group>
      {isOpen && (
        <Progress
          value={instances ? (100 * held) / instances : 0}
          animated
          aria-label={`Retrieval from ${remote}: ${held} of ${instances ?? 'unknown'} instances`}
        />
      )}
      <Text size="sm" c="dimmed">
        {instances === undefined
          ? 'Not listed yet.'
          : `${wholeNumber(held)} of ${countOf(instances, 'instance')} here.`}
      </Text>
      {pull.code !== undefined && <CodeWords code={pull.code} />}
    </Stack>
  );
}

const stateColors: Readonly<Record<string, string>> = { running: 'blue', finished: 'teal.9', failed: 'red.9' };

function StateBadge({ state }: { state: string }) {
  return (
    <Badge color={stateColors[state] ?? 'gray.7'} tt="none" style={{ flex: 'none' }}>
      {state}
    </Badge>
  );
}
