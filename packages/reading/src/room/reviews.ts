/** What becomes of a reading that was handed in: a reviewer approves it or asks for changes; only then it counts. */
import type { Asker } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { TaskState } from '../workflow/task-state.ts';
import { wantLead } from './projects.ts';
import { eventOf, type TaskName } from './readings.ts';
import { inProject } from './room-act.ts';
import { changeAndTell, noteSight, protocolOf, type RoomParts } from './room-parts.ts';
import { stepOf, type Task, type TaskBook } from './task-book.ts';

export interface Decision {
  readonly decision: 'approve' | 'changes';
  /** The version that was looked at. */
  readonly version: string;
  readonly comment: string;
}

export interface ReviewEntry {
  readonly version: string;
  readonly person: string;
  readonly decision: Decision['decision'];
  readonly comment: string;
  readonly atMs: number;
}

export class Reviews {
  readonly #parts: RoomParts;
  readonly #book: TaskBook;

  constructor(parts: RoomParts, book: TaskBook) {
    this.#parts = parts;
    this.#book = book;
  }

  /** @throws ReadingError `reading.role-wanted`, `reading.four-eyes`, `reading.state-wrong` */
  async take(asker: Asker, { project, taskId }: TaskName): Promise<void> {
    const task = this.#book.get(asker, project, taskId);
    this.#checkReviewer(asker, task);
    await noteSight(this.#parts, asker, task.caseId);
    await changeAndTell(this.#parts, () => {
      const now = this.#book.get(asker, project, taskId);
      this.#move(taskId, stepOf(now, 'take-review', 'reviewer'), asker.person);
      return { value: undefined, event: eventOf(asker, task, 'review-taken') };
    });
  }

