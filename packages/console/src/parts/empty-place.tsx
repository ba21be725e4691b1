/** Where there is nothing yet: what to do first. */
import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

export function EmptyPlace({ children, title }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={4} py="xl" px="md" ta="center">
      <Text fw={600}>{title}</Text>
      {children && (
        <Text c="dimmed" size="sm" maw={520} component="div">
          {children}
        </Text>
      )}
    </Stack>
  );
}
