/** One's own account: password, second factor, sessions, tokens. */
import type { OwnAccount } from '@consilium/people/api';
import { Button, SimpleGrid, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useChange } from '../parts/change.ts';
import { FactList } from '../parts/fact-list.tsx';
import { PageFrame } from '../parts/page-frame.tsx';
import { timeText } from '../parts/quantity.ts';
import { QueryView } from '../parts/query-view.tsx';
import { Section } from '../parts/section.tsx';
import { ask } from '../parts/service-client.ts';
import { useServiceWords } from '../parts/service-words.tsx';
import { useMay } from '../parts/session.ts';
import { OwnTokens } from './own-tokens.tsx';
import { PasswordForm } from './password-form.tsx';
import { ownAccount } from './people-asking.ts';
import { SecondFactor } from './second-factor.tsx';

export function AccountPage() {
  const hasAccount = useMay('account.own');
  const query = useQuery({ ...ownAccount, enabled: hasAccount });
  const change = useChange();
  const { noun } = useServiceWords();
  if (!hasAccount) {
    return (
      <PageFrame title="My account">
        <Text>
          You came with the link of the {noun}, which is nobody’s account. Make one for yourself on the page People, and
          log in with it.
        </Text>
      </PageFrame>
    );
  }
  return (
    <PageFrame title="My account" about={`What you do here is in the ${noun}’s log under your name.`}>
      <QueryView of={query}>
        {(own) => (
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            <Stack gap="md">
              <Section title="Who I am">
                <FactList
                  facts={[
                    ['Name', own.account.name],
                    ['Shown as', own.account.display],
                    ['Roles', own.account.roles.join(', ') || 'none yet: ask an administrator'],
                  ]}
                />
              </Section>
              <Section title="Password">
                {own.account.origin === 'provider' ? (
                  <Text size="sm">You log in at the provider of your hospital, which has your password.</Text>
                ) : (
                  <PasswordForm
                    onDone={() => change.mutate({ run: async () => {}, done: 'The password is changed.' })}
                  />
                )}
              </Section>
              {own.account.origin === 'local' && (
                <Section title="Second factor">
                  <SecondFactor own={own} />
                </Section>
              )}
            </Stack>
            <Stack gap="md">
              <Section title="Where I am logged in">
                <OwnSessions sessions={own.sessions} />
              </Section>
              <Section title="Tokens for programs">
                <OwnTokens tokens={own.tokens} />
              </Section>
            </Stack>
          </SimpleGrid>
        )}
      </QueryView>
    </PageFrame>
  );
}

function OwnSessions({ sessions }: Pick<OwnAccount, 'sessions'>) {
  const change = useChange();
  return (
    <Stack gap="sm">
      <Table.ScrollContainer minWidth={420}>
        <Table verticalSpacing={4} fz="sm" aria-label="Sessions">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Browser</Table.Th>
              <Table.Th>Since</Table.Th>
              <Table.Th>Last seen</Table.Th>
              <Table.Th>
                <VisuallyHidden>End it</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sessions.map(({ agent, id, isThis, madeMs, seenMs }) => (
              <Table.Tr key={id}>
                <Table.Td>{browserName(agent)}</Table.Td>
                <Table.Td>{timeText(madeMs)}</Table.Td>
                <Table.Td>{timeText(seenMs)}</Table.Td>
                <Table.Td>
                  {isThis ? (
                    <Text size="sm" style={{ whiteSpace: 'nowrap' }}>
                      this one
                    </Text>
                  ) : (
                    <Button
                      size="compact-sm"
                      variant="default"
                      onClick={() =>
                        change.mutate({
                          run: () => ask(`/account/sessions/${id}`, { method: 'DELETE' }),
                          done: 'The session has ended.',
                        })
                      }
                    >
                      End
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {sessions.length > 1 && (
        <Button
          variant="default"
          onClick={() =>
            change.mutate({
              run: () => ask('/account/sessions', { method: 'DELETE' }),
              done: 'All other sessions have ended.',
            })
          }
        >
          End all others
        </Button>
      )}
    </Stack>
  );
}

/** Of what a browser calls itself, the part that people know. */
function browserName(agent: string): string {
  const [, name = agent] = /(Firefox|Edg|Chrome|Safari)\/[\d.]+/.exec(agent) ?? [];
  const system = /Windows|Mac OS X|Android|iPhone|Linux/.exec(agent)?.[0];
  return `${name === 'Edg' ? 'Edge' : name || 'unknown'}${system === undefined ? '' : `, ${system}`}`;
}