  async leave(asker: Asker, { project, taskId }: TaskName): Promise<void> {
    await changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      const mover = task.reviewer === asker.person ? 'reviewer' : 'lead';
      if (mover === 'lead') wantLead(asker);
      this.#move(taskId, stepOf(task, 'leave-review', mover), undefined);
      return { value: undefined, event: eventOf(asker, task, 'review-left') };
    });
  }

  /**
   * Once approved, the version goes to the archive, and what a consensus was made from is done with.
   * @throws ReadingError `reading.not-yours` unless the review was taken by the asker, `reading.version-stale`,
   * `reading.comment-wanted`, `reading.four-eyes`
   */
  async decide(asker: Asker, review: TaskName & Decision): Promise<void> {
    this.#checkReviewer(asker, this.#book.get(asker, review.project, review.taskId));
    const subjects = inProject(review.project, { kind: 'label', digest: review.version });
    const act = { action: 'label.reviewed', person: asker.person, subjects } as const;
    await this.#parts.record(act, () => this.#decide(asker, review));
  }

  async #decide(asker: Asker, { comment, decision, project, taskId, version }: TaskName & Decision): Promise<void> {
    const { clock, database } = this.#parts;
    await changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      this.#checkReviewer(asker, task);
      const state = stepOf(task, decision === 'approve' ? 'approve' : 'ask-changes', 'reviewer');
      if (task.reviewer !== asker.person) {
        throw new ReadingError('reading.not-yours', 'Another person reviews the task.');
      }
      if (task.headVersion !== version) {
        const message = 'The version that was looked at is not the one that was handed in. Load the task again.';
        throw new ReadingError('reading.version-stale', message);
      }
      if (decision === 'changes' && comment.trim() === '') {
        throw new ReadingError('reading.comment-wanted', 'Say what should be changed.');
      }
      const { lastInsertRowid } = database
        .prepare('INSERT INTO review (task_id, version_id, person, decision, comment, at_ms) VALUES (?, ?, ?, ?, ?, ?)')
        .run(taskId, version, asker.person, decision, comment, clock.nowMs());
      if (decision === 'approve') {
        database.prepare('INSERT INTO approval VALUES (?, ?) ON CONFLICT DO NOTHING').run(version, lastInsertRowid);
      }
      this.#move(taskId, state, decision === 'approve' ? asker.person : undefined);
      if (decision === 'approve' && task.role === 'adjudicate') this.#closeOthers(task);
      return {
        value: undefined,
        event: eventOf(asker, task, decision === 'approve' ? 'approved' : 'changes-asked', { version }),
      };
    });
  }

  /** What was approved turns out wrong: its reader goes on. What the archive has stays until the next is approved. */
  async reopen(asker: Asker, { project, reason, taskId }: TaskName & { reason: string }): Promise<void> {
    wantLead(asker);
    await changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      this.#move(taskId, stepOf(task, 'reopen', 'lead'), undefined);
      return { value: undefined, event: eventOf(asker, task, 'reopened', { reason }) };
    });
  }

  /** For good. */
  async lock(asker: Asker, { project, taskId }: TaskName): Promise<void> {
    wantLead(asker);
    await changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      this.#move(taskId, stepOf(task, 'lock', 'lead'), task.reviewer);
      return { value: undefined, event: eventOf(asker, task, 'locked') };
    });
  }

  /**
   * Gives a task to a person, or to the pool. What another person is drawing stays with that one.
   * @throws ReadingError `reading.state-wrong`, `reading.reader-unblinded` if the person reads another task of the case, or
   * has seen what others drew
   */
  async assign(asker: Asker, { project, reader, taskId }: TaskName & { reader: string | undefined }): Promise<void> {
    wantLead(asker);
    const { database } = this.#parts;
    await changeAndTell(this.#parts, () => {
      const task = this.#book.get(asker, project, taskId);
      if (task.state !== TaskState.proposed) {
        throw new ReadingError('reading.state-wrong', 'Only a task that nobody has begun can be given to another.');
      }
      if (reader !== undefined && !this.#isFresh(task, reader)) {
        const message = 'The person has to do with the case already, and would not read it independently.';
        throw new ReadingError('reading.reader-unblinded', message);
      }
      database
        .prepare('UPDATE task SET reader = ?, is_pooled = ? WHERE id = ?')
        .run(reader ?? null, Number(reader === undefined), taskId);
      return { value: undefined, event: eventOf(asker, task, 'assigned') };
    });
  }

  /** Of a task that the asker may see, the oldest first. A reader is not told who reviewed. */
  list(asker: Asker, { project, taskId }: TaskName): readonly ReviewEntry[] {
    const task = this.#book.get(asker, project, taskId);
    return this.#parts.database
      .prepare('SELECT * FROM review WHERE task_id = ? ORDER BY id')
      .all(taskId)
      .map((row) => ({
        version: String(row['version_id']),
        person: task.reader === asker.person && row['person'] !== asker.person ? '' : String(row['person']),
        decision: String(row['decision']) as Decision['decision'],
        comment: String(row['comment']),
        atMs: Number(row['at_ms']),
      }));
  }

  #checkReviewer({ person, roles }: Asker, { headVersion, project, protocolVersion, reader }: Task): void {
    if (!roles.includes('reviewer')) throw new ReadingError('reading.role-wanted', 'Only a reviewer may do this.');
    const { fourEyes } = protocolOf(this.#parts, project, protocolVersion);
    const drawnBy = headVersion === undefined ? undefined : this.#parts.versions.get(headVersion).person;
    if (fourEyes && (reader === person || drawnBy === person)) {
      throw new ReadingError('reading.four-eyes', 'By the protocol, another person than the reader reviews.');
    }
  }

  #isFresh({ blindedGroup, caseId, id, role }: Task, person: string): boolean {
    const { database } = this.#parts;
    const other = database
      .prepare('SELECT 1 FROM task WHERE case_id = ? AND reader = ? AND id <> ?')
      .get(caseId, person, id);
    if (other !== undefined && (blindedGroup !== undefined || role === 'adjudicate')) return false;
    if (blindedGroup === undefined) return true;
    return database.prepare('SELECT 1 FROM sight WHERE case_id = ? AND person = ?').get(caseId, person) === undefined;
  }

  #move(taskId: string, state: TaskState, reviewer: string | undefined): void {
    this.#parts.database
      .prepare('UPDATE task SET state = ?, reviewer = ? WHERE id = ?')
      .run(state, reviewer ?? null, taskId);
  }

  #closeOthers({ caseId, id }: Task): void {
    for (const other of this.#book.ofCase(caseId)) {
      if (other.id === id || other.blindedGroup === undefined) continue;
      if (other.state === TaskState.submitted) this.#move(other.id, stepOf(other, 'close', 'house'), undefined);
      if (other.state === TaskState.approved) this.#move(other.id, stepOf(other, 'lock', 'house'), other.reviewer);
    }
  }
}
