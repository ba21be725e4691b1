/**
 * The people of a simulated hospital at work in its reading room, through the same interface that the annotator uses: one reads,
 * another approves. What a reader draws is what the phantom's hospital draws by habit; what it costs says `reader-model.ts`.
 */
import type { LabelMap } from '@consilium/imaging';
import { createRandom, type Random } from '@consilium/numerics';
import { siteProfiles } from '@consilium/phantom';
import type { Asker, ReadingRoom } from '@consilium/reading';
import { deltaBetween, TaskState } from '@consilium/reading/api';
import { CliError } from '../cli-error.ts';
import { phantomLabel, type SimulatedHospital } from './hospital.ts';
import {
  correctedLabel,
  type Drawn,
  pathByHand,
  pathOfCorrection,
  readerFactorOf,
  readingMinutes,
  slicesWith,
} from './reader-model.ts';

export const lead: Asker = { person: 'lead-1', roles: ['lead'] };
const reader: Asker = { person: 'reader-1', roles: ['reader'] };
const reviewer: Asker = { person: 'reviewer-1', roles: ['reviewer'] };

export type ReadingPhase = 'manual' | 'assisted';
/** By name in the reading room. */
export const readingProjects = { manual: 'by-hand', assisted: 'assisted' } as const satisfies Record<
  ReadingPhase,
  string
>;
const app = 'renal-mass';
/** Structures of the app. */
export const structures = { kidney: 1, tumour: 2, cyst: 3 } as const;

type Task = ReturnType<ReadingRoom['tasks']['list']>[number];
type Stroke = Parameters<ReadingRoom['readings']['draw']>[1]['strokes'][number];
type Study = SimulatedHospital['studies'][number];

/** What a reader does with a case. */
interface Reading {
  readonly label: Uint8Array;
  readonly minutes: ReturnType<typeof readingMinutes>;
}

const phaseDays = { manual: 10, assisted: 110 } as const;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Below the idle limit of the protocol: work that goes on leaves marks. */
const markMs = 45_000;

export class SimulatedReaders {
  readonly #hospital: SimulatedHospital;
  readonly #random: Random;
  readonly #drawnEvery: number;
  readonly #factor: number;
  readonly #startMs: number;

  constructor(hospital: SimulatedHospital, { seed, siteIndex }: { readonly seed: number; readonly siteIndex: number }) {
    this.#hospital = hospital;
    this.#random = createRandom(seed, 'simulated reader', hospital.siteId);
    this.#drawnEvery = siteProfiles[siteIndex]!.labelling.drawnEvery;
    this.#factor = readerFactorOf(this.#random.fork('speed'));
    this.#startMs = hospital.clock.timeMs;
  }

  /** The project with a task for each study, made where it is not there. */
  async prepare(phase: ReadingPhase, studies: readonly Study[]): Promise<void> {
    const { room } = this.#hospital;
    const project = readingProjects[phase];
    this.#setTime(phase, 0);
    if (!room.projects.list(lead).some(({ name }) => name === project)) {
      await room.apps.apply(lead, project, { app, choices: {}, how: 'create' });
    }
    const series = studies.map(({ seriesInstanceUid }) => seriesInstanceUid);
    const terms = { readers: 1, isBlinded: false, assignTo: [reader.person], priority: 0, dueMs: undefined };
    await room.projects.addCases(lead, project, { series, ...terms });
  }

  /** By study, in their order. */
  tasks(phase: ReadingPhase): ReadonlyMap<string, Task> {
    const { room } = this.#hospital;
    const all = room.tasks.list(lead, readingProjects[phase], { limit: 100_000 });
    return new Map(all.map((task) => [task.seriesInstanceUid, task]));
  }

