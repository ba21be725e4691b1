/** The beginning of each page: its heading, which has the focus when the page is come to, and its name in the tab. */
import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';

export interface PageFrameProps {
  readonly title: string;
  /** What the page is for, in a sentence. */
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function PageFrame({ about, actions, children, title }: PageFrameProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Consilium`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="md">
        <Stack gap={2}>
          <Title order={1} size="h2" ref={heading} tabIndex={-1} data-page-heading>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm" maw={760}>
              {about}
            </Text>
          )}
        </Stack>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
