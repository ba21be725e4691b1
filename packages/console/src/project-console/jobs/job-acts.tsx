/** What can be done with a job: each asks first, and says what happens. */
import type { JobEntry } from '@consilium/coordinator/api';
import { Group } from '@mantine/core';
import { AskFirst } from '../../parts/ask-first.tsx';
import { useChange } from '../../parts/change.ts';
import { useMay } from '../../parts/session.ts';
import { askRoute } from '../project-asking.ts';

export function JobActs({ entry: { jobId, state } }: { entry: JobEntry }) {
  const change = useChange();
  if (!useMay('project.control')) return null;
  const act = (name: 'pause' | 'resume' | 'abort', done: string) =>
    change.mutate({ run: () => askRoute(name, { params: { jobId } }), done });
  return (
    <Group gap="xs" className="no-print">
      {(state === 'running' || state === 'queued') && (
        <AskFirst
          label="Pause"
          title={`Pause ${jobId}`}
          explanation="Sites finish the task that they are at and keep its result. Nothing further is asked until somebody resumes the job; nothing is lost."
          confirm="Pause it"
          onConfirm={() => act('pause', `${jobId} is paused.`)}
        />
      )}
      {(state === 'paused' || state === 'failed') && (
        <AskFirst
          label="Resume"
          title={`Resume ${jobId}`}
          explanation="The job goes on with the last round that was not complete. Sites that have answered already are not asked again."
          confirm="Go on"
          onConfirm={() => act('resume', `${jobId} goes on.`)}
        />
      )}
      {(state === 'running' || state === 'queued' || state === 'paused') && (
        <AskFirst
          label="Abort"
          isDanger
          title={`Abort ${jobId}`}
          explanation="For good: sites give up what they do for it, and the job cannot be resumed. Rounds that are complete stay, with the best model so far. The log names you."
          confirm="Abort it for good"
          onConfirm={() => act('abort', `${jobId} is aborted.`)}
        />
      )}
    </Group>
  );
}
