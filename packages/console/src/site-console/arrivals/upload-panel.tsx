/** Takes files and folders from this computer, by dropping or choosing, and says what became of each. */
import { Badge, Button, Code, FileButton, Group, Progress, ScrollArea, Stack, Table, Text } from '@mantine/core';
import { type ChangeEvent, type DragEvent, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { CodeWords } from '../../parts/code-words.tsx';
import { bytesText, countOf, wholeNumber } from '../../parts/quantity.ts';
import classes from './arrivals.module.css';
import { ignoredWords } from './outcome-words.ts';
import { droppedFiles, pickedFiles } from './upload-plan.ts';
import { type Upload, type UploadOutcome, uploadQueue } from './upload-queue.ts';

export function UploadPanel() {
  const uploads = useSyncExternalStore(uploadQueue.subscribe, uploadQueue.uploads);
  return (
    <Stack gap="sm">
      <DropPlace />
      {uploads.length > 0 && <UploadReport uploads={uploads} />}
    </Stack>
  );
}

function DropPlace() {
  const [isOver, setIsOver] = useState(false);
  const folder = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    void droppedFiles(event.dataTransfer.items).then((files) => uploadQueue.add(files));
  };
  const pickFolder = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    if (currentTarget.files) void uploadQueue.add(pickedFiles(currentTarget.files));
    currentTarget.value = '';
  };
  return (
    <section
      aria-label="Drop files here"
      className={classes['drop']}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      <Stack align="center" gap="xs">
        <Text fw={600}>Drop files, folders or zip files here</Text>
        <Group gap="xs">
          <FileButton
            multiple
            onChange={(files) => void uploadQueue.add(files.map((file) => ({ path: file.name, file })))}
          >
            {(props) => <Button {...props}>Choose files</Button>}
          </FileButton>
          <Button variant="default" onClick={() => folder.current?.click()}>
            Choose a folder
          </Button>
        </Group>
        <input
          ref={folder}
          type="file"
          hidden
          multiple
          aria-label="Folder"
          onChange={pickFolder}
          {...{ webkitdirectory: '' }}
        />
        <Text size="sm" c="dimmed" ta="center">
          DICOM of any name, NIfTI and NRRD with their segmentations, zip files. Names are removed before anything is
          stored.
        </Text>
      </Stack>
    </section>
  );
}

const outcomes: Readonly<Record<UploadOutcome, { readonly word: string; readonly color: string }>> = {
  stored: { word: 'stored', color: 'teal.9' },
  duplicate: { word: 'there already', color: 'gray.7' },
  refused: { word: 'refused', color: 'red.9' },
  ignored: { word: 'ignored', color: 'gray.7' },
  failed: { word: 'failed', color: 'red.9' },
  cancelled: { word: 'cancelled', color: 'gray.7' },
};

function countsOf(uploads: readonly Upload[]): Readonly<Record<UploadOutcome, number>> {
  const counts = { stored: 0, duplicate: 0, refused: 0, ignored: 0, failed: 0, cancelled: 0 };
  for (const { outcome, report } of uploads) {
    if (report !== undefined)
      for (const [kind, count] of Object.entries(report.counts)) counts[kind as 'stored'] += count;
    else if (outcome !== undefined) counts[outcome]++;
  }
  return counts;
}

function UploadReport({ uploads }: { uploads: readonly Upload[] }) {
  const counts = useMemo(() => countsOf(uploads), [uploads]);
  const open = uploads.filter(({ state }) => state !== 'done').length;
  const bytes = uploads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const sent = uploads.reduce((sum, one) => sum + (one.state === 'done' ? one.sizeBytes : one.sentBytes), 0);
  const percent = bytes === 0 ? 100 : (100 * sent) / bytes;
  const shown = Object.entries(counts).filter(([, count]) => count > 0) as [UploadOutcome, number][];
  return (
    <Stack gap="xs" role="region" aria-label="Upload">
      <Progress value={percent} aria-label="Sent" animated={open > 0} />
      <Group justify="space-between">
        <Text size="sm" role="status">
          {open > 0
            ? `${countOf(open, 'file')} to go, ${bytesText(sent)} of ${bytesText(bytes)} sent`
            : `Done: ${countOf(uploads.length, 'file')} sent`}
        </Text>
        <Group gap="xs">
          {shown.map(([outcome, count]) => (
            <Badge key={outcome} color={outcomes[outcome].color} tt="none">
              {wholeNumber(count)} {outcomes[outcome].word}
            </Badge>
          ))}
          {open > 0 ? (
            <Button size="compact-sm" variant="default" onClick={() => uploadQueue.cancel()}>
              Cancel
            </Button>
          ) : (
            <Button size="compact-sm" variant="default" onClick={() => uploadQueue.clear()}>
              Clear the list
            </Button>
          )}
        </Group>
      </Group>
      <OutcomeTable uploads={uploads} />
    </Stack>
  );
}

interface Row {
  readonly key: string;
  readonly path: string;
  readonly outcome: UploadOutcome;
  readonly code: string | undefined;
}

const rowsMax = 200;

/** What needs a person first, then the rest. */
function rowsOf(uploads: readonly Upload[]): readonly Row[] {
  const rows = uploads.flatMap(({ code, id, outcome, path, report }): Row[] => [
    ...(outcome === undefined ? [] : [{ key: `${id}`, path, outcome, code }]),
    ...(report?.exceptions ?? []).map((one) => ({ key: `${id} ${one.path}`, ...one })),
  ]);
  const order: readonly UploadOutcome[] = ['failed', 'refused', 'ignored', 'cancelled', 'duplicate', 'stored'];
  return rows.toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome));
}

function OutcomeTable({ uploads }: { uploads: readonly Upload[] }) {
  const rows = useMemo(() => rowsOf(uploads), [uploads]);
  if (rows.length === 0) return null;
  return (
    <ScrollArea.Autosize mah={280} viewportProps={{ tabIndex: 0 }}>
      <Table stickyHeader aria-label="What became of each file" verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>File</Table.Th>
            <Table.Th w={140}>Outcome</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.slice(0, rowsMax).map(({ code, key, outcome, path }) => (
            <Table.Tr key={key}>
              <Table.Td className={classes['path'] ?? ''}>{path}</Table.Td>
              <Table.Td>{outcomes[outcome].word}</Table.Td>
              <Table.Td>
                {code !== undefined && <CodeWords code={code} otherwise={ignoredWords[code] ?? ''} />}
                {code !== undefined && ignoredWords[code] === undefined && <Code>{code}</Code>}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rows.length > rowsMax && (
        <Text size="sm" c="dimmed" p="xs">
          and {countOf(rows.length - rowsMax, 'more file', 'more files')}
        </Text>
      )}
    </ScrollArea.Autosize>
  );
}
