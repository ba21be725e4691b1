/** Keys of the pages, and the list of them that `?` shows. Not while something is being written. */
import { Kbd, Modal, Table } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { later } from '../ports/browser-clock.ts';

export interface Shortcut {
  /** One key, or two pressed one after the other: `g s`. */
  readonly keys: string;
  readonly does: string;
  readonly run: () => void;
}

const secondKeyMs = 1500;

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const current = useRef(shortcuts);
  current.current = shortcuts;
  useEffect(() => {
    let first = '';
    let forget = () => {};
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || isDialogOpen()) return;
      const keys = first === '' ? event.key : `${first} ${event.key}`;
      forget();
      first = '';
      const found = current.current.find((shortcut) => shortcut.keys === keys);
      if (found !== undefined) {
        event.preventDefault();
        found.run();
      } else if (current.current.some((shortcut) => shortcut.keys.startsWith(`${keys} `))) {
        first = keys;
        forget = later(secondKeyMs, () => {
          first = '';
        });
      }
    };
    document.addEventListener('keydown', press);
    return () => {
      forget();
      document.removeEventListener('keydown', press);
    };
  }, []);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

function isDialogOpen(): boolean {
  return document.querySelector('[aria-modal="true"]') !== null;
}

export interface ShortcutListProps {
  readonly shortcuts: readonly Pick<Shortcut, 'keys' | 'does'>[];
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function ShortcutList({ onClose, opened, shortcuts }: ShortcutListProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Table aria-label="Keys">
        <Table.Tbody>
          {shortcuts.map(({ does, keys }) => (
            <Table.Tr key={keys}>
              <Table.Td>
                {keys.split(' ').map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
