/** Brightness and contrast, by what is to be seen. */
import { Button, Group } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { windowPresets } from '../viewer/grey-window.ts';
import type { Desk } from './desk.ts';

export function WindowPanel({ desk }: { desk: Desk }) {
  const { window } = useSyncExternalStore(desk.subscribe, desk.state);
  return (
    <Group gap={4} role="group" aria-label="Window">
      {windowPresets.map((preset) => {
        const isOn = preset.centre === window.centre && preset.width === window.width;
        return (
          <Button
            key={preset.name}
            size="compact-xs"
            variant={isOn ? 'filled' : 'default'}
            aria-pressed={isOn}
            aria-label={`Window for ${preset.name}`}
            title={`Centre ${preset.centre}, width ${preset.width} HU (${preset.key})`}
            onClick={() => desk.setWindow(preset)}
          >
            {preset.name}
          </Button>
        );
      })}
    </Group>
  );
}
