/** A split as counts: parts across, strata down. */
import type { SplitFacts } from '@consilium/archive/api';
import { Button, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useChange } from '../../parts/change.ts';
import { timeText } from '../../parts/quantity.ts';
import { ask } from '../../parts/service-client.ts';
import { routeOf } from '../archive-asking.ts';

export function SplitView({ newestVersion, split }: { split: SplitFacts; newestVersion: number }) {
  const change = useChange();
  const { cohort, createdMs, name, patients, shares, strata } = split;
  const parts = Object.keys(shares);
  const rows = [...Map.groupBy(patients, ({ stratum }) => stratum)].sort(([a], [b]) => (a < b ? -1 : 1));
  const count = (list: SplitFacts['patients'], part: string) => list.filter((patient) => patient.part === part).length;
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Title order={3} size="h5">
          {name}
        </Title>
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            drawn {timeText(createdMs)}
            {strata.length > 0 &&
              `, balanced by ${strata.map(({ field }) => fieldWords[field]?.[0] ?? field).join(', ')}`}
          </Text>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`Draw new patients into ${name}`}
            onClick={() =>
              change.mutate({
                run: () => ask(routeOf('splits', name, 'extend'), { method: 'POST', body: { name: cohort } }),
                done: `Patients that version ${newestVersion} added are drawn.`,
              })
            }
          >
            Draw new patients
          </Button>
        </Group>
      </Group>
      <Table.ScrollContainer minWidth={360}>
        <Table verticalSpacing={3} withColumnBorders aria-label={`Patients of the split ${name}`}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Patients</Table.Th>
              {parts.map((part) => (
                <Table.Th key={part} ta="right">
                  {part} ({shareText(shares, part)})
                </Table.Th>
              ))}
              <Table.Th ta="right">all</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {strata.length > 0 &&
              rows.map(([stratum, list]) => (
                <Table.Tr key={stratum}>
                  <Table.Td>{stratumText(stratum, strata)}</Table.Td>
                  {parts.map((part) => (
                    <Table.Td key={part} ta="right">
                      {count(list, part)}
                    </Table.Td>
                  ))}
                  <Table.Td ta="right">{list.length}</Table.Td>
                </Table.Tr>
              ))}
            <Table.Tr fw={600}>
              <Table.Td>all</Table.Td>
              {parts.map((part) => (
                <Table.Td key={part} ta="right">
                  {count(patients, part)}
                </Table.Td>
              ))}
              <Table.Td ta="right">{patients.length}</Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

function shareText(shares: SplitFacts['shares'], part: string): string {
  const sum = Object.values(shares).reduce((total, share) => total + share, 0);
  return `${Math.round((100 * shares[part]!) / sum)} %`;
}

const fieldWords: Readonly<Record<string, readonly [string, string]>> = {
  tumourVolume: ['tumour volume', 'ml'],
  sliceThickness: ['slice thickness', 'mm'],
  age: ['age', 'years'],
};

/** Classes of numbers by the values between which they lie. */
function stratumText(stratum: string, strata: SplitFacts['strata']): string {
  const texts = stratum.split(' / ').map((value, at) => {
    const { edges, field } = strata[at] ?? { field: '', edges: undefined };
    const index = edges === undefined ? undefined : /^class (\d+)$/.exec(value)?.[1];
    const [name, unit] = fieldWords[field] ?? [field, ''];
    if (index === undefined) return `${name} ${value === '' ? 'not known' : value}`;
    const [from, to] = [edges![Number(index) - 2], edges![Number(index) - 1]].map(
      (edge) => edge && Number(edge.toPrecision(3)),
    );
    if (from === undefined) return `${name} below ${to} ${unit}`.trim();
    return to === undefined ? `${name} from ${from} ${unit}`.trim() : `${name} ${from} to ${to} ${unit}`.trim();
  });
  return texts.join(', ');
}
