/** Draws on a task of the reading room in `argv[2]` and tells of each stroke when it is acknowledged, until it is killed. */
import { openToyArchive, openToyRoom, readerA, strokeTo, ToyClock, toyGeometry } from './toy-room.fixture.ts';

const clock = new ToyClock();
const archive = await openToyArchive(process.argv[2]!, clock);
const room = await openToyRoom(archive, process.argv[2]!, clock);
const project = 'renal';
const [task] = room.tasks.list(readerA, project);
const { draft, leaseId } = await room.readings.open(readerA, { project, taskId: task!.id });
const size = toyGeometry.size[0] * toyGeometry.size[1] * toyGeometry.size[2];
for (let seq = draft.lastSeq + 1; ; seq++) {
  const before = new Uint8Array(size);
  const strokes = [strokeTo(seq, before, before.with(seq % size, 1))];
  process.send!(await room.readings.draw(readerA, { project, taskId: task!.id, leaseId, strokes }));
}
