/** The desk's frame: the line at the top, tools at the left, what is asked of the person at the right. */
import { Button, Group, Modal, Stack, Text, Title } from '@mantine/core';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { Link } from 'wouter';
import { showNotice } from '../../parts/notice.ts';
import { ShortcutList } from '../../parts/shortcuts.tsx';
import type { TaskSession } from '../case/task-session.ts';
import type { Task, TaskName } from '../reading-asking.ts';
import { caseWord, stateWords } from '../worklist/task-words.ts';
import { BesidePanel } from './beside-planes.tsx';
import { CaseStage } from './case-stage.tsx';
import classes from './desk.module.css';
import type { Desk } from './desk.ts';
import { deskKeys, useDeskKeys } from './desk-shortcuts.ts';
import { HandIn } from './hand-in.tsx';
import { OverlayPanel, ProposalPanel } from './model-panels.tsx';
import { OperationPanel } from './operation-panel.tsx';
import { ReviewPanel } from './review-panel.tsx';
import { SaveMark } from './save-mark.tsx';
import { StructurePanel } from './structure-panel.tsx';
import { SuggestionPanel } from './suggestion-panel.tsx';
import { SurfacePanel } from './surface-panel.tsx';
import { ToolRail } from './tool-rail.tsx';
import { WindowPanel } from './window-panel.tsx';

export interface DeskFrameProps {
  readonly name: TaskName;
  readonly task: Task;
  readonly desk: Desk;
  readonly onReopen: () => void;
  readonly onFault: (error: unknown) => void;
}

export function DeskFrame({ desk, name, onFault, onReopen, task }: DeskFrameProps) {
  const [helpOpen, setHelpOpen] = useState(false);
  const [hasSurfaces, setHasSurfaces] = useState(false);
  const toggleSurfaces = () => setHasSurfaces((before) => !before);
  const { session } = desk.options;
  const keys = [
    ...deskKeys(desk),
    { keys: 'g', does: 'show the structures as bodies', run: toggleSurfaces },
    { keys: '?', does: 'show this list', run: () => setHelpOpen(true) },
  ];
  useDeskKeys(keys);
  useEffect(() => {
    document.title = `${caseWord(task)} · Consilium`;
    if (session !== undefined && session.recovered > 0) {
      const strokes = session.recovered === 1 ? 'One stroke' : `${session.recovered} strokes`;
      showNotice(`${strokes} of the last sitting had not been sent, and are here.`, { color: 'green' });
    }
  }, [session, task]);
  return (
    <main className={classes['desk']}>
      <TopLine name={name} task={task} desk={desk} onHelp={() => setHelpOpen(true)} onSurfaces={toggleSurfaces} />
      <div className={classes['tools']}>
        <ToolRail desk={desk} />
      </div>
      <CaseStage desk={desk} onFault={onFault}>
        {hasSurfaces && <SurfacePanel desk={desk} onClose={() => setHasSurfaces(false)} />}
      </CaseStage>
      <aside className={classes['side']} aria-label="Task">
        <Stack gap="sm">
          <SuggestionPanel desk={desk} />
          <StructurePanel desk={desk} />
          <ProposalPanel desk={desk} />
          <OverlayPanel desk={desk} />
          {desk.comparison && <BesidePanel comparison={desk.comparison} />}
          {session && <OperationPanel desk={desk} />}
          {session === undefined ? (
            <ReviewPanel name={name} task={task} />
          ) : (
            <HandIn name={name} desk={desk} session={session} onReopen={onReopen} />
          )}
        </Stack>
      </aside>
      {session && <ShutOut session={session} onReopen={onReopen} />}
      <ShortcutList shortcuts={keys} opened={helpOpen} onClose={() => setHelpOpen(false)} />
    </main>
  );
}

interface TopLineProps {
  readonly name: TaskName;
  readonly task: Task;
  readonly desk: Desk;
  readonly onHelp: () => void;
  readonly onSurfaces: () => void;
}

function TopLine({ desk, name, onHelp, onSurfaces, task }: TopLineProps) {
  const { canRedo, canUndo } = useSyncExternalStore(desk.subscribe, desk.state);
  const { session } = desk.options;
  return (
    <header className={classes['top']}>
      <Link href={`/${name.project}`}>Reading list</Link>
      <Title order={1} size="h5">
        Case {caseWord(task)}
      </Title>
      <Text size="sm" c="dimmed">
        {task.role === 'adjudicate' ? 'Adjudication' : 'Reading'}
        {task.isBlinded ? ', blinded' : ''}
      </Text>
      {session ? <SaveMark queue={session.queue} /> : <Text size="sm">{stateWords[task.state].word}</Text>}
      <Group gap={6} ml="auto">
        <WindowPanel desk={desk} />
        <Button size="compact-sm" variant="default" onClick={onSurfaces} title="Show the structures as bodies (g)">
          3D
        </Button>
        {session && (
          <>
            <Button size="compact-sm" variant="default" disabled={!canUndo} onClick={() => desk.undo()}>
              Undo
            </Button>
            <Button size="compact-sm" variant="default" disabled={!canRedo} onClick={() => desk.redo()}>
              Redo
            </Button>
          </>
        )}
        <Button size="compact-sm" variant="default" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          ?
        </Button>
      </Group>
    </header>
  );
}

/** Where another window has taken the task. */
function ShutOut({ onReopen, session: { queue } }: { session: TaskSession; onReopen: () => void }) {
  const state = useSyncExternalStore(queue.subscribe, queue.state);
  const isRefused = state === 'refused';
  return (
    <Modal
      opened={state === 'shut-out' || isRefused}
      onClose={() => {}}
      withCloseButton={false}
      title={isRefused ? 'A stroke was refused' : 'Open in another window'}
    >
      <Stack>
        <Text size="sm">
          {isRefused
            ? (queue.error?.message ?? '')
            : 'This task is drawn on in another window, here or on another machine. Nothing is lost: what was drawn here comes along when you take it back.'}
        </Text>
        <Group justify="flex-end">
          <Button onClick={onReopen} data-autofocus>
            {isRefused ? 'Load the task again' : 'Go on here'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
