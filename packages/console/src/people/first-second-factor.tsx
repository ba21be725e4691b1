/** For who has logged in and must have a second factor: nothing else can be done before. */
import { Button, Center, Paper, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { logOut } from '../parts/session.ts';
import { SecondFactorSteps } from './second-factor.tsx';

interface FirstSecondFactorProps {
  readonly display: string;
  readonly isWanted: boolean;
  /** What comes afterwards. */
  readonly children: ReactNode;
}

export function FirstSecondFactor({ children, display, isWanted }: FirstSecondFactorProps) {
  const client = useQueryClient();
  // Until the recovery codes are read, whatever the service says meanwhile.
  const [isOpen, setOpen] = useState(isWanted);
  if (isWanted && !isOpen) setOpen(true);
  if (!isOpen) return children;
  const goOn = async () => {
    await client.resetQueries();
    setOpen(false);
  };
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={560}>
        <Stack>
          <Title order={1} size="h3">
            Set up a second factor
          </Title>
          <Text size="sm">{display}, your roles need one here, before anything else is done.</Text>
          <SecondFactorSteps own={undefined} onChange={async () => {}} onDone={() => void goOn()} />
          <Button variant="default" onClick={() => void logOut().then(() => location.reload())}>
            Log out
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
}
