/** Tags, to be found again by; notes, to be read. */
import type { SeriesDetails } from '@consilium/archive/api';
import { Autocomplete, Button, Group, Pill, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useChange } from '../../parts/change.ts';
import { timeText } from '../../parts/quantity.ts';
import { Section } from '../../parts/section.tsx';
import { ask } from '../../parts/service-client.ts';
import { facet, seriesRoute } from '../archive-asking.ts';

export function SeriesRemarks({ series }: { series: SeriesDetails }) {
  return (
    <>
      <Section title="Tags">
        <Tags series={series} />
      </Section>
      <Section title="Notes">
        <Notes series={series} />
      </Section>
    </>
  );
}

function Tags({ series: { seriesInstanceUid: uid, tags } }: { series: SeriesDetails }) {
  const [text, setText] = useState('');
  const change = useChange();
  const known = useQuery(facet('', 'tag'));
  const add = (tag: string) => ask(seriesRoute(uid, 'tags'), { method: 'POST', body: { tag } });
  const remove = (tag: string) => ask(seriesRoute(uid, 'tags', tag), { method: 'DELETE' });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const tag = text.trim();
    if (tag === '') return;
    change.mutate({ run: () => add(tag), done: `Tagged “${tag}”.`, undo: () => remove(tag) });
    setText('');
  };
  return (
    <Stack gap="xs">
      <Group gap={6} mih={26}>
        {tags.length === 0 && (
          <Text size="sm" c="dimmed">
            None yet
          </Text>
        )}
        {tags.map((tag) => (
          <Pill
            key={tag}
            withRemoveButton
            size="md"
            removeButtonProps={{ 'aria-label': `Remove the tag ${tag}`, 'aria-hidden': false, tabIndex: 0 }}
            onRemove={() =>
              change.mutate({ run: () => remove(tag), done: `Removed the tag “${tag}”.`, undo: () => add(tag) })
            }
          >
            {tag}
          </Pill>
        ))}
      </Group>
      <form onSubmit={submit}>
        <Group gap="xs" align="flex-end">
          <Autocomplete
            label="New tag"
            value={text}
            onChange={setText}
            data={(known.data?.values ?? []).flatMap(({ value }) => (typeof value === 'string' ? [value] : []))}
            maxLength={100}
          />
          <Button type="submit" variant="default" disabled={text.trim() === ''}>
            Add
          </Button>
        </Group>
      </form>
    </Stack>
  );
}

function Notes({ series: { notes, seriesInstanceUid: uid } }: { series: SeriesDetails }) {
  const [text, setText] = useState('');
  const change = useChange();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({
      run: () => ask(seriesRoute(uid, 'notes'), { method: 'POST', body: { text } }),
      done: 'The note is kept.',
    });
    setText('');
  };
  return (
    <Stack gap="xs">
      {notes.map((note) => (
        <Stack gap={0} key={`${note.createdMs} ${note.text}`}>
          <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
            {note.text}
          </Text>
          <Text size="xs" c="dimmed">
            {note.author}, {timeText(note.createdMs)}
          </Text>
        </Stack>
      ))}
      <form onSubmit={submit}>
        <Stack gap="xs" align="flex-start">
          <Textarea
            w="100%"
            label="New note"
            description="No names of patients: notes are searched, and not encrypted. A note is not taken back."
            autosize
            minRows={2}
            value={text}
            onChange={({ currentTarget }) => setText(currentTarget.value)}
          />
          <Button type="submit" variant="default" disabled={text.trim() === ''}>
            Keep the note
          </Button>
        </Stack>
      </form>
    </Stack>
  );
}
