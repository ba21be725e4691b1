/** People who do anything at any time: what counts was approved by another person, whatever happened before. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRandom } from '@consilium/numerics';
import { expect, it } from 'vitest';
import { ReadingError } from './reading-error.ts';
import {
  admitSeries,
  boxLabel,
  lead,
  openToyArchive,
  openToyRoom,
  renalProtocol,
  strokeTo,
  ToyClock,
  ToyDirectory,
  toySeriesUid,
} from './toy-room.fixture.ts';

const project = 'renal';
const roles = ['lead', 'reader', 'reviewer', 'adjudicator'] as const;
const people = ['ada', 'ben', 'cem', 'dan'].map((person) => ({ person, roles }));
/** What leads somewhere, more often. */
const actions = [
  ...(['open', 'draw', 'submit', 'take', 'approve'] as const),
  ...(['open', 'draw', 'submit', 'withdraw', 'skip', 'take', 'leave', 'approve', 'changes', 'reopen', 'lock'] as const),
];

it('no label gets to the archive that another person has not approved, and no event is lost', async () => {
  using directory = new ToyDirectory();
  const clock = new ToyClock();
  await using archive = await openToyArchive(directory.path, clock);
  await admitSeries(archive, ['F1', 'F2']);
  await using room = await openToyRoom(archive, directory.path, clock);
  await room.projects.create(lead, project, renalProtocol);
  const wanted = { assignTo: [], priority: 0, dueMs: undefined };
  const series = (patient: string) => ({ ...wanted, series: [toySeriesUid(patient)] });
  await room.projects.addCases(lead, project, { ...series('F1'), readers: 1, isBlinded: false });
  await room.projects.addCases(lead, project, { ...series('F2'), readers: 2, isBlinded: true });
  const leases = new Map<string, string>();

  async function act(asker: (typeof people)[number], taskId: string, action: (typeof actions)[number]): Promise<void> {
    const name = { project, taskId };
    const leaseId = leases.get(`${asker.person} ${taskId}`) ?? 'none';
    const task = room.tasks.get(asker, project, taskId);
    const version = task.headVersion ?? '';
    const lastSeq = () => room.readings.draft(asker, name).lastSeq;
    if (action === 'open') leases.set(`${asker.person} ${taskId}`, (await room.readings.open(asker, name)).leaseId);
    if (action === 'draw') {
      const label = boxLabel(1, { shift: people.indexOf(asker) });
      const strokes = [strokeTo(lastSeq() + 1, new Uint8Array(label.length), label)];
      await room.readings.draw(asker, { ...name, leaseId, strokes });
    }
    if (action === 'submit') await room.readings.submit(asker, { ...name, leaseId, lastSeq: lastSeq(), form: {} });
    if (action === 'withdraw') await room.readings.withdraw(asker, name);
    if (action === 'skip') await room.readings.skip(asker, { ...name, reason: 'any' });
    if (action === 'take') await room.reviews.take(asker, name);
    if (action === 'leave') await room.reviews.leave(asker, name);
    if (action === 'approve') await room.reviews.decide(asker, { ...name, version, decision: 'approve', comment: '' });
    if (action === 'changes') await room.reviews.decide(asker, { ...name, version, decision: 'changes', comment: 'x' });
    if (action === 'reopen') await room.reviews.reopen(asker, { ...name, reason: 'any' });
    if (action === 'lock') await room.reviews.lock(asker, name);
  }

  const seed = Number(process.env['SEED'] ?? Date.now());
  console.log(`People at random: SEED=${seed}`);
  const random = createRandom(seed, 'people');
  let approvals = 0;
  for (let round = 0; round < 2 || (approvals < 2 && round < 30); round++) {
    for (let step = 0; step < 200; step++) {
      const asker = random.choice(people);
      const tasks = room.tasks.list(asker, project);
      if (tasks.length === 0) continue;
      await act(asker, random.choice(tasks).id, random.choice(actions)).catch((error: unknown) => {
        if (!(error instanceof ReadingError)) throw error;
      });
    }
    await room.idle();
    const database = new DatabaseSync(join(directory.path, 'reading', 'reading.sqlite'), { readOnly: true });
    const handed = database
      .prepare(
        `SELECT version.person AS drawn, review.person AS approved FROM handover
         JOIN version ON version.id = handover.version_id JOIN approval ON approval.version_id = version.id
         JOIN review ON review.id = review_id AND decision = 'approve'`,
      )
      .all();
    const all = database.prepare('SELECT count(*) AS handed FROM handover').get()!['handed'];
    database.close();
    expect(handed.length).toBe(all);
    for (const { approved, drawn } of handed) expect(approved).not.toBe(drawn);
    expect(room.firstBrokenEvent()).toBeUndefined();
    approvals = handed.length;
  }
  expect(approvals).toBeGreaterThan(1);
});
