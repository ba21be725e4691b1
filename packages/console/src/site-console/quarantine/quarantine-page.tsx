/** What the door refused: why, and what may be done with it. */
import type { Admission, QuarantinedFile } from '@consilium/archive/api';
import { Alert, Button, Card, Code, Group, Pagination, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { AskFirst } from '../../parts/ask-first.tsx';
import { showError, useChange } from '../../parts/change.ts';
import { CodeWords } from '../../parts/code-words.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { bytesText, timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { ask } from '../../parts/service-client.ts';
import { overview, quarantined, routeOf } from '../archive-asking.ts';

const pageSize = 50;

export function QuarantinePage() {
  const [page, setPage] = useState(1);
  const query = useQuery(quarantined((page - 1) * pageSize));
  const total = useQuery(overview).data?.quarantined ?? 0;
  return (
    <PageFrame
      title="Quarantine"
      about="What could not be de-identified or contradicts what is here. It is kept encrypted, and nothing of it is listed or trained on."
    >
      <QueryView of={query} height={300}>
        {(files) =>
          files.length === 0 ? (
            <EmptyPlace title="Quarantine is empty">Nothing that came in was refused.</EmptyPlace>
          ) : (
            <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Files in quarantine">
              {files.map((file) => (
                <li key={file.id}>
                  <FileCard file={file} />
                </li>
              ))}
            </Stack>
          )
        }
      </QueryView>
      {total > pageSize && (
        <Pagination
          total={Math.ceil(total / pageSize)}
          value={page}
          onChange={setPage}
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
          getItemProps={(at) => ({ 'aria-label': `page ${at}` })}
        />
      )}
    </PageFrame>
  );
}

function originText({ origin }: QuarantinedFile): string {
  switch (origin.kind) {
    case 'dimse':
      return `sent by ${origin.callingAeTitle}`;
    case 'dicomweb':
      return `by DICOMweb, ${origin.peer}`;
    case 'folder':
      return 'from a folder';
    case 'upload':
      return 'from a browser';
  }
}

function FileCard({ file }: { file: QuarantinedFile }) {
  const { arrivedMs, code, id, message, sizeBytes } = file;
  const name = `the file of ${timeText(arrivedMs)}`;
  return (
    <Card withBorder padding="md">
      <Stack gap="xs">
        <Text fw={600}>{message.charAt(0).toUpperCase() + message.slice(1)}</Text>
        <CodeWords code={code} />
        <Text size="sm" c="dimmed">
          <Code>{code}</Code> {bytesText(sizeBytes)}, {originText(file)}, {timeText(arrivedMs)}
        </Text>
        <Group gap="xs">
          <Detail id={id} />
          <Release id={id} name={name} />
          <Delete id={id} name={name} />
        </Group>
      </Stack>
    </Card>
  );
}

/** Identified: asked for, shown as long as it is looked at, kept nowhere. */
function Detail({ id }: { id: string }) {
  const show = useMutation({
    mutationFn: () => ask<{ detail: string | null }>(routeOf('quarantine', id)),
    onError: showError,
    gcTime: 0,
  });
  if (show.data !== undefined) {
    return (
      <Alert
        color="orange"
        w="100%"
        title="May name a patient"
        withCloseButton
        closeButtonLabel="Hide"
        onClose={show.reset}
      >
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {show.data.detail ?? 'Nothing more is known of it.'}
        </Text>
      </Alert>
    );
  }
  return (
    <AskFirst
      label="Show the detail"
      size="compact-sm"
      title="Show the detail"
      explanation="It may hold what the file says, with the name of a patient. Look around you who else sees this screen."
      confirm="Show it"
      onConfirm={() => show.mutate()}
    />
  );
}

function Release({ id, name }: { id: string; name: string }) {
  const client = useQueryClient();
  const release = useMutation({
    mutationFn: () => ask<Admission>(routeOf('quarantine', id, 'release'), { method: 'POST' }),
    onError: showError,
    onSuccess: async (admission) => {
      await client.invalidateQueries();
      const isIn = admission.kind !== 'refused';
      notifications.show({
        message: isIn ? 'It is in the archive now.' : `Still refused: ${admission.message}`,
        color: isIn ? 'green' : 'orange',
        autoClose: isIn ? 4000 : false,
        closeButtonProps: { 'aria-label': 'Close' },
      });
    },
  });
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={release.isPending}
      onClick={() => release.mutate()}
      aria-label={`Try ${name} again`}
    >
      Try again
    </Button>
  );
}

function Delete({ id, name }: { id: string; name: string }) {
  const change = useChange();
  return (
    <AskFirst
      label="Delete"
      ariaLabel={`Delete ${name}`}
      size="compact-sm"
      title="Delete from quarantine"
      explanation="The file is deleted from this archive and cannot be brought back. Where it came from it stays; sent again, it is refused again."
      confirm="Delete"
      isDanger
      onConfirm={() =>
        change.mutate({ run: () => ask(routeOf('quarantine', id), { method: 'DELETE' }), done: 'Deleted.' })
      }
    />
  );
}
