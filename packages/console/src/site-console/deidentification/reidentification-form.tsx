/** Asks whom a pseudonym stands for: with a reason, which is written down before the answer is given. */
import { Alert, Button, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ErrorView } from '../../parts/error-view.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { keywordText } from '../../parts/quantity.ts';
import { ask } from '../../parts/service-client.ts';

interface Answer {
  readonly facts: readonly Readonly<Record<string, string>>[];
}

export function ReidentificationForm() {
  const [level, setLevel] = useState('subject');
  const [pseudonym, setPseudonym] = useState('');
  const [reason, setReason] = useState('');
  const client = useQueryClient();
  const reidentify = useMutation({
    mutationFn: () =>
      ask<Answer>('/reidentify', { method: 'POST', body: { level, pseudonym: pseudonym.trim(), reason } }),
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: ['reidentifications'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reidentify.mutate();
  };
  const isReady = pseudonym.trim() !== '' && reason.trim() !== '';
  return (
    <Stack gap="sm">
      <form onSubmit={submit} aria-label="Re-identify">
        <Stack gap="sm">
          <Text size="sm">
            For findings that a patient must be told of, and the like. Who you are and why you ask is written down.
          </Text>
          <NativeSelect
            label="Of what is it the pseudonym?"
            value={level}
            onChange={({ currentTarget }) => setLevel(currentTarget.value)}
            data={[
              { value: 'subject', label: 'a subject, as SUB-7K3QX2M4ZD' },
              { value: 'study', label: 'a study, by its Study Instance UID' },
              { value: 'series', label: 'a series, by its Series Instance UID' },
            ]}
          />
          <TextInput
            label="Pseudonym"
            required
            value={pseudonym}
            onChange={({ currentTarget }) => setPseudonym(currentTarget.value)}
          />
          <Textarea
            label="Who asks, and why"
            required
            autosize
            minRows={2}
            value={reason}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
          <Button type="submit" disabled={!isReady} loading={reidentify.isPending}>
            Show who it is
          </Button>
        </Stack>
      </form>
      {reidentify.error && <ErrorView error={reidentify.error} />}
      {reidentify.data && (
        <Alert
          color="orange"
          title="Identified"
          withCloseButton
          closeButtonLabel="Hide"
          onClose={reidentify.reset}
          role="status"
        >
          {reidentify.data.facts.length === 0 && <Text size="sm">Nobody has this pseudonym here.</Text>}
          {reidentify.data.facts.map((facts) => (
            <FactList
              key={JSON.stringify(facts)}
              facts={Object.entries(facts).map(([keyword, value]) => [keywordText(keyword), value])}
            />
          ))}
        </Alert>
      )}
    </Stack>
  );
}
