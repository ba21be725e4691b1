/** What goes wrong with models: processes that end, files that are damaged, patients who are erased. */
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Archive } from '@consilium/archive';
import { bundleFiles } from '@consilium/training';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ReadingRoom } from '../reading-room.ts';
import {
  lead,
  openToyArchive,
  readerA,
  renalProtocol,
  ToyClock,
  ToyDirectory,
  toySeriesUid,
} from '../toy-room.fixture.ts';
import { readModelFile } from './model-file.ts';
import { admitBlocks, clickBundle, thresholdBundle, zipOf } from './toy-model.fixture.ts';

/** Stands still. */
class StillClock extends ToyClock {
  override sleep(ms: number): Promise<void> {
    return new Promise((done) => setTimeout(done, ms / 1000));
  }
}

const directory = new ToyDirectory();
const clock = new StillClock();
const project = 'renal';
const patients = ['P1', 'P2', 'P3', 'P4', 'P5'];
let archive: Archive;
let room: ReadingRoom;
let troubles: unknown[] = [];
const caseIds: string[] = [];
const taskIds: string[] = [];

const openRoom = (more: { modelWorker?: URL } = {}) =>
  ReadingRoom.open(archive, { directory: directory.path, clock, onTrouble: (error) => troubles.push(error), ...more });

