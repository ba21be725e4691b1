/** Says that something was done, with a way back. */
import { Button, Group, Text } from '@mantine/core';

export function UndoNotice({ onUndo, text }: { text: string; onUndo?: (() => void) | undefined }) {
  return (
    <Group justify="space-between" wrap="nowrap">
      <Text size="sm">{text}</Text>
      {onUndo && (
        <Button size="compact-sm" variant="default" onClick={onUndo}>
          Undo
        </Button>
      )}
    </Group>
  );
}
