/**
 * One window's work on a task: its lease and signs of life, the label with all that can be undone, the strokes on their way.
 * What a lost window left behind, acknowledged or not, is found again when the task is opened.
 */
import {
  type Answer,
  decodeRuns,
  type LabelDelta,
  type Mark,
  type Protocol,
  replay,
  type Stroke,
} from '@consilium/reading/api';
import { ServiceError } from '../../parts/service-error.ts';
import { every, later, nowMs } from '../../ports/browser-clock.ts';
import {
  askDraft,
  askRuns,
  type Lease,
  postTask,
  type Task,
  type TaskName,
  type WireStroke,
} from '../reading-asking.ts';
import { type Edit, LabelEditor } from './label-editor.ts';
import { StrokeQueue } from './stroke-queue.ts';
import { BrowserStrokeStore, type WrittenStroke } from './stroke-store.ts';

/** The shortest time between two marks that say no more than that work goes on. */
const markMs = 4000;

type Phase = Mark['phase'];

/** Who or what made an edit. */
export interface EditSource {
  readonly tool: string;
  readonly structure: number | undefined;
  readonly phase?: Phase;
  readonly model?: WireStroke['model'];
}

export class TaskSession {
  readonly name: TaskName;
  readonly task: Task;
  readonly protocol: Protocol;
  readonly editor: LabelEditor;
  readonly queue: StrokeQueue;
  /** How many strokes of a lost window were found in this browser and were not with the reading room. */
  readonly recovered: number;
  readonly #store: BrowserStrokeStore;
  readonly #stopHeartbeat: () => void;
  #leaseId: string;
  #signMs = nowMs();
  #markMs = 0;

  private constructor(name: TaskName, protocol: Protocol, lease: Lease, opened: OpenedDraft) {
    this.name = name;
    this.protocol = protocol;
    this.task = lease.task;
    this.#leaseId = lease.leaseId;
    this.editor = opened.editor;
    this.recovered = opened.waiting.length;
    this.#store = opened.store;
    this.queue = new StrokeQueue({
      taskKey: keyOf(name),
      ...{ draftId: lease.draft.id, lastSeq: opened.lastSeq, waiting: opened.waiting, store: opened.store, later },
      send: (strokes) => this.#send(strokes),
      renew: () => this.#renew(lease.draft.id),
    });
    this.#stopHeartbeat = every((protocol.leaseSeconds * 1000) / 3, () => void this.#heartbeat());
  }

  /**
   * Opens a task and shuts out whoever had it open.
   * @param protocolOf the protocol's version that the task was made with.
   * @throws ServiceError
   */
  static async open(name: TaskName, protocolOf: (task: Task) => Promise<Protocol>): Promise<TaskSession> {
    const lease = await postTask('open', name);
    const protocol = await protocolOf(lease.task);
    return new TaskSession(name, protocol, lease, await openDraft(name, lease, protocol));
  }

  get leaseId(): string {
    return this.#leaseId;
  }

  /** Sends an edit. */
  tell({ change, kind }: Edit, { model, phase = 'manual', structure, tool }: EditSource): void {
    this.queue.add({
      ...{ kind, tool, phase, atMs: nowMs(), change: wireOf(change) },
      ...(structure === undefined ? {} : { structure }),
      ...(model === undefined ? {} : { model }),
    });
  }

