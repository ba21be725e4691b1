/** The structures as bodies, made when asked for and not while drawing: it takes as long as many strokes. */
import { Button, Group, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Desk } from './desk.ts';
import classes from './surface-panel.module.css';

export function SurfacePanel({ desk, onClose }: { desk: Desk; onClose: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  const [turn, setTurn] = useState(0);
  const [isEmpty, setIsEmpty] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when asked for.
  useEffect(() => {
    if (element.current !== null) setIsEmpty(!desk.showSurfaces(element.current));
    return () => desk.viewer?.hideSurfaces();
  }, [desk, turn]);
  return (
    <section className={classes['panel']} aria-label="Surfaces">
      <div ref={element} className={classes['picture']} role="img" aria-label="Surfaces of the structures" />
      {isEmpty && (
        <Text className={classes['empty'] ?? ''} size="sm">
          Nothing is drawn yet.
        </Text>
      )}
      <Group className={classes['buttons'] ?? ''} gap={4}>
        <Button size="compact-xs" variant="default" onClick={() => setTurn((before) => before + 1)}>
          As drawn now
        </Button>
        <Button size="compact-xs" variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </section>
  );
}
