/**
 * Prompts to a network while a task is drawn on: the server has the image readied once and what is drawn at hand, and answers
 * with what would change, no more. Whether that is drawn is the reader's to say, by the stroke that applies it.
 */
import { randomUUID } from 'node:crypto';
import type { Triple } from '@consilium/imaging';
import { modelSteps } from '../apps/project-apps.ts';
import type { Asker } from '../asker.ts';
import { layersOf } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import type { Readings, TaskName } from '../room/readings.ts';
import { eventOf } from '../room/readings.ts';
import { changeAndTell, protocolOf, type RoomParts } from '../room/room-parts.ts';
import type { Task, TaskBook } from '../room/task-book.ts';
import type { ModelName } from '../store/version-store.ts';
import type { ModelEntry, ModelShelf } from './model-shelf.ts';
import { modelSource, seriesSource } from './model-sources.ts';
import type { Prompt, PromptReply } from './model-tasks.ts';
import type { ModelWorker } from './model-worker.ts';

export interface PromptSession {
  readonly id: string;
  readonly model: ModelName;
  /** A model that has become the champion since the task began; it is used if asked for by its digest. */
  readonly offered: ModelName | undefined;
  /** Numbers of the structures that may be asked for. */
  readonly structures: readonly number[];
  /** Without a sign of life it ends then. */
  readonly untilMs: number;
}

export interface PromptAnswer extends PromptReply {
  readonly model: ModelName;
  readonly latencyMs: number;
}

interface Held {
  readonly id: string;
  readonly person: string;
  readonly task: Task;
  readonly model: ModelEntry;
  /** Resolves when the image is ready. */
  readonly ready: Promise<unknown>;
  readonly draftId: string;
  /** Of the last stroke that the computation knows. */
  lastSeq: number;
  untilMs: number;
}

export interface PromptTools {
  readonly shelf: ModelShelf;
  readonly worker: ModelWorker;
  readonly readings: Readings;
  readonly tasks: TaskBook;
}

/** Each holds an image. */
const sessionsMax = 4;
const idleMs = 5 * 60_000;

export class PromptSessions {
  readonly #parts: RoomParts;
  readonly #tools: PromptTools;
  readonly #held = new Map<string, Held>();
  readonly #stop = new AbortController();

  constructor(parts: RoomParts, tools: PromptTools) {
    this.#parts = parts;
    this.#tools = tools;
  }

