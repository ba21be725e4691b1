/** What was handed in, for those who look at it: approve it, or say what should be changed. */
import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useChange } from '../../parts/change.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { me, postTask, reviews, type Task, type TaskName } from '../reading-asking.ts';

export function ReviewPanel({ name, task }: { name: TaskName; task: Task }) {
  const asker = useQuery(me);
  const person = asker.data?.person;
  const roles = asker.data?.roles ?? [];
  const mine = task.reader === person;
  return (
    <>
      <Said name={name} />
      {task.state === 'submitted' && mine && <Withdrawal name={name} />}
      {task.state === 'submitted' && roles.includes('reviewer') && <Taking name={name} />}
      {task.state === 'in-review' && task.reviewer === person && <Decision name={name} task={task} />}
    </>
  );
}

function Said({ name }: { name: TaskName }) {
  const list = useQuery(reviews(name));
  return (
    <QueryView of={list}>
      {(all) =>
        all.length > 0 && (
          <Section title="Reviews">
            <Stack gap={6}>
              {all.map(({ atMs, comment, decision, person }) => (
                <Text key={atMs} size="sm">
                  {decision === 'approve' ? 'Approved' : 'Changes asked'}
                  {person === '' ? '' : ` by ${person}`}
                  {comment === '' ? '.' : `: ${comment}`}
                </Text>
              ))}
            </Stack>
          </Section>
        )
      }
    </QueryView>
  );
}

function Withdrawal({ name }: { name: TaskName }) {
  const change = useChange();
  return (
    <Section title="Handed in">
      <Text size="sm">Until a reviewer has taken it you can take it back.</Text>
      <Button
        size="xs"
        variant="default"
        loading={change.isPending}
        onClick={() => change.mutate({ run: () => postTask('withdraw', name), done: 'Taken back.' })}
      >
        Take it back
      </Button>
    </Section>
  );
}

function Taking({ name }: { name: TaskName }) {
  const change = useChange();
  return (
    <Section title="Review">
      <Button
        size="xs"
        loading={change.isPending}
        onClick={() => change.mutate({ run: () => postTask('takeReview', name), done: 'It is yours to review.' })}
      >
        Review it
      </Button>
    </Section>
  );
}

function Decision({ name, task }: { name: TaskName; task: Task }) {
  const change = useChange();
  const [, navigate] = useLocation();
  const [comment, setComment] = useState('');
  const decide = (decision: 'approve' | 'changes', done: string) =>
    change.mutate({
      run: async () => {
        await postTask('decide', name, { decision, version: task.headVersion, comment: comment.trim() });
        navigate(`/${name.project}`);
      },
      done,
    });
  return (
    <Section title="Review">
      <Stack gap="sm">
        <Textarea
          size="xs"
          label="Comment"
          autosize
          minRows={2}
          value={comment}
          onChange={({ currentTarget }) => setComment(currentTarget.value)}
        />
        <Group grow>
          <Button size="xs" loading={change.isPending} onClick={() => decide('approve', 'Approved.')}>
            Approve
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={comment.trim() === ''}
            onClick={() => decide('changes', 'Changes are asked for.')}
          >
            Ask for changes
          </Button>
        </Group>
        <Button
          size="xs"
          variant="subtle"
          onClick={() => change.mutate({ run: () => postTask('leaveReview', name), done: 'Left to others.' })}
        >
          Leave it to another reviewer
        </Button>
      </Stack>
    </Section>
  );
}
