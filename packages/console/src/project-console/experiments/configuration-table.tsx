/** The configurations of an experiment, sorted by whatever is asked. */
import type { ExperimentAnalysis } from '@consilium/study/browser';
import { Badge, Table, Text, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { bytesText, wholeNumber } from '../../parts/quantity.ts';

type Configuration = ExperimentAnalysis['configurations'][number];

interface Column {
  readonly title: string;
  /** null sorts last, whichever way. */
  readonly valueOf: (configuration: Configuration) => number | string | null;
  readonly textOf: (configuration: Configuration) => string;
}

const columns: readonly Column[] = [
  { title: 'Configuration', valueOf: ({ label }) => label, textOf: ({ label }) => label },
  {
    title: 'Validation',
    valueOf: ({ validation }) => validation,
    textOf: ({ validation }) => validation?.toFixed(3) ?? '–',
  },
  {
    title: 'Test',
    valueOf: ({ test }) => test?.mean ?? null,
    textOf: ({ test }) => (test === null ? '–' : intervalText(test)),
  },
  {
    title: 'Calibration error',
    valueOf: ({ calibration }) => calibration?.ece.mean ?? null,
    textOf: ({ calibration }) => (calibration === null ? '–' : intervalText(calibration.ece)),
  },
  { title: 'Seeds', valueOf: ({ seeds }) => seeds, textOf: ({ seeds }) => String(seeds) },
  { title: 'Seconds', valueOf: ({ cost }) => known(cost.seconds), textOf: ({ cost }) => number(cost.seconds) },
  {
    title: 'Sent and received',
    valueOf: ({ cost }) => known(cost.bytes),
    textOf: ({ cost }) => (known(cost.bytes) === null ? '–' : bytesText(cost.bytes)),
  },
  { title: 'Parameters', valueOf: ({ cost }) => known(cost.parameters), textOf: ({ cost }) => number(cost.parameters) },
];

export interface ConfigurationTableProps {
  readonly configurations: readonly Configuration[];
  /** Of the configurations that the test patients were asked about. */
  readonly chosen: readonly string[];
}

export function ConfigurationTable({ chosen, configurations }: ConfigurationTableProps) {
  const [by, setBy] = useState(1);
  const [isDescending, setDescending] = useState(true);
  const sort = (index: number) => {
    setDescending(index === by ? !isDescending : index !== 0);
    setBy(index);
  };
  const sorted = configurations.toSorted((one, other) =>
    compared(columns[by]!.valueOf(one), columns[by]!.valueOf(other), isDescending),
  );
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table verticalSpacing={6} fz="sm" aria-label="Configurations">
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ title }, index) => (
              <Table.Th key={title} aria-sort={index === by ? (isDescending ? 'descending' : 'ascending') : 'none'}>
                <UnstyledButton onClick={() => sort(index)} fz="sm" fw={700}>
                  {title}
                  <span aria-hidden>{index === by ? (isDescending ? ' ▼' : ' ▲') : ''}</span>
                </UnstyledButton>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map((configuration) => (
            <Table.Tr key={configuration.configuration}>
              {columns.map(({ textOf, title }, index) => (
                <Table.Td key={title}>
                  {textOf(configuration)}
                  {index === 0 && (
                    <Text size="sm" c="dimmed" component="div">
                      {configuration.jobs.join(', ')}{' '}
                      {chosen.includes(configuration.configuration) && (
                        <Badge variant="default" tt="none">
                          tested
                        </Badge>
                      )}
                    </Text>
                  )}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function intervalText({ high, low, mean }: NonNullable<Configuration['test']>): string {
  return `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function compared(one: number | string | null, other: number | string | null, isDescending: boolean): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  const order = one < other ? -1 : one > other ? 1 : 0;
  return isDescending ? -order : order;
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function number(value: number): string {
  return Number.isFinite(value) ? wholeNumber(value) : '–';
}
