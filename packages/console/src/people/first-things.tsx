/** What somebody who has logged in must do before anything else; all else that they can do is to log out. */
import { Button, Center, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { logOut } from '../parts/session.ts';

interface FirstThingsProps {
  readonly title: string;
  readonly why: ReactNode;
  /** Of the sheet, pixels. */
  readonly maw: number;
  readonly children: ReactNode;
}

export function FirstThings({ children, maw, title, why }: FirstThingsProps) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={maw}>
        <Stack>
          <Title order={1} size="h3">
            {title}
          </Title>
          <Text size="sm">{why}</Text>
          {children}
          <Button variant="default" onClick={() => void logOut().then(() => location.reload())}>
            Log out
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
}
