/** Whether what was drawn is safe, in a word. */
import { Badge } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import type { QueueState, StrokeQueue } from '../case/stroke-queue.ts';

const words: Readonly<Record<QueueState, { readonly word: string; readonly color: string; readonly meaning: string }>> =
  {
    kept: { word: 'Saved', color: 'green', meaning: 'Everything is with the reading room.' },
    sending: { word: 'Saving', color: 'blue', meaning: 'Strokes are on their way.' },
    offline: {
      word: 'Offline',
      color: 'orange',
      meaning: 'The reading room does not answer. Strokes are kept in this browser and sent later.',
    },
    'shut-out': { word: 'Open elsewhere', color: 'red', meaning: 'The task was opened in another window.' },
    refused: { word: 'Not saved', color: 'red', meaning: 'The reading room refuses a stroke.' },
  };

export function SaveMark({ queue }: { queue: StrokeQueue }) {
  const state = useSyncExternalStore(queue.subscribe, queue.state);
  const { color, meaning, word } = words[state];
  const waits = state === 'offline' || state === 'refused' ? ` (${queue.waiting})` : '';
  return (
    <Badge color={color} variant="light" tt="none" size="lg" title={meaning} role="status" data-save={state}>
      {word + waits}
    </Badge>
  );
}
