/** What models have to do, in a table: it is there after a kill, and what was under way then is begun again. */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

type WorkState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export interface ModelWork {
  readonly id: string;
  readonly project: string;
  /** `propose`: a label for a case. `trial`: measure a candidate. */
  readonly kind: 'propose' | 'trial';
  /** Of a proposal. */
  readonly caseId: string | undefined;
  /** Of the model. */
  readonly digest: string;
  /** The larger the sooner. */
  readonly priority: number;
  /** Whether it waits for the night. */
  readonly isNightly: boolean;
  readonly state: WorkState;
  readonly attempts: number;
  /** Why it failed. */
  readonly code: string | undefined;
  readonly createdMs: number;
  readonly endedMs: number | undefined;
}

export type NewWork = Pick<ModelWork, 'project' | 'kind' | 'caseId' | 'digest' | 'priority' | 'isNightly'>;

/** What ends the process this often is not tried again. */
const attemptsMax = 3;

export class WorkQueue {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Within a transaction. The same work that waits or runs already is answered instead, with the higher priority. */
  add(work: NewWork, nowMs: number): string {
    const same = this.#database
      .prepare(
        `SELECT id FROM model_work WHERE project = ? AND kind = ? AND case_id IS ? AND digest = ?
           AND state IN ('waiting', 'running')`,
      )
      .get(work.project, work.kind, work.caseId ?? null, work.digest);
    if (same !== undefined) {
      this.#database
        .prepare('UPDATE model_work SET priority = max(priority, ?), is_nightly = min(is_nightly, ?) WHERE id = ?')
        .run(work.priority, Number(work.isNightly), same['id']!);
      return String(same['id']);
    }
    const id = randomUUID();
    this.#database
      .prepare(`INSERT INTO model_work VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, NULL, ?, NULL)`)
      .run(
        ...[id, work.project, work.kind, work.caseId ?? null, work.digest, work.priority],
        ...[Number(work.isNightly), nowMs],
      );
    return id;
  }

  get(project: string, id: string): ModelWork | undefined {
    const row = this.#database.prepare('SELECT * FROM model_work WHERE project = ? AND id = ?').get(project, id);
    return row && workOf(row);
  }

  /** Whatever its project; for the reading room's own work. */
  ofId(id: string): ModelWork | undefined {
    const row = this.#database.prepare('SELECT * FROM model_work WHERE id = ?').get(id);
    return row && workOf(row);
  }

  /** What runs, what waits in the order in which it is done, then what ended, the latest first. */
  list(project: string, limit: number): readonly ModelWork[] {
    return this.#database
      .prepare(
        `SELECT * FROM model_work WHERE project = ? ORDER BY state = 'running' DESC, state = 'waiting' DESC,
           CASE WHEN state = 'waiting' THEN priority END DESC, ifnull(-ended_ms, created_ms), rowid LIMIT ?`,
      )
      .all(project, limit)
      .map(workOf);
  }

  /** @param isNight whether what waits for the night of a project may be done. */
  next(isNight: (project: string) => boolean): ModelWork | undefined {
    return this.#waiting().find(({ isNightly, project }) => !isNightly || isNight(project));
  }

  hasWaiting(): boolean {
    return this.#waiting().length > 0;
  }

  /** Within a transaction. */
  begin(id: string): void {
    this.#database.prepare(`UPDATE model_work SET state = 'running', attempts = attempts + 1 WHERE id = ?`).run(id);
  }

  /** Within a transaction; what has ended stays so. */
  end(id: string, state: 'done' | 'failed' | 'cancelled', { code, nowMs }: { code?: string; nowMs: number }): boolean {
    const { changes } = this.#database
      .prepare(
        `UPDATE model_work SET state = ?, code = ?, ended_ms = ? WHERE id = ? AND state IN ('waiting', 'running')`,
      )
      .run(state, code ?? null, nowMs, id);
    return changes > 0;
  }

  /** Within a transaction, when opened: what ran when the process ended waits again, unless it may be what ended it. */
  recover(nowMs: number): void {
    this.#database
      .prepare(
        `UPDATE model_work SET state = 'failed', code = 'reading.model-crashed', ended_ms = ?
         WHERE state = 'running' AND attempts >= ?`,
      )
      .run(nowMs, attemptsMax);
    this.#database.exec(`UPDATE model_work SET state = 'waiting' WHERE state = 'running'`);
  }

  #waiting(): readonly ModelWork[] {
    return this.#database
      .prepare(`SELECT * FROM model_work WHERE state = 'waiting' ORDER BY priority DESC, created_ms, rowid`)
      .all()
      .map(workOf);
  }
}

function workOf(row: Record<string, unknown>): ModelWork {
  return {
    id: String(row['id']),
    project: String(row['project']),
    kind: String(row['kind']) as ModelWork['kind'],
    caseId: row['case_id'] === null ? undefined : String(row['case_id']),
    digest: String(row['digest']),
    priority: Number(row['priority']),
    isNightly: row['is_nightly'] === 1,
    state: String(row['state']) as WorkState,
    attempts: Number(row['attempts']),
    code: row['code'] === null ? undefined : String(row['code']),
    createdMs: Number(row['created_ms']),
    endedMs: row['ended_ms'] === null ? undefined : Number(row['ended_ms']),
  };
}
