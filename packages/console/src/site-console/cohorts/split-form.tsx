/** Draws the patients of a cohort into parts. */
import type { SplitFacts } from '@consilium/archive/api';
import { Button, Checkbox, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ErrorView } from '../../parts/error-view.tsx';
import { ask } from '../../parts/service-client.ts';

const parts = ['train', 'validation', 'test'] as const;
const strata = [
  ['phase', 'phase'],
  ['tumourVolume', 'tumour volume'],
  ['sex', 'sex'],
  ['age', 'age'],
  ['vendor', 'vendor'],
  ['sliceThickness', 'slice thickness'],
] as const;

export function SplitForm({ cohort, version }: { cohort: string; version: number }) {
  const [name, setName] = useState('');
  const [percent, setPercent] = useState<Readonly<Record<string, number>>>({ train: 70, validation: 10, test: 20 });
  const [by, setBy] = useState<readonly string[]>([]);
  const client = useQueryClient();
  const shares = Object.fromEntries(
    parts.filter((part) => percent[part]! > 0).map((part) => [part, percent[part]! / 100]),
  );
  const draw = useMutation({
    mutationFn: () =>
      ask<SplitFacts>('/splits', {
        method: 'POST',
        body: { split: name, name: cohort, version, shares, stratifyBy: by },
      }),
    onSuccess: async () => {
      setName('');
      await client.invalidateQueries({ queryKey: ['splits'] });
    },
  });
  const sum = parts.reduce((total, part) => total + percent[part]!, 0);
  const isReady = /^[a-z0-9][a-z0-9-]{0,62}$/.test(name) && sum > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) draw.mutate();
  };
  return (
    <form onSubmit={submit} aria-label="Draw a split">
      <Stack gap="sm">
        <Group align="flex-end" gap="sm">
          <TextInput
            label="Name of a new split"
            placeholder="first"
            value={name}
            onChange={({ currentTarget }) => setName(currentTarget.value)}
          />
          {parts.map((part) => (
            <NumberInput
              key={part}
              label={part}
              suffix=" %"
              min={0}
              max={100}
              w={110}
              value={percent[part]!}
              onChange={(value) => setPercent({ ...percent, [part]: Number(value) || 0 })}
              hideControls
            />
          ))}
        </Group>
        <Checkbox.Group
          label="Balanced by"
          description="Each part gets its share of every combination. Few patients allow few of them."
          value={[...by]}
          onChange={setBy}
        >
          <Group gap="md" mt={6}>
            {strata.map(([field, label]) => (
              <Checkbox key={field} value={field} label={label} />
            ))}
          </Group>
        </Checkbox.Group>
        <Group gap="sm">
          <Button type="submit" disabled={!isReady} loading={draw.isPending}>
            Draw
          </Button>
          <Text size="sm" c="dimmed">
            A split is drawn once: it cannot be changed or deleted.
          </Text>
        </Group>
        {draw.error && <ErrorView error={draw.error} />}
      </Stack>
    </form>
  );
}