beforeAll(async () => {
  archive = await openToyArchive(directory.path, clock);
  await admitBlocks(archive, Object.fromEntries(patients.map((patient) => [patient, {}])));
  room = await openRoom();
  await room.projects.create(lead, project, renalProtocol);
  const made = { readers: 1, isBlinded: false, assignTo: ['anna'], priority: 0, dueMs: undefined };
  const cases = await room.projects.addCases(lead, project, { ...made, series: patients.map(toySeriesUid) });
  for (const { caseId, tasks } of cases) {
    caseIds.push(caseId);
    taskIds.push(tasks[0]!);
  }
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const refusal = (code: string) => expect.objectContaining({ code: `reading.${code}` });
const codesOf = (errors: readonly unknown[]) => errors.map((error) => (error as { code: string }).code);

async function propose(digest: string, caseId = caseIds[0]!) {
  const [work] = await room.models.proposals.ask(lead, project, {
    ...{ cases: [caseId], digest, priority: 0, isNightly: false },
  });
  return room.models.ended(project, work!);
}

it('a process that ends costs a work, and says so', async () => {
  const { digest } = await room.models.shelf.put(lead, project, {
    ...{ name: 'good', kind: 'automatic', files: thresholdBundle() },
  });
  await room[Symbol.asyncDispose]();
  room = await openRoom({ modelWorker: new URL('dying-worker.fixture.ts', import.meta.url) });
  expect(await propose(digest)).toMatchObject({ state: 'failed', code: 'reading.model-crashed' });
  expect(codesOf(troubles)).toEqual(['reading.model-crashed']);
  troubles = [];
  await room[Symbol.asyncDispose]();
  room = await openRoom();
});

it('what ran when the process was killed is begun again, but not for ever', async () => {
  const [model] = room.models.shelf.list(project);
  const [id] = await room.models.proposals.ask(lead, project, {
    ...{ cases: [caseIds[1]!], digest: model!.digest, priority: 0, isNightly: true },
  });
  await room[Symbol.asyncDispose]();
  // As a kill leaves it: begun, not ended.
  const leftBy = (attempts: number) => {
    using database = new DatabaseSync(join(directory.path, 'reading/reading.sqlite'));
    database
      .prepare(`UPDATE model_work SET state = 'running', is_nightly = 0, attempts = ? WHERE id = ?`)
      .run(attempts, id!);
  };
  leftBy(1);
  room = await openRoom();
  expect(await room.models.ended(project, id!)).toMatchObject({ state: 'done', attempts: 2 });
  await room[Symbol.asyncDispose]();
  leftBy(3);
  room = await openRoom();
  expect(await room.models.ended(project, id!)).toMatchObject({ state: 'failed', code: 'reading.model-crashed' });
  expect(troubles).toEqual([]);
});

it('a model whose file is damaged proposes nothing', async () => {
  const model = await room.models.shelf.put(lead, project, {
    ...{ name: 'damaged', kind: 'automatic', files: thresholdBundle({ kidneyHu: 111 }) },
  });
  const sha256 = model.files[bundleFiles.model]!;
  writeFileSync(join(directory.path, 'reading/models', sha256.slice(0, 2), sha256), 'no model');
  expect(await propose(model.digest)).toMatchObject({ state: 'failed', code: 'reading.model-failed' });
  expect(codesOf(troubles)).toEqual(['reading.model-failed']);
  troubles = [];
});

it('no more sessions are held than the machine has memory for, and the process that ends takes all of them', async () => {
  const { digest } = await room.models.shelf.put(lead, project, {
    ...{ name: 'clicks', kind: 'interactive', files: clickBundle() },
  });
  const opened = async (at: number) => {
    const name = { project, taskId: taskIds[at]! };
    const { leaseId } = await room.readings.open(readerA, name);
    return { ...name, leaseId, session: (await room.models.sessions.open(readerA, { ...name, leaseId, digest })).id };
  };
  const sessions = [await opened(0), await opened(1), await opened(2), await opened(3)];
  await expect(opened(4)).rejects.toThrow(refusal('sessions-full'));
  await room.models.sessions.close(readerA, sessions[3]!);
  await opened(4);
  // Another of the same task ends the one before.
  await opened(0);
  const prompt = { structure: 1, clicks: [{ voxel: [2, 6, 8] as const, isForeground: true }], box: undefined };
  await expect(room.models.sessions.prompt(readerA, { ...sessions[0]!, prompt })).rejects.toThrow(
    refusal('session-unknown'),
  );
  expect(await room.models.sessions.prompt(readerA, { ...sessions[1]!, prompt })).toMatchObject({
    delta: { layer: 0 },
  });
  room.models.sessions.stop();
});

it('who is erased is gone from proposals and their maps', async () => {
  const { digest } = room.models.shelf.list(project).find(({ name }) => name === 'good')!;
  const maps = () => globSync('*/*', { cwd: join(directory.path, 'reading/labels') }).length;
  const before = maps();
  // A patient alone: the others' labels are alike, and kept once.
  await admitBlocks(archive, { Z: { shift: 3, kidneyHu: 101 } });
  const made = { readers: 1, isBlinded: false, assignTo: [], priority: 0, dueMs: undefined };
  const [entry] = await room.projects.addCases(lead, project, { ...made, series: [toySeriesUid('Z')] });
  expect(await propose(digest, entry!.caseId)).toMatchObject({ state: 'done' });
  expect(maps()).toBe(before + 2);
  await archive.erasure.erase('Z', 'withdrawn');
  expect(maps()).toBe(before);
  expect(room.models.proposals.ofCase(entry!.caseId)).toEqual([]);
  expect(room.models.work(lead, project).some(({ caseId }) => caseId === entry!.caseId)).toBe(false);
});

it('a file is a model only if it is a zip of a model’s files', async () => {
  const files = thresholdBundle();
  const inDirectory = new Map([...files].map(([name, bytes]) => [`model-3/${name}`, bytes]));
  for (const zip of [zipOf(files), zipOf(inDirectory)]) {
    const read = await readModelFile(zip);
    expect([...read].map(([name, bytes]) => [name, Buffer.compare(bytes, files.get(name)!)])).toEqual(
      [...files.keys()].map((name) => [name, 0]),
    );
  }
  const zip = zipOf(files);
  const twice = zipOf(new Map([...files, ...inDirectory]));
  const cut = [zip.subarray(0, 50), zip.subarray(0, zip.length - 30), zip.with(60, 255 - zip[60]!)];
  for (const wrong of [new Uint8Array(0), Buffer.from('no zip'), twice, ...cut]) {
    await expect(readModelFile(wrong)).rejects.toThrow(refusal('model-malformed'));
  }
  expect(existsSync(join(directory.path, 'reading/models'))).toBe(true);
});
