/** The models of a project: which proposes, which answers to clicks, and how candidates did beside them. */
import { Badge, Button, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { AskFirst } from '../../parts/ask-first.tsx';
import { useChange } from '../../parts/change.ts';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { countOf, timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import classes from '../annotator.module.css';
import { type Model, me, models, postModel, trials, validation } from '../reading-asking.ts';
import { TrialView } from './trial-view.tsx';

export function ModelsPage({ project }: { project: string }) {
  const shelf = useQuery(models(project));
  const asker = useQuery(me);
  return (
    <main className={classes['page']}>
      <PageFrame
        title="Models"
        about="What proposes labels and answers to clicks, and how each candidate did on cases that are set aside, beside the model that it would replace."
        actions={
          <Button component={Link} href={`/${encodeURIComponent(project)}`} variant="default" size="sm">
            Reading list
          </Button>
        }
      >
        <QueryView of={shelf} height={160}>
          {(all) =>
            all.length === 0 ? (
              <EmptyPlace title="No model yet">
                Who leads the project puts one on the shelf: consilium reading model put.
              </EmptyPlace>
            ) : (
              <Stack>
                <Shelf project={project} shelf={all} isLead={asker.data?.roles.includes('lead') === true} />
                <Trials project={project} shelf={all} />
              </Stack>
            )
          }
        </QueryView>
      </PageFrame>
    </main>
  );
}

const stateWords = {
  champion: { color: 'green', word: 'in use' },
  candidate: { color: 'blue', word: 'candidate' },
  retired: { color: 'gray', word: 'retired' },
} as const;

function Shelf({ isLead, project, shelf }: { isLead: boolean; project: string; shelf: readonly Model[] }) {
  return (
    <Section title="On the shelf">
      <Table.ScrollContainer minWidth={640}>
        <Table aria-label="Models">
          <Table.Thead>
            <Table.Tr>
              {['Model', 'State', 'What for', 'Draws', 'From', 'Put there'].map((name) => (
                <Table.Th key={name} scope="col">
                  {name}
                </Table.Th>
              ))}
              {isLead && <Table.Th scope="col">Acts</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shelf.map((model) => (
              <Table.Tr key={model.digest}>
                <Table.Td>
                  <Text size="sm" fw={600}>
                    {model.name}
                  </Text>
                  <Text size="xs" c="dimmed" ff="monospace">
                    {model.digest.slice(0, 12)}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Badge color={stateWords[model.state].color} variant="light" tt="none">
                    {stateWords[model.state].word}
                  </Badge>
                </Table.Td>
                <Table.Td>{model.kind === 'automatic' ? 'proposals' : 'clicks'}</Table.Td>
                <Table.Td>{Object.keys(model.structures).join(', ')}</Table.Td>
                <Table.Td>{originOf(model)}</Table.Td>
                <Table.Td>
                  {timeText(model.putMs)} by {model.person}
                </Table.Td>
                {isLead && (
                  <Table.Td>
                    <Acts model={model} project={project} />
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function originOf({ origin: { job, round } }: Model): string {
  if (job === undefined) return '';
  return round === undefined ? job : `${job}, round ${round}`;
}

function Acts({ model: { digest, name, state }, project }: { model: Model; project: string }) {
  const change = useChange();
  if (state === 'retired') return null;
  return (
    <Group gap="xs" wrap="nowrap">
      {state === 'candidate' && (
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Try ${name}`}
          loading={change.isPending}
          onClick={() =>
            change.mutate({
              run: () => postModel('tryModel', { project, digest }),
              done: `${name} is measured on the cases that are set aside.`,
            })
          }
        >
          Try
        </Button>
      )}
      <AskFirst
        size="compact-xs"
        label="Retire"
        ariaLabel={`Retire ${name}`}
        title={`Retire ${name}`}
        explanation={
          state === 'champion'
            ? 'It proposes no more and answers no more clicks, and nothing takes its place until a candidate has been tried. What it has drawn stays.'
            : 'It will not be tried any more. To go back, put it on the shelf again.'
        }
        confirm="Retire it"
        onConfirm={() =>
          change.mutate({ run: () => postModel('retireModel', { project, digest }), done: `${name} is retired.` })
        }
      />
    </Group>
  );
}

function Trials({ project, shelf }: { project: string; shelf: readonly Model[] }) {
  const list = useQuery(trials(project));
  const set = useQuery(validation(project)).data;
  return (
    <Section title="Trials">
      <Text size="sm" c="dimmed">
        {set === null || set === undefined
          ? 'No cases are set aside to measure models on: consilium reading model set-aside.'
          : `${countOf(set.cases.length, 'case')} with approved labels ${set.cases.length === 1 ? 'is' : 'are'} set aside (set ${set.number}).`}
      </Text>
      <QueryView of={list} height={200}>
        {(all) =>
          all.length === 0 ? (
            <EmptyPlace title="No candidate has been tried yet" />
          ) : (
            all.map((trial) => <TrialView key={`${trial.digest} ${trial.atMs}`} trial={trial} shelf={shelf} />)
          )
        }
      </QueryView>
    </Section>
  );
}
