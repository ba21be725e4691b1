/** Work that goes on after its request, and images that are kept for a while. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ReadingError } from '../reading-error.ts';
import { readerA, readerB, ToyClock, ToyDirectory } from '../toy-room.fixture.ts';
import { BackgroundTasks } from './background-tasks.ts';
import { ImageSessions } from './image-sessions.ts';

it('runs one task of a kind at a time, tells of it, and stops it', async () => {
  await using tasks = new BackgroundTasks(new ToyClock());
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = tasks.begin('scoring', { method: 'dice' }, async ({ say }) => {
    say('half way');
    await promise;
    return 0.5;
  });
  expect(() => tasks.begin('scoring', {}, async () => {})).toThrow(
    expect.objectContaining({ code: 'reading.task-running' }),
  );
  expect(tasks.running('scoring')).toMatchObject({
    status: 'RUNNING',
    details: ['half way'],
    start_ts: '2026-03-01 00:00:00',
  });
  expect(tasks.begin('train', {}, async () => {}).answer.status).toBe('RUNNING');
  resolve();
  expect(await first.ended).toMatchObject({ status: 'DONE', result: 0.5, end_ts: '2026-03-01 00:00:00' });
  const second = tasks.begin(
    'scoring',
    {},
    ({ signal }) => new Promise((done) => signal.addEventListener('abort', done)),
  );
  expect(tasks.stop('scoring')).toMatchObject({ status: 'STOPPED', id: second.answer.id });
  expect((await second.ended).status).toBe('STOPPED');
  expect(tasks.all('scoring').map(({ status }) => status)).toEqual(['DONE', 'STOPPED']);
});

it('tells of a failure its code, and of a fault of ours no more than that it is one', async () => {
  await using tasks = new BackgroundTasks(new ToyClock());
  const failed = async (error: Error) => (await tasks.begin('train', {}, () => Promise.reject(error)).ended).details;
  expect(await failed(new ReadingError('reading.model-unknown', 'Said.'))).toEqual(['reading.model-unknown: Said.']);
  const [line] = await failed(new Error('/srv/Doe^Jane'));
  expect([line!.startsWith('reading.failed: '), line!.includes('Doe')]).toEqual([true, false]);
});

it('keeps as many images as it is told, each until it is not used', async () => {
  using directory = new ToyDirectory();
  const clock = new ToyClock();
  const path = join(directory.path, 'sessions');
  mkdirSync(path);
  writeFileSync(join(path, 'left by an earlier process'), 'x');
  await using sessions = await ImageSessions.open(path, clock, { sessionsMax: 2, sessionSeconds: 100 });
  expect(readdirSync(path)).toEqual([]);
  const create = async (seconds = 0) => {
    const file = join(directory.path, 'file');
    writeFileSync(file, 'image');
    return sessions.create(readerA, { field: 'files', name: 'Doe.nii.gz', path: file }, seconds);
  };
  const [first, second] = [await create(), await create(1000)];
  expect([first.fileName, second.expirySeconds]).toEqual(['image.nii.gz', 100]);
  await expect(create()).rejects.toMatchObject({ code: 'reading.sessions-full' });
  await expect(sessions.get(readerB, first.id, { isUse: false })).rejects.toMatchObject({
    code: 'reading.session-unknown',
  });
  clock.timeMs += 60_000;
  await sessions.get(readerA, first.id, { isUse: true });
  clock.timeMs += 60_000;
  await expect(sessions.get(readerA, second.id, { isUse: true })).rejects.toMatchObject({
    code: 'reading.session-unknown',
  });
  expect(readdirSync(path)).toEqual([first.id]);
  await create();
});
