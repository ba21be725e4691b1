/** Segmentations of a series as files: out for another program, and in again. */
import type { Label, SeriesDetails } from '@consilium/archive/api';
import { Button, FileButton, Group, NativeSelect, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useChange } from '../../parts/change.ts';
import { addressOf, routeWith, sendFile } from '../../parts/service-client.ts';
import { seriesRoute } from '../archive-asking.ts';

const formats = [
  ['dicom-seg', 'DICOM SEG', 'dcm'],
  ['nifti', 'NIfTI', 'nii.gz'],
  ['nrrd', 'NRRD', 'seg.nrrd'],
] as const;

export function LabelDownloads({ label, series }: { label: Label; series: SeriesDetails }) {
  if (!label.isOnGrid) return null;
  return (
    <Group gap="xs" fz="sm">
      <Text size="sm">Download as</Text>
      {formats.map(([format, name, suffix]) => (
        <a
          key={format}
          href={addressOf(routeWith(seriesRoute(series.seriesInstanceUid, 'label'), { format, labelId: label.id }))}
          download={`${series.patientId}-${label.id}.${suffix}`}
        >
          {name}
        </a>
      ))}
    </Group>
  );
}

const kinds = [
  { value: 'manual', label: 'drawn by hand' },
  { value: 'semiautomatic', label: 'by a program, corrected by hand' },
  { value: 'automatic', label: 'by a program' },
  { value: 'unknown', label: 'not known' },
];

export function LabelUpload({ series: { seriesInstanceUid } }: { series: SeriesDetails }) {
  const [kind, setKind] = useState('manual');
  const change = useChange();
  const client = useQueryClient();
  const send = (file: File | null) => {
    if (file === null) return;
    const sending = {
      contentType: 'application/octet-stream',
      signal: new AbortController().signal,
      onProgress: () => {},
    };
    change.mutate({
      run: async () => {
        await sendFile(routeWith(seriesRoute(seriesInstanceUid, 'labels'), { kind }), file, sending);
        await client.invalidateQueries({ queryKey: ['series'] });
      },
      done: 'The segmentation is taken in. The newest on the voxels counts when a cohort is frozen.',
    });
  };
  return (
    <Group gap="xs" align="flex-end">
      <NativeSelect
        label="A segmentation from a file"
        value={kind}
        onChange={({ currentTarget }) => setKind(currentTarget.value)}
        data={kinds}
      />
      <FileButton onChange={send} accept=".dcm,.nii,.gz,.nrrd">
        {(props) => (
          <Button {...props} variant="default" loading={change.isPending}>
            Choose the file
          </Button>
        )}
      </FileButton>
    </Group>
  );
}