  /**
   * A task keeps the model of its first session, whatever becomes the champion, until the reader asks for another. The one
   * session of a task: another ends it.
   * @throws ReadingError `reading.lease-expired`, `reading.model-wanted`, `reading.model-unknown`, `reading.model-kind`,
   * `reading.sessions-full`
   */
  async open(
    asker: Asker,
    { digest, leaseId, ...name }: TaskName & { leaseId: string; digest: string | undefined },
  ): Promise<PromptSession> {
    const { readings, shelf, tasks, worker } = this.#tools;
    await readings.heartbeat(asker, { ...name, leaseId });
    const task = tasks.get(asker, name.project, name.taskId);
    const model = await this.#modelFor(task, digest);
    for (const one of this.#held.values()) if (one.task.id === task.id || this.#isOver(one)) await this.#end(one);
    if (this.#held.size >= sessionsMax) {
      const message = `There are ${sessionsMax} sessions with prompts already. Wait until one ends.`;
      throw new ReadingError('reading.sessions-full', message);
    }
    const { baseVersion, id: draftId } = readings.draft(asker, name);
    const { clock, versions } = this.#parts;
    const id = randomUUID();
    const base = baseVersion === undefined ? undefined : versions.get(baseVersion);
    const ready = worker.ask({
      ...{ kind: 'open-session', session: id, model: modelSource(shelf, model), geometry: task.geometry },
      series: seriesSource(this.#parts, task.seriesInstanceUid),
      layers: layersOf(protocolOf(this.#parts, task.project, task.protocolVersion)),
      base: base && { directory: versions.path, layers: base.layers },
      steps: modelSteps(this.#parts, task.project, 'interactive'),
    });
    const held: Held = {
      ...{ id, person: asker.person, task, model, ready, draftId, lastSeq: 0 },
      untilMs: clock.nowMs() + idleMs,
    };
    this.#held.set(id, held);
    ready.catch(() => this.#held.delete(id));
    await ready;
    void this.#watch(held);
    return this.#sessionOf(held);
  }

  /**
   * What the network would change. Written down with what was asked, not with where.
   * @throws ReadingError `reading.session-unknown`, `reading.lease-expired`, `reading.structure-unknown`,
   * `reading.prompt-outside`, `reading.model-crashed`, `reading.model-failed`
   */
  async prompt(
    asker: Asker,
    {
      leaseId,
      prompt,
      session,
      ...name
    }: TaskName & { session: string; leaseId: string; prompt: Omit<Prompt, 'layer'> },
  ): Promise<PromptAnswer> {
    const { readings, worker } = this.#tools;
    const held = this.#of(asker, name, session);
    held.untilMs = this.#parts.clock.nowMs() + idleMs;
    await readings.heartbeat(asker, { ...name, leaseId });
    const begunMs = this.#parts.clock.nowMs();
    const whole = this.#checked(held, prompt);
    const draft = readings.draft(asker, name, held.lastSeq);
    // Another label was chosen to draw on, or the task was opened anew on a version.
    if (draft.id !== held.draftId) {
      await this.#end(held);
      throw unknownSession();
    }
    held.lastSeq = draft.lastSeq;
    const changes = draft.strokes.flatMap(({ change }) => (change === undefined ? [] : [change]));
    const reply = await worker.ask({ kind: 'prompt', session, prompt: whole, changes }).catch(async (error) => {
      // What the process knew of the drawing may be gone with it.
      await this.#end(held);
      throw error;
    });
    const model = nameOf(held.model);
    const latencyMs = this.#parts.clock.nowMs() - begunMs;
    const facts = { structure: prompt.structure, model, clicks: prompt.clicks.length, latencyMs };
    await changeAndTell(this.#parts, () => ({
      value: undefined,
      event: eventOf(asker, held.task, 'prompt', { ...facts, isChange: reply.delta !== undefined }),
    }));
    return { ...reply, model, latencyMs };
  }

  /** A sign of life. @throws ReadingError `reading.session-unknown` */
  heartbeat(asker: Asker, { session, ...name }: TaskName & { session: string }): PromptSession {
    const held = this.#of(asker, name, session);
    held.untilMs = this.#parts.clock.nowMs() + idleMs;
    return this.#sessionOf(held);
  }

  /** @throws ReadingError `reading.session-unknown` */
  async close(asker: Asker, { session, ...name }: TaskName & { session: string }): Promise<void> {
    await this.#end(this.#of(asker, name, session));
  }

  /** Ends all. */
  stop(): void {
    this.#stop.abort();
    this.#held.clear();
    this.#tools.worker.rest();
  }

  async #modelFor(task: Task, digest: string | undefined): Promise<ModelEntry> {
    const { commits, database } = this.#parts;
    const { shelf } = this.#tools;
    const row = database.prepare('SELECT digest FROM task_model WHERE task_id = ?').get(task.id);
    const wanted = digest ?? (row && String(row['digest']));
    const model = wanted === undefined ? shelf.champion(task.project, 'interactive') : shelf.get(task.project, wanted);
    if (model === undefined) {
      throw new ReadingError('reading.model-wanted', 'The project has no model that answers to prompts.');
    }
    if (model.kind !== 'interactive') {
      throw new ReadingError('reading.model-kind', 'The model draws by itself, and answers to no prompt.');
    }
    await commits.run(() =>
      database
        .prepare('INSERT INTO task_model VALUES (?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest')
        .run(task.id, model.digest),
    );
    return model;
  }

  #checked({ model, task }: Held, prompt: Omit<Prompt, 'layer'>): Prompt {
    const { project, protocolVersion, geometry } = task;
    const { structures } = protocolOf(this.#parts, project, protocolVersion);
    const structure = structures.find(({ number }) => number === prompt.structure);
    if (structure === undefined || !Object.values(model.structures).includes(prompt.structure)) {
      throw new ReadingError('reading.structure-unknown', 'The model, or the protocol, does not draw this structure.');
    }
    const isInside = (voxel: Triple) => voxel.every((at, axis) => at >= 0 && at < geometry.size[axis]!);
    const { box, clicks } = prompt;
    const isFit = clicks.length > 0 && clicks.every(({ voxel }) => isInside(voxel)) && (!box || isInside(box.first));
    if (!isFit) {
      throw new ReadingError('reading.prompt-outside', 'A prompt needs a click, and all of it within the image.');
    }
    return { ...prompt, layer: structure.layer };
  }

  #of(asker: Asker, { taskId }: TaskName, session: string): Held {
    const held = this.#held.get(session);
    const isOwn = held !== undefined && held.person === asker.person && held.task.id === taskId;
    if (!isOwn || this.#isOver(held)) throw unknownSession();
    return held;
  }

  #sessionOf({ id, model, task, untilMs }: Held): PromptSession {
    const champion = this.#tools.shelf.champion(task.project, 'interactive');
    return {
      ...{ id, untilMs, model: nameOf(model) },
      offered: champion === undefined || champion.digest === model.digest ? undefined : nameOf(champion),
      structures: Object.values(model.structures),
    };
  }

  #isOver({ untilMs }: Held): boolean {
    return untilMs <= this.#parts.clock.nowMs();
  }

  async #watch(held: Held): Promise<void> {
    const { clock } = this.#parts;
    while (this.#held.get(held.id) === held) {
      await clock.sleep(Math.max(1000, held.untilMs - clock.nowMs()), this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      if (this.#isOver(held)) await this.#end(held);
    }
  }

  async #end({ id }: Held): Promise<void> {
    const { worker } = this.#tools;
    if (!this.#held.delete(id)) return;
    if (worker.isRunning) await worker.ask({ kind: 'close-session', session: id }).catch(() => {});
    void this.#restLater();
  }

  /** Some time after the last one has ended the process is, and so gives its memory back. */
  async #restLater(): Promise<void> {
    await this.#parts.clock.sleep(idleMs, this.#stop.signal);
    if (this.#held.size === 0) this.#tools.worker.rest();
  }
}

function nameOf({ digest, name }: ModelEntry): ModelName {
  return { name, digest };
}

function unknownSession(): ReadingError {
  return new ReadingError('reading.session-unknown', 'There is no such session any more. Open another.');
}
