/** What a reader does with a task: opens it, draws, submits, or leaves it to another. */
import { randomUUID } from 'node:crypto';
import type { Asker } from '../asker.ts';
import { type FormAnswers, formFaults, layersOf, type Protocol } from '../contract/protocol-schema.ts';
import { editsBetween } from '../label/label-edits.ts';
import { mergeLabels } from '../label/label-merge.ts';
import { replay } from '../label/stroke-history.ts';
import { ReadingError } from '../reading-error.ts';
import type { Provenance, Version, VersionContent, VersionKind } from '../store/version-store.ts';
import { activeTimeOf } from '../workflow/active-time.ts';
import { TaskState } from '../workflow/task-state.ts';
import { checkStrokes, type Draft, type DraftStroke, Drafts } from './drafts.ts';
import { changeAndTell, protocolOf, type RoomParts } from './room-parts.ts';
import { notYours, stepOf, type Task, type TaskBook } from './task-book.ts';
import { zeroLayers } from './zero-layers.ts';

export interface Lease {
  readonly leaseId: string;
  readonly untilMs: number;
  readonly task: Task;
  readonly draft: Draft;
}

/** Which of a project's tasks is meant. */
export interface TaskName {
  readonly project: string;
  readonly taskId: string;
}

export interface Submission {
  readonly leaseId: string;
  /** The last stroke there is, so that one that got lost on the way is noticed. */
  readonly lastSeq: number;
  readonly form: FormAnswers;
}

export type Kept =
  /** It is what the task is now. */
  | { readonly kind: 'kept'; readonly version: string }
  /** Somebody else's on the same parent was there: both are in `version` now. */
  | { readonly kind: 'merged'; readonly version: string; readonly of: readonly [string, string] }
  /** Both changed the same structures: both are kept, and a person has to say which counts. */
  | {
      readonly kind: 'conflict';
      readonly version: string;
      readonly other: string;
      readonly structures: readonly number[];
      readonly voxels: number;
    };

export class Readings {
  readonly #parts: RoomParts;
  readonly #book: TaskBook;
  readonly #drafts: Drafts;

  constructor(parts: RoomParts, book: TaskBook) {
    this.#parts = parts;
    this.#book = book;
    this.#drafts = new Drafts(parts);
  }

  /**
   * Takes a task, for as long as there are signs of life. Another tab of the same person that had it is shut out; what that
   * one drew is in the draft.
   * @throws ReadingError `reading.task-unknown`, `reading.not-yours`, `reading.state-wrong`
   */
  async open(asker: Asker, { project, taskId }: TaskName): Promise<Lease> {
    const { database, clock } = this.#parts;
    return changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      if (task.reader === undefined) this.#checkRole(asker, task);
      else if (task.reader !== asker.person) throw notYours();
      const state = stepOf(task, 'open', 'owner');
      const leaseId = randomUUID();
      const untilMs = clock.nowMs() + protocolOf(this.#parts, project, task.protocolVersion).leaseSeconds * 1000;
      const draft = this.#drafts.openOrBegin(task, asker.person);
      database
        .prepare('UPDATE task SET state = ?, reader = ?, lease_id = ?, lease_until_ms = ? WHERE id = ?')
        .run(state, asker.person, leaseId, untilMs, taskId);
      return {
        value: { leaseId, untilMs, task: this.#book.known(taskId), draft },
        event: eventOf(asker, task, 'opened'),
      };
    });
  }

  /** The next task, opened; undefined if there is none for the asker. */
  async openNext(asker: Asker, project: string): Promise<Lease | undefined> {
    await this.reclaim(project);
    for (;;) {
      const next = this.#book.next(asker, project);
      if (next === undefined) return undefined;
      try {
        return await this.open(asker, { project, taskId: next.id });
      } catch (error) {
        // Another person was faster.
        if (!(error instanceof ReadingError && ['reading.not-yours', 'reading.task-unknown'].includes(error.code))) {
          throw error;
        }
      }
    }
  }

