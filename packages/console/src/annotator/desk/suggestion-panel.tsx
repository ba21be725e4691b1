/** What is pointed out to a model or a tool, what it suggests, and what becomes of that. */
import { Button, Group, NativeSelect, NumberInput, Text } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { Section } from '../../parts/section.tsx';
import type { Suggestion } from '../case/pointed.ts';
import { type ToolId, toolOf } from '../viewer/drawing-tool.ts';
import type { Desk } from './desk.ts';

export function SuggestionPanel({ desk }: { desk: Desk }) {
  const { preview, tool } = useSyncExternalStore(desk.subscribe, desk.state);
  const { asks, name } = toolOf(tool);
  if (asks === undefined) return null;
  return (
    <Section title={name}>
      <FindingSettings desk={desk} tool={tool} />
      <Text size="xs" role="status">
        {preview === undefined && howTo[tool]}
        {preview?.isAsked && (asks === 'model' ? 'The model is asked …' : 'Looking for it …')}
        {preview?.answer !== undefined && !preview.isAsked && answerWords(preview.answer)}
      </Text>
      <Group gap={4}>
        <Button size="compact-xs" disabled={preview?.answer?.change === undefined} onClick={() => desk.acceptPreview()}>
          Take it (Enter)
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          disabled={preview === undefined}
          onClick={() => desk.rejectPreview()}
        >
          Drop it (Esc)
        </Button>
      </Group>
    </Section>
  );
}

const scribbled = 'Scribble on the structure, and with Shift on what does not belong to it.';
const howTo: Readonly<Partial<Record<ToolId, string>>> = {
  click: 'Click on what belongs to the structure; with Shift on what does not.',
  'prompt-scribble': scribbled,
  'prompt-box': 'Drag a box around the structure; on another plane, say how deep it goes.',
  'prompt-lasso': 'Circle the structure. Beside the line nothing changes, on no slice.',
  'threshold-box': 'Drag a box; on another plane, say how deep it goes. The values are those below.',
  grow: 'Click or scribble in the structure. A line with Shift is a wall that it does not cross.',
  cut: scribbled,
  own: scribbled,
};

function FindingSettings({ desk, tool }: { desk: Desk; tool: ToolId }) {
  const { finding } = useSyncExternalStore(desk.subscribe, desk.state);
  const { cut, grow, own } = finding;
  if (tool === 'grow') {
    return (
      <NumberInput
        size="xs"
        label="Standard deviations"
        min={0.5}
        max={10}
        step={0.25}
        value={grow.multiplier}
        onChange={(value) => desk.setFinding({ grow: { ...grow, multiplier: Number(value) || grow.multiplier } })}
      />
    );
  }
  if (tool === 'cut') {
    return (
      <NumberInput
        size="xs"
        label="Smoothness"
        min={0}
        max={100}
        value={cut.smoothness}
        onChange={(value) => desk.setFinding({ cut: { ...cut, smoothness: Number(value) } })}
      />
    );
  }
  if (tool !== 'own') return null;
  return (
    <NativeSelect
      size="xs"
      label="Tool"
      data={desk.ownTools.map(({ function: value, title: label }) => ({ value, label }))}
      value={own?.function ?? ''}
      onChange={({ currentTarget: { value } }) =>
        desk.setFinding({ own: desk.ownTools.find((one) => one.function === value) })
      }
    />
  );
}

function answerWords({ change, isTooFar, latencyMs, model }: Suggestion): string {
  if (isTooFar === true) return 'What is marked lies too far apart: mark less at once.';
  if (change === undefined) return model === undefined ? 'Nothing was found.' : 'The model would change nothing.';
  return latencyMs === undefined ? 'Found; shown in white.' : `Answered in ${(latencyMs / 1000).toFixed(1)} s.`;
}
