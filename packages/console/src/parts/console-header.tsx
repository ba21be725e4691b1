/** The line at the top: whose console this is, whether what is shown is live, light or dark, help. */
import { ActionIcon, Badge, Burger, Button, Group, Menu, Text, useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { Link } from 'wouter';
import classes from './console-frame.module.css';
import type { LiveSign, LiveState } from './live-events.ts';
import { logOut, whoAsks } from './session.ts';

const liveWords: Readonly<Record<LiveState, { readonly word: string; readonly meaning: string }>> = {
  live: { word: 'Live', meaning: 'What is shown changes as it happens.' },
  connecting: { word: 'Connecting', meaning: 'Connecting to the service.' },
  lost: { word: 'Reconnecting', meaning: 'The service does not answer. What is shown is from before; trying again.' },
};

export interface ConsoleHeaderProps {
  readonly badge: string;
  readonly live: LiveSign | undefined;
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
  readonly onHelp: () => void;
}

export function ConsoleHeader({ badge, isMenuOpen, live, onHelp, onMenu }: ConsoleHeaderProps) {
  const who = useQuery(whoAsks).data;
  const { setColorScheme } = useMantineColorScheme();
  return (
    <Group h="100%" px="md" justify="space-between" wrap="nowrap">
      <Group wrap="nowrap" gap="sm" miw={0}>
        <Burger
          opened={isMenuOpen}
          onClick={onMenu}
          hiddenFrom="sm"
          size="sm"
          aria-label="Pages"
          aria-expanded={isMenuOpen}
        />
        <Text fw={700} size="lg">
          Consilium
        </Text>
        <Badge variant="default" tt="none" size="lg" maw={220} visibleFrom="xs">
          {badge}
        </Badge>
      </Group>
      <Group gap="xs" wrap="nowrap">
        {live && <LiveMark live={live} />}
        <ActionIcon variant="default" size="lg" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          ?
        </ActionIcon>
        <Menu>
          <Menu.Target>
            <Button variant="default" size="sm" aria-label="Settings of this page">
              View
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => setColorScheme('light')}>Light</Menu.Item>
            <Menu.Item onClick={() => setColorScheme('dark')}>Dark</Menu.Item>
            <Menu.Item onClick={() => setColorScheme('auto')}>As the system</Menu.Item>
            <Menu.Divider />
            <Menu.Label>{who?.display ?? ''}</Menu.Label>
            <Menu.Item component={Link} href="/account">
              My account
            </Menu.Item>
            <Menu.Item onClick={() => void logOut().then(() => location.reload())}>Log out</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
    </Group>
  );
}

function LiveMark({ live }: { live: LiveSign }) {
  const state = useSyncExternalStore(live.subscribe, live.state);
  const { meaning, word } = liveWords[state];
  return (
    <Group gap={6} wrap="nowrap" role="status" title={meaning} data-live={state}>
      <span className={classes['pulse']} data-state={state} />
      <Text size="sm">{word}</Text>
    </Group>
  );
}
