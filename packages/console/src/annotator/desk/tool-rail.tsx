/** The tools at hand, each with its key. */
import { Kbd, Slider, Stack, Text, UnstyledButton } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { drawingTools } from '../viewer/drawing-tool.ts';
import { brushMmMax, type Desk } from './desk.ts';
import classes from './tool-rail.module.css';

export function ToolRail({ desk }: { desk: Desk }) {
  const { brushMm, tool: chosen } = useSyncExternalStore(desk.subscribe, desk.state);
  const canDraw = desk.options.session !== undefined;
  const some = drawingTools.filter(({ id }) => desk.offers(id));
  return (
    <Stack gap={2} role="toolbar" aria-label="Tools" aria-orientation="vertical">
      {some.map(({ does, id, key, name }) => (
        <UnstyledButton
          key={id}
          className={classes['tool'] ?? ''}
          aria-pressed={id === chosen}
          title={`${name}: ${does} (${key})`}
          onClick={() => desk.setTool(id)}
        >
          <span>{name}</span>
          <Kbd size="xs">{key}</Kbd>
        </UnstyledButton>
      ))}
      {canDraw && (
        <Stack gap={2} mt="sm">
          <Text size="xs" id="brush-size">
            Brush {brushMm} mm
          </Text>
          <Slider
            size="sm"
            min={1}
            max={brushMmMax}
            value={brushMm}
            onChange={(mm) => desk.setBrush(mm)}
            label={null}
            thumbLabel="Radius of the brush, mm"
            thumbSize={24}
          />
        </Stack>
      )}
    </Stack>
  );
}
