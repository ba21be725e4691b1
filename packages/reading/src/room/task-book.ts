/** Tasks as they stand, for whoever may see them. */
import type { Asker } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { rowsFor } from '../store/rows-for.ts';
import { taskIsOffered, taskIsVisible } from '../store/sight.ts';
import { type Mover, type TaskAction, TaskState, transitionOf } from '../workflow/task-state.ts';
import type { ReadingCase, RoomParts } from './room-parts.ts';

export interface Task {
  readonly id: string;
  readonly caseId: string;
  readonly project: string;
  readonly seriesInstanceUid: string;
  readonly geometry: ReadingCase['geometry'];
  readonly protocolVersion: number;
  readonly role: 'read' | 'adjudicate';
  readonly blindedGroup: string | undefined;
  readonly reader: string | undefined;
  readonly reviewer: string | undefined;
  readonly state: TaskState;
  readonly priority: number;
  readonly dueMs: number | undefined;
  readonly baseVersion: string | undefined;
  readonly headVersion: string | undefined;
  readonly leaseId: string | undefined;
  readonly leaseUntilMs: number | undefined;
  readonly createdMs: number;
}

const taskSql = `SELECT task.*, project, SeriesInstanceUID, geometry
  FROM task JOIN reading_case ON reading_case.id = task.case_id`;

/** The most urgent first: what is under way, then by priority, by date, by age. */
const byUrgency = `ORDER BY task.state IN ('in-progress', 'changes-asked') DESC, priority DESC,
  due_ms IS NULL, due_ms, task.created_ms, task.id`;

/** Of a project, cases that are equally urgent, in the order in which they are offered. */
export type CaseOrder = (project: string, cases: readonly string[]) => readonly string[];

export class TaskBook {
  readonly #parts: RoomParts;
  readonly #orderOf: CaseOrder;

  constructor(parts: RoomParts, orderOf: CaseOrder) {
    this.#parts = parts;
    this.#orderOf = orderOf;
  }

  list(
    asker: Asker,
    project: string,
    { limit = 1000, offset = 0, state }: { state?: TaskState; limit?: number; offset?: number } = {},
  ): readonly Task[] {
    const sql = `${taskSql} WHERE project = :project AND state = ifnull(:state, state) AND ${taskIsVisible}
      ${byUrgency} LIMIT :limit OFFSET :offset`;
    const named = { ':project': project, ':state': state ?? null, ':limit': limit, ':offset': offset };
    return rowsFor(this.#parts, sql, asker, named).map(taskOf);
  }

  /** @throws ReadingError `reading.task-unknown` also for those that are not the asker's to see */
  get(asker: Asker, project: string, id: string): Task {
    const sql = `${taskSql} WHERE project = :project AND task.id = :id AND ${taskIsVisible}`;
    const row = rowsFor(this.#parts, sql, asker, { ':project': project, ':id': id })[0];
    if (row === undefined) {
      throw new ReadingError('reading.task-unknown', 'The project has no such task, or not for you.');
    }
    return taskOf(row);
  }

  /** Whatever the asker; for the reading room's own work. */
  known(id: string): Task {
    return taskOf(this.#parts.database.prepare(`${taskSql} WHERE task.id = ?`).get(id)!);
  }

  ofCase(caseId: string): readonly Task[] {
    return this.#parts.database
      .prepare(`${taskSql} WHERE case_id = ? ORDER BY task.created_ms, task.id`)
      .all(caseId)
      .map(taskOf);
  }

  /**
   * What the asker should read now: the own that is to be drawn on, or the first that is free. Between those of one priority and
   * one due date it is the project's to say.
   */
  next(asker: Asker, project: string): Task | undefined {
    const sql = `${taskSql} WHERE project = :project AND state IN ('proposed', 'in-progress', 'changes-asked')
      AND ${taskIsOffered} ${byUrgency}`;
    const offered = rowsFor(this.#parts, sql, asker, { ':project': project }).map(taskOf);
    const [first] = offered;
    if (first === undefined || first.state !== TaskState.proposed) return first;
    const alike = offered.filter(({ dueMs, priority }) => dueMs === first.dueMs && priority === first.priority);
    const [chosen] = this.#orderOf(project, [...new Set(alike.map(({ caseId }) => caseId))]);
    return alike.find(({ caseId }) => caseId === chosen) ?? first;
  }
}

/**
 * The state to which an action leads.
 * @throws ReadingError `reading.state-wrong` if there is no such step, `reading.not-yours` if it is another's to take
 */
export function stepOf({ state }: Pick<Task, 'state'>, action: TaskAction, mover: Mover): TaskState {
  const step = transitionOf(state, action);
  if (step === undefined) {
    if (action === 'submit' && state !== 'proposed') {
      throw new ReadingError(
        'reading.submitted-already',
        'The task was submitted already. To change it, withdraw it first.',
      );
    }
    throw new ReadingError('reading.state-wrong', `A task that is ${state} cannot be moved so. Load it again.`);
  }
  if (!step.by.includes(mover)) throw notYours();
  return step.to;
}

export function notYours(): ReadingError {
  return new ReadingError('reading.not-yours', 'The task is another person’s.');
}

function taskOf(row: Record<string, unknown>): Task {
  const text = (name: string) => (row[name] === null ? undefined : String(row[name]));
  const number = (name: string) => (row[name] === null ? undefined : Number(row[name]));
  return {
    id: String(row['id']),
    caseId: String(row['case_id']),
    project: String(row['project']),
    seriesInstanceUid: String(row['SeriesInstanceUID']),
    geometry: JSON.parse(String(row['geometry'])) as Task['geometry'],
    protocolVersion: Number(row['protocol_version']),
    role: String(row['role']) as Task['role'],
    blindedGroup: text('blinded_group'),
    reader: text('reader'),
    reviewer: text('reviewer'),
    state: String(row['state']) as TaskState,
    priority: Number(row['priority']),
    dueMs: number('due_ms'),
    baseVersion: text('base_version'),
    headVersion: text('head_version'),
    leaseId: text('lease_id'),
    leaseUntilMs: number('lease_until_ms'),
    createdMs: Number(row['created_ms']),
  };
}
