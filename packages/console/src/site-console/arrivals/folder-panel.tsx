/** Takes in a folder that the archive's own machine can read. */
import type { ImportEntry } from '@consilium/archive/api';
import { Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ErrorView } from '../../parts/error-view.tsx';
import { ask } from '../../parts/service-client.ts';

export function FolderPanel() {
  const [path, setPath] = useState('');
  const [oneSeriesAFolder, setOneSeriesAFolder] = useState(false);
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: () => ask<ImportEntry>('/imports', { method: 'POST', body: { path, oneSeriesAFolder } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['imports'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group align="flex-end" gap="xs">
          <TextInput
            flex={1}
            miw={220}
            label="Folder on the archive’s machine"
            description="Its whole path. Everything in it is looked at, and left where it is."
            placeholder="/data/export-2026"
            value={path}
            onChange={({ currentTarget }) => setPath(currentTarget.value)}
          />
          <Button type="submit" loading={begin.isPending} disabled={path.trim() === ''}>
            Take in
          </Button>
        </Group>
        <Checkbox
          label="Files that do not say which series they are of: each folder is one series"
          checked={oneSeriesAFolder}
          onChange={({ currentTarget }) => setOneSeriesAFolder(currentTarget.checked)}
        />
        {begin.error && <ErrorView error={begin.error} />}
        {begin.isSuccess && (
          <Text size="sm" role="status">
            Begun. How far it is stands under “Under way”.
          </Text>
        )}
      </Stack>
    </form>
  );
}
