/** What is read, and how: projects, the versions of their protocols, their cases and the tasks made of these. */
import { createHash, randomUUID } from 'node:crypto';
import { type Asker, mayIn } from '../asker.ts';
import { type Protocol, type ProtocolInput, protocolSchema } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import { inProject } from './room-act.ts';
import { changeAndTell, protocolOf, type RoomParts } from './room-parts.ts';

export interface ProjectEntry {
  readonly name: string;
  readonly protocolVersion: number;
  readonly title: string;
}

export interface NewCases {
  readonly series: readonly string[];
  /** Tasks a case; more than one are read independently of each other. */
  readonly readers: number;
  /** Whether readers of a case see nothing of each other. */
  readonly isBlinded: boolean;
  /** Persons in turn; without, from the pool. At most as many as `readers`. */
  readonly assignTo: readonly string[];
  readonly priority: number;
  readonly dueMs: number | undefined;
}

export interface CaseMade {
  readonly caseId: string;
  readonly seriesInstanceUid: string;
  readonly tasks: readonly string[];
}

/** The app that a protocol comes from. */
export interface AppliedApp {
  readonly name: string;
  readonly digest: string;
  /** JSON of its declaration. */
  readonly content: string;
  readonly code: { readonly path: string; readonly sha256: string } | undefined;
}

export class Projects {
  readonly #parts: RoomParts;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  list(asker: Asker): readonly ProjectEntry[] {
    return this.#parts.database
      .prepare(
        `SELECT project AS name, max(version) AS version, content FROM protocol GROUP BY project ORDER BY project`,
      )
      .all()
      .filter(({ name }) => mayIn(asker, String(name)))
      .map((row) => ({
        name: String(row['name']),
        protocolVersion: Number(row['version']),
        title: (JSON.parse(String(row['content'])) as Protocol).title,
      }));
  }

  /** The newest version, or one of them. @throws ReadingError `reading.project-unknown`, `reading.protocol-unknown` */
  protocol(project: string, version?: number): { readonly version: number; readonly protocol: Protocol } {
    const chosen = version ?? this.#newest(project);
    return { version: chosen, protocol: protocolOf(this.#parts, project, chosen) };
  }

  /** @throws ReadingError `reading.project-exists`, `reading.role-wanted` */
  create(asker: Asker, name: string, protocol: ProtocolInput, app?: AppliedApp): Promise<number> {
    wantLead(asker);
    const { database, clock } = this.#parts;
    return this.#recorded(asker, name, () => {
      if (database.prepare('SELECT 1 FROM project WHERE name = ?').get(name) !== undefined) {
        throw new ReadingError('reading.project-exists', 'There is a project of this name already.');
      }
      database.prepare('INSERT INTO project VALUES (?, ?)').run(name, clock.nowMs());
      return this.#addProtocol(asker, name, { version: 1, protocol: protocolSchema.parse(protocol), app });
    });
  }

  /** The next version of a protocol. Tasks that are there keep theirs. @throws as `create`, `reading.project-unknown` */
  revise(asker: Asker, project: string, protocol: ProtocolInput, app?: AppliedApp): Promise<number> {
    wantLead(asker);
    return this.#recorded(asker, project, () => {
      const version = this.#newest(project) + 1;
      return this.#addProtocol(asker, project, { version, protocol: protocolSchema.parse(protocol), app });
    });
  }

  /**
   * Makes a case of each series, and its tasks. A series that is a case already gets no second one: none is answered for it.
   * @throws ArchiveError `archive.series-unknown`; ReadingError `reading.series-unfit`, `reading.role-wanted`
   */
  async addCases(asker: Asker, project: string, wanted: NewCases): Promise<readonly CaseMade[]> {
    wantLead(asker);
    const { version } = this.protocol(project);
    if (wanted.assignTo.length > wanted.readers || new Set(wanted.assignTo).size < wanted.assignTo.length) {
      throw new ReadingError(
        'reading.assignment-wrong',
        'Name each person once, and at most as many as there are readers.',
      );
    }
    const volumes = await Promise.all(
      [...new Set(wanted.series)].map(async (uid) => ({ uid, ...(await this.#parts.volumes.open(uid)) })),
    );
    const { database, clock } = this.#parts;
    return changeAndTell(this.#parts, () => {
      const made: CaseMade[] = [];
      for (const { geometry, uid } of volumes) {
        const caseId = randomUUID();
        const { changes } = database
          .prepare('INSERT INTO reading_case VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
          .run(caseId, project, uid, JSON.stringify(geometry), clock.nowMs());
        if (changes === 0) continue;
        const group = wanted.isBlinded && wanted.readers > 1 ? 'first' : null;
        const tasks = Array.from({ length: wanted.readers }, (_, at) =>
          insertTask(this.#parts, {
            ...{ caseId, protocolVersion: version, role: 'read', group, reader: wanted.assignTo[at] },
            ...{ priority: wanted.priority, dueMs: wanted.dueMs, base: undefined },
          }),
        );
        made.push({ caseId, seriesInstanceUid: uid, tasks });
      }
      const event = { ...eventBy(asker), kind: 'cases-added', project, facts: { cases: made.length } };
      return { value: made, event };
    });
  }

  #recorded(asker: Asker, project: string, change: Parameters<typeof changeAndTell<number>>[1]): Promise<number> {
    const act = { action: 'protocol.changed', person: asker.person, subjects: inProject(project) } as const;
    return this.#parts.record(act, () => changeAndTell(this.#parts, change));
  }

  #newest(project: string): number {
    const row = this.#parts.database
      .prepare('SELECT max(version) AS version FROM protocol WHERE project = ?')
      .get(project);
    if (row?.['version'] === null || row === undefined) throw unknownProject();
    return Number(row['version']);
  }

  #addProtocol(
    asker: Asker,
    project: string,
    { app, protocol, version }: { protocol: Protocol; version: number; app: AppliedApp | undefined },
  ) {
    const content = canonicalJson(protocol);
    const sha256 = createHash('sha256').update(content).digest('hex');
    this.#parts.database
      .prepare('INSERT INTO protocol VALUES (?, ?, ?, ?, ?, ?)')
      .run(project, version, content, sha256, asker.person, this.#parts.clock.nowMs());
    const facts = app === undefined ? { version, sha256 } : { version, sha256, app: app.name, appDigest: app.digest };
    if (app !== undefined) {
      // Measured with what the app did around models before.
      this.#parts.database.prepare('DELETE FROM model_dice WHERE project = ?').run(project);
      this.#parts.database
        .prepare('INSERT INTO project_app VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(
          ...[project, version, app.name, app.digest, app.content],
          ...[app.code?.path ?? null, app.code?.sha256 ?? null],
        );
    }
    return { value: version, event: { ...eventBy(asker), kind: 'protocol', project, facts } };
  }
}

