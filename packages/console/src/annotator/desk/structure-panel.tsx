/** What is drawn: the structures with their colours and volumes, which of them is seen, and what is left alone. */
import { Checkbox, Group, NativeSelect, NumberInput, Stack, Text, UnstyledButton } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { Section } from '../../parts/section.tsx';
import type { Desk } from './desk.ts';
import classes from './structure-panel.module.css';

export function StructurePanel({ desk }: { desk: Desk }) {
  const {
    hidden,
    isLabelShown,
    isOutlined,
    locked,
    structure: chosen,
    volumesMl,
  } = useSyncExternalStore(desk.subscribe, desk.state);
  const { protocol, session } = desk.options;
  const instructions = desk.structureOf(chosen).instructions;
  return (
    <Section title="Structures">
      <Stack gap={2}>
        {protocol.structures.map(({ colour, name, number }) => (
          <Group key={number} gap={4} wrap="nowrap">
            <UnstyledButton
              className={classes['structure'] ?? ''}
              aria-pressed={number === chosen}
              onClick={() => desk.setStructure(number)}
            >
              <span className={classes['swatch']} style={{ background: colour }} />
              <span className={classes['name']}>{name}</span>
              <span className={classes['volume']}>{millilitres(volumesMl[number] ?? 0)}</span>
            </UnstyledButton>
            <Toggle word="Show" isOn={!hidden.has(number)} about={name} onPress={() => desk.toggleHidden(number)} />
            {session && (
              <Toggle word="Lock" isOn={locked.has(number)} about={name} onPress={() => desk.toggleLocked(number)} />
            )}
          </Group>
        ))}
      </Stack>
      {instructions !== '' && <Text size="xs">{instructions}</Text>}
      <Group gap="md">
        <Checkbox
          size="xs"
          label="Label (h)"
          checked={isLabelShown}
          onChange={({ currentTarget }) => desk.showLabel(currentTarget.checked)}
        />
        <Checkbox
          size="xs"
          label="Outline (o)"
          checked={isOutlined}
          onChange={({ currentTarget }) => desk.outline(currentTarget.checked)}
        />
      </Group>
      {session && <DrawingLimits desk={desk} />}
    </Section>
  );
}

function DrawingLimits({ desk }: { desk: Desk }) {
  const { holdsRange, inside, range } = useSyncExternalStore(desk.subscribe, desk.state);
  const [low, high] = range;
  const choices = desk.options.protocol.structures.map(({ name, number }) => ({
    value: String(number),
    label: `inside ${name}`,
  }));
  return (
    <Stack gap={6}>
      <NativeSelect
        size="xs"
        label="Draw"
        data={[{ value: '', label: 'everywhere' }, ...choices]}
        value={inside === undefined ? '' : String(inside)}
        onChange={({ currentTarget: { value } }) => desk.setInside(value === '' ? undefined : Number(value))}
      />
      <Group gap={6} grow>
        <NumberInput
          size="xs"
          label="Values from"
          value={low}
          onChange={(value) => desk.setRange([Number(value), high])}
        />
        <NumberInput size="xs" label="to" value={high} onChange={(value) => desk.setRange([low, Number(value)])} />
      </Group>
      <Checkbox
        size="xs"
        label="Hold every tool to these values"
        checked={holdsRange}
        onChange={({ currentTarget }) => desk.setRange(range, currentTarget.checked)}
      />
    </Stack>
  );
}

interface ToggleProps {
  readonly word: string;
  readonly about: string;
  readonly isOn: boolean;
  readonly onPress: () => void;
}

function Toggle({ about, isOn, onPress, word }: ToggleProps) {
  return (
    <UnstyledButton
      className={classes['toggle'] ?? ''}
      aria-pressed={isOn}
      aria-label={`${word} ${about}`}
      onClick={onPress}
    >
      {word}
    </UnstyledButton>
  );
}

function millilitres(ml: number): string {
  return `${ml < 10 ? ml.toFixed(2) : ml.toFixed(1)} ml`;
}