  /** Says that work goes on: scrolling, looking, or a decision that changes nothing. Decisions are never left out. */
  mark({ model, phase = 'manual', structure, tool }: EditSource, isDecision = false): void {
    const atMs = nowMs();
    if (!isDecision && atMs - this.#markMs < markMs) return;
    this.#markMs = atMs;
    this.queue.add({
      ...{ kind: 'mark', tool, phase, atMs },
      ...(structure === undefined ? {} : { structure }),
      ...(model === undefined ? {} : { model }),
    });
  }

  /**
   * Hands the task in, once every stroke is with the reading room.
   * @throws ServiceError also `console.unreachable` while it is not
   */
  async submit(form: Readonly<Record<string, unknown>>): Promise<Answer<'submit'>> {
    if (!(await this.queue.settle())) {
      const message = 'Not all strokes are with the reading room yet. Nothing is lost: try again.';
      throw this.queue.error ?? new ServiceError({ code: 'console.unreachable', message, status: 0 });
    }
    const { lastSeq } = this.queue;
    const kept = await postTask('submit', this.name, { leaseId: this.#leaseId, lastSeq, form });
    await this.#store.forget(keyOf(this.name));
    return kept;
  }

  close(): void {
    this.#stopHeartbeat();
    this.queue.close();
  }

  async #send(strokes: readonly WireStroke[]): Promise<number> {
    const { lastSeq } = await postTask('draw', this.name, { leaseId: this.#leaseId, strokes });
    this.#signMs = nowMs();
    return lastSeq;
  }

  async #heartbeat(): Promise<void> {
    try {
      await postTask('heartbeat', this.name, { leaseId: this.#leaseId });
      this.#signMs = nowMs();
      this.queue.flush();
    } catch (error) {
      const isLost = error instanceof ServiceError && error.code === 'reading.lease-expired';
      if (isLost && !(await this.#renew(undefined).catch(() => true))) this.queue.shutOut();
    }
  }

  /** A lease that ran out, since the reading room was not reached for a while, is asked for again; one that another window took is not. */
  async #renew(draftId: string | undefined): Promise<boolean> {
    if (nowMs() - this.#signMs < this.protocol.leaseSeconds * 1000) return false;
    const lease = await postTask('open', this.name);
    this.#leaseId = lease.leaseId;
    this.#signMs = nowMs();
    const isAsLeft = lease.draft.lastSeq >= this.queue.keptSeq && lease.draft.lastSeq <= this.queue.lastSeq;
    return isAsLeft && (draftId === undefined || lease.draft.id === draftId);
  }
}

interface OpenedDraft {
  readonly editor: LabelEditor;
  readonly store: BrowserStrokeStore;
  readonly lastSeq: number;
  readonly waiting: readonly WireStroke[];
}

async function openDraft(name: TaskName, { draft, task }: Lease, protocol: Protocol): Promise<OpenedDraft> {
  const store = new BrowserStrokeStore();
  const { size } = task.geometry;
  const [{ baseVersion, strokes }, written] = await Promise.all([
    askDraft(name),
    store.list(keyOf(name)).catch((): readonly WrittenStroke[] => []),
  ]);
  const layers = await layersOf(name.project, { baseVersion, protocol, size });
  const waiting = strokesNotKept(written, { draftId: draft.id, kept: strokes });
  await rewrite(store, { written, waiting, taskKey: keyOf(name), draftId: draft.id }).catch(() => {});
  const history = replay(layers, size, [...strokes, ...waiting].map(strokeOf));
  return { editor: new LabelEditor(size, history), store, lastSeq: strokes.at(-1)?.seq ?? 0, waiting };
}

/**
 * What was drawn in this browser and has not come to the reading room. Where another window has drawn meanwhile, or the draft
 * is another one, it is put on top as plain strokes: nothing is lost, and each can be undone.
 */
export function strokesNotKept(
  written: readonly WrittenStroke[],
  { draftId, kept }: { draftId: string; kept: readonly WireStroke[] },
): readonly WireStroke[] {
  const bySeq = new Map(kept.map((stroke) => [stroke.seq, stroke]));
  const isKept = ({ draftId: of, stroke }: WrittenStroke) => {
    const other = bySeq.get(stroke.seq);
    return of === draftId && other?.atMs === stroke.atMs && other.kind === stroke.kind && other.tool === stroke.tool;
  };
  const lost = written.filter((one) => !isKept(one));
  const lastSeq = kept.at(-1)?.seq ?? 0;
  const isContinuation = lost.every((one, at) => one.draftId === draftId && one.stroke.seq === lastSeq + 1 + at);
  if (isContinuation) return lost.map(({ stroke }) => stroke);
  return lost.map(({ stroke }, at) => ({
    ...stroke,
    seq: lastSeq + 1 + at,
    kind: stroke.kind === 'mark' ? 'mark' : 'draw',
  }));
}

/** Writes strokes down under their new numbers. From the last on, so that none is overwritten before it stands elsewhere. */
async function rewrite(
  store: BrowserStrokeStore,
  {
    draftId,
    taskKey,
    waiting,
    written,
  }: { taskKey: string; draftId: string; written: readonly WrittenStroke[]; waiting: readonly WireStroke[] },
): Promise<void> {
  for (const stroke of waiting.toReversed()) await store.put(taskKey, draftId, stroke);
  const others = new Set(written.map((one) => one.draftId).filter((id) => id !== draftId));
  for (const other of others) await store.forget(taskKey, other, Infinity);
  const first = waiting[0]?.seq ?? Infinity;
  await store.forget(taskKey, draftId, first - 1);
}

/** Voxels by layer of what drawing begins with: a version, or nothing. @throws ServiceError */
export async function layersOf(
  project: string,
  {
    baseVersion,
    protocol,
    size,
  }: { baseVersion: string | null; protocol: Protocol; size: readonly [number, number, number] },
): Promise<readonly Uint8Array[]> {
  const count = size[0] * size[1] * size[2];
  const layers = Math.max(...protocol.structures.map(({ layer }) => layer)) + 1;
  return Promise.all(
    Array.from({ length: layers }, async (_, layer) =>
      baseVersion === null ? new Uint8Array(count) : decodeRuns(await askRuns(project, baseVersion, layer), count),
    ),
  );
}

function keyOf({ project, taskId }: TaskName): string {
  return `${project}/${taskId}`;
}

function strokeOf({ change, kind, seq }: WireStroke): Stroke {
  return { seq, kind, change: change && deltaOf(change) };
}

type WireChange = NonNullable<WireStroke['change']>;

export function deltaOf({ first, last, layer, runs }: WireChange): LabelDelta {
  return { layer, first, last, runs: Uint8Array.from(atob(runs), (character) => character.charCodeAt(0)) };
}

function wireOf({ first, last, layer, runs }: LabelDelta): WireChange {
  return { layer, first: [...first], last: [...last], runs: base64Of(runs) };
}

export function base64Of(bytes: Uint8Array): string {
  let text = '';
  // Not all at once: arguments of a call are few.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
