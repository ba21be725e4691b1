/** The reading room over a real archive: the way of a case from its series to a label that trains. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Archive } from '@consilium/archive';
import { encodeNifti, readDicomSegmentation } from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelFile } from './handover/label-export.ts';
import { editsBetween } from './label/label-edits.ts';
import type { ReadingRoom } from './reading-room.ts';
import { measuresCsv } from './room/measures.ts';
import {
  adjudicator,
  admitSeries,
  boxLabel,
  lead,
  openToyArchive,
  openToyRoom,
  readerA,
  readerB,
  readTask,
  renalProtocol,
  reviewer,
  strokeTo,
  ToyClock,
  ToyDirectory,
  toyGeometry,
  toyImage,
  toySeriesUid,
} from './toy-room.fixture.ts';

const directory = new ToyDirectory();
const clock = new ToyClock();
const patients = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10'];
const project = 'renal';
let archive: Archive;
let room: ReadingRoom;

beforeAll(async () => {
  archive = await openToyArchive(directory.path, clock);
  await admitSeries(archive, patients);
  room = await openToyRoom(archive, directory.path, clock);
  await room.projects.create(lead, project, renalProtocol);
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const cases = { readers: 1, isBlinded: false, assignTo: [] as string[], priority: 0, dueMs: undefined };
async function newCase(patient: string, more: Partial<typeof cases> = {}) {
  const made = await room.projects.addCases(lead, project, { ...cases, ...more, series: [toySeriesUid(patient)] });
  return made[0]!;
}
const refusal = (code: string) => expect.objectContaining({ code: `reading.${code}` });
const empty = new Uint8Array(boxLabel(1).length);

describe('a case with one reader', () => {
  it('is read, sent back, read again, approved, and trains', async () => {
    const { caseId, tasks } = await newCase('P1', { assignTo: ['anna'] });
    const taskId = tasks[0]!;
    const name = { project, taskId };
    const first = await readTask(room, readerA, { ...name, label: boxLabel(1) });
    const review = { ...name, version: first, comment: '' };
    await expect(room.reviews.decide(reviewer, { ...review, decision: 'approve' })).rejects.toThrow(
      refusal('state-wrong'),
    );
    await expect(room.reviews.take(readerA, name)).rejects.toThrow(refusal('role-wanted'));
    await room.reviews.take(reviewer, name);
    await expect(room.reviews.decide(reviewer, { ...review, decision: 'changes' })).rejects.toThrow(
      refusal('comment-wanted'),
    );
    await room.reviews.decide(reviewer, { ...review, decision: 'changes', comment: 'the lower pole' });
    expect(room.reviews.list(readerA, name)).toMatchObject([
      { decision: 'changes', comment: 'the lower pole', person: '' },
    ]);

    const second = await readTask(room, readerA, { ...name, label: boxLabel(1, { to: 12 }) });
    await room.reviews.take(reviewer, name);
    await expect(room.reviews.decide(reviewer, { ...review, decision: 'approve' })).rejects.toThrow(
      refusal('version-stale'),
    );
    await room.reviews.decide(reviewer, { ...review, version: second, decision: 'approve' });
    await room.idle();
    expect(room.tasks.get(readerA, project, taskId).state).toBe('approved');

    const [label] = archive.catalogue.seriesDetails(toySeriesUid('P1')).labels;
    expect(label).toMatchObject({ format: 'dicom-seg', isOnGrid: true, provenance: { kind: 'manual' } });
    expect(label!.segments.map(({ name: structure, number }) => [number, structure])).toEqual([
      [1, 'Kidney'],
      [2, 'Tumour'],
    ]);
    await archive.cohorts.freeze('approved', 'modality = CT', {});
    const [trained] = archive.cohorts.casesOf({ name: 'approved' });
    expect(trained!.name).toBe(toySeriesUid('P1'));
    const bytes = readFileSync(trained!.label!.path);
    const { labels, segments } = await readDicomSegmentation(bytes, toyGeometry);
    expect(labels.voxels).toEqual(boxLabel(1, { to: 12 }));
    expect(segments[0]).toMatchObject({ type: { value: '64033007', scheme: 'SCT' }, algorithmType: 'MANUAL' });
    expect(bytes.includes(Buffer.from(second))).toBe(true);
    for (const person of ['anna', 'rita', 'lena']) expect(bytes.includes(Buffer.from(person))).toBe(false);

    const versions = room.versions(lead, project, caseId);
    expect(versions.map(({ id, kind, parents }) => ({ id, kind, parents }))).toEqual([
      { id: first, kind: 'drawn', parents: [] },
      { id: second, kind: 'drawn', parents: [first] },
    ]);
    expect(versions[1]!.provenance.editsOfParent).toEqual(editsBetween([boxLabel(1)], [boxLabel(1, { to: 12 })]));
    expect(versions[1]!.provenance.tools).toEqual({ brush: 1 });
    await room.reviews.lock(lead, name);
    await expect(room.readings.open(readerA, name)).rejects.toThrow(refusal('state-wrong'));
  });

  it('is not reviewed by who drew it, nor opened by another', async () => {
    const { tasks } = await newCase('P2');
    const name = { project, taskId: tasks[0]! };
    const both = { person: 'anna', roles: ['reader', 'reviewer'] } as const;
    await readTask(room, both, { ...name, label: boxLabel(1) });
    await expect(room.reviews.take(both, name)).rejects.toThrow(refusal('four-eyes'));
    await expect(room.readings.open(readerB, name)).rejects.toThrow(refusal('task-unknown'));
  });
});

describe('a proposal', () => {
  it('is where drawing begins, and it is measured what became of it', async () => {
    const { caseId, tasks } = await newCase('P3', { assignTo: ['anna'] });
    const proposal = boxLabel(1).map((value, at) => (at % 20 === 3 ? 2 : value));
    const model = { name: 'federated round 7', digest: 'f'.repeat(64) };
    await room.propose(lead, { project, caseId, layers: [proposal], model });
    const drawn = proposal.map((value) => (value === 2 ? 0 : value));
    const name = { project, taskId: tasks[0]! };
    const lease = await room.readings.open(readerA, name);
    const { leaseId } = lease;
    const strokes = [
      strokeTo(1, proposal, proposal, { kind: 'mark', tool: 'scroll', structure: undefined, atMs: 1000 }),
      strokeTo(2, proposal, drawn, { structure: 2, atMs: 31_000, tool: 'eraser' }),
      strokeTo(3, drawn, proposal, { kind: 'undo', structure: 2, atMs: 41_000 }),
      strokeTo(4, proposal, drawn, { kind: 'redo', structure: 2, atMs: 42_000 }),
      strokeTo(5, drawn, drawn, { kind: 'mark', tool: 'scroll', structure: undefined, atMs: 500_000 }),
    ];
    await room.readings.draw(readerA, { ...name, leaseId, strokes });
    const form = { quality: 'dreadful' };
    const submission = { ...name, leaseId, lastSeq: 5, form };
    await expect(room.readings.submit(readerA, submission)).rejects.toThrow(refusal('form-incomplete'));
    const kept = await room.readings.submit(readerA, { ...submission, form: { quality: 'poor' } });
    const version = await room.version(readerA, project, kept.version);
    expect(version.form).toEqual({ quality: 'poor' });
    expect(version.provenance.models).toEqual([model]);
    expect(version.provenance.time).toMatchObject({ activeMs: 41_000, idleMs: 458_000, byStructureMs: { 2: 41_000 } });
    expect((await room.label(readerA, project, kept.version))[0]).toEqual(drawn);
    const { learning, proposals, readings } = room.measures(lead, project);
    expect(proposals).toEqual({ accepted: 1, edited: 0, redrawn: 1 });
    const mine = readings.find(({ taskId }) => taskId === name.taskId)!;
    expect(mine).toMatchObject({
      phase: 'assisted',
      reader: 'anna',
      structures: [{ number: 1, fate: 'accepted' }, { number: 2 }],
    });
    expect(mine.activeMinutes).toBeCloseTo(41 / 60, 9);
    expect(learning['anna']!.length).toBeGreaterThan(1);
    const csv = measuresCsv({ learning, proposals, readings });
    expect(csv.split('\r\n')[0]).toContain('active_minutes');
    expect(csv).toContain(`${caseId},${name.taskId},${kept.version},anna`);
    // A model helped, a person drew and another will approve: neither manual nor automatic.
    await room.reviews.take(reviewer, name);
    await room.reviews.decide(reviewer, { ...name, version: kept.version, decision: 'approve', comment: '' });
    await room.idle();
    expect(archive.catalogue.seriesDetails(toySeriesUid('P3')).labels[0]!.provenance).toMatchObject({
      ...{ kind: 'semiautomatic', algorithm: 'federated round 7' },
    });
  });
});

describe('two blinded readers', () => {
  it('who agree make a consensus that goes to review, and their own readings are done with then', async () => {
    const { caseId, tasks } = await newCase('P4', { readers: 2, isBlinded: true });
    await readTask(room, readerA, { project, taskId: tasks[0]!, label: boxLabel(1) });
    await readTask(room, readerB, { project, taskId: tasks[1]!, label: boxLabel(1) });
    const settled = room.tasks.ofCase(caseId).find(({ role }) => role === 'adjudicate')!;
    expect(settled).toMatchObject({ state: 'submitted', reader: undefined });
    expect(await room.agreements.ofCase(lead, { project, caseId })).toMatchObject([
      {
        structures: [
          { structure: 1, dice: 1, surfaceDice: 1, hausdorff95Mm: 0 },
          { structure: 2, dice: 1 },
        ],
      },
    ]);
    const name = { project, taskId: settled.id };
    await room.reviews.take(reviewer, name);
    await room.reviews.decide(reviewer, { ...name, version: settled.headVersion!, decision: 'approve', comment: '' });
    await room.idle();
    expect(
      room.tasks
        .ofCase(caseId)
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['approved', 'locked', 'locked']);
    expect(archive.catalogue.seriesDetails(toySeriesUid('P4')).labels).toHaveLength(1);
  });

  it('who disagree leave it to an adjudicator, who sees where', async () => {
    const { caseId, tasks } = await newCase('P5', { readers: 2, isBlinded: true });
    const [first, second] = [boxLabel(1), boxLabel(1, { shift: 4 })];
    await readTask(room, readerA, { project, taskId: tasks[0]!, label: first });
    await readTask(room, readerB, { project, taskId: tasks[1]!, label: second });
    const task = room.tasks.ofCase(caseId).find(({ role }) => role === 'adjudicate')!;
    expect(task.state).toBe('proposed');
    const [pair] = await room.agreements.ofCase(lead, { project, caseId });
    expect(pair!.structures[0]!.dice).toBeCloseTo(0.5, 12);
    await expect(room.readings.open(readerA, { project, taskId: task.id })).rejects.toThrow(refusal('task-unknown'));
    await expect(room.agreements.disagreement(adjudicator, { project, caseId })).rejects.toThrow(
      refusal('case-unknown'),
    );
    const { draft } = await room.readings.open(adjudicator, { project, taskId: task.id });
    expect((await room.version(adjudicator, project, draft.baseVersion!)).kind).toBe('consensus');
    expect((await room.agreements.disagreement(adjudicator, { project, caseId })).length).toBeGreaterThan(10);
    expect(room.versions(adjudicator, project, caseId)).toHaveLength(3);
    expect(room.agreements.summary(lead, project)[0]).toMatchObject({ structure: 1, dice: { cases: 2, mean: 0.75 } });
  });
});

describe('work on a task', () => {
  it('is kept in order, once, whatever comes twice or is missing', async () => {
    const { tasks } = await newCase('P6', { assignTo: ['anna'] });
    const name = { project, taskId: tasks[0]! };
    const { leaseId } = await room.readings.open(readerA, name);
    const [one, two, three] = [boxLabel(1), boxLabel(1, { to: 11 }), boxLabel(1, { to: 12 })];
    const strokes = [strokeTo(1, empty, one), strokeTo(2, one, two), strokeTo(3, two, three)];
    const draw = (some: typeof strokes, lease = leaseId) =>
      room.readings.draw(readerA, { ...name, leaseId: lease, strokes: some });
    expect(await draw(strokes.slice(0, 2))).toBe(2);
    expect(await draw(strokes.slice(0, 2))).toBe(2);
    await expect(draw([{ ...strokes[2]!, seq: 4 }])).rejects.toThrow(refusal('stroke-gap'));
    await expect(draw([strokeTo(2, one, three)])).rejects.toThrow(refusal('stroke-conflict'));
    await expect(draw([strokeTo(3, two, two.with(0, 9))])).rejects.toThrow(refusal('structure-unknown'));
    const outside = strokes[2]!.change!;
    await expect(draw([{ ...strokes[2]!, change: { ...outside, last: [99, 1, 1] } }])).rejects.toThrow(
      refusal('delta-outside'),
    );
    expect(await draw(strokes)).toBe(3);
    expect(room.readings.draft(readerA, name)).toMatchObject({
      lastSeq: 3,
      strokes: [{ seq: 1 }, { seq: 2 }, { seq: 3 }],
    });

    const again = await room.readings.open(readerA, name);
    expect(again.draft.lastSeq).toBe(3);
    await expect(draw([])).rejects.toThrow(refusal('lease-expired'));
    clock.timeMs += 121_000;
    await expect(draw([], again.leaseId)).rejects.toThrow(refusal('lease-expired'));
    const last = await room.readings.open(readerA, name);
    clock.timeMs += 100_000;
    await room.readings.heartbeat(readerA, { ...name, leaseId: last.leaseId });
    clock.timeMs += 100_000;
    const submission = { ...name, leaseId: last.leaseId, lastSeq: 3, form: {} };
    await expect(room.readings.submit(readerA, { ...submission, lastSeq: 4 })).rejects.toThrow(refusal('stroke-gap'));
    const kept = await room.readings.submit(readerA, submission);
    expect(await room.readings.submit(readerA, submission)).toEqual(kept);
    await expect(room.readings.submit(readerA, { ...submission, lastSeq: 2 })).rejects.toThrow(
      refusal('submitted-already'),
    );
    expect((await room.label(readerA, project, kept.version))[0]).toEqual(three);
  });

  it('of two writers on one parent is merged, or kept twice for a person to choose', async () => {
    const { tasks } = await newCase('P7', { assignTo: ['anna'] });
    const name = { project, taskId: tasks[0]! };
    const { leaseId } = await room.readings.open(readerA, name);
    const file = { format: 'nrrd', sha256: '0'.repeat(64) };
    await room.readings.draw(readerA, { ...name, leaseId, strokes: [strokeTo(1, empty, boxLabel(1))] });
    const tumour = empty.with(5, 2);
    const upload = (layer: Uint8Array, parent?: string) =>
      room.readings.upload(readerA, { ...name, leaseId, parent, layers: [layer], file });
    const uploaded = await upload(tumour);
    expect(uploaded.kind).toBe('kept');
    const rival = await upload(empty.with(6, 2));
    expect(rival).toMatchObject({ kind: 'conflict', other: uploaded.version, structures: [2], voxels: 0 });
    const kept = await room.readings.submit(readerA, { ...name, leaseId, lastSeq: 1, form: {} });
    expect(kept.kind).toBe('merged');
    expect((await room.label(readerA, project, kept.version))[0]).toEqual(boxLabel(1).with(5, 2));
    expect(room.versions(readerA, project).filter(({ taskId }) => taskId === name.taskId)).toHaveLength(4);

    await room.readings.withdraw(readerA, name);
    const next = await room.readings.open(readerA, name);
    await room.readings.choose(readerA, { ...name, leaseId: next.leaseId, version: rival.version });
    expect(room.tasks.get(readerA, project, name.taskId).headVersion).toBe(rival.version);
    await expect(upload(tumour, 'f'.repeat(64))).rejects.toThrow(refusal('lease-expired'));
  });

  it('that is kept twice at the same moment is kept once, and the other writer told', async () => {
    const { tasks } = await newCase('P10', { assignTo: ['anna'] });
    const name = { project, taskId: tasks[0]! };
    const { leaseId } = await room.readings.open(readerA, name);
    const file = { format: 'nrrd', sha256: '0'.repeat(64) };
    const both = [7, 8].map((at) =>
      room.readings.upload(readerA, { ...name, leaseId, parent: undefined, layers: [empty.with(at, 2)], file }),
    );
    const [one, other] = (await Promise.allSettled(both)).sort((a, b) => a.status.localeCompare(b.status));
    expect([one!.status, other]).toMatchObject([
      'fulfilled',
      { status: 'rejected', reason: { code: 'reading.version-conflict' } },
    ]);
  });

  it('is offered by urgency, not again to who skipped it, and again to all once its reader is gone', async () => {
    const name = { project, taskId: (await newCase('P8', { priority: 9 })).tasks[0]! };
    const offered = await room.readings.openNext(readerB, project);
    expect(offered!.task.id).toBe(name.taskId);
    await room.readings.skip(readerB, { ...name, reason: 'motion' });
    expect((await room.readings.openNext(readerB, project))?.task.id).not.toBe(name.taskId);
    const carl = { person: 'carl', roles: ['reader'] } as const;
    expect((await room.readings.openNext(carl, project))!.task.id).toBe(name.taskId);
    const dora = { person: 'dora', roles: ['reader'] } as const;
    expect(await room.readings.openNext(dora, project)).toBeUndefined();
    clock.timeMs += 200_000;
    expect((await room.readings.openNext(dora, project))!.task.id).toBe(name.taskId);
  });
});

describe('a series that is no DICOM', () => {
  it('is read all the same, in layers that may overlap, and trains as NIfTI', async () => {
    const folder = join(directory.path, 'nifti');
    mkdirSync(folder);
    writeFileSync(join(folder, 'case_00001.nii.gz'), encodeNifti(toyImage(40)));
    await archive.intake.importFolder(folder);
    await archive.series.settle();
    const { series } = archive.catalogue.search('', { limit: 100 });
    const uid = series.find(
      ({ seriesInstanceUid }) =>
        !patients.map(toySeriesUid).includes(seriesInstanceUid) &&
        archive.catalogue.filesOf(seriesInstanceUid).format === 'nifti',
    )!.seriesInstanceUid;
    const [kidney, tumour] = renalProtocol.structures;
    await room.projects.create(lead, 'layers', {
      ...renalProtocol,
      fourEyes: false,
      structures: [kidney!, { ...tumour!, layer: 1 }],
    });
    const [entry] = await room.projects.addCases(lead, 'layers', { ...cases, assignTo: ['anna'], series: [uid] });
    const name = { project: 'layers', taskId: entry!.tasks[0]! };
    const { leaseId } = await room.readings.open(readerA, name);
    const change = strokeTo(1, empty, boxLabel(2, { from: 5, to: 7 })).change!;
    const both = [
      strokeTo(1, empty, boxLabel(1)),
      strokeTo(2, empty, empty, { structure: 2, change: { ...change, layer: 1 } }),
    ];
    await expect(
      room.readings.draw(readerA, { ...name, leaseId, strokes: [{ ...both[1]!, seq: 1, change }] }),
    ).rejects.toThrow(refusal('structure-unknown'));
    await room.readings.draw(readerA, { ...name, leaseId, strokes: both });
    const { version } = await room.readings.submit(readerA, { ...name, leaseId, lastSeq: 2, form: {} });
    expect(await room.label(readerA, 'layers', version)).toEqual([boxLabel(1), boxLabel(2, { from: 5, to: 7 })]);
    const alone = { person: 'anna', roles: ['reader', 'reviewer'] } as const;
    await room.reviews.take(alone, name);
    await room.reviews.decide(alone, { ...name, version, decision: 'approve', comment: '' });
    await room.idle();
    const [label] = archive.catalogue.seriesDetails(uid).labels;
    expect(label).toMatchObject({ format: 'nifti', isOnGrid: true, provenance: { kind: 'manual' } });
    expect(label!.segments.map(({ name: structure, volumeMl }) => [structure, volumeMl])).toEqual([
      ['Kidney', (4 * 6 * 8 - 4 * 2 * 8) * 0.003],
      ['Tumour', 4 * 2 * 8 * 0.003],
    ]);
    const { geometry } = await room.volumes.open(uid);
    const options = { geometry, layers: [empty, empty], protocol: room.protocolOf('layers', 1), series: undefined };
    const kept = await room.version(readerA, 'layers', version);
    expect(() => labelFile(kept, { ...options, format: 'dicom-seg' })).toThrow(refusal('no-dicom'));
  });
});

describe('a case that nobody can read', () => {
  it('is not made, and nothing is compared where there is nothing to', async () => {
    const [segmentation] = archive.catalogue.search('modality = SEG').series;
    const series = [segmentation!.seriesInstanceUid];
    await expect(room.projects.addCases(lead, project, { ...cases, series })).rejects.toThrow(refusal('series-unfit'));
    const own = (await newCase('P9')).caseId;
    await expect(room.agreements.disagreement(lead, { project, caseId: own })).rejects.toThrow(
      refusal('readers-missing'),
    );
  });
});

describe('a subject that is erased from the archive', () => {
  it('is forgotten here, too, and the events stay whole', async () => {
    const before = room
      .versions(lead, project)
      .filter(({ seriesInstanceUid }) => seriesInstanceUid === toySeriesUid('P5'));
    expect(before).toHaveLength(3);
    const files = () =>
      readdirSync(join(directory.path, 'reading', 'labels'), { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile())
        .map((one) => one.name);
    const others = new Set(
      room
        .versions(lead, project)
        .filter((one) => !before.some(({ id }) => id === one.id))
        .flatMap(({ layers }) => layers),
    );
    const own = before.flatMap(({ layers }) => layers).filter((sha256) => !others.has(sha256));
    expect(own.length).toBeGreaterThan(0);
    expect(files()).toEqual(expect.arrayContaining(own));
    await archive.erasure.erase('P5', 'consent withdrawn');
    expect(room.versions(lead, project).some(({ seriesInstanceUid }) => seriesInstanceUid === toySeriesUid('P5'))).toBe(
      false,
    );
    for (const sha256 of own) expect(files()).not.toContain(sha256);
    expect(room.firstBrokenEvent()).toBeUndefined();
    for (const file of ['reading.sqlite', 'reading.sqlite-wal']) {
      const path = join(directory.path, 'reading', file);
      if (existsSync(path)) expect(readFileSync(path).includes(Buffer.from(toySeriesUid('P5')))).toBe(false);
    }
  });
});

describe('the store', () => {
  it('of another version of Consilium is not opened', async () => {
    using other = new ToyDirectory();
    mkdirSync(join(other.path, 'reading'));
    const database = new DatabaseSync(join(other.path, 'reading', 'reading.sqlite'));
    database.exec('PRAGMA user_version = 9');
    database.close();
    await expect(openToyRoom(archive, other.path, clock)).rejects.toThrow(refusal('store-version'));
  });

  it('itself refuses what must not be', () => {
    const database = new DatabaseSync(join(directory.path, 'reading', 'reading.sqlite'));
    database.exec('PRAGMA foreign_keys = ON');
    const version = String(
      database
        .prepare('SELECT head_version AS id FROM task WHERE head_version NOT IN (SELECT version_id FROM approval)')
        .get()!['id'],
    );
    const refused = (sql: string) =>
      expect(() => database.exec(sql)).toThrow(/only added to|approves|FOREIGN KEY|not approved|as proposed/);
    refused(`INSERT INTO handover VALUES ('${version}', NULL, 'x', 0, NULL, NULL)`);
    refused(`INSERT INTO approval VALUES ('${version}', 1)`);
    refused(`UPDATE task SET state = 'approved' WHERE head_version = '${version}'`);
    refused("UPDATE version SET person = 'x'");
    refused('DELETE FROM event');
    refused('UPDATE event SET at_ms = 0');
    database.close();
  });

  it('notices an event that was altered behind its back', () => {
    expect(room.firstBrokenEvent()).toBeUndefined();
    const database = new DatabaseSync(join(directory.path, 'reading', 'reading.sqlite'));
    database.exec("DROP TRIGGER event_no_update; UPDATE event SET person = 'someone' WHERE seq = 3");
    database.close();
    expect(room.firstBrokenEvent()).toBe(3);
  });
});