export interface NewTask {
  readonly caseId: string;
  readonly protocolVersion: number;
  readonly role: 'read' | 'adjudicate';
  readonly group: string | null;
  readonly reader: string | undefined;
  readonly priority: number;
  readonly dueMs: number | undefined;
  /** A version to begin with. */
  readonly base: string | undefined;
}

/** Within a transaction of the caller's. */
export function insertTask({ database, clock }: RoomParts, task: NewTask): string {
  const id = randomUUID();
  database
    .prepare(
      `INSERT INTO task (id, case_id, protocol_version, role, blinded_group, reader, is_pooled, state, priority, due_ms,
         base_version, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 'proposed', ?, ?, ?, ?)`,
    )
    .run(
      ...[id, task.caseId, task.protocolVersion, task.role, task.group, task.reader ?? null],
      ...[Number(task.reader === undefined), task.priority, task.dueMs ?? null, task.base ?? null, clock.nowMs()],
    );
  return id;
}

export function eventBy({ person }: Asker) {
  return { person, project: undefined, caseId: undefined, taskId: undefined };
}

/** @throws ReadingError `reading.role-wanted` */
export function wantLead({ roles }: Asker): void {
  if (!roles.includes('lead')) throw new ReadingError('reading.role-wanted', 'Only who leads the project may do this.');
}

export function unknownProject(): ReadingError {
  return new ReadingError('reading.project-unknown', 'There is no such project, or not for you.');
}
