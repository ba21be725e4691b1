/** Who belongs to the project: sites and people with a key. Inviting, admitting after a look at the key, revoking. */
import type { Answer } from '@consilium/coordinator/api';
import { Alert, Badge, Button, Code, Group, Modal, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { AskFirst } from '../../parts/ask-first.tsx';
import { useChange } from '../../parts/change.ts';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { ErrorView } from '../../parts/error-view.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { useMay } from '../../parts/session.ts';
import { askRoute, members } from '../project-asking.ts';

type Member = Answer<'members'>[number];

export function MembersPage() {
  const query = useQuery(members);
  const may = useMay('project.members');
  return (
    <PageFrame
      title="Members"
      about="Sites, and people who sign jobs: each is known by its key. Accounts for these pages are another thing, on the page People."
    >
      <Section title="Members">
        <QueryView of={query} height={160}>
          {(list) => <MemberTable members={list} may={may} />}
        </QueryView>
      </Section>
      {may && (
        <Section title="Invite">
          <Invite />
        </Section>
      )}
    </PageFrame>
  );
}

const stateWords = { pending: 'to be admitted', admitted: 'admitted', revoked: 'revoked' } as const;

function MemberTable({ may, members: list }: { members: readonly Member[]; may: boolean }) {
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table verticalSpacing={6} fz="sm" aria-label="Members">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Is a</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Fingerprint of the key</Table.Th>
            {may && <Table.Th>Change</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {list.map((member) => (
            <Table.Tr key={`${member.role} ${member.id}`}>
              <Table.Th scope="row">{member.id}</Table.Th>
              <Table.Td>{member.role === 'site' ? 'site' : 'person'}</Table.Td>
              <Table.Td>
                <Badge
                  {...(member.state === 'pending'
                    ? { color: '#8a4a00', autoContrast: false, c: 'white' }
                    : { variant: 'default' })}
                  tt="none"
                >
                  {stateWords[member.state]}
                </Badge>
              </Table.Td>
              <Table.Td ff="monospace" fz="xs" maw={330}>
                {member.fingerprint}
              </Table.Td>
              {may && (
                <Table.Td>
                  <MemberActs member={member} />
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function MemberActs({ member: { fingerprint, id, role, state } }: { member: Member }) {
  const change = useChange();
  const revoke = () =>
    change.mutate({ run: () => askRoute('revoke', { body: { role, id } }), done: `${id} is let in no more.` });
  if (state === 'revoked') return <Text size="sm">invite anew</Text>;
  return (
    <Group gap={4} wrap="nowrap">
      {state === 'pending' && <AdmitButton id={id} role={role} fingerprint={fingerprint} />}
      <AskFirst
        label={state === 'pending' ? 'Turn down' : 'Revoke'}
        ariaLabel={`${state === 'pending' ? 'Turn down' : 'Revoke'} ${id}`}
        size="compact-sm"
        isDanger
        title={`Let ${id} in no more`}
        explanation={
          role === 'site'
            ? 'At once: its line ends, and it is asked nothing more. What it has contributed stays in the models. Nobody else is touched. To undo it, invite it anew; it makes a new key.'
            : 'At once: jobs and commands with this key are turned down. Jobs that run go on. To undo it, invite the person anew.'
        }
        confirm="Let in no more"
        onConfirm={revoke}
      />
    </Group>
  );
}

/** The fingerprint is compared before, not after: whoever reads the invitation on its way can ask with a key of their own. */
function AdmitButton({ fingerprint, id, role }: Pick<Member, 'fingerprint' | 'id' | 'role'>) {
  const [isOpen, { close, open }] = useDisclosure(false);
  const change = useChange();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    close();
    change.mutate({ run: () => askRoute('admit', { body: { role, id, fingerprint } }), done: `${id} is admitted.` });
  };
  return (
    <>
      <Button size="compact-sm" onClick={open} aria-label={`Admit ${id}`}>
        Admit
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Admit ${id}`} closeButtonProps={{ 'aria-label': 'Close' }}>
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">
              Have them read the fingerprint of their key to you, by telephone, at a number that you know. It must be
              this one, all of it:
            </Text>
            <Code block fz="md" style={{ whiteSpace: 'pre-wrap' }}>
              {fingerprint}
            </Code>
            <Text size="sm">If it differs, somebody else is asking: turn them down.</Text>
            <Group justify="flex-end">
              <Button variant="default" onClick={close} data-autofocus>
                Cancel
              </Button>
              <Button type="submit">It is the same: admit</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

function Invite() {
  const [role, setRole] = useState<Member['role']>('site');
  const [id, setId] = useState('');
  const invite = useMutation({
    mutationFn: (whom: Pick<Member, 'role' | 'id'>) => askRoute('invite', { body: whom }),
    gcTime: 0,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate({ role, id: id.trim() });
  };
  return (
    <form onSubmit={submit} aria-label="Invite">
      <Stack gap="sm">
        <Group align="flex-end" gap="sm">
          <NativeSelect
            label="A"
            data={[
              { value: 'site', label: 'site' },
              { value: 'member', label: 'person who signs jobs' },
            ]}
            value={role}
            onChange={({ currentTarget }) => setRole(currentTarget.value as Member['role'])}
          />
          <TextInput
            label="called"
            description="a-z, 0-9, . _ -"
            value={id}
            onChange={({ currentTarget }) => setId(currentTarget.value)}
            autoCapitalize="none"
            autoComplete="off"
          />
          <Button type="submit" disabled={id.trim() === ''} loading={invite.isPending}>
            Make an invitation
          </Button>
        </Group>
        {invite.error && <ErrorView error={invite.error} />}
        {invite.data && (
          <Alert variant="default" title={`For ${invite.variables.id} alone, good once, for three days`}>
            <CopyBlock
              label="They run this"
              text={
                invite.variables.role === 'site'
                  ? `consilium site join ${invite.data.invitation} --directory /srv/site --data /data/kidney`
                  : `consilium member join ${invite.data.invitation} --directory me`
              }
            />
          </Alert>
        )}
      </Stack>
    </form>
  );
}
