/** The second factor of one's own account: set up with a QR code, replaced, or removed. */
import type { OwnAccount, SecondFactorDraft } from '@consilium/people/api';
import { Button, Group, Image, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { CopyBlock } from '../parts/copy-block.tsx';
import { ErrorView } from '../parts/error-view.tsx';
import { ask } from '../parts/service-client.ts';
import { ownAccount } from './people-asking.ts';

interface Confirmed {
  readonly recoveryCodes: readonly string[];
}

export function SecondFactor({ own }: { own: OwnAccount }) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ownAccount.queryKey });
  return <SecondFactorSteps own={own} onChange={refresh} onDone={() => {}} />;
}

interface StepsProps {
  /** undefined: there is none yet. */
  readonly own: Pick<OwnAccount, 'account' | 'isSecondFactorRequired' | 'recoveryCodesLeft'> | undefined;
  /** It was set up or removed. */
  readonly onChange: () => Promise<void>;
  /** It was set up, and the recovery codes are read. */
  readonly onDone: () => void;
}

export function SecondFactorSteps({ onChange, onDone, own }: StepsProps) {
  const begin = useMutation({
    mutationFn: (body: { password: string; code?: string }) =>
      ask<SecondFactorDraft>('/account/second-factor', { method: 'POST', body }),
    gcTime: 0,
  });
  const confirm = useMutation({
    mutationFn: (code: string) => ask<Confirmed>('/account/second-factor/confirm', { method: 'POST', body: { code } }),
    gcTime: 0,
    onSuccess: onChange,
  });
  const read = () => {
    begin.reset();
    confirm.reset();
    onDone();
  };
  if (confirm.data) return <RecoveryCodes codes={confirm.data.recoveryCodes} onRead={read} />;
  if (begin.data) return <Draft draft={begin.data} onCode={confirm.mutate} error={confirm.error} />;
  if (own?.account.hasSecondFactor) {
    const left = own.recoveryCodesLeft;
    if (!own.isSecondFactorRequired) return <Removal left={left} onRemoved={onChange} />;
    return (
      <WithCode button="Set it up anew" error={begin.error} onGiven={begin.mutate}>
        It is set up, and your roles need it. {left} recovery codes are left. To use another telephone, set it up anew.
      </WithCode>
    );
  }
  return (
    <Stack gap="sm">
      <Text size="sm">
        With a second factor a password alone lets nobody in. You need an authenticator on your telephone that knows
        TOTP.
      </Text>
      <Ask
        label="Present password"
        isSecret
        button="Set it up"
        error={begin.error}
        onGiven={(password) => begin.mutate({ password })}
      />
    </Stack>
  );
}

interface AskProps {
  readonly label: string;
  readonly button: string;
  readonly isSecret?: boolean;
  readonly error: Error | null;
  readonly onGiven: (text: string) => void;
}

function Ask({ button, error, isSecret = false, label, onGiven }: AskProps) {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onGiven(text);
    setText('');
  };
  const field = {
    ...{ label, value: text },
    onChange: ({ currentTarget }: { currentTarget: { value: string } }) => setText(currentTarget.value),
  };
  return (
    <form onSubmit={submit} aria-label={button}>
      <Stack gap="sm">
        {isSecret ? (
          <PasswordInput
            {...field}
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show what is written' }}
          />
        ) : (
          <TextInput {...field} autoComplete="one-time-code" />
        )}
        {error && <ErrorView error={error} />}
        <Button type="submit" disabled={text.trim() === ''}>
          {button}
        </Button>
      </Stack>
    </form>
  );
}

function Draft({
  draft: { secret, svg },
  error,
  onCode,
}: {
  draft: SecondFactorDraft;
  error: Error | null;
  onCode: (code: string) => void;
}) {
  return (
    <Stack gap="sm">
      <Text size="sm">
        Scan this with your authenticator, or type the secret into it. Then enter the code that it shows.
      </Text>
      <Group align="flex-start" wrap="nowrap">
        <Image
          src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
          w={176}
          h={176}
          alt="QR code of the secret"
          bg="white"
        />
        <Stack gap="sm" style={{ flex: 1, minWidth: 0 }}>
          <CopyBlock label="Secret" text={secret.replace(/(.{4})(?=.)/g, '$1 ')} />
          <Ask label="Code" button="Confirm" error={error} onGiven={(code) => onCode(code.trim())} />
        </Stack>
      </Group>
    </Stack>
  );
}

function RecoveryCodes({ codes, onRead }: { codes: readonly string[]; onRead: () => void }) {
  return (
    <Stack gap="sm">
      <Text size="sm">
        The second factor is set up. For a lost telephone, keep these codes on paper: each lets you in once in place of
        a code. They are not shown again.
      </Text>
      <CopyBlock label="Recovery codes" text={codes.join('\n')} />
      <Button variant="default" onClick={onRead}>
        I have them
      </Button>
    </Stack>
  );
}

function Removal({ left, onRemoved }: { left: number; onRemoved: () => Promise<void> }) {
  const remove = useMutation({
    mutationFn: (body: { password: string; code: string }) =>
      ask('/account/second-factor/remove', { method: 'POST', body }),
    gcTime: 0,
    onSuccess: onRemoved,
  });
  return (
    <WithCode button="Remove it" error={remove.error} onGiven={remove.mutate}>
      It is set up. {left} recovery codes are left. To use another telephone, remove it and set it up anew.
    </WithCode>
  );
}

interface WithCodeProps extends Pick<AskProps, 'button' | 'error'> {
  readonly children: ReactNode;
  readonly onGiven: (given: { password: string; code: string }) => void;
}

/** For what only its owner may do: the password, and a code of the factor that is there. */
function WithCode({ button, children, error, onGiven }: WithCodeProps) {
  const [password, setPassword] = useState('');
  return (
    <Stack gap="sm">
      <Text size="sm">{children}</Text>
      <PasswordInput
        label="Present password"
        value={password}
        onChange={({ currentTarget }) => setPassword(currentTarget.value)}
        autoComplete="current-password"
        visibilityToggleButtonProps={{ 'aria-label': 'Show what is written' }}
      />
      <Ask
        label="Code, or a recovery code"
        button={button}
        error={error}
        onGiven={(code) => onGiven({ password, code: code.trim() })}
      />
    </Stack>
  );
}
