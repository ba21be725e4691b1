/** A task on the desk: drawn on by its reader, looked at by whoever reviews it, or only seen. */
import { Skeleton } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ErrorView } from '../../parts/error-view.tsx';
import classes from '../annotator.module.css';
import { CaseVolume } from '../case/case-volume.ts';
import { layersOf, TaskSession } from '../case/task-session.ts';
import { me, protocol, type Task, type TaskName, task } from '../reading-asking.ts';
import { drawnOn } from '../worklist/task-words.ts';
import { Desk } from './desk.ts';
import { DeskFrame } from './desk-frame.tsx';

export function TaskDesk({ project, taskId }: TaskName) {
  const name = { project, taskId };
  const asker = useQuery(me);
  // What becomes of the task while it is open, the desk itself brings about.
  const facts = useQuery({ ...task(name), refetchOnWindowFocus: false });
  const error = facts.error ?? asker.error;
  if (error !== null) return <Fault error={error} onRetry={() => void facts.refetch()} />;
  if (facts.data === undefined || asker.data === undefined) return <Waiting />;
  const { person } = asker.data;
  const { reader, state } = facts.data;
  const isDrawn = drawnOn.includes(state) && (reader === null || reader === person);
  return <OpenDesk key={`${taskId} ${isDrawn}`} name={name} task={facts.data} isDrawn={isDrawn} />;
}

function Fault({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <main className={classes['alone']}>
      <ErrorView error={error} onRetry={onRetry} />
    </main>
  );
}

function Waiting() {
  return <Skeleton height="100dvh" aria-label="Loading" role="status" />;
}

function OpenDesk({ isDrawn, name, task: facts }: { name: TaskName; task: Task; isDrawn: boolean }) {
  const client = useQueryClient();
  const [desk, setDesk] = useState<Desk>();
  const [fault, setFault] = useState<unknown>();
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: opened once, and again when asked to.
  useEffect(() => {
    const stop = new AbortController();
    let opened: Desk | undefined;
    const protocolOf = async ({ protocolVersion }: Task) =>
      (await client.fetchQuery({ ...protocol(name.project, protocolVersion), staleTime: Infinity })).protocol;
    openDesk(name, { task: facts, isDrawn, protocolOf }).then(
      (one) => {
        opened = one;
        if (stop.signal.aborted) one.options.session?.close();
        else setDesk(one);
      },
      (error: unknown) => !stop.signal.aborted && setFault(error),
    );
    return () => {
      stop.abort();
      opened?.options.session?.close();
    };
  }, [turn]);
  const again = () => {
    setDesk(undefined);
    setFault(undefined);
    setTurn((before) => before + 1);
  };
  if (fault !== undefined) return <Fault error={fault} onRetry={again} />;
  if (desk === undefined) return <Waiting />;
  return <DeskFrame key={turn} name={name} task={facts} desk={desk} onReopen={again} onFault={setFault} />;
}

interface Opening {
  readonly task: Task;
  readonly isDrawn: boolean;
  readonly protocolOf: (task: Task) => Promise<Desk['options']['protocol']>;
}

async function openDesk(name: TaskName, { isDrawn, protocolOf, task: facts }: Opening): Promise<Desk> {
  const volume = CaseVolume.open(name.project, facts.caseId);
  // Its failure is told of when it is waited for.
  volume.catch(() => {});
  if (isDrawn) {
    const session = await TaskSession.open(name, protocolOf);
    return new Desk({ protocol: session.protocol, volume: await volume, layers: session.editor.layers, session });
  }
  const spoken = await protocolOf(facts);
  const baseVersion = facts.headVersion ?? facts.baseVersion;
  const layers = await layersOf(name.project, { baseVersion, protocol: spoken, size: facts.geometry.size });
  return new Desk({ protocol: spoken, volume: await volume, layers });
}
