/** Models across sites: a row a model, a column a site, the mean Dice there. Darker is higher; the number says it. */
import type { Answer } from '@consilium/coordinator/api';
import { Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import { countOf } from '../../parts/quantity.ts';
import classes from './model-matrix.module.css';

export function ModelMatrix({ matrix: { models, sites } }: { matrix: Answer<'matrix'> }) {
  return (
    <Table.ScrollContainer minWidth={160 + 90 * sites.length}>
      <Table verticalSpacing={6} fz="sm" aria-label="Mean Dice of each model at each site">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Model</Table.Th>
            {sites.map((siteId) => (
              <Table.Th key={siteId}>{siteId}</Table.Th>
            ))}
            <Table.Th>Mean of sites</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {models.map(({ askedBy, cases, jobId, name, scores, split }) => (
            <Table.Tr key={askedBy}>
              <Table.Th scope="row">
                {jobId === null ? name : <Link href={`/jobs/${jobId}`}>{name}</Link>}
                <Text size="sm" c="dimmed">
                  {split} part, asked by {askedBy}
                </Text>
              </Table.Th>
              {scores.map((score, at) => (
                <Table.Td key={sites[at]} className={classes['cell'] ?? ''} data-level={levelOf(score)}>
                  {score === null ? '–' : score.toFixed(3)}
                  <Text size="sm" component="div" inherit>
                    {countOf(cases[at] ?? 0, 'case')}
                  </Text>
                </Table.Td>
              ))}
              <Table.Td>{meanText(scores)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function levelOf(score: number | null): number | undefined {
  return score === null ? undefined : Math.min(4, Math.floor(Math.max(0, score) * 5));
}

function meanText(scores: readonly (number | null)[]): string {
  const known = scores.filter((score) => score !== null);
  return known.length === 0 ? '–' : (known.reduce((sum, score) => sum + score, 0) / known.length).toFixed(3);
}
