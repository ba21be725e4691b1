/** Labels by models, with which drawing begins: asked for, made one after the other, kept with how sure the model was. */
import { modelSteps } from '../apps/project-apps.ts';
import type { Asker } from '../asker.ts';
import { house } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { eventBy, type Projects, wantLead } from '../room/projects.ts';
import { caseById, changeAndTell, protocolOf, type RoomParts, unknownCase } from '../room/room-parts.ts';
import { rowsFor } from '../store/rows-for.ts';
import { taskIsVisible, versionIsVisible } from '../store/sight.ts';
import type { Version } from '../store/version-store.ts';
import type { ModelEntry, ModelShelf } from './model-shelf.ts';
import { modelSource, seriesSource, structuresOf } from './model-sources.ts';
import type { Segmented, Uncertainty } from './model-tasks.ts';
import type { AskOptions, ModelWorker } from './model-worker.ts';
import type { ModelWork, WorkQueue } from './work-queue.ts';

export interface NewProposals {
  /** Without: all that nobody has begun, and for which the model has proposed nothing yet. */
  readonly cases?: readonly string[];
  /** Without: the champion. */
  readonly digest?: string;
  readonly priority: number;
  /** Whether they wait for the night. */
  readonly isNightly: boolean;
}

export interface ProposalEntry {
  readonly version: string;
  readonly caseId: string;
  /** Of the model. */
  readonly digest: string;
  readonly uncertainty: Uncertainty;
  /** 1 less the mean Dice with what the model before proposed; undefined if there was none. */
  readonly disagreement: number | undefined;
  readonly createdMs: number;
}

export interface ProposalTools {
  readonly shelf: ModelShelf;
  readonly queue: WorkQueue;
  readonly worker: ModelWorker;
  readonly projects: Projects;
  /** Something waits. */
  readonly wake: () => void;
}

export class Proposals {
  readonly #parts: RoomParts;
  readonly #tools: ProposalTools;

  constructor(parts: RoomParts, tools: ProposalTools) {
    this.#parts = parts;
    this.#tools = tools;
  }

  /**
   * Has proposals made.
   * @returns the work, which `work` of the models tells of.
   * @throws ReadingError `reading.role-wanted`, `reading.model-wanted`, `reading.model-unknown`, `reading.case-unknown`
   */
  async ask(asker: Asker, project: string, wanted: NewProposals): Promise<readonly string[]> {
    wantLead(asker);
    const { digest } = this.#model(project, wanted.digest);
    const cases = wanted.cases ?? this.#casesWithout(project, digest);
    return this.#add(asker, project, { ...wanted, cases, digest });
  }

  /**
   * Has a proposal made for a case in which the asker has anything to do; at once, before all others. Done already, nothing is
   * made anew.
   */
  async askFor(
    asker: Asker,
    project: string,
    { caseId, digest }: { caseId: string; digest?: string },
  ): Promise<{ readonly kind: 'there'; readonly version: string } | { readonly kind: 'asked'; readonly work: string }> {
    this.#checkSight(asker, project, caseId);
    const model = this.#model(project, digest);
    const there = this.ofCase(caseId).find((one) => one.digest === model.digest);
    if (there !== undefined) return { kind: 'there', version: there.version };
    const wanted = { cases: [caseId], digest: model.digest, priority: urgent, isNightly: false };
    const [work] = await this.#add(asker, project, wanted);
    return { kind: 'asked', work: work! };
  }

  /** Of a case, the newest first; for the reading room's own work. */
  ofCase(caseId: string): readonly ProposalEntry[] {
    return this.#parts.database
      .prepare('SELECT * FROM proposal WHERE case_id = ? ORDER BY created_ms DESC, rowid DESC')
      .all(caseId)
      .map(entryOf);
  }