  /** Draws and approves what is not approved yet. Where a model has proposed, the proposal is corrected. */
  async read(phase: ReadingPhase, studies: readonly Study[], onCase: () => void): Promise<void> {
    const tasks = this.tasks(phase);
    for (const study of studies) {
      const task = tasks.get(study.seriesInstanceUid)!;
      await this.#readOne(phase, task, study, async (before) => {
        const own = await phantomLabel(study, 'site', task.geometry as LabelMap['geometry']);
        const random = this.#random.fork(phase, study.index);
        return before === undefined ? this.#byHand(own, task, random) : this.#corrected(before, own, { task, random });
      });
      onCase();
    }
    await this.#hospital.room.idle();
  }

  /** Puts a label that was approved in the first phase where it is wanted again: no reading, and it takes no time. */
  async carryOver(studies: readonly Study[]): Promise<void> {
    const { room } = this.#hospital;
    const [first, second] = [this.tasks('manual'), this.tasks('assisted')];
    for (const study of studies) {
      const version = first.get(study.seriesInstanceUid)!.headVersion!;
      const [label] = await room.label(lead, readingProjects.manual, version);
      const minutes = { overhead: 0, byStructure: new Map<number, number>() };
      await this.#readOne('assisted', second.get(study.seriesInstanceUid)!, study, async () => ({
        ...{ label: label!, minutes },
      }));
    }
    await room.idle();
  }

  #byHand(own: Uint8Array, { geometry }: Task, random: Random): Reading {
    const { size, spacingMm } = geometry;
    const shape = { size, spacingMm, structures: Object.values(structures) };
    const drawn = pathByHand(own, shape, this.#drawnEvery);
    return { label: own, minutes: this.#minutes(drawn, { slices: size[0], proposedSlices: 0, random }) };
  }

  #corrected(proposal: Uint8Array, own: Uint8Array, { random, task }: { task: Task; random: Random }): Reading {
    const { size, spacingMm } = task.geometry;
    const shape = { size, spacingMm, structures: Object.values(structures) };
    const corrected = correctedLabel(proposal, own, shape);
    const [correction, byHand] = [
      pathOfCorrection(proposal, corrected, shape),
      pathByHand(own, shape, this.#drawnEvery),
    ];
    const isWorthIt = pathMmOf(correction) < pathMmOf(byHand);
    const seen = { slices: size[0], proposedSlices: slicesWith(proposal, size), random };
    return {
      label: isWorthIt ? corrected : own,
      minutes: this.#minutes(isWorthIt ? correction : byHand, seen),
    };
  }

  #minutes(
    drawn: ReadonlyMap<number, Drawn>,
    { random, ...seen }: { slices: number; proposedSlices: number; random: Random },
  ): Reading['minutes'] {
    return readingMinutes({ drawn, ...seen }, { readerFactor: this.#factor, random });
  }

  async #readOne(
    phase: ReadingPhase,
    task: Task,
    { index }: Study,
    reading: (before: Uint8Array | undefined) => Promise<Reading>,
  ): Promise<void> {
    const { room } = this.#hospital;
    const project = readingProjects[phase];
    const name = { project, taskId: task.id };
    this.#setTime(phase, index);
    if (task.state === TaskState.proposed || task.state === TaskState.inProgress) {
      const { draft, leaseId } = await room.readings.open(reader, name);
      const base = draft.baseVersion;
      const before = base === undefined ? undefined : (await room.label(reader, project, base))[0]!;
      const { label, minutes } = await reading(before);
      const empty = new Uint8Array(label.length);
      const strokes = strokesTo(before ?? empty, label, { task, minutes, startMs: this.#hospital.clock.timeMs });
      const lastSeq = await room.readings.draw(reader, { ...name, leaseId, strokes });
      const form = { quality: 'good', massSeen: label.includes(structures.tumour), confidence: 'sure' };
      const kept = await room.readings.submit(reader, { ...name, leaseId, lastSeq, form });
      if (kept.kind !== 'kept') throw new CliError('cli.job-failed', 'A simulated reading was not kept as it was.');
    }
    const now = room.tasks.get(reviewer, project, task.id);
    if (now.state === TaskState.submitted) await room.reviews.take(reviewer, name);
    if (now.state === TaskState.approved || now.state === TaskState.locked) return;
    const decision = { decision: 'approve', version: now.headVersion!, comment: '' } as const;
    await room.reviews.decide(reviewer, { ...name, ...decision });
  }

  #setTime(phase: ReadingPhase, index: number): void {
    this.#hospital.clock.timeMs = this.#startMs + phaseDays[phase] * dayMs + index * hourMs;
  }
}

function pathMmOf(drawn: ReadonlyMap<number, Drawn>): number {
  return [...drawn.values()].reduce((sum, { pathMm }) => sum + pathMm, 0);
}

/** Marks as long as work goes on, and for each structure the stroke that makes it what it is in the label. */
function strokesTo(
  before: Uint8Array,
  label: Uint8Array,
  { minutes, startMs, task }: { task: Task; minutes: Reading['minutes']; startMs: number },
): Stroke[] {
  const strokes: Stroke[] = [];
  let atMs = startMs;
  const mark = (structure: number | undefined, change: Stroke['change']): void => {
    const kind = change === undefined ? 'mark' : 'draw';
    const tool = change === undefined ? 'look' : 'brush';
    strokes.push({ seq: strokes.length + 1, kind, tool, atMs, structure, phase: 'manual', model: undefined, change });
  };
  const work = (forMinutes: number, structure: number | undefined, change: Stroke['change']): void => {
    let leftMs = Math.round(forMinutes * 60_000);
    for (; leftMs > markMs; leftMs -= markMs) {
      atMs += markMs;
      mark(structure, undefined);
    }
    atMs += leftMs;
    mark(structure, change);
  };
  mark(undefined, undefined);
  work(minutes.overhead, undefined, undefined);
  const current = before.slice();
  for (const structure of Object.values(structures)) {
    const next = current.map((value, at) => (value === structure || label[at] === structure ? label[at]! : value));
    const change = deltaBetween(current, next, { size: task.geometry.size });
    const forMinutes = minutes.byStructure.get(structure) ?? 0;
    if (change !== undefined || forMinutes > 0) work(forMinutes, structure, change);
    current.set(next);
  }
  return strokes;
}
