/** Models over a real archive: how they come to propose, what they propose, and how they answer to prompts. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Archive, ContentDirectory } from '@consilium/archive';
import { bundleFiles } from '@consilium/training';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disagreementMap } from '../agreement/consensus.ts';
import { settlementOf } from '../agreement/settlement.ts';
import { applyDelta } from '../label/label-delta.ts';
import { decodeRuns, encodeRuns } from '../label/run-length.ts';
import { ReadingRoom } from '../reading-room.ts';
import {
  lead,
  openToyArchive,
  readerA,
  readerB,
  readTask,
  renalProtocol,
  reviewer,
  strokeTo,
  ToyClock,
  ToyDirectory,
  toyGeometry,
  toySeriesUid,
} from '../toy-room.fixture.ts';
import { admitBlocks, blockLabel, clickBundle, thresholdBundle } from './toy-model.fixture.ts';

/** Stands still, and is a thousand times as fast for those who sleep. */
class DozingClock extends ToyClock {
  override sleep(ms: number): Promise<void> {
    return new Promise((done) => setTimeout(done, ms / 1000));
  }
}

const directory = new ToyDirectory();
const clock = new DozingClock();
const project = 'renal';
/** Approved, and set aside. */
const measured = { V1: { shift: 0 }, V2: { shift: 2 }, V3: { shift: -2 }, V4: { shift: 1 } };
const waiting = {
  W1: { shift: 3 },
  W2: { shift: -1, kidneyHu: 101 },
  W3: { shift: 2 },
  W4: { shift: 0 },
  W5: { shift: -2 },
};
let archive: Archive;
let room: ReadingRoom;
const troubles: unknown[] = [];
const caseOf = new Map<string, { caseId: string; taskId: string }>();

async function openRoom(): Promise<ReadingRoom> {
  return ReadingRoom.open(archive, { directory: directory.path, clock, onTrouble: (error) => troubles.push(error) });
}

