/** One series with all that is known and said of it. */
import type { SeriesDetails } from '@consilium/archive/api';
import { Accordion, Badge, Button, Flex, Group, NativeSelect, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { useChange } from '../../parts/change.ts';
import { CodeWords } from '../../parts/code-words.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { bytesText, countOf, dicomDateText, keywordText, measureText, timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { ask } from '../../parts/service-client.ts';
import { series as seriesQuestion, seriesRoute } from '../archive-asking.ts';
import { FindingList } from '../finding-list.tsx';
import { isSynthetic, phaseSources, phases, seriesPath, seriesTitle } from '../series-words.ts';
import { LabelDownloads, LabelUpload } from './label-files.tsx';
import { SeriesMarks } from './series-marks.tsx';
import { SeriesPicture } from './series-picture.tsx';
import { SeriesRemarks } from './series-remarks.tsx';

export function SeriesView({ uid }: { uid: string }) {
  const query = useQuery(seriesQuestion(uid));
  return (
    <QueryView of={query} height={600}>
      {(series) => (
        <Stack gap="md">
          <SeriesHead series={series} />
          <SeriesLabels series={series} />
          <Section title="Findings">
            <FindingList series={series} />
          </Section>
          <SeriesRemarks series={series} />
          <SeriesAttributes series={series} />
        </Stack>
      )}
    </QueryView>
  );
}

function SeriesHead({ series }: { series: SeriesDetails }) {
  const change = useChange();
  const { seriesInstanceUid: uid, studyInstanceUid } = series;
  return (
    <Section
      title={seriesTitle(series)}
      actions={
        <Button
          size="compact-sm"
          variant="default"
          loading={change.isPending}
          onClick={() =>
            change.mutate({ run: () => ask(seriesRoute(uid, 'settle'), { method: 'POST' }), done: 'Looked at again.' })
          }
        >
          Look again
        </Button>
      }
    >
      <Group gap={4}>
        <SeriesMarks series={series} isSynthetic={isSynthetic(series, series)} />
      </Group>
      {series.stateCode !== undefined && <CodeWords code={series.stateCode} />}
      <Flex gap="md" direction={{ base: 'column', sm: 'row' }}>
        <SeriesPicture series={series} size={224} />
        <Stack gap="xs" flex={1}>
          <FactList facts={factsOf(series)} />
          <PhaseChoice series={series} />
          <Group gap="md">
            <Text size="sm">
              <Link href={`/studies/study/${studyInstanceUid}`}>The whole study</Link>
            </Text>
            <Text size="sm">
              <Link href={`/deidentification/${studyInstanceUid}`}>What de-identification did</Link>
            </Text>
          </Group>
        </Stack>
      </Flex>
    </Section>
  );
}

function factsOf(series: SeriesDetails): readonly (readonly [string, React.ReactNode])[] {
  const { duplicateOf, geometry } = series;
  const [slices, rows, columns] = geometry?.size ?? [];
  const spacing = geometry?.spacingMm;
  const scanner = [series.vendor, series.model].filter(Boolean).join(' ');
  return [
    ['Subject', series.patientId],
    ['Study date', dicomDateText(series.studyDate)],
    ['Scanner', scanner || undefined],
    ['Kernel, tube', [series.kernel, measureText(series.kvp, 'kV')].filter(Boolean).join(', ') || undefined],
    ['Contrast agent', series.hasContrast === undefined ? undefined : series.hasContrast ? 'given' : 'not given'],
    ['Grid', slices === undefined ? undefined : `${slices} slices of ${rows} × ${columns} voxels`],
    ['Voxels', spacing && `${spacing.map((mm) => Number(mm.toFixed(2))).join(' × ')} mm (z, y, x)`],
    ['Slice thickness', measureText(series.sliceThicknessMm, 'mm')],
    ['Coverage', measureText(series.coverageMm, 'mm')],
    ['Files', `${countOf(series.instances, 'instance')}, ${bytesText(series.sizeBytes)}`],
    ['Shows the same as', duplicateOf && <Link href={seriesPath(duplicateOf)}>an earlier series</Link>],
  ];
}

function PhaseChoice({ series }: { series: SeriesDetails }) {
  const change = useChange();
  const { phase, phaseSource, seriesInstanceUid: uid } = series;
  if (series.modality !== 'CT') return null;
  const put = (value: string) => ask(seriesRoute(uid, 'phase'), { method: 'PUT', body: { phase: value } });
  return (
    <NativeSelect
      label="Phase of contrast"
      description={phaseSource === undefined ? 'not known' : phaseSources[phaseSource]}
      maw={280}
      value={phase ?? ''}
      onChange={({ currentTarget: { value } }) => {
        if (value === '') return;
        const undo = phase === undefined ? {} : { undo: () => put(phase) };
        change.mutate({ run: () => put(value), done: `The phase is ${value}.`, ...undo });
      }}
      data={[...(phase === undefined ? [{ value: '', label: '–' }] : []), ...phases]}
    />
  );
}

function SeriesLabels({ series }: { series: SeriesDetails }) {
  const { labels } = series;
  return (
    <Section title="Segmentations">
      {labels.length === 0 && (
        <Text size="sm" c="dimmed">
          None. DICOM SEG, NIfTI and NRRD segmentations that come in find their series by themselves.
        </Text>
      )}
      {labels.map((label) => (
        <Stack gap={4} key={label.id}>
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {labelNames[label.format]}, {label.provenance.kind}
              {algorithmOf(label)}
            </Text>
            <Badge color={label.isOnGrid ? 'teal.9' : 'red.9'} size="sm" tt="none">
              {label.isOnGrid ? 'on the voxels of the series' : 'not on its voxels: cannot be trained on'}
            </Badge>
            <Text size="sm" c="dimmed">
              {timeText(label.createdMs)}
            </Text>
          </Group>
          <Table verticalSpacing={2} maw={420} aria-label="Segments">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Segment</Table.Th>
                <Table.Th ta="right">Volume</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {label.segments.map(({ name, number, volumeMl }) => (
                <Table.Tr key={number}>
                  <Table.Td>
                    {number}: {name}
                  </Table.Td>
                  <Table.Td ta="right">{measureText(volumeMl, 'ml')}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <LabelDownloads label={label} series={series} />
        </Stack>
      ))}
      {series.geometry !== undefined && <LabelUpload series={series} />}
    </Section>
  );
}

/** De-identification leaves a dummy where a name may be that of a person. */
function algorithmOf({ provenance: { algorithm } }: SeriesDetails['labels'][number]): string {
  return algorithm === undefined || algorithm === 'REMOVED' ? '' : `, ${algorithm}`;
}

const labelNames: Readonly<Record<string, string>> = {
  'dicom-seg': 'DICOM SEG',
  nifti: 'NIfTI',
  nrrd: 'NRRD',
};

function SeriesAttributes({ series }: { series: SeriesDetails }) {
  const attributes = Object.entries(series.attributes);
  return (
    <Accordion variant="contained">
      <Accordion.Item value="attributes">
        <Accordion.Control>
          <Title order={2} size="h5">
            DICOM attributes ({attributes.length})
          </Title>
        </Accordion.Control>
        <Accordion.Panel>
          <FactList
            facts={[
              ['Series Instance UID', series.seriesInstanceUid],
              ...attributes.map(([keyword, values]) => [keywordText(keyword), values.join(' \\ ')] as const),
            ]}
          />
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
