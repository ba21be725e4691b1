/** For whoever has come without the link, or after twelve hours. */
import { Button, Center, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ErrorView } from './error-view.tsx';
import { logIn } from './session.ts';

export function LoginPage() {
  const [text, setText] = useState('');
  const client = useQueryClient();
  const login = useMutation({ mutationFn: logIn, onSuccess: () => client.resetQueries() });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate(text);
  };
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder p="xl" maw={520}>
        <form onSubmit={submit}>
          <Stack>
            <Title order={1} size="h3">
              Consilium archive
            </Title>
            <Text>
              To log in, open the link that the archive shows when it starts. On the archive’s machine this command
              shows it again:
            </Text>
            <Code block>consilium archive open --directory …</Code>
            <PasswordInput
              label="Or paste the link or the token here"
              value={text}
              onChange={({ currentTarget }) => setText(currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': 'Show what is written' }}
              autoComplete="off"
            />
            {login.error && <ErrorView error={login.error} />}
            <Button type="submit" loading={login.isPending} disabled={text.trim() === ''}>
              Log in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
