/** One's own tokens for programs: made, shown once, revoked. */
import { type ApiToken, permissions, type Scope, scopes, type WhoAsks } from '@consilium/people/api';
import { Alert, Button, Checkbox, NumberInput, Stack, Table, Text, TextInput, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { AskFirst } from '../parts/ask-first.tsx';
import { useChange } from '../parts/change.ts';
import { CopyBlock } from '../parts/copy-block.tsx';
import { ErrorView } from '../parts/error-view.tsx';
import { timeText } from '../parts/quantity.ts';
import { ask } from '../parts/service-client.ts';
import { whoAsks } from '../parts/session.ts';
import { ownAccount } from './people-asking.ts';

export function OwnTokens({ tokens }: { tokens: readonly ApiToken[] }) {
  const { data } = useQuery(whoAsks);
  return (
    <Stack gap="sm">
      {tokens.length === 0 ? (
        <Text size="sm" c="dimmed">
          You have none. A program that fetches images or labels, or a command on another machine, needs one.
        </Text>
      ) : (
        <TokenTable tokens={tokens} />
      )}
      {data && <NewToken may={data.permissions} />}
    </Stack>
  );
}

function TokenTable({ tokens }: { tokens: readonly ApiToken[] }) {
  const change = useChange();
  return (
    <Table.ScrollContainer minWidth={420}>
      <Table verticalSpacing={4} fz="sm" aria-label="Tokens">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>For</Table.Th>
            <Table.Th>May</Table.Th>
            <Table.Th>Until</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th>
              <VisuallyHidden>Revoke</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tokens.map(({ id, name, scopes: may, untilMs, usedMs }) => (
            <Table.Tr key={id}>
              <Table.Td>{name}</Table.Td>
              <Table.Td>{may.join(', ')}</Table.Td>
              <Table.Td>{timeText(untilMs)}</Table.Td>
              <Table.Td>{usedMs === undefined ? 'never' : timeText(usedMs)}</Table.Td>
              <Table.Td>
                <AskFirst
                  label="Revoke"
                  ariaLabel={`Revoke ${name}`}
                  size="compact-sm"
                  isDanger
                  title={`Revoke ${name}`}
                  explanation="Programs that use it are let in no more. It cannot be undone."
                  confirm="Revoke"
                  onConfirm={() =>
                    change.mutate({
                      run: () => ask(`/account/tokens/${id}`, { method: 'DELETE' }),
                      done: `${name} is revoked.`,
                    })
                  }
                />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function NewToken({ may }: { may: WhoAsks['permissions'] }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Scope[]>([]);
  const [days, setDays] = useState<number | string>(90);
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () =>
      ask<{ secret: string }>('/account/tokens', {
        method: 'POST',
        body: { name, scopes: chosen, days: Number(days) },
      }),
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: ownAccount.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit} aria-label="New token">
      <Stack gap="sm">
        <TextInput
          label="New token, for what?"
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        <Checkbox.Group label="What may it do?" value={[...chosen]} onChange={(values) => setChosen(values as Scope[])}>
          <Stack gap={4} mt={4}>
            {scopes
              .filter((scope) => may.includes(scope))
              .map((scope) => (
                <Checkbox key={scope} value={scope} label={permissions[scope]} size="sm" />
              ))}
          </Stack>
        </Checkbox.Group>
        <NumberInput label="For how many days?" value={days} onChange={setDays} min={1} max={366} maw={200} />
        {make.error && <ErrorView error={make.error} />}
        <Button type="submit" disabled={name.trim() === '' || chosen.length === 0} loading={make.isPending}>
          Make the token
        </Button>
        {make.data && (
          <Alert
            color="green"
            title="This token is not shown again"
            withCloseButton
            closeButtonLabel="Hide"
            onClose={make.reset}
          >
            <CopyBlock label="Token" text={make.data.secret} />
          </Alert>
        )}
      </Stack>
    </form>
  );
}
