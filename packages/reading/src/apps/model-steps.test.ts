/** What an app does around a model, where the model computes: in a process of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Archive } from '@consilium/archive';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { admitBlocks, blockLabel, thresholdBundle } from '../models/toy-model.fixture.ts';
import type { ReadingRoom } from '../reading-room.ts';
import { lead, openToyArchive, openToyRoom, ToyClock, ToyDirectory, toySeriesUid } from '../toy-room.fixture.ts';

/** Does not run ahead while the room waits. */
class DozingClock extends ToyClock {
  override sleep(ms: number): Promise<void> {
    return new Promise((done) => setTimeout(done, ms / 1000));
  }
}

const directory = new ToyDirectory();
const folder = join(mkdtempSync(join(tmpdir(), 'consilium-apps-')), 'blocks');
const clock = new DozingClock();
const troubles: unknown[] = [];
let archive: Archive;
let room: ReadingRoom;

// Clipped, the tumours of 250 HU look like the kidneys of 150.
const declaration = `
name: blocks
title: Blocks
protocol:
  structures:
    - number: 3
      name: Kidney
      colour: "#b04030"
      category: { value: "91723000", scheme: SCT, meaning: Anatomical Structure }
      type: { value: "64033007", scheme: SCT, meaning: Kidney }
    - number: 5
      name: Tumour
      colour: "#20c060"
      category: { value: "49755003", scheme: SCT, meaning: Morphologically Abnormal Structure }
      type: { value: "108369006", scheme: SCT, meaning: Neoplasm }
models:
  automatic:
    classes: { grey: Kidney, bright: Tumour }
    before: [{ do: clip, low: -1000, high: 150 }]
    after: [{ do: own, function: mark, options: { number: 5 } }]
code: transforms.mjs
`;
// Says with a voxel that it ran, and that it was given the image.
const code = `export function mark({ image, layers: [voxels] }, { number }) {
  const marked = voxels.slice();
  marked[0] = image.length === voxels.length ? number : 0;
  return [marked];
}`;

beforeAll(async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'app.yaml'), declaration);
  writeFileSync(join(folder, 'transforms.mjs'), code);
  archive = await openToyArchive(directory.path, clock);
  await admitBlocks(archive, { B1: { shift: 0 } });
  room = await openToyRoom(archive, directory.path, clock, {
    apps: [folder],
    onTrouble: (error) => troubles.push(error),
  });
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

it('is done to what the model sees and to what it says, with its classes as the app’s structures', async () => {
  await room.apps.apply(lead, 'blocks', { app: 'blocks', choices: {}, how: 'create' });
  const files = thresholdBundle({ classes: ['grey', 'bright'] });
  const { digest, structures } = await room.models.shelf.put(lead, 'blocks', { name: 'm', kind: 'automatic', files });
  expect(structures).toEqual({ grey: 3, bright: 5 });
  const wanted = { readers: 1, isBlinded: false, assignTo: [], priority: 0, dueMs: undefined };
  const [made] = await room.projects.addCases(lead, 'blocks', { ...wanted, series: [toySeriesUid('B1')] });
  const ask = { cases: [made!.caseId], digest, priority: 0, isNightly: false };
  const [work] = await room.models.proposals.ask(lead, 'blocks', ask);
  expect(await room.models.ended('blocks', work!)).toMatchObject({ state: 'done' });
  const [{ version } = { version: '' }] = room.models.proposals.ofCase(made!.caseId);
  const [voxels] = await room.label(lead, 'blocks', version);
  const expected = blockLabel(0).map((value) => (value === 0 ? 0 : 3));
  expect(expected[0]).toBe(0);
  expected[0] = 5;
  expect(voxels).toEqual(expected);
});

it('is not done with other code than the project was made with, and the work says so', async () => {
  writeFileSync(join(folder, 'transforms.mjs'), `${code}\n// changed`);
  const [made] = room.tasks.list(lead, 'blocks');
  const [{ digest } = { digest: '' }] = room.models.shelf.list('blocks');
  const ask = { cases: [made!.caseId], digest, priority: 0, isNightly: false };
  const [work] = await room.models.proposals.ask(lead, 'blocks', ask);
  expect(await room.models.ended('blocks', work!)).toMatchObject({ state: 'failed', code: 'reading.app-changed' });
  expect(troubles).toEqual([expect.objectContaining({ code: 'reading.app-changed' })]);
});