beforeAll(async () => {
  archive = await openToyArchive(directory.path, clock);
  await admitBlocks(archive, { ...measured, ...waiting });
  room = await openRoom();
  await room.projects.create(lead, project, renalProtocol);
  for (const patient of Object.keys({ ...measured, ...waiting })) {
    const made = { readers: 1, isBlinded: false, assignTo: ['anna'], priority: 0, dueMs: undefined };
    clock.timeMs += 1000;
    const [entry] = await room.projects.addCases(lead, project, { ...made, series: [toySeriesUid(patient)] });
    caseOf.set(patient, { caseId: entry!.caseId, taskId: entry!.tasks[0]! });
  }
  for (const [patient, { shift }] of Object.entries(measured)) await approve(patient, blockLabel(shift));
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const refusal = (code: string) => expect.objectContaining({ code: `reading.${code}` });
const idOf = (patient: string) => caseOf.get(patient)!.caseId;
const taskOf = (patient: string) => ({ project, taskId: caseOf.get(patient)!.taskId });

async function approve(patient: string, label: Uint8Array): Promise<void> {
  const name = taskOf(patient);
  const version = await readTask(room, readerA, { ...name, label });
  await room.reviews.take(reviewer, name);
  await room.reviews.decide(reviewer, { ...name, version, decision: 'approve', comment: '' });
  await room.idle();
}

async function put(name: string, files: Map<string, Uint8Array>, kind: 'automatic' | 'interactive' = 'automatic') {
  return room.models.shelf.put(lead, project, { name, kind, files, origin: { job: 'kidney-1', round: 3 } });
}

async function tried(digest: string) {
  const work = await room.models.trials.ask(lead, project, { digest, priority: 0 });
  expect(await room.models.ended(project, work)).toMatchObject({ state: 'done' });
  return room.models.trials.list(project)[0]!;
}

async function proposed(patient: string) {
  const [work] = await room.models.proposals.ask(lead, project, {
    cases: [idOf(patient)],
    priority: 0,
    isNightly: false,
  });
  expect(await room.models.ended(project, work!)).toMatchObject({ state: 'done' });
  return room.models.proposals.ofCase(idOf(patient))[0]!;
}

describe('the shelf', () => {
  it('takes a bundle, once, under the digest of its files', async () => {
    const files = thresholdBundle({ kidneyHu: 90 });
    const model = await put('early', files);
    expect(model).toMatchObject({ state: 'candidate', structures: { kidney: 1, tumour: 2 }, origin: { round: 3 } });
    expect(await put('early', files)).toEqual(model);
    expect(await room.models.shelf.files(model)).toEqual(files);
    await room.models.shelf.retire(lead, project, model.digest);
    expect(room.models.shelf.get(project, model.digest).state).toBe('retired');
    expect(
      room.events(lead, project, { since: 0, limit: 1000 }).filter(({ kind }) => kind === 'model-put'),
    ).toHaveLength(1);
  });

  it('refuses what is no bundle, and what it is not meant for, and nothing has changed', async () => {
    const files = () => readdirSync(join(directory.path, 'reading/models'), { recursive: true }).sort();
    const before = [files(), room.models.shelf.list(project)];
    const bundle = thresholdBundle();
    const cut = new Map(bundle).set(bundleFiles.model, bundle.get(bundleFiles.model)!.subarray(0, 100));
    await expect(put('cut', cut)).rejects.toThrow(refusal('model-malformed'));
    await expect(put('none', new Map())).rejects.toThrow(refusal('model-malformed'));
    await expect(put('other kind', bundle, 'interactive')).rejects.toThrow(refusal('model-malformed'));
    await expect(put('other kind', clickBundle())).rejects.toThrow(refusal('model-malformed'));
    await expect(put('other words', thresholdBundle({ classes: ['Niere', 'Raumforderung'] }))).rejects.toThrow(
      refusal('model-structures'),
    );
    const model = { name: 'x', kind: 'automatic', files: bundle } as const;
    await expect(room.models.shelf.put(readerA, project, model)).rejects.toThrow(refusal('role-wanted'));
    expect([files(), room.models.shelf.list(project)]).toEqual(before);
    expect(() => room.models.shelf.get(project, 'f'.repeat(64))).toThrow(refusal('model-unknown'));
  });

  it('maps classes as it is told', async () => {
    const files = thresholdBundle({ classes: ['Niere', 'Raumforderung'] });
    const structures = { Niere: 1, Raumforderung: null };
    const model = await room.models.shelf.put(lead, project, {
      name: 'translated',
      kind: 'automatic',
      files,
      structures,
    });
    expect(model.structures).toEqual({ Niere: 1 });
    await room.models.shelf.retire(lead, project, model.digest);
  });
});

describe('a trial', () => {
  it('needs cases that are set aside, with an approved label', async () => {
    const { digest } = await put('first', thresholdBundle({ kidneyHu: 149 }));
    const trial = { digest, priority: 0 };
    await expect(room.models.trials.ask(lead, project, trial)).rejects.toThrow(refusal('validation-wanted'));
    await expect(room.models.trials.freeze(lead, project, [idOf('W1')])).rejects.toThrow(refusal('approval-wanted'));
    const wanted = { cases: [idOf('W1')], priority: 0, isNightly: false };
    await expect(room.models.proposals.ask(lead, project, wanted)).rejects.toThrow(refusal('model-wanted'));
    await expect(room.models.shelf.promote(lead, project, digest)).rejects.toThrow(refusal('trial-wanted'));
    const set = await room.models.trials.freeze(lead, project, Object.keys(measured).map(idOf));
    expect(set).toMatchObject({ number: 1, cases: expect.objectContaining({ length: 4 }) });
  });

  it('makes the first model that draws anything right the champion, and then only one that is better', async () => {
    // Finds the kidney, and no tumour.
    const poor = await put('poor', thresholdBundle({ tumourHu: 900 }));
    const first = await tried(poor.digest);
    expect(first).toMatchObject({ against: undefined, verdict: { isBetter: true, reason: 'better' } });
    expect(first.verdict.structures.find(({ structure }) => structure === 2)!.candidate).toBe(0);
    expect(room.models.shelf.champion(project, 'automatic')!.digest).toBe(poor.digest);

    // Takes everything for kidney.
    const worse = await put('worse', thresholdBundle({ kidneyHu: 0, tumourHu: 900 }));
    expect((await tried(worse.digest)).verdict).toMatchObject({ isBetter: false, reason: 'not-better' });
    expect(room.models.shelf.get(project, worse.digest).state).toBe('candidate');

    const good = await put('good', thresholdBundle());
    const { against, verdict } = await tried(good.digest);
    expect(against).toBe(poor.digest);
    expect(verdict.structures).toEqual([
      { structure: 1, candidate: 1, champion: expect.any(Number) },
      { structure: 2, candidate: 1, champion: 0 },
    ]);
    expect(room.models.shelf.champion(project, 'automatic')!.digest).toBe(good.digest);
    expect(room.models.shelf.get(project, poor.digest).state).toBe('retired');
    expect(
      room.events(lead, project, { since: 0, limit: 1000 }).filter(({ kind }) => kind === 'model-promoted'),
    ).toHaveLength(2);
  });
});

describe('a proposal', () => {
  it('is what the model sees, and where drawing begins', async () => {
    const { version } = await proposed('W1');
    expect((await room.label(readerA, project, version))[0]).toEqual(blockLabel(waiting.W1.shift));
    const lease = await room.readings.open(readerA, taskOf('W1'));
    expect(lease.draft.baseVersion).toBe(version);
    const { models } = (await room.version(readerA, project, version)).provenance;
    expect(models).toEqual([{ name: 'good', digest: room.models.shelf.champion(project, 'automatic')!.digest }]);
  });

  it('comes with how unsure the model was, and where', async () => {
    const sure = room.models.proposals.ofCase(idOf('W1'))[0]!;
    // At 101 HU it could as well be none.
    const unsure = await proposed('W2');
    expect(unsure.uncertainty.case).toBeGreaterThan(sure.uncertainty.case);
    expect(unsure.uncertainty.structures[1]).toBeGreaterThan(unsure.uncertainty.structures[2]!);
    const heat = decodeRuns(await room.models.proposals.heat(readerA, project, unsure.version), blockLabel().length);
    const label = blockLabel(waiting.W2.shift);
    const meanOf = (number: number) => {
      const inside = heat.filter((_, at) => label[at] === number);
      return inside.reduce((sum, value) => sum + value, 0) / inside.length;
    };
    expect(meanOf(1)).toBeGreaterThan(100);
    expect(meanOf(0)).toBeLessThan(1);
    expect(() => room.models.proposals.get(readerB, project, unsure.version)).toThrow(refusal('version-unknown'));
  });

  it('of a new champion changes nothing under a reader who has begun', async () => {
    const before = room.tasks.get(readerA, project, taskOf('W1').taskId);
    const { digest } = await put('other', thresholdBundle({ kidneyHu: 120 }));
    const asked = { cases: [idOf('W1'), idOf('W3')], digest, priority: 0, isNightly: false };
    for (const work of await room.models.proposals.ask(lead, project, asked)) await room.models.ended(project, work);
    expect(room.models.proposals.ofCase(idOf('W1'))[0]).toMatchObject({ digest, disagreement: 0 });
    expect(room.tasks.get(readerA, project, taskOf('W1').taskId).baseVersion).toBe(before.baseVersion);
    // And one that is no champion is where no drawing begins.
    expect(room.tasks.get(readerA, project, taskOf('W3').taskId).baseVersion).toBeUndefined();
  });

  it('can be asked for by who reads the case, and is made once', async () => {
    const asked = await room.models.proposals.askFor(readerA, project, { caseId: idOf('W4') });
    if (asked.kind !== 'asked') throw new Error('it was there already');
    expect(room.models.workOf(readerA, project, asked.work)).toMatchObject({ caseId: idOf('W4') });
    expect(() => room.models.workOf(readerB, project, asked.work)).toThrow(refusal('work-unknown'));
    await room.models.ended(project, asked.work);
    const { version } = room.models.proposals.ofCase(idOf('W4'))[0]!;
    const again = await room.models.proposals.askFor(readerA, project, { caseId: idOf('W4') });
    expect(again).toEqual({ kind: 'there', version });
    await expect(room.models.proposals.askFor(readerB, project, { caseId: idOf('W4') })).rejects.toThrow(
      refusal('case-unknown'),
    );
  });

  it('waits for the night where it is told to, is there after the process ended, and can be cancelled', async () => {
    const hour = (ms: number) => new Date(ms).getHours();
    while (hour(clock.timeMs) !== 12) clock.timeMs += 3_600_000;
    const wanted = { cases: [idOf('W3')], priority: 0, isNightly: true };
    const [nightly] = await room.models.proposals.ask(lead, project, wanted);
    await room.models.idle();
    expect(room.models.workOf(lead, project, nightly!).state).toBe('waiting');
    await room[Symbol.asyncDispose]();
    room = await openRoom();
    await room.models.idle();
    expect(room.models.workOf(lead, project, nightly!).state).toBe('waiting');
    while (hour(clock.timeMs) !== 22) clock.timeMs += 3_600_000;
    expect(await room.models.ended(project, nightly!)).toMatchObject({ state: 'done' });

    const [unwanted] = await room.models.proposals.ask(lead, project, {
      ...wanted,
      cases: [idOf('V1')],
      isNightly: false,
    });
    await expect(room.models.cancel(readerA, project, unwanted!)).rejects.toThrow(refusal('role-wanted'));
    await room.models.cancel(lead, project, unwanted!);
    expect(await room.models.ended(project, unwanted!)).toMatchObject({ state: 'cancelled' });
    await room.models.idle();
    expect(room.models.proposals.ofCase(idOf('V1'))).toEqual([]);
    await expect(room.models.cancel(lead, project, 'none')).rejects.toThrow(refusal('work-unknown'));
  });
});

describe('a trial of models that answer to clicks', () => {
  const promote = (digest: string) => room.models.shelf.promote(lead, project, digest);
  const database = () => new DatabaseSync(join(directory.path, 'reading/reading.sqlite'));

  /** Mean Dice of drawing kidney and tumour alike for either of them. */
  function diceOfBoth(): number {
    const label = blockLabel();
    const [kidney, tumour] = [1, 2].map((number) => label.filter((value) => value === number).length);
    const diceOf = (structure: number) => (2 * structure) / (structure + kidney! + tumour!);
    return (diceOf(kidney!) + diceOf(tumour!)) / 2;
  }

  it('lets none take the place untried, once cases are set aside', async () => {
    const { leaseId } = await room.readings.open(readerA, taskOf('W3'));
    const opened = (digest?: string) => room.models.sessions.open(readerA, { ...taskOf('W3'), leaseId, digest });
    await expect(opened()).rejects.toThrow(refusal('model-wanted'));
    await expect(opened(room.models.shelf.champion(project, 'automatic')!.digest)).rejects.toThrow(
      refusal('model-kind'),
    );
    // Draws nothing, wherever it is clicked on.
    const { digest } = await put('blind', clickBundle({ hu: 900 }), 'interactive');
    await expect(promote(digest)).rejects.toThrow(refusal('trial-wanted'));
    using raw = database();
    const crown = () => raw.prepare(`UPDATE model SET state = 'champion' WHERE digest = ?`).run(digest);
    expect(crown).toThrow('no trial found the model better');
    expect((await tried(digest)).verdict).toMatchObject({ isBetter: false, reason: 'not-better' });
    expect(crown).toThrow('no trial found the model better');
    expect(room.models.shelf.champion(project, 'interactive')).toBeUndefined();
  });

  it('makes the first that draws anything right the champion, and then only one that is better', async () => {
    const automatic = room.models.shelf.champion(project, 'automatic')!;
    // Of no use for the tumour.
    const poor = await room.models.shelf.put(lead, project, {
      ...{ name: 'kidney only', kind: 'interactive', files: clickBundle({ hu: 110 }), structures: { tumour: null } },
    });
    const first = await tried(poor.digest);
    expect(first).toMatchObject({ against: undefined, verdict: { isBetter: true, reason: 'better' } });
    expect(first.verdict.structures).toEqual([{ structure: 1, candidate: expect.any(Number), champion: 0 }]);
    expect(room.models.shelf.champion(project, 'interactive')!.digest).toBe(poor.digest);

    const clicks = await put('clicks', clickBundle(), 'interactive');
    const { against, verdict } = await tried(clicks.digest);
    expect(against).toBe(poor.digest);
    expect(verdict).toMatchObject({ isBetter: true, clicks: { scored: 3 } });
    expect(verdict.structures[0]!.champion).toBe(first.verdict.structures[0]!.candidate);
    expect(verdict.structures[1]!.champion).toBe(0);
    expect(verdict.clicks!.after.map((after) => after.clicks)).toEqual([0, 1, 3]);
    const [none, one, three] = verdict.clicks!.after;
    expect(none!.candidate).toBeCloseTo(diceOfBoth());
    // Where it was clicked beside, it takes away.
    expect(three!.candidate).toBeGreaterThan(one!.candidate);
    const means = verdict.structures.map(({ candidate, champion }) => [candidate, champion]);
    const meanOf = (side: 0 | 1) => means.reduce((sum, pair) => sum + pair[side]!, 0) / means.length;
    expect([three!.candidate, three!.champion]).toEqual([expect.closeTo(meanOf(0)), expect.closeTo(meanOf(1))]);

    // Finds the tumour, and nothing of the kidney.
    const narrow = await put('narrow', clickBundle({ hu: 200 }), 'interactive');
    expect((await tried(narrow.digest)).verdict).toMatchObject({ isBetter: false });
    expect(room.models.shelf.champion(project, 'interactive')!.digest).toBe(clicks.digest);
    expect(room.models.shelf.champion(project, 'automatic')).toEqual(automatic);
  });

  it('gives the same again, in a reading room made before there were any, also when it is interrupted', async () => {
    const trials = room.models.trials.list(project);
    const before = trials[0]!;
    await room[Symbol.asyncDispose]();
    {
      using raw = database();
      raw.exec(`DROP TABLE model_click_dice; DROP TRIGGER model_promoted;
        CREATE TRIGGER model_promoted BEFORE UPDATE OF state ON model WHEN NEW.kind = 'automatic' AND 0
          BEGIN SELECT RAISE(ABORT, 'as it was'); END`);
    }
    room = await openRoom();
    expect(room.models.trials.list(project)).toEqual(trials);
    const asked = { digest: before.digest, priority: 0 };
    const interrupted = await room.models.trials.ask(lead, project, asked);
    await room[Symbol.asyncDispose]();
    room = await openRoom();
    expect(await room.models.ended(project, interrupted)).toMatchObject({ state: 'done' });
    expect(room.models.trials.list(project)[0]).toEqual({ ...before, atMs: clock.timeMs });
    await expect(promote(before.digest)).rejects.toThrow(refusal('trial-wanted'));
    using raw = database();
    const crown = raw.prepare(`UPDATE model SET state = 'champion' WHERE digest = ?`);
    expect(() => crown.run(before.digest)).toThrow('no trial found the model better');
  });

  it('can be cancelled, and tells how far it is', async () => {
    const { digest } = await put('narrower', clickBundle({ hu: 210 }), 'interactive');
    const told: unknown[] = [];
    using _ = room.models.listen(lead, project, ({ progress }) => told.push(progress));
    const work = await room.models.trials.ask(lead, project, { digest, priority: 0 });
    await expect.poll(() => told, { timeout: 120_000 }).toContainEqual({ done: 1, total: 4 });
    await room.models.cancel(lead, project, work);
    expect(await room.models.ended(project, work)).toMatchObject({ state: 'cancelled' });
    await room.models.idle();
    expect(room.models.trials.list(project).some((trial) => trial.digest === digest)).toBe(false);
  });
});

describe('a session with prompts', () => {
  const size = toyGeometry.size;

  async function begin(patient: string, digest?: string) {
    const { leaseId, draft } = await room.readings.open(readerA, taskOf(patient));
    const session = await room.models.sessions.open(readerA, { ...taskOf(patient), leaseId, digest });
    const base = (await room.label(readerA, project, draft.baseVersion!))[0]!;
    return { leaseId, session, layer: base.slice(), lastSeq: draft.lastSeq };
  }

  it('answers with what would change, on what is drawn now, and writes the prompt down', async () => {
    const { layer, leaseId, session } = await begin('W3');
    const name = { ...taskOf('W3'), session: session.id, leaseId };
    const empty = new Uint8Array(layer.length);
    await room.readings.draw(readerA, { ...taskOf('W3'), leaseId, strokes: [strokeTo(1, layer, empty)] });
    const voxel = [2, 6, 8] as const;
    const asked = { structure: 1, clicks: [{ voxel, isForeground: true }], box: undefined };
    const answer = await room.models.sessions.prompt(readerA, { ...name, prompt: asked });
    expect(answer.model).toEqual(session.model);
    const drawn = empty.slice();
    applyDelta(drawn, size, answer.delta!);
    const truth = blockLabel(waiting.W3.shift);
    const { first, last } = answer.region;
    const inRegion = (at: number) => {
      const index = [Math.floor(at / (16 * 20)), Math.floor(at / 20) % 16, at % 20];
      return index.every((value, axis) => value >= first[axis]! && value <= last[axis]!);
    };
    expect(drawn).toEqual(truth.map((value, at) => (value > 0 && inRegion(at) ? 1 : 0)));
    expect(drawn[(2 * 16 + 6) * 20 + 8]).toBe(1);

    // What was accepted is a stroke of the model's; the next click begins there.
    const stroke = strokeTo(2, empty, drawn, { tool: 'prompt', phase: 'assisted', model: session.model });
    await room.readings.draw(readerA, { ...taskOf('W3'), leaseId, strokes: [stroke] });
    const beside = { ...asked, clicks: [...asked.clicks, { voxel: [2, 6, 9] as const, isForeground: false }] };
    const second = await room.models.sessions.prompt(readerA, { ...name, prompt: beside });
    applyDelta(drawn, size, second.delta!);
    expect(drawn[(2 * 16 + 6) * 20 + 9]).toBe(0);

    // Outside of a box nothing changes.
    const box = { first: [0, 0, 0] as const, last: [0, 0, 0] as const };
    const nothing = await room.models.sessions.prompt(readerA, { ...name, prompt: { ...asked, box } });
    expect(nothing.delta).toBeUndefined();
    const prompts = room.events(lead, project, { since: 0, limit: 1000 }).filter(({ kind }) => kind === 'prompt');
    expect(prompts.map(({ facts }) => facts)).toMatchObject([
      { structure: 1, clicks: 1, isChange: true, model: session.model },
      { structure: 1, clicks: 2, isChange: true },
      { isChange: false },
    ]);
    const { version } = await room.readings.submit(readerA, { ...taskOf('W3'), leaseId, lastSeq: 2, form: {} });
    expect((await room.version(readerA, project, version)).provenance.models).toContainEqual(session.model);
    await room.models.sessions.close(readerA, name);
  });

  it('keeps the model it began with and offers the new one; refuses what is not the asker’s or not there', async () => {
    const { leaseId, session } = await begin('W4');
    const { digest } = await put('new clicks', clickBundle({ hu: 120 }), 'interactive');
    await room.models.shelf.retire(lead, project, session.model.digest);
    expect((await tried(digest)).verdict).toMatchObject({ isBetter: true });
    const name = { ...taskOf('W4'), session: session.id };
    expect(room.models.sessions.heartbeat(readerA, name)).toMatchObject({ model: session.model, offered: { digest } });
    await room.models.sessions.close(readerA, name);
    expect(() => room.models.sessions.heartbeat(readerA, name)).toThrow(refusal('session-unknown'));
    const next = await room.models.sessions.open(readerA, { ...taskOf('W4'), leaseId, digest: undefined });
    expect(next.model).toEqual(session.model);
    const chosen = await room.models.sessions.open(readerA, { ...taskOf('W4'), leaseId, digest });
    expect(chosen).toMatchObject({ model: { digest }, offered: undefined });

    const asked = { ...taskOf('W4'), session: chosen.id, leaseId };
    const prompt = { structure: 1, clicks: [{ voxel: [2, 6, 8], isForeground: true }], box: undefined } as const;
    const outside = { ...prompt, clicks: [{ voxel: [2, 6, 20], isForeground: true }] } as const;
    const { sessions } = room.models;
    await expect(sessions.prompt(readerA, { ...asked, prompt: outside })).rejects.toThrow(refusal('prompt-outside'));
    await expect(sessions.prompt(readerA, { ...asked, prompt: { ...prompt, clicks: [] } })).rejects.toThrow(
      refusal('prompt-outside'),
    );
    await expect(sessions.prompt(readerA, { ...asked, prompt: { ...prompt, structure: 9 } })).rejects.toThrow(
      refusal('structure-unknown'),
    );
    await expect(sessions.prompt(readerA, { ...asked, leaseId: 'x', prompt })).rejects.toThrow(
      refusal('lease-expired'),
    );
    await expect(sessions.prompt(readerB, { ...asked, prompt })).rejects.toThrow(refusal('session-unknown'));
    // Without a sign of life it is over.
    clock.timeMs += 6 * 60_000;
    expect(() => sessions.heartbeat(readerA, asked)).toThrow(refusal('session-unknown'));
  });
});

it('labels of readers are compared elsewhere as they are here', async () => {
  const { geometry } = room.tasks.get(readerA, project, taskOf('V1').taskId);
  const labels = [blockLabel(0), blockLabel(2), blockLabel(1)].map((label) => [label]);
  const readers = [];
  const store = await ContentDirectory.open(join(directory.path, 'compared'));
  for (const [label] of labels) {
    readers.push({ directory: store.path, layers: [await store.put(encodeRuns(label!))] });
  }
  const structures = [1, 2].map((number) => ({ number, layer: 0 }));
  const options = { geometry, structures, toleranceMm: 2, method: 'staple' } as const;
  const [settled, disputed] = await Promise.all([
    room.models.compare({ kind: 'settle', readers, ...options }),
    room.models.compare({ kind: 'dispute', readers, geometry }),
  ]);
  expect(settled).toEqual(settlementOf(labels, options));
  expect(new Uint8Array(disputed)).toEqual(encodeRuns(disagreementMap(labels)));
});

it('a proposal by a protocol that draws something else is where no older task begins', async () => {
  const { digest } = room.models.shelf.champion(project, 'automatic')!;
  const { structures } = renalProtocol;
  const third = { ...structures[1]!, number: 3, name: 'Cyst' };
  await room.projects.revise(lead, project, { ...renalProtocol, structures: [...structures, third] });
  const before = room.tasks.get(readerA, project, taskOf('W5').taskId).baseVersion;
  expect(before).toBeUndefined();
  const { version } = await proposed('W5');
  expect(room.tasks.get(readerA, project, taskOf('W5').taskId).baseVersion).toBeUndefined();
  // With the structures as they were, it begins there.
  await room.projects.revise(lead, project, { ...renalProtocol, instructions: 'as before' });
  const again = await proposed('W5');
  expect(again.digest).toBe(digest);
  expect(again.version).not.toBe(version);
  expect(room.tasks.get(readerA, project, taskOf('W5').taskId).baseVersion).toBe(again.version);
});

describe('the next case', () => {
  it('is the one of which the model is least sure, where the project says so and none is more urgent', async () => {
    const other = 'second';
    await room.projects.create(lead, other, renalProtocol);
    const made = { readers: 1, isBlinded: false, assignTo: [], dueMs: undefined };
    const cases = new Map<string, string>();
    for (const [patient, priority] of Object.entries({ W1: 0, W2: 0, W3: 0, W4: -1 })) {
      clock.timeMs += 1000;
      const series = [toySeriesUid(patient)];
      const [entry] = await room.projects.addCases(lead, other, { ...made, priority, series });
      cases.set(patient, entry!.caseId);
    }
    const { digest } = await room.models.shelf.put(lead, other, {
      ...{ name: 'good', kind: 'automatic', files: thresholdBundle() },
    });
    const asked = { cases: [...cases.values()], digest, priority: 0, isNightly: false };
    for (const work of await room.models.proposals.ask(lead, other, asked)) await room.models.ended(other, work);
    const next = () => room.tasks.next(readerB, other)?.caseId;
    expect(next()).toBe(cases.get('W1'));
    await room.projects.revise(lead, other, { ...renalProtocol, models: { next: 'uncertainty' } });
    expect(next()).toBe(cases.get('W2'));
    const { task } = (await room.readings.openNext(readerB, other))!;
    expect(task.caseId).toBe(cases.get('W2'));
    // What is under way comes first.
    expect(next()).toBe(cases.get('W2'));
  });
});

it('does all of this without trouble', () => {
  expect(troubles).toEqual([]);
});
