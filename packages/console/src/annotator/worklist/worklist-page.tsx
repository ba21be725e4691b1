/** The tasks of a person in a project: what to read next, what waits for review, what has been done. */
import { Badge, Button, Group, NavLink, Stack, Table, Text, Tooltip } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { showError } from '../../parts/change.ts';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { type Shortcut, ShortcutList, useShortcuts } from '../../parts/shortcuts.tsx';
import { nowMs } from '../../ports/browser-clock.ts';
import classes from '../annotator.module.css';
import { me, openNext, projects, type Task, tasks } from '../reading-asking.ts';
import { caseWord, drawnOn, dueWords, reviewed, stateWords } from './task-words.ts';

export function WorklistPage({ project }: { project?: string }) {
  const list = useQuery(projects);
  const shown = project ?? list.data?.[0]?.name;
  return (
    <main className={classes['page']}>
      <PageFrame title="Reading list" about="Tasks that are yours, or that you may take.">
        <QueryView of={list}>
          {(all) =>
            all.length === 0 ? (
              <EmptyPlace title="No project yet">
                A project begins with a protocol: what is drawn, and how. Who leads it makes one.
              </EmptyPlace>
            ) : (
              <Stack>
                {all.length > 1 && (
                  <nav aria-label="Projects">
                    {all.map(({ name, title }) => (
                      <NavLink
                        key={name}
                        component={Link}
                        href={`/${name}`}
                        label={title}
                        description={name}
                        active={name === shown}
                      />
                    ))}
                  </nav>
                )}
                {shown !== undefined && (
                  <ProjectTasks
                    key={shown}
                    project={shown}
                    title={all.find(({ name }) => name === shown)?.title ?? shown}
                  />
                )}
              </Stack>
            )
          }
        </QueryView>
      </PageFrame>
    </main>
  );
}

function ProjectTasks({ project, title }: { project: string; title: string }) {
  const [, navigate] = useLocation();
  const [helpOpen, setHelpOpen] = useState(false);
  const asker = useQuery(me);
  const list = useQuery({ ...tasks(project), refetchInterval: 15_000 });
  const next = useMutation({
    mutationFn: () => openNext(project),
    onSuccess: (lease) => lease && navigate(`/${project}/tasks/${lease.task.id}`),
    onError: showError,
  });
  const shortcuts: readonly Shortcut[] = [
    { keys: 'n', does: 'open the next task', run: () => next.mutate() },
    { keys: '?', does: 'show this list', run: () => setHelpOpen(true) },
  ];
  useShortcuts(shortcuts);
  return (
    <Section
      title={title}
      actions={
        <Group>
          <Button variant="default" size="sm" onClick={() => setHelpOpen(true)} aria-label="Keys">
            ?
          </Button>
          <Button component={Link} href={`/${encodeURIComponent(project)}/models`} variant="default" size="sm">
            Models
          </Button>
          <Button size="sm" onClick={() => next.mutate()} loading={next.isPending}>
            Next task
          </Button>
        </Group>
      }
    >
      {next.data === null && <Text role="status">Nothing is left to read.</Text>}
      <QueryView of={list} height={200}>
        {(all) => {
          const person = asker.data?.person;
          const groups = [
            {
              name: 'To read',
              tasks: all.filter(
                ({ reader, state }) => drawnOn.includes(state) && (reader === null || reader === person),
              ),
            },
            {
              name: 'To review',
              tasks: asker.data?.roles.includes('reviewer') ? all.filter(({ state }) => reviewed.includes(state)) : [],
            },
          ];
          const rest = all.filter((one) => !groups.some((group) => group.tasks.includes(one)));
          return [...groups, { name: 'Others', tasks: rest }].map((group) => (
            <TaskTable key={group.name} name={group.name} project={project} tasks={group.tasks} />
          ));
        }}
      </QueryView>
      <ShortcutList shortcuts={shortcuts} opened={helpOpen} onClose={() => setHelpOpen(false)} />
    </Section>
  );
}

function TaskTable({ name, project, tasks: rows }: { name: string; project: string; tasks: readonly Task[] }) {
  if (rows.length === 0) return null;
  return (
    <Stack gap={4}>
      <Text fw={600} size="sm" component="h3">
        {name} ({rows.length})
      </Text>
      <Table aria-label={name} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Case</Table.Th>
            <Table.Th scope="col">State</Table.Th>
            <Table.Th scope="col">Kind</Table.Th>
            <Table.Th scope="col">Reader</Table.Th>
            <Table.Th scope="col" ta="right">
              Slices
            </Table.Th>
            <Table.Th scope="col" ta="right">
              Priority
            </Table.Th>
            <Table.Th scope="col">Due</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((task) => (
            <TaskRow key={task.id} project={project} task={task} />
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}

function TaskRow({ project, task }: { project: string; task: Task }) {
  const { color, word } = stateWords[task.state];
  const due = dueWords(task.dueMs, nowMs());
  return (
    <Table.Tr>
      <Table.Td>
        <Link href={`/${project}/tasks/${task.id}`}>{caseWord(task)}</Link>
      </Table.Td>
      <Table.Td>
        <Badge color={color} variant="light" tt="none">
          {word}
        </Badge>
      </Table.Td>
      <Table.Td>
        <Group gap={6}>
          {task.role === 'adjudicate' ? 'Adjudication' : 'Reading'}
          {task.isBlinded && (
            <Tooltip label="Nothing is shown of the case’s other readers until you are done.">
              <Badge variant="default" tt="none">
                blinded
              </Badge>
            </Tooltip>
          )}
          {task.baseVersion !== null && (
            <Badge variant="default" tt="none">
              {task.role === 'adjudicate' ? 'consensus' : 'proposal'}
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>{task.reader ?? 'free'}</Table.Td>
      <Table.Td ta="right">{task.geometry.size[0]}</Table.Td>
      <Table.Td ta="right">{task.priority}</Table.Td>
      <Table.Td>
        {due && (
          <Text size="sm" {...(due.isLate ? { c: 'orange' } : {})}>
            {due.text}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
