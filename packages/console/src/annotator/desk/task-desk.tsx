/** A task on the desk: drawn on by its reader, looked at by whoever reviews it, or only seen. */

import type { Protocol } from '@consilium/reading/api';
import { Skeleton } from '@mantine/core';
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { showError } from '../../parts/change.ts';
import { ErrorView } from '../../parts/error-view.tsx';
import classes from '../annotator.module.css';
import { type CaseOverlay, heatOverlay, readerColours, versionOverlay } from '../case/case-overlay.ts';
import { CaseVolume } from '../case/case-volume.ts';
import type { AppTool } from '../case/find-settings.ts';
import { layersOf, TaskSession } from '../case/task-session.ts';
import {
  app,
  besideSeries,
  me,
  models,
  proposal,
  protocol,
  type Task,
  type TaskName,
  task,
  version,
} from '../reading-asking.ts';
import { drawnOn } from '../worklist/task-words.ts';
import { Comparison } from './comparison.ts';
import { Desk } from './desk.ts';
import { DeskFrame } from './desk-frame.tsx';
import type { DeskProposal } from './desk-state.ts';

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
    openDesk(name, { task: facts, isDrawn, client }).then(
      (one) => {
        opened = one;
        if (stop.signal.aborted) close(one);
        else setDesk(one);
      },
      (error: unknown) => !stop.signal.aborted && setFault(error),
    );
    return () => {
      stop.abort();
      if (opened !== undefined) close(opened);
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

function close({ options: { session, volume } }: Desk): void {
  session?.close();
  volume.close();
}

interface Opening {
  readonly task: Task;
  readonly isDrawn: boolean;
  readonly client: QueryClient;
}

async function openDesk(name: TaskName, opening: Opening): Promise<Desk> {
  const volume = CaseVolume.open(name.project, opening.task.caseId);
  // Its failure is told of when it is waited for.
  volume.catch(() => {});
  try {
    return await deskOf(name, opening, volume);
  } catch (error) {
    void volume.then(
      (one) => one.close(),
      () => {},
    );
    throw error;
  }
}

async function deskOf(
  name: TaskName,
  { client, isDrawn, task: facts }: Opening,
  volume: Promise<CaseVolume>,
): Promise<Desk> {
  const { project } = name;
  const protocolOf = async ({ protocolVersion }: Task) =>
    (await client.fetchQuery({ ...protocol(project, protocolVersion), staleTime: Infinity })).protocol;
  if (!isDrawn) {
    const known: Known = { client, task: facts, protocol: await protocolOf(facts) };
    const baseVersion = facts.headVersion ?? facts.baseVersion;
    const layers = await layersOf(project, { baseVersion, protocol: known.protocol, size: facts.geometry.size });
    return new Desk({
      comparison: await comparisonOf(project, known),
      protocol: known.protocol,
      volume: await volume,
      layers,
      overlays: await overlaysOf(project, known),
    });
  }
  // First: a proposal is to be seen by whom the task belongs to.
  const session = await TaskSession.open(name, protocolOf);
  try {
    const known: Known = { client, task: session.task, protocol: session.protocol };
    const shelf = await client.fetchQuery(models(project)).catch(() => []);
    const made = await client.fetchQuery(app(project)).catch(() => null);
    return new Desk({
      ...{ protocol: session.protocol, volume: await volume, layers: session.editor.layers, session },
      proposal: await proposalOf(project, known),
      overlays: await overlaysOf(project, known),
      hasClicks: shelf.some(({ kind, state }) => kind === 'interactive' && state === 'champion'),
      appTools: toolsOf(made?.app),
      comparison: await comparisonOf(project, known),
      onTrouble: showError,
    });
  } catch (error) {
    session.close();
    throw error;
  }
}

/** Of an app's declaration, which the reading room has checked. */
function toolsOf(declaration: unknown): readonly AppTool[] {
  return (declaration as { readonly tools?: readonly AppTool[] } | undefined)?.tools ?? [];
}

interface Known {
  readonly client: QueryClient;
  readonly task: Task;
  readonly protocol: Protocol;
}

/** Undefined if the reading room does not tell: reading goes on without. */
async function comparisonOf(
  project: string,
  { client, task: { caseId, geometry } }: Known,
): Promise<Comparison | undefined> {
  const choices = await client.fetchQuery(besideSeries(project, caseId)).catch(() => undefined);
  return choices && new Comparison({ project, caseId }, { choices, geometry });
}

async function proposalOf(
  project: string,
  { client, protocol: spoken, task: { baseVersion, geometry } }: Known,
): Promise<DeskProposal | undefined> {
  if (baseVersion === null) return undefined;
  const { kind, provenance } = await client.fetchQuery(version(project, baseVersion));
  if (kind !== 'proposal') return undefined;
  const layers = await layersOf(project, { baseVersion, protocol: spoken, size: geometry.size });
  return { version: baseVersion, model: provenance.models?.[0], layers };
}

/** A proposal with the model's doubts; for an adjudicator what the readers drew, and where they disagree. */
async function overlaysOf(
  project: string,
  { client, protocol: spoken, task: { baseVersion, caseId, geometry, role } }: Known,
): Promise<readonly CaseOverlay[]> {
  if (baseVersion === null) return [];
  const place = { project, size: geometry.size };
  const { kind, parents } = await client.fetchQuery(version(project, baseVersion));
  if (kind === 'proposal') {
    const doubts = await client.fetchQuery(proposal(project, baseVersion)).catch(() => undefined);
    const heat = heatOverlay(place, { id: 'doubt', name: 'Where the model is unsure', of: { version: baseVersion } });
    const proposed = versionOverlay(place, {
      id: 'proposal',
      name: 'Proposal',
      colour: '#ffffff',
      protocol: spoken,
      version: baseVersion,
    });
    return doubts === undefined ? [proposed] : [proposed, heat];
  }
  if (role !== 'adjudicate') return [];
  const readers = parents.map((parent, at) =>
    versionOverlay(place, {
      ...{ id: `reader${at + 1}`, name: `Reader ${at + 1}`, protocol: spoken, version: parent },
      colour: readerColours[at % readerColours.length]!,
    }),
  );
  return [...readers, heatOverlay(place, { id: 'disagreement', name: 'Where they disagree', of: { caseId } })];
}
