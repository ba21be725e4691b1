/** For who has logged in with a password that somebody else has set: nothing else can be done before. */
import { Button, Center, Paper, Stack, Text, Title } from '@mantine/core';
import { logOut } from '../parts/session.ts';
import { PasswordForm } from './password-form.tsx';

export function FirstPassword({ display }: { display: string }) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={480}>
        <Stack>
          <Title order={1} size="h3">
            Choose a password
          </Title>
          <Text size="sm">
            {display}, the password that you were given is known to somebody else. The one that you choose now is yours
            alone.
          </Text>
          <PasswordForm onDone={() => {}} />
          <Button variant="default" onClick={() => void logOut().then(() => location.reload())}>
            Log out
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
}
