/** A process that is killed while a reader draws: what was acknowledged is there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  admitSeries,
  lead,
  openToyArchive,
  openToyRoom,
  readerA,
  renalProtocol,
  ToyClock,
  ToyDirectory,
  toySeriesUid,
} from './toy-room.fixture.ts';

it('no acknowledged stroke is lost when the process is killed, twice, and the draft goes on where it was', async () => {
  using directory = new ToyDirectory();
  const clock = new ToyClock();
  const project = 'renal';
  const opened = async () => {
    const archive = await openToyArchive(directory.path, clock);
    return { archive, room: await openToyRoom(archive, directory.path, clock) };
  };
  const close = async ({ archive, room }: Awaited<ReturnType<typeof opened>>) => {
    await room[Symbol.asyncDispose]();
    await archive[Symbol.asyncDispose]();
  };
  const first = await opened();
  await admitSeries(first.archive, ['K']);
  await first.room.projects.create(lead, project, renalProtocol);
  const made = { readers: 1, isBlinded: false, assignTo: ['anna'], priority: 0, dueMs: undefined };
  const [entry] = await first.room.projects.addCases(lead, project, { ...made, series: [toySeriesUid('K')] });
  const name = { project, taskId: entry!.tasks[0]! };
  await close(first);
  let acknowledged = 0;
  for (const strokes of [20, 30]) {
    const fixture = fileURLToPath(new URL('drawing.fixture.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=consilium-source', fixture, directory.path], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const until = acknowledged + strokes;
    child.on('message', (seq: number) => {
      acknowledged = seq;
      if (seq >= until) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGKILL');
    const room = await opened();
    const draft = room.room.readings.draft(readerA, name);
    expect(draft.lastSeq).toBeGreaterThanOrEqual(acknowledged);
    expect(draft.strokes.map(({ seq }) => seq)).toEqual(Array.from({ length: draft.lastSeq }, (_, at) => at + 1));
    expect(room.room.firstBrokenEvent()).toBeUndefined();
    acknowledged = draft.lastSeq;
    if (until >= 50) {
      const { leaseId } = await room.room.readings.open(readerA, name);
      const { lastSeq } = draft;
      const kept = await room.room.readings.submit(readerA, { ...name, leaseId, lastSeq, form: {} });
      const [voxels] = await room.room.label(readerA, project, kept.version);
      expect(voxels!.filter((value) => value === 1)).toHaveLength(lastSeq);
    }
    await close(room);
  }
});
