/** What models and other readers say about a case, and what becomes of it. */
import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { showError } from '../../parts/change.ts';
import { Section } from '../../parts/section.tsx';
import type { Desk } from './desk.ts';
import classes from './structure-panel.module.css';

export function ProposalPanel({ desk }: { desk: Desk }) {
  const { proposal, protocol, session } = desk.options;
  if (proposal === undefined || session === undefined) return null;
  return (
    <Section title="Proposal">
      <Text size="xs">Drawn by {proposal.model?.name ?? 'a model'}. It is the label until you change it.</Text>
      <Stack gap={4}>
        <ProposalDecision desk={desk} name="All" />
        {protocol.structures.map(({ name, number }) => (
          <ProposalDecision key={number} desk={desk} name={name} structure={number} />
        ))}
      </Stack>
    </Section>
  );
}

function ProposalDecision({ desk, name, structure }: { desk: Desk; name: string; structure?: number }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="sm" flex={1} truncate>
        {name}
      </Text>
      <Button
        size="compact-xs"
        variant="default"
        aria-label={`${name} as proposed`}
        onClick={() => desk.decideProposal('accept', structure)}
      >
        As proposed
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        aria-label={`Reject ${name}`}
        onClick={() => desk.decideProposal('reject', structure)}
      >
        Reject
      </Button>
    </Group>
  );
}

export function OverlayPanel({ desk }: { desk: Desk }) {
  const { overlays: shown } = useSyncExternalStore(desk.subscribe, desk.state);
  const { overlays = [] } = desk.options;
  if (overlays.length === 0) return null;
  return (
    <Section title="Show also">
      <Stack gap={6}>
        {overlays.map((overlay) => (
          <Group key={overlay.id} gap={8} wrap="nowrap" justify="space-between">
            <Checkbox
              size="xs"
              label={overlay.name}
              checked={shown.has(overlay.id)}
              onChange={() => void desk.toggleOverlay(overlay).catch(showError)}
            />
            <Group gap={0} wrap="nowrap" aria-hidden>
              {overlay.colours?.map((colour) => (
                <span key={colour} className={classes['swatch']} style={{ background: colour }} />
              ))}
            </Group>
          </Group>
        ))}
      </Stack>
    </Section>
  );
}
