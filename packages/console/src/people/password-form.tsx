/** Chooses a new password, which needs the present one. */
import { Button, PasswordInput, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ErrorView } from '../parts/error-view.tsx';
import { ask } from '../parts/service-client.ts';

const toggle = { 'aria-label': 'Show what is written' };

export function PasswordForm({ onDone }: { onDone: () => void }) {
  const [fields, setFields] = useState({ password: '', newPassword: '', again: '' });
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (body: object) => ask('/account/password', { method: 'POST', body }),
    gcTime: 0,
    onSuccess: async () => {
      setFields({ password: '', newPassword: '', again: '' });
      await client.resetQueries();
      onDone();
    },
  });
  const { again, newPassword, password } = fields;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ password, newPassword });
  };
  const set = (name: keyof typeof fields) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setFields((before) => ({ ...before, [name]: value }));
  };
  const differs = again !== '' && again !== newPassword;
  return (
    <form onSubmit={submit} aria-label="Change the password">
      <Stack gap="sm">
        <PasswordInput
          label="Present password"
          value={password}
          onChange={set('password')}
          visibilityToggleButtonProps={toggle}
          autoComplete="current-password"
        />
        <PasswordInput
          label="New password"
          description="At least twelve characters. Several words that do not belong together are good."
          value={newPassword}
          onChange={set('newPassword')}
          visibilityToggleButtonProps={toggle}
          autoComplete="new-password"
        />
        <PasswordInput
          label="New password again"
          value={again}
          onChange={set('again')}
          error={differs && 'It differs from the one above.'}
          visibilityToggleButtonProps={toggle}
          autoComplete="new-password"
        />
        {change.error && <ErrorView error={change.error} />}
        <Button
          type="submit"
          loading={change.isPending}
          disabled={password === '' || newPassword === '' || again !== newPassword}
        >
          Change the password
        </Button>
      </Stack>
    </form>
  );
}
