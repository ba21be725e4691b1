/** What is done to the chosen structure as a whole. */
import { Button, Group, NativeSelect, NumberInput, Stack } from '@mantine/core';
import { useState, useSyncExternalStore } from 'react';
import { showError } from '../../parts/change.ts';
import { showNotice } from '../../parts/notice.ts';
import { Section } from '../../parts/section.tsx';
import type { StructureOperation } from '../case/structure-operation.ts';
import type { Desk } from './desk.ts';

type OtherKind = 'unite' | 'subtract' | 'intersect';

export function OperationPanel({ desk }: { desk: Desk }) {
  const { structure } = useSyncExternalStore(desk.subscribe, desk.state);
  const [mm, setMm] = useState(2);
  const [other, setOther] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const others = desk.options.protocol.structures.filter(({ number }) => number !== structure);
  const chosen = others.find(({ number }) => String(number) === other) ?? others[0];
  const run = async (operation: StructureOperation) => {
    setIsBusy(true);
    try {
      if (!(await desk.operate(operation))) showNotice('Nothing to change.');
    } catch (error) {
      showError(error);
    } finally {
      setIsBusy(false);
    }
  };
  const press = (word: string, operation: StructureOperation) => (
    <Button key={word} size="compact-xs" variant="default" disabled={isBusy} onClick={() => void run(operation)}>
      {word}
    </Button>
  );
  const pressOther = (word: string, kind: OtherKind) =>
    chosen && press(word, { kind, other: { voxels: desk.options.layers[chosen.layer]!, structure: chosen.number } });
  return (
    <Section title={desk.structureOf(structure).name}>
      <Stack gap={8}>
        <Group gap={4}>
          {press('Interpolate slices', { kind: 'interpolate' })}
          {press('Fill holes', { kind: 'fill-holes' })}
          {press('Keep largest', { kind: 'keep-largest' })}
          {press('Drop specks', { kind: 'remove-small', minMl: 0.1 })}
        </Group>
        <Group gap={4} align="end">
          <NumberInput
            size="xs"
            w={64}
            label="mm"
            min={0.5}
            max={20}
            step={0.5}
            value={mm}
            onChange={(value) => setMm(Number(value) || 1)}
          />
          {press('Grow', { kind: 'grow', mm })}
          {press('Shrink', { kind: 'shrink', mm })}
          {press('Smooth', { kind: 'smooth', mm })}
        </Group>
        {chosen && (
          <Group gap={4} align="end">
            <NativeSelect
              size="xs"
              label="With"
              data={others.map(({ name, number }) => ({ value: String(number), label: name }))}
              value={String(chosen.number)}
              onChange={({ currentTarget }) => setOther(currentTarget.value)}
            />
            {pressOther('Take in', 'unite')}
            {pressOther('Cut off', 'subtract')}
            {pressOther('Keep common', 'intersect')}
          </Group>
        )}
      </Stack>
    </Section>
  );
}
