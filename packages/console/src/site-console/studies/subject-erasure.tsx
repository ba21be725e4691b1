/** Erases a subject for good, as when a consent is taken back. */
import type { ErasedSubject } from '@consilium/archive/api';
import { List, Stack, Text } from '@mantine/core';
import { useLocation } from 'wouter';
import { AskFirst } from '../../parts/ask-first.tsx';
import { useChange } from '../../parts/change.ts';
import { ask } from '../../parts/service-client.ts';
import { routeOf } from '../archive-asking.ts';

export function SubjectErasure({ patientId }: { patientId: string }) {
  const change = useChange();
  const [, navigate] = useLocation();
  const erase = (reason: string) =>
    change.mutate({
      run: async () => {
        await ask<ErasedSubject>(routeOf('subjects', patientId, 'erase'), { method: 'POST', body: { reason } });
        navigate('/studies');
      },
      done: `${patientId} is erased, and stays away.`,
    });
  return (
    <AskFirst
      label="Erase the subject"
      size="compact-sm"
      style={{ alignSelf: 'flex-start' }}
      title={`Erase ${patientId}`}
      explanation={
        <Stack gap="xs">
          <Text size="sm">As when a patient takes back consent. It cannot be undone.</Text>
          <List size="sm" spacing={4}>
            <List.Item>All studies, segmentations, notes and the entry of who it is are deleted.</List.Item>
            <List.Item>What comes of the patient later is refused, until you let the subject in again.</List.Item>
            <List.Item>Cohorts and splits keep that somebody was in them, and why not any more.</List.Item>
            <List.Item>Backups, and models that were trained before, are not changed by it.</List.Item>
          </List>
        </Stack>
      }
      reasonLabel="Reason, without a name: it is kept for good"
      confirm="Erase for good"
      isDanger
      onConfirm={erase}
    />
  );
}
