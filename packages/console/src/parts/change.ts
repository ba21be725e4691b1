/** Changes something at the service, says how it went, and offers to undo it where it can be. */
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { createElement } from 'react';
import { ErrorView } from './error-view.tsx';
import { UndoNotice } from './undo-notice.tsx';

export interface Change {
  readonly run: () => Promise<unknown>;
  /** Said when it is done. */
  readonly done: string;
  readonly undo?: () => Promise<unknown>;
}

/** Afterwards everything shown is asked for again. */
export function useChange() {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries();
  return useMutation({
    mutationFn: ({ run }: Change) => run(),
    onSuccess: async (_answer, { done, undo }) => {
      await refresh();
      const undoing =
        undo &&
        (() => {
          notifications.hide(id);
          void undo().then(refresh, showError);
        });
      const id = notifications.show({
        message: createElement(UndoNotice, {
          text: done,
          onUndo: undoing,
        }),
        autoClose: undo ? 10_000 : 4000,
        color: 'green',
        closeButtonProps: { 'aria-label': 'Close' },
      });
    },
    onError: showError,
  });
}

export function showError(error: unknown): void {
  notifications.show({
    message: createElement(ErrorView, { error }),
    color: 'red',
    autoClose: false,
    closeButtonProps: { 'aria-label': 'Close' },
    withBorder: true,
  });
}
