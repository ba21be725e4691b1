/** Says something in passing. */
import { notifications } from '@mantine/notifications';

export interface Notice {
  readonly color?: 'green' | 'orange';
  /** Until it is closed by hand. */
  readonly stays?: boolean;
}

export function showNotice(message: string, { color, stays = false }: Notice = {}): void {
  notifications.show({
    message,
    ...(color === undefined ? {} : { color }),
    autoClose: stays ? false : 4000,
    closeButtonProps: { 'aria-label': 'Close' },
  });
}