  /** A sign of life. @throws ReadingError `reading.lease-expired` */
  async heartbeat(asker: Asker, { leaseId, ...name }: TaskName & { leaseId: string }): Promise<number> {
    return this.#parts.commits.run(() => {
      const task = this.#leased(asker, name, leaseId);
      return this.#extend(task);
    });
  }

  /**
   * Keeps strokes; a sign of life as well. Durable when resolved: what is acknowledged is not lost with the tab, this process
   * or the machine.
   * @returns the last stroke that is kept.
   * @throws ReadingError `reading.lease-expired`, `reading.stroke-gap`, `reading.stroke-conflict`,
   * `reading.structure-unknown`, `reading.delta-outside`, `reading.runs-malformed`
   */
  async draw(
    asker: Asker,
    { leaseId, strokes, ...name }: TaskName & { leaseId: string; strokes: readonly DraftStroke[] },
  ): Promise<number> {
    const { geometry, protocolVersion } = this.#book.get(asker, name.project, name.taskId);
    const protocol = protocolOf(this.#parts, name.project, protocolVersion);
    const layerOf = new Map(protocol.structures.map(({ layer, number }) => [number, layer]));
    checkStrokes(strokes, { size: geometry.size, layerOf, layers: layersOf(protocol) });
    return this.#parts.commits.run(() => {
      const task = this.#leased(asker, name, leaseId);
      this.#extend(task);
      return this.#drafts.append(this.#drafts.open(task.id)!, strokes, leaseId);
    });
  }

  /** What a tab needs to go on where another one ended. Its reader's only. @throws ReadingError `reading.task-unknown` */
  draft(asker: Asker, { project, taskId }: TaskName, since = 0): Draft & { readonly strokes: readonly DraftStroke[] } {
    const task = this.#own(asker, { project, taskId });
    const draft = this.#drafts.open(task.id);
    if (draft === undefined)
      throw new ReadingError('reading.state-wrong', 'Nothing is being drawn. Open the task first.');
    return { ...draft, strokes: this.#drafts.strokes(draft.id, since) };
  }

  /** Gives a task back, with the reason, and is not offered it again. What was drawn is kept aside. */
  async skip(asker: Asker, { project, reason, taskId }: TaskName & { reason: string }): Promise<void> {
    const { database, clock } = this.#parts;
    await changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      if (task.reader !== undefined && task.reader !== asker.person) throw notYours();
      const state = stepOf(task, 'skip', 'owner');
      const draft = this.#drafts.open(taskId);
      if (draft !== undefined) this.#drafts.close(draft, undefined);
      database
        .prepare('UPDATE task SET state = ?, reader = NULL, is_pooled = 1, lease_id = NULL WHERE id = ?')
        .run(state, taskId);
      database.prepare('INSERT INTO skip VALUES (?, ?, ?, ?)').run(taskId, asker.person, reason, clock.nowMs());
      return { value: undefined, event: eventOf(asker, task, 'skipped') };
    });
  }

  /** Tasks from the pool whose reader went away without drawing are free again. */
  async reclaim(project: string): Promise<void> {
    const { clock, commits, database } = this.#parts;
    await commits.run(() =>
      database
        .prepare(
          `UPDATE task SET state = 'proposed', reader = NULL, lease_id = NULL
           WHERE state = 'in-progress' AND is_pooled AND head_version IS NULL AND lease_until_ms < ?
             AND case_id IN (SELECT id FROM reading_case WHERE project = ?)
             AND NOT EXISTS (SELECT 1 FROM stroke JOIN draft ON draft.id = draft_id WHERE task_id = task.id)`,
        )
        .run(clock.nowMs(), project),
    );
  }

  /**
   * Makes a version of what was drawn, and hands the task in. The same submission twice is one.
   * @throws ReadingError `reading.lease-expired`, `reading.stroke-gap`, `reading.submitted-already`,
   * `reading.form-incomplete`, `reading.version-conflict` if what was kept meanwhile has to be settled by a person
   */
  async submit(asker: Asker, { form, lastSeq, leaseId, ...name }: TaskName & Submission): Promise<Kept> {
    const repeated = this.#repeated(asker, name, lastSeq);
    if (repeated !== undefined) return repeated;
    const task = this.#leased(asker, name, leaseId);
    stepOf(task, 'submit', 'owner');
    const protocol = protocolOf(this.#parts, name.project, task.protocolVersion);
    const fault = formFaults(protocol, form)[0];
    if (fault !== undefined) {
      throw new ReadingError('reading.form-incomplete', `The form is not filled in: ${fault.field} ${fault.message}.`);
    }
    const draft = this.#drafts.open(task.id)!;
    checkLast(draft, lastSeq);
    const drawn = await this.#versionOfDraft(asker, task, { draft, form, protocol });
    const kept = await this.#keep(asker, task, drawn, draft.baseVersion);
    const { database } = this.#parts;
    return changeAndTell<Kept>(this.#parts, () => {
      const now = this.#leased(asker, name, leaseId);
      const state = stepOf(now, 'submit', 'owner');
      checkLast(this.#drafts.open(task.id)!, lastSeq);
      if (now.headVersion !== task.headVersion) throw versionConflict();
      this.#insert(kept.versions);
      if (kept.answer.kind === 'conflict') return { value: kept.answer, event: eventOf(asker, task, 'conflict') };
      this.#drafts.close(draft, kept.answer.version);
      database
        .prepare('UPDATE task SET state = ?, head_version = ?, lease_id = NULL WHERE id = ?')
        .run(state, kept.answer.version, task.id);
      return { value: kept.answer, event: eventOf(asker, task, 'submitted', { version: kept.answer.version }) };
    });
  }

  /**
   * Keeps a label that was drawn elsewhere as a version of the task: a child of `parent`, whatever was kept meanwhile.
   * @param layers voxels by layer, on the grid of the case.
   * @throws ReadingError `reading.lease-expired`, `reading.version-unknown`
   */
  async upload(
    asker: Asker,
    {
      file,
      layers,
      leaseId,
      parent,
      ...name
    }: TaskName & {
      leaseId: string;
      parent: string | undefined;
      layers: readonly Uint8Array[];
      file: NonNullable<Provenance['file']>;
    },
  ): Promise<Kept> {
    const task = this.#leased(asker, name, leaseId);
    if (parent !== undefined && this.#parts.versions.find(asker, name.project, parent)?.caseId !== task.caseId) {
      throw new ReadingError('reading.version-unknown', 'The case has no such version to draw on, or not for you.');
    }
    const edits = await this.#editsOf(task, layers, parent);
    const version = await this.#prepare(asker, task, {
      kind: 'import',
      layers,
      parent,
      provenance: { file, ...edits },
    });
    const kept = await this.#keep(asker, task, { version, layers }, parent);
    return changeAndTell<Kept>(this.#parts, () => {
      const now = this.#leased(asker, name, leaseId);
      if (now.headVersion !== task.headVersion) throw versionConflict();
      this.#insert(kept.versions);
      const draft = this.#drafts.open(task.id);
      if (kept.answer.kind !== 'conflict') {
        this.#setHead(task, kept.answer.version);
        if (draft?.lastSeq === 0) this.#drafts.rebase(draft, kept.answer.version);
      }
      return { value: kept.answer, event: eventOf(asker, task, 'uploaded', { version: version.id }) };
    });
  }

  /** Of two versions that could not be merged, the one that counts. @throws ReadingError `reading.version-unknown` */
  async choose(
    asker: Asker,
    { leaseId, version, ...name }: TaskName & { leaseId: string; version: string },
  ): Promise<void> {
    await changeAndTell(this.#parts, () => {
      const task = this.#leased(asker, name, leaseId);
      const chosen = this.#parts.versions.find(asker, name.project, version);
      if (chosen?.taskId !== task.id) {
        throw new ReadingError('reading.version-unknown', 'The task has no such version to choose.');
      }
      this.#setHead(task, version);
      const draft = this.#drafts.open(task.id);
      if (draft !== undefined) this.#drafts.close(draft, undefined);
      this.#drafts.openOrBegin({ ...task, headVersion: version }, asker.person);
      return { value: undefined, event: eventOf(asker, task, 'chosen', { version }) };
    });
  }

  /** Takes a submission back, before it is reviewed. */
  async withdraw(asker: Asker, name: TaskName): Promise<void> {
    await changeAndTell(this.#parts, () => {
      const task = this.#own(asker, name);
      this.#parts.database
        .prepare('UPDATE task SET state = ? WHERE id = ?')
        .run(stepOf(task, 'withdraw', 'owner'), task.id);
      return { value: undefined, event: eventOf(asker, task, 'withdrawn') };
    });
  }

  #checkRole({ roles }: Asker, { role }: Task): void {
    if (!roles.includes(role === 'read' ? 'reader' : 'adjudicator')) throw notYours();
  }

  #own(asker: Asker, { project, taskId }: TaskName): Task {
    const task = this.#book.get(asker, project, taskId);
    if (task.reader !== asker.person) throw notYours();
    return task;
  }

  #leased(asker: Asker, name: TaskName, leaseId: string): Task {
    const task = this.#own(asker, name);
    if (task.state === TaskState.submitted) stepOf(task, 'submit', 'owner');
    if (task.leaseId !== leaseId || task.leaseUntilMs! <= this.#parts.clock.nowMs()) {
      const message = 'The task is not open here any more. Open it again: all that was acknowledged is there.';
      throw new ReadingError('reading.lease-expired', message);
    }
    return task;
  }

  #extend({ id, project, protocolVersion }: Task): number {
    const { clock, database } = this.#parts;
    const untilMs = clock.nowMs() + protocolOf(this.#parts, project, protocolVersion).leaseSeconds * 1000;
    database.prepare('UPDATE task SET lease_until_ms = ? WHERE id = ?').run(untilMs, id);
    return untilMs;
  }

  #setHead({ id }: Task, version: string): void {
    this.#parts.database.prepare('UPDATE task SET head_version = ? WHERE id = ?').run(version, id);
  }

  #insert(versions: readonly (VersionContent & { id: string })[]): void {
    for (const version of versions) this.#parts.versions.insert(version, this.#parts.clock.nowMs());
  }

  /** A submission whose acknowledgement was lost. */
  #repeated(asker: Asker, name: TaskName, lastSeq: number): Kept | undefined {
    const task = this.#own(asker, name);
    if (task.state !== TaskState.submitted || task.headVersion === undefined) return undefined;
    const behind = this.#drafts.behind(task.headVersion);
    if (behind?.lastSeq !== lastSeq || lastSeq === 0) return undefined;
    return { kind: 'kept', version: task.headVersion };
  }

  async #versionOfDraft(
    asker: Asker,
    task: Task,
    { draft, form, protocol }: { draft: Draft; form: FormAnswers; protocol: Protocol },
  ): Promise<Drawn> {
    const { versions } = this.#parts;
    const base = draft.baseVersion === undefined ? undefined : versions.get(draft.baseVersion);
    const before = base === undefined ? undefined : await versions.layers(base, task.geometry);
    const layers = (before ?? zeroLayers(task.geometry, layersOf(protocol))).map((voxels) => voxels.slice());
    const strokes = this.#drafts.strokes(draft.id);
    replay(layers, task.geometry.size, strokes);
    const tools: Record<string, number> = {};
    for (const { tool } of strokes) tools[tool] = (tools[tool] ?? 0) + 1;
    const models = new Map(strokes.flatMap(({ model }) => (model ? [[model.digest, model] as const] : [])));
    for (const model of base?.provenance.models ?? []) models.set(model.digest, model);
    const provenance: Provenance = {
      tools,
      models: [...models.values()],
      time: activeTimeOf(this.#drafts.marksOf(task.id, asker.person), protocol.idleSeconds * 1000),
      ...(await this.#editsOf(task, layers, draft.baseVersion)),
    };
    const version = await this.#prepare(asker, task, { kind: 'drawn', layers, parent: base?.id, provenance, form });
    return { version, layers };
  }

  /** Against what it was drawn on, and against the proposal that the task began with. */
  async #editsOf(
    { baseVersion, geometry }: Task,
    layers: readonly Uint8Array[],
    parent: string | undefined,
  ): Promise<Pick<Provenance, 'editsOfParent' | 'editsOfProposal'>> {
    const against = async (id: string | undefined) => {
      const before =
        id === undefined ? undefined : await this.#parts.versions.layers(this.#parts.versions.get(id), geometry);
      return editsBetween(before ?? zeroLayers(geometry, layers.length), layers);
    };
    return {
      editsOfParent: await against(parent),
      ...(baseVersion === undefined ? {} : { editsOfProposal: await against(baseVersion) }),
    };
  }

  #prepare(
    asker: Asker,
    task: Task,
    { form = {}, kind, layers, parent, provenance }: NewVersion,
  ): Promise<VersionContent & { id: string }> {
    const { caseId, project, protocolVersion, role, seriesInstanceUid } = task;
    const parents = [parent].flat().filter((id) => id !== undefined);
    const content = { project, seriesInstanceUid, caseId, taskId: task.id, protocolVersion, kind, parents };
    return this.#parts.versions.prepare({ ...content, person: asker.person, role, provenance, form }, layers);
  }

  /** Beside what the task is now, if that is not what the new version was drawn on. */
  async #keep(
    asker: Asker,
    task: Task,
    { layers, version }: Drawn,
    parent: string | undefined,
  ): Promise<{ readonly answer: Kept; readonly versions: readonly Drawn['version'][] }> {
    const { headVersion: head } = task;
    if (head === undefined || head === parent || head === version.id) {
      return { answer: { kind: 'kept', version: version.id }, versions: [version] };
    }
    const { versions } = this.#parts;
    const read = (id: string): Promise<readonly Uint8Array[]> => versions.layers(versions.get(id), task.geometry);
    const base = parent === undefined ? zeroLayers(task.geometry, layers.length) : await read(parent);
    const merge = mergeLabels({ parent: base, ours: layers, theirs: await read(head) });
    if (merge.kind === 'conflict') {
      return { answer: { ...merge, version: version.id, other: head }, versions: [version] };
    }
    const { form, provenance } = version;
    const merged = await this.#prepare(asker, task, {
      ...{ kind: 'merge', layers: merge.layers, parent: [version.id, head], provenance, form },
    });
    return {
      answer: { kind: 'merged', version: merged.id, of: [version.id, head] },
      versions: [version, merged],
    };
  }
}

interface Drawn {
  readonly version: VersionContent & { readonly id: string };
  readonly layers: readonly Uint8Array[];
}

interface NewVersion {
  readonly kind: VersionKind;
  readonly layers: readonly Uint8Array[];
  readonly parent: string | readonly string[] | undefined;
  readonly provenance: Provenance;
  readonly form?: Version['form'];
}

function checkLast({ lastSeq }: Draft, claimed: number): void {
  if (lastSeq === claimed) return;
  const message = `The last stroke kept is ${lastSeq}, not ${claimed}. Send what is missing, then submit again.`;
  throw new ReadingError('reading.stroke-gap', message);
}

function versionConflict(): ReadingError {
  const message = 'Another version of the task was kept at the same moment. Nothing is lost: try again.';
  return new ReadingError('reading.version-conflict', message);
}

export function eventOf(asker: Asker, task: Task, kind: string, facts: Readonly<Record<string, unknown>> = {}) {
  return { person: asker.person, kind, project: task.project, caseId: task.caseId, taskId: task.id, facts };
}
