/** What a reader does with a task when it is drawn, or not for them; and where two labels of it were kept, the choice. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, useSyncExternalStore } from 'react';
import { useLocation } from 'wouter';
import { AskFirst } from '../../parts/ask-first.tsx';
import { showError } from '../../parts/change.ts';
import { showNotice } from '../../parts/notice.ts';
import { Section } from '../../parts/section.tsx';
import { versionOverlay } from '../case/case-overlay.ts';
import type { TaskSession } from '../case/task-session.ts';
import { openNext, postTask, type TaskName } from '../reading-asking.ts';
import type { Desk } from './desk.ts';
import { type FormAnswers, ReadingForm } from './reading-form.tsx';

interface HandInProps {
  readonly name: TaskName;
  readonly desk: Desk;
  readonly session: TaskSession;
  /** Opens the task anew. */
  readonly onReopen: () => void;
}

export function HandIn({ desk, name, onReopen, session }: HandInProps) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [conflict, setConflict] = useState<Conflict>();
  const leave = async (done: string) => {
    session.close();
    showNotice(done, { color: 'green' });
    await client.invalidateQueries();
    navigate(`/${name.project}`);
  };
  const submit = useMutation({
    mutationFn: (form: FormAnswers) => session.submit(form),
    onSuccess: async (kept) => {
      if (kept.kind === 'conflict') {
        setConflict(kept);
        return;
      }
      session.close();
      await client.invalidateQueries();
      const next = await openNext(name.project).catch(() => null);
      showNotice('Handed in.', { color: 'green' });
      navigate(next === null ? `/${name.project}` : `/${name.project}/tasks/${next.task.id}`);
    },
    onError: showError,
  });
  return (
    <>
      {conflict && <ConflictChoice {...{ conflict, desk, name, onReopen, session }} />}
      <ReadingForm form={session.protocol.form} isBusy={submit.isPending} onSubmit={submit.mutate} />
      <Section title="Not for you?">
        <AskFirst
          size="xs"
          label="Give it back"
          title="Give the task back"
          explanation="Another person can take it, and it is not offered to you again. What you drew is kept aside."
          confirm="Give it back"
          reasonLabel="Reason, without a name"
          onConfirm={(reason) => void postTask('skip', name, { reason }).then(() => leave('Given back.'), showError)}
        />
      </Section>
    </>
  );
}

/** Of a hand-in: another label of the task was kept meanwhile, such as one that was drawn in another program. */
interface Conflict {
  readonly version: string;
  readonly other: string;
  readonly structures: readonly number[];
}

function ConflictChoice({
  conflict: { other, structures, version },
  desk,
  name,
  onReopen,
  session,
}: HandInProps & { readonly conflict: Conflict }) {
  const { overlays } = useSyncExternalStore(desk.subscribe, desk.state);
  const place = { project: name.project, size: desk.options.volume.geometry.size };
  const { protocol } = desk.options;
  const overlay = versionOverlay(place, {
    id: 'other',
    name: 'The other label',
    colour: '#ffffff',
    protocol,
    version: other,
  });
  const choose = useMutation({
    mutationFn: (chosen: string) => postTask('choose', name, { leaseId: session.leaseId, version: chosen }),
    onSuccess: () => {
      showNotice('Drawing goes on with that one. Hand it in when it is right.', { color: 'green' });
      onReopen();
    },
    onError: showError,
  });
  const names = structures.map((number) => desk.structureOf(number).name).join(', ');
  return (
    <Section title="Two labels">
      <Stack gap="sm" role="alert">
        <Text size="sm">
          Another label of this task was kept while you drew, and both changed the same: {names}. Nothing is handed in
          yet. Say which of them counts; the other stays among the versions.
        </Text>
        <Button
          size="xs"
          variant="default"
          aria-pressed={overlays.has('other')}
          onClick={() => void desk.toggleOverlay(overlay).catch(showError)}
        >
          Outline the other one in white
        </Button>
        <Group grow>
          <Button size="xs" loading={choose.isPending} onClick={() => choose.mutate(version)}>
            Mine counts
          </Button>
          <Button size="xs" variant="default" loading={choose.isPending} onClick={() => choose.mutate(other)}>
            The other counts
          </Button>
        </Group>
      </Stack>
    </Section>
  );
}
