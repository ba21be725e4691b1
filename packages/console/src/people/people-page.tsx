/** Who has an account and may do what; for administrators, to change it. */
import { type PeopleList, type Role, roleWords } from '@consilium/people/api';
import { Alert, Badge, Button, Checkbox, Group, Modal, SimpleGrid, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { AskFirst } from '../parts/ask-first.tsx';
import { useChange } from '../parts/change.ts';
import { CopyBlock } from '../parts/copy-block.tsx';
import { EmptyPlace } from '../parts/empty-place.tsx';
import { ErrorView } from '../parts/error-view.tsx';
import { PageFrame } from '../parts/page-frame.tsx';
import { timeText } from '../parts/quantity.ts';
import { QueryView } from '../parts/query-view.tsx';
import { Section } from '../parts/section.tsx';
import { ask } from '../parts/service-client.ts';
import { useServiceWords } from '../parts/service-words.tsx';
import { useMay } from '../parts/session.ts';
import { people, personRoute } from './people-asking.ts';

type Account = PeopleList['accounts'][number];

export function PeoplePage() {
  const query = useQuery(people);
  const mayManage = useMay('accounts.manage');
  const { noun } = useServiceWords();
  return (
    <PageFrame
      title="People"
      about={`Who has an account here, and what each may do. All changes are in the ${noun}’s log.`}
    >
      <Section title="Accounts">
        <QueryView of={query}>
          {({ accounts }) =>
            accounts.length === 0 ? (
              <EmptyPlace title="Nobody has an account yet">
                Make one for yourself, as administrator, and log in with it. Then make those of the others.
              </EmptyPlace>
            ) : (
              <AccountTable accounts={accounts} mayManage={mayManage} />
            )
          }
        </QueryView>
      </Section>
      {mayManage && (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <Section title="New account">
            <NewAccount />
          </Section>
          <Section title={`The link of the ${noun}`}>
            <QueryView of={query} height={80}>
              {({ isTokenOn }) => <LinkSwitch isTokenOn={isTokenOn} />}
            </QueryView>
          </Section>
        </SimpleGrid>
      )}
    </PageFrame>
  );
}

function AccountTable({ accounts, mayManage }: { accounts: readonly Account[]; mayManage: boolean }) {
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table verticalSpacing={4} fz="sm" aria-label="Accounts">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Roles</Table.Th>
            <Table.Th>Logs in</Table.Th>
            <Table.Th>Last login</Table.Th>
            {mayManage && <Table.Th>Change</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {accounts.map((account) => (
            <Table.Tr key={account.name}>
              <Table.Td>
                <Text size="sm" fw={600}>
                  {account.name}
                </Text>
                {account.display !== account.name && <Text size="sm">{account.display}</Text>}
              </Table.Td>
              <Table.Td>
                <Group gap={4}>
                  {account.roles.map((role) => (
                    <Badge key={role} variant="default" tt="none" title={roleWords[role]}>
                      {role}
                    </Badge>
                  ))}
                  {account.roles.length === 0 && '–'}
                </Group>
              </Table.Td>
              <Table.Td>{wayOf(account)}</Table.Td>
              <Table.Td>{account.loginMs === undefined ? 'never' : timeText(account.loginMs)}</Table.Td>
              {mayManage && (
                <Table.Td>
                  <AccountActions account={account} />
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function wayOf({ hasSecondFactor, isDisabled, isSecondFactorWanted, origin, passwordUntilMs }: Account): string {
  if (isDisabled) return 'is shut out';
  if (origin === 'provider') return 'at the provider';
  if (passwordUntilMs !== undefined) return 'has to choose a password';
  if (isSecondFactorWanted) return 'has to set up a second factor';
  return hasSecondFactor ? 'password and second factor' : 'password';
}

function AccountActions({ account: { display, isDisabled, name, origin, roles } }: { account: Account }) {
  const change = useChange();
  const reset = useMutation({
    mutationFn: () => ask<{ password: string }>(personRoute(name, 'reset'), { method: 'POST' }),
    gcTime: 0,
  });
  const setEnabled = (isOn: boolean) =>
    change.mutate({
      run: () => ask(personRoute(name, 'enabled'), { method: 'PUT', body: { isOn } }),
      done: `${display} is ${isOn ? 'let in again' : 'shut out'}.`,
    });
  return (
    <Stack gap={4}>
      <Group gap={4}>
        {origin === 'local' && <RolesButton name={name} roles={roles} />}
        {isDisabled ? (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => setEnabled(true)}
            aria-label={`Let ${name} in again`}
          >
            Let in again
          </Button>
        ) : (
          <AskFirst
            label="Shut out"
            ariaLabel={`Shut ${name} out`}
            size="compact-sm"
            isDanger
            title={`Shut ${name} out`}
            explanation="All sessions end, tokens count no more. What the person has done stays under the name. It can be undone."
            confirm="Shut out"
            onConfirm={() => setEnabled(false)}
          />
        )}
        {origin === 'local' && (
          <AskFirst
            label="Reset"
            ariaLabel={`Reset ${name}`}
            size="compact-sm"
            title={`Reset ${name}`}
            explanation="For a lost password or telephone. Password, second factor, sessions and tokens go; you get a password to hand over. Make sure that it is the person who asks."
            confirm="Reset"
            onConfirm={() => reset.mutate()}
          />
        )}
      </Group>
      {reset.error && <ErrorView error={reset.error} />}
      {reset.data && <FirstPasswordView name={name} password={reset.data.password} onClose={reset.reset} />}
    </Stack>
  );
}

function RolesButton({ name, roles }: { name: string; roles: readonly Role[] }) {
  const [isOpen, { close, open }] = useDisclosure(false);
  const [chosen, setChosen] = useState<readonly Role[]>(roles);
  const change = useChange();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    close();
    change.mutate({
      run: () => ask(personRoute(name, 'roles'), { method: 'PUT', body: { roles: chosen } }),
      done: `${name} has these roles from now on.`,
      undo: () => ask(personRoute(name, 'roles'), { method: 'PUT', body: { roles } }),
    });
  };
  const begin = () => {
    setChosen(roles);
    open();
  };
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={begin} aria-label={`Roles of ${name}`}>
        Roles
      </Button>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`Roles of ${name}`}
        closeButtonProps={{ 'aria-label': 'Close' }}
        size="lg"
      >
        <form onSubmit={submit}>
          <Stack>
            <RoleChoice chosen={chosen} onChoose={setChosen} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit">Give these roles</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

function RoleChoice({ chosen, onChoose }: { chosen: readonly Role[]; onChoose: (roles: readonly Role[]) => void }) {
  return (
    <Checkbox.Group label="Roles" value={[...chosen]} onChange={(values) => onChoose(values as Role[])}>
      <Stack gap={4} mt={4}>
        {Object.entries(roleWords).map(([role, words]) => (
          <Checkbox key={role} value={role} label={words} size="sm" />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

function NewAccount() {
  const [fields, setFields] = useState({ name: '', display: '' });
  const [roles, setRoles] = useState<readonly Role[]>([]);
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: (body: { name: string; display: string; roles: readonly Role[] }) =>
      ask<{ password: string }>('/people', { method: 'POST', body }),
    gcTime: 0,
    onSuccess: () => {
      setFields({ name: '', display: '' });
      setRoles([]);
      return client.invalidateQueries({ queryKey: people.queryKey });
    },
  });
  const name = fields.name.trim();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate({ name, display: fields.display.trim() || name, roles });
  };
  return (
    <form onSubmit={submit} aria-label="New account">
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="For ever, and written into labels and logs: a-z, 0-9, . _ @ -"
          value={fields.name}
          onChange={({ currentTarget: { value } }) => setFields((before) => ({ ...before, name: value }))}
          autoCapitalize="none"
          autoComplete="off"
        />
        <TextInput
          label="Shown as"
          value={fields.display}
          onChange={({ currentTarget: { value } }) => setFields((before) => ({ ...before, display: value }))}
          autoComplete="off"
        />
        <RoleChoice chosen={roles} onChoose={setRoles} />
        {make.error && <ErrorView error={make.error} />}
        <Button type="submit" disabled={name === ''} loading={make.isPending}>
          Make the account
        </Button>
        {make.data && (
          <FirstPasswordView name={make.variables.name} password={make.data.password} onClose={make.reset} />
        )}
      </Stack>
    </form>
  );
}

function FirstPasswordView({ name, onClose, password }: { name: string; password: string; onClose: () => void }) {
  return (
    <Alert color="green" title={`Hand this over to ${name}`} withCloseButton closeButtonLabel="Hide" onClose={onClose}>
      <Stack gap="xs">
        <CopyBlock label="First password" text={password} />
        <Text size="sm">It is good for a week, for choosing another, and is not shown again.</Text>
      </Stack>
    </Alert>
  );
}

function LinkSwitch({ isTokenOn }: { isTokenOn: boolean }) {
  const { noun } = useServiceWords();
  const change = useChange();
  const set = (isOn: boolean) =>
    change.mutate({
      run: () => ask('/directory-token', { method: 'PUT', body: { isOn } }),
      done: isOn ? 'The link lets in again.' : 'The link lets nobody in any more.',
    });
  return (
    <Stack gap="sm">
      <Text size="sm">
        {isTokenOn
          ? 'Whoever has the link may do everything, and the log cannot say who it was. Once an administrator has an account, it is not needed.'
          : `It lets nobody in. On the ${noun}’s machine “consilium people link on” changes that.`}
      </Text>
      {isTokenOn ? (
        <AskFirst
          label="Switch the link off"
          isDanger
          title="Switch the link off"
          explanation={`Who came by it, perhaps you, has to log in with an account. Commands on the ${noun}’s machine need a token of a person while it runs.`}
          confirm="Switch it off"
          onConfirm={() => set(false)}
        />
      ) : (
        <Button variant="default" onClick={() => set(true)}>
          Switch the link on
        </Button>
      )}
    </Stack>
  );
}
