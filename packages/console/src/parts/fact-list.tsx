/** Names and values; what is not known is left out. */
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './fact-list.module.css';

export function FactList({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <Table variant="vertical" verticalSpacing={3} fz="sm" withRowBorders className={classes['facts'] ?? ''}>
      <Table.Tbody>
        {facts
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w={150} scope="row">
                {name}
              </Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  );
}
