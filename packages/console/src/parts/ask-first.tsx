/** A button for what cannot be undone, or needs a reason: says what it does before it does it. */
import { Button, type ButtonProps, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, type ReactNode, useState } from 'react';

export interface AskFirstProps extends ButtonProps {
  readonly label: ReactNode;
  /** Of the button, where its label does not say it alone. */
  readonly ariaLabel?: string;
  readonly title: string;
  readonly explanation: ReactNode;
  /** On the button that does it. */
  readonly confirm: string;
  readonly isDanger?: boolean;
  /** Asks for a reason, which may not be empty. */
  readonly reasonLabel?: string;
  readonly onConfirm: (reason: string) => void;
}

export function AskFirst(props: AskFirstProps) {
  const { ariaLabel, confirm, explanation, isDanger, label, onConfirm, reasonLabel, title, ...button } = props;
  const [isOpen, { close, open }] = useDisclosure(false);
  const [reason, setReason] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    close();
    onConfirm(reason.trim());
    setReason('');
  };
  return (
    <>
      <Button
        variant="default"
        {...button}
        onClick={open}
        {...(ariaLabel === undefined ? {} : { 'aria-label': ariaLabel })}
      >
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm" component="div">
              {explanation}
            </Text>
            {reasonLabel !== undefined && (
              <Textarea
                label={reasonLabel}
                required
                autosize
                minRows={2}
                value={reason}
                onChange={({ currentTarget }) => setReason(currentTarget.value)}
                data-autofocus
              />
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button
                type="submit"
                {...(isDanger ? { color: 'red.9' } : {})}
                disabled={reasonLabel !== undefined && reason.trim() === ''}
                {...(reasonLabel === undefined ? { 'data-autofocus': true } : {})}
              >
                {confirm}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
