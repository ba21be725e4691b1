/** For whoever is not logged in: name and password, the hospital's provider of logins, or the link of the service. */
import { Button, Center, Code, Divider, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ErrorView } from './error-view.tsx';
import { useServiceWords } from './service-words.tsx';
import { logIn, logInWithPassword, loginOffer, providerAddress, refusalOfAddress } from './session.ts';

export function LoginPage() {
  const { data, error } = useQuery(loginOffer);
  const [refusal] = useState(refusalOfAddress);
  const { noun } = useServiceWords();
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={480}>
        <Stack>
          <Title order={1} size="h3">
            Consilium {noun}
          </Title>
          {refusal && <ErrorView error={refusal} />}
          {error && <ErrorView error={error} />}
          {data?.provider && (
            <Button component="a" href={providerAddress()}>
              Log in with {data.provider}
            </Button>
          )}
          {data?.provider && data.hasPeople && <Divider label="or" />}
          {data?.hasPeople && <PasswordForm isMain={data.provider === null} />}
          {data?.isTokenOn && (data.hasPeople || data.provider !== null) && (
            <Divider label={`or, for who set up the ${noun}`} />
          )}
          {data?.isTokenOn && <LinkForm isMain={!data.hasPeople && data.provider === null} />}
        </Stack>
      </Paper>
    </Center>
  );
}

const toggle = { 'aria-label': 'Show what is written' };

function PasswordForm({ isMain }: { isMain: boolean }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const client = useQueryClient();
  const login = useMutation({
    mutationFn: logInWithPassword,
    gcTime: 0,
    onSuccess: ({ outcome }) => (outcome === 'in' ? client.resetQueries() : undefined),
  });
  const [wantsCode, setWantsCode] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const asked = { name: name.trim().toLowerCase(), password, ...(wantsCode ? { code: code.trim() } : {}) };
    login.mutate(asked, { onSuccess: ({ outcome }) => setWantsCode(outcome === 'code-wanted') });
  };
  return (
    <form onSubmit={submit} aria-label="Log in">
      <Stack>
        <TextInput
          label="Name"
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
        />
        <PasswordInput
          label="Password"
          value={password}
          onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          visibilityToggleButtonProps={toggle}
          autoComplete="current-password"
        />
        {wantsCode && (
          <TextInput
            label="Code"
            description="Six digits that your authenticator shows now, or a recovery code"
            value={code}
            onChange={({ currentTarget }) => setCode(currentTarget.value)}
            autoComplete="one-time-code"
            autoFocus
          />
        )}
        {login.error && <ErrorView error={login.error} />}
        <Button
          type="submit"
          variant={isMain ? 'filled' : 'default'}
          loading={login.isPending}
          disabled={name.trim() === '' || password === '' || (wantsCode && code.trim() === '')}
        >
          Log in
        </Button>
      </Stack>
    </form>
  );
}

function LinkForm({ isMain }: { isMain: boolean }) {
  const { noun, openCommand } = useServiceWords();
  const [text, setText] = useState('');
  const client = useQueryClient();
  const login = useMutation({ mutationFn: logIn, gcTime: 0, onSuccess: () => client.resetQueries() });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate(text);
  };
  return (
    <form onSubmit={submit} aria-label="Log in with the link">
      <Stack>
        <Text size={isMain ? 'md' : 'sm'}>
          Open the link that the {noun} shows when it starts. On the {noun}’s machine this command shows it again:
        </Text>
        <Code block>{openCommand}</Code>
        <PasswordInput
          label="Or paste the link or the token here"
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
          visibilityToggleButtonProps={toggle}
          autoComplete="off"
        />
        {login.error && <ErrorView error={login.error} />}
        <Button
          type="submit"
          variant={isMain ? 'filled' : 'default'}
          loading={login.isPending}
          disabled={text.trim() === ''}
        >
          Log in with the link
        </Button>
      </Stack>
    </form>
  );
}
