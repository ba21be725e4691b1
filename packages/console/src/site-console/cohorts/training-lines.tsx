/** What to write where, so that training uses a cohort. */
import { NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { roads } from '../archive-asking.ts';

export interface TrainingLinesProps {
  readonly cohort: string;
  readonly version: number;
  readonly splits: readonly string[];
}

const noSplit = '';

export function TrainingLines({ cohort, splits, version }: TrainingLinesProps) {
  const { data } = useQuery(roads);
  const [chosen, setChosen] = useState<string>();
  const split = chosen ?? splits.at(-1) ?? noSplit;
  const directory = data?.directory ?? '…';
  const lines = [`name: ${cohort}`, `version: ${version}`, ...(split === noSplit ? [] : [`split: ${split}`])];
  return (
    <Stack gap="md">
      {splits.length > 0 && (
        <NativeSelect
          maw={320}
          label="Split"
          value={split}
          onChange={({ currentTarget }) => setChosen(currentTarget.value)}
          data={[
            ...splits.map((name) => ({ value: name, label: name })),
            { value: noSplit, label: 'none: the site draws' },
          ]}
        />
      )}
      <CopyBlock
        label="In the site’s site.yaml"
        text={`data:\n  directory: ${JSON.stringify(directory)}\n  cohort: { ${lines.join(', ')} }`}
      />
      <Text size="sm" c="dimmed">
        The site reads the archive where it lies; no image is copied. The version stays what it is, however much comes
        in.
      </Text>
      <CopyBlock
        label="Try it on this machine"
        text={`consilium rehearse --data ${/^[\w./-]+$/.test(directory) ? directory : `'${directory}'`} --cohort ${cohort}@${version}${split === noSplit ? '' : ` --split ${split}`}`}
      />
    </Stack>
  );
}
