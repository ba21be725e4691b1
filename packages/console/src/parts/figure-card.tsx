/** One number that is looked at often, with a line that says more. */
import { Card, Skeleton, Text } from '@mantine/core';
import type { ReactNode } from 'react';

export interface FigureCardProps {
  readonly label: string;
  /** Undefined while it is not known. */
  readonly value: string | undefined;
  readonly children?: ReactNode;
}

export function FigureCard({ children, label, value }: FigureCardProps) {
  return (
    <Card withBorder padding="sm" role="group" aria-label={label}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      {value === undefined ? (
        <Skeleton height={32} my={2} />
      ) : (
        <Text fz={26} fw={700} lh={1.35} style={{ fontVariantNumeric: 'tabular-nums' }}>
          {value}
        </Text>
      )}
      <Text size="sm" c="dimmed" mih={22} component="div">
        {children}
      </Text>
    </Card>
  );
}