  /** @throws ReadingError `reading.version-unknown` unless it is a proposal that the asker may see */
  get(asker: Asker, project: string, version: string): ProposalEntry {
    return entryOf(this.#row(asker, project, version));
  }

  /** Runs of a map of how unsure the model was, 0 to 255. @throws as `get` */
  heat(asker: Asker, project: string, version: string): Promise<Uint8Array> {
    return this.#parts.versions.runs(String(this.#row(asker, project, version)['heat']));
  }

  /** Makes one that was asked for. */
  async perform({ caseId, digest, project }: ModelWork, options: AskOptions): Promise<void> {
    const { database, versions } = this.#parts;
    const { projects, shelf, worker } = this.#tools;
    const model = shelf.get(project, digest);
    const { protocol, version: protocolVersion } = projects.protocol(project);
    const { seriesInstanceUid } = caseById(this.#parts, caseId!);
    const before = this.ofCase(caseId!).find((one) => one.digest !== digest);
    const against = before && { directory: versions.path, layers: versions.get(before.version).layers };
    const made = await worker.ask(
      {
        ...{ kind: 'segment', model: modelSource(shelf, model), against, ...structuresOf(protocol) },
        series: seriesSource(this.#parts, seriesInstanceUid),
        steps: modelSteps(this.#parts, project, 'automatic'),
      },
      options,
    );
    const heat = await versions.keep(made.heat);
    const content = await versions.prepareRuns(
      {
        ...{ project, caseId: caseId!, protocolVersion, kind: 'proposal', parents: [], taskId: undefined, form: {} },
        ...{ seriesInstanceUid, person: house.person, role: 'model' },
        provenance: { models: [{ name: model.name, digest }] },
      },
      made.layers,
    );
    await changeAndTell(this.#parts, () => {
      const nowMs = this.#parts.clock.nowMs();
      versions.insert(content, nowMs);
      database
        .prepare('INSERT INTO proposal VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
        .run(
          ...[content.id, caseId!, digest, JSON.stringify(made.uncertainty), heat],
          ...[JSON.stringify(made.descriptors), disagreementOf(made), nowMs],
        );
      // Of a model that is not the champion a proposal is there to be looked at, no more.
      if (shelf.get(project, digest).state === 'champion') beginWith(this.#parts, content);
      const facts = { version: content.id, model: { name: model.name, digest }, uncertainty: made.uncertainty.case };
      return { value: undefined, event: { ...eventBy(house), kind: 'proposed', project, caseId, facts } };
    });
  }

  #model(project: string, digest: string | undefined): ModelEntry {
    const model =
      digest === undefined ? this.#tools.shelf.champion(project, 'automatic') : this.#tools.shelf.get(project, digest);
    if (model === undefined) throw modelWanted();
    if (model.kind !== 'automatic') {
      throw new ReadingError('reading.model-kind', 'The model answers to prompts; it draws nothing by itself.');
    }
    return model;
  }

  async #add(
    asker: Asker,
    project: string,
    { cases, digest, isNightly, priority }: Required<NewProposals>,
  ): Promise<readonly string[]> {
    const { clock, database } = this.#parts;
    const works = await changeAndTell(this.#parts, () => {
      const known = database.prepare('SELECT 1 FROM reading_case WHERE id = ? AND project = ?');
      const value = cases.map((caseId) => {
        if (known.get(caseId, project) === undefined) throw unknownCase();
        const work = { project, kind: 'propose', caseId, digest, priority, isNightly } as const;
        return this.#tools.queue.add(work, clock.nowMs());
      });
      const facts = { digest, cases: cases.length, isNightly };
      return { value, event: { ...eventBy(asker), kind: 'proposals-asked', project, facts } };
    });
    this.#tools.wake();
    return works;
  }

  #casesWithout(project: string, digest: string): readonly string[] {
    return this.#parts.database
      .prepare(
        `SELECT id FROM reading_case WHERE project = ? AND EXISTS
           (SELECT 1 FROM task WHERE case_id = reading_case.id AND role = 'read' AND state = 'proposed')
         AND NOT EXISTS (SELECT 1 FROM proposal WHERE case_id = reading_case.id AND digest = ?)
         ORDER BY created_ms, id`,
      )
      .all(project, digest)
      .map(({ id }) => String(id));
  }

  #checkSight(asker: Asker, project: string, caseId: string): void {
    const sql = `SELECT 1 FROM task JOIN reading_case ON reading_case.id = task.case_id
      WHERE case_id = :case AND project = :project AND ${taskIsVisible}`;
    if (rowsFor(this.#parts, sql, asker, { ':case': caseId, ':project': project }).length === 0) throw unknownCase();
  }

  #row(asker: Asker, project: string, version: string): Record<string, unknown> {
    const sql = `SELECT proposal.* FROM proposal JOIN version ON version.id = version_id
      JOIN reading_case ON reading_case.id = version.case_id
      WHERE version_id = :version AND project = :project AND ${versionIsVisible}`;
    const row = rowsFor(this.#parts, sql, asker, { ':version': version, ':project': project })[0];
    if (row === undefined) {
      throw new ReadingError('reading.version-unknown', 'The project has no such proposal, or not for you.');
    }
    return row;
  }
}

/** Before all that is asked for by the project. */
const urgent = 1000;

/**
 * Within a transaction: drawing begins with the version, for tasks that nobody has begun. A task of a protocol with other
 * structures or layers could not be drawn on it, and is left as it is.
 */
export function beginWith(
  parts: Pick<RoomParts, 'database'>,
  { caseId, id, project, protocolVersion }: Pick<Version, 'caseId' | 'id' | 'project' | 'protocolVersion'>,
): void {
  const drawnBy = (version: number): string =>
    protocolOf(parts, project, version)
      .structures.map(({ layer, number }) => `${number} in ${layer}`)
      .join();
  const tasks = parts.database
    .prepare("SELECT id, protocol_version FROM task WHERE case_id = ? AND state = 'proposed' AND role = 'read'")
    .all(caseId);
  for (const task of tasks) {
    if (drawnBy(Number(task['protocol_version'])) !== drawnBy(protocolVersion)) continue;
    parts.database.prepare('UPDATE task SET base_version = ? WHERE id = ?').run(id, task['id']!);
  }
}

function modelWanted(): ReadingError {
  return new ReadingError('reading.model-wanted', 'The project has no model that is good enough for this yet.');
}

function disagreementOf({ dice }: Segmented): number | null {
  const values = Object.values(dice ?? {});
  return values.length === 0 ? null : 1 - values.reduce((sum, value) => sum + value, 0) / values.length;
}

function entryOf(row: Record<string, unknown>): ProposalEntry {
  return {
    version: String(row['version_id']),
    caseId: String(row['case_id']),
    digest: String(row['digest']),
    uncertainty: JSON.parse(String(row['uncertainty'])) as Uncertainty,
    disagreement: row['disagreement'] === null ? undefined : Number(row['disagreement']),
    createdMs: Number(row['created_ms']),
  };
}
