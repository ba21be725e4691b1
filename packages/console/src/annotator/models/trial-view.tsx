/** What came of a trial: by structure, by clicks, and why the candidate was let in or not. */
import { Badge, Group, Stack, Table, Text } from '@mantine/core';
import { LineChart } from '../../parts/line-chart.tsx';
import { countOf, signedText, timeText } from '../../parts/quantity.ts';
import type { Model, Trial } from '../reading-asking.ts';

const reasonWords: Readonly<Record<Trial['verdict']['reason'], string>> = {
  better: 'It is better, surely enough, and in no structure much worse.',
  'too-few-cases': 'There are too few cases to tell: at least three.',
  'not-better': 'It is not better in the mean.',
  'not-sure': 'It may be better, but the difference may as well be chance.',
  'structure-worse': 'It is better in the mean, but in a structure too much worse.',
};

export function TrialView({ shelf, trial }: { shelf: readonly Model[]; trial: Trial }) {
  const { against, atMs, digest, verdict } = trial;
  const named = (of: string) => shelf.find((model) => model.digest === of)?.name ?? of.slice(0, 12);
  const rival = against === null ? 'nothing drawn' : named(against);
  const nameOf = structuresOf(shelf.find((model) => model.digest === digest));
  const title = `${named(digest)} beside ${rival}`;
  return (
    <Stack gap={6} component="article" aria-label={title}>
      <Group gap="sm">
        <Text fw={600} component="h3">
          {title}
        </Text>
        <Badge color={verdict.isBetter ? 'green' : 'gray'} variant="light" tt="none">
          {verdict.isBetter ? 'let in' : 'not let in'}
        </Badge>
        <Text size="sm" c="dimmed">
          {timeText(atMs)}
        </Text>
      </Group>
      <Text size="sm">
        {reasonWords[verdict.reason]} {differenceText(verdict.difference)}
      </Text>
      <Table aria-label={`Mean Dice, ${title}`} w="auto" style={{ alignSelf: 'flex-start' }}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Mean Dice</Table.Th>
            <Table.Th scope="col" ta="right">
              {named(digest)}
            </Table.Th>
            <Table.Th scope="col" ta="right">
              {rival}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {verdict.structures.map(({ candidate, champion, structure }) => (
            <Table.Tr key={structure}>
              <Table.Th scope="row" fw={400}>
                {nameOf(structure)}
              </Table.Th>
              <Table.Td ta="right">{candidate.toFixed(3)}</Table.Td>
              <Table.Td ta="right">{champion.toFixed(3)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {verdict.clicks !== undefined && <ClickCurve clicks={verdict.clicks} names={[named(digest), rival]} />}
    </Stack>
  );
}

function ClickCurve({
  clicks: { after, scored },
  names: [candidate, champion],
}: {
  clicks: NonNullable<Trial['verdict']['clicks']>;
  names: readonly [string, string];
}) {
  const lineOf = (name: string, side: 'candidate' | 'champion') => ({
    name,
    points: after.map((one) => ({ x: one.clicks, y: one[side] })),
    isMain: side === 'candidate',
  });
  return (
    <>
      <LineChart
        title="Mean Dice after so many simulated clicks on each structure"
        lines={[lineOf(candidate, 'candidate'), lineOf(champion, 'champion')]}
        xTitle="Clicks"
        xMax={Math.max(...after.map((one) => one.clicks))}
        range={[0, 1]}
      />
      <Text size="xs" c="dimmed">
        Simulated clicks; {countOf(scored, 'click')} on a structure decide. A reader clicks elsewhere and sees when to
        stop.
      </Text>
    </>
  );
}

function differenceText(difference: Trial['verdict']['difference']): string {
  if (difference === undefined) return '';
  const { cases, high, low, mean } = difference;
  const interval =
    low === undefined || high === undefined ? '' : ` (95 % interval ${signedText(low)} to ${signedText(high)})`;
  return `Difference ${signedText(mean)}${interval}, over ${countOf(cases, 'case')}.`;
}

/** A class's name says what its structure is. */
function structuresOf(model: Model | undefined): (structure: number) => string {
  const names = new Map(Object.entries(model?.structures ?? {}).map(([name, number]) => [number, name]));
  return (structure) => names.get(structure) ?? `structure ${structure}`;
}
