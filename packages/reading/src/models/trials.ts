/**
 * Candidates against the champion, on cases of the site that are set aside for it: a list of approved versions that is frozen, so
 * that two models are measured on the same.
 */
import { modelSteps } from '../apps/project-apps.ts';
import { type Asker, house } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { eventBy, type Projects, wantLead } from '../room/projects.ts';
import { inProject } from '../room/room-act.ts';
import { caseById, changeAndTell, type RoomParts } from '../room/room-parts.ts';
import { type CaseDice, type GateVerdict, verdictOf } from './champion-gate.ts';
import type { ModelEntry, ModelShelf } from './model-shelf.ts';
import { modelSource, seriesSource, structuresOf } from './model-sources.ts';
import type { AskOptions, ModelWorker } from './model-worker.ts';
import type { ModelWork, WorkQueue } from './work-queue.ts';

/** What candidates are measured on. */
export interface ValidationSet {
  /** From 1; a set never changes, but for cases that are erased. */
  readonly number: number;
  readonly cases: readonly { readonly caseId: string; readonly version: string }[];
}

export interface Trial {
  readonly digest: string;
  /** The champion then; undefined if there was none. */
  readonly against: string | undefined;
  /** Of the validation set. */
  readonly number: number;
  readonly verdict: GateVerdict;
  readonly atMs: number;
}

interface EndedTrial {
  readonly candidate: ModelEntry;
  readonly champion: ModelEntry | undefined;
  readonly set: ValidationSet;
  readonly verdict: GateVerdict;
  readonly isPromoted: boolean;
}

export interface TrialTools {
  readonly shelf: ModelShelf;
  readonly queue: WorkQueue;
  readonly worker: ModelWorker;
  readonly projects: Projects;
  /** Something waits. */
  readonly wake: () => void;
}

export class Trials {
  readonly #parts: RoomParts;
  readonly #tools: TrialTools;

  constructor(parts: RoomParts, tools: TrialTools) {
    this.#parts = parts;
    this.#tools = tools;
  }

  /** Undefined before one was frozen. */
  validationSet(project: string): ValidationSet | undefined {
    const rows = this.#parts.database
      .prepare(
        `SELECT * FROM validation_case WHERE project = ?1
           AND number = (SELECT max(number) FROM validation_case WHERE project = ?1) ORDER BY case_id`,
      )
      .all(project);
    if (rows.length === 0) return undefined;
    const cases = rows.map((row) => ({ caseId: String(row['case_id']), version: String(row['version_id']) }));
    return { number: Number(rows[0]!['number']), cases };
  }

  /**
   * Sets cases aside with what was last approved of each. Whoever leads the project sees to it that no model is trained on them.
   * @throws ReadingError `reading.role-wanted`, `reading.approval-wanted` if one has no approved version
   */
  async freeze(asker: Asker, project: string, cases: readonly string[]): Promise<ValidationSet> {
    wantLead(asker);
    const { database } = this.#parts;
    return changeAndTell(this.#parts, () => {
      const number = (this.validationSet(project)?.number ?? 0) + 1;
      for (const caseId of new Set(cases)) {
        const row = database
          .prepare(
            `SELECT version.id FROM approval JOIN version ON version.id = version_id
             JOIN reading_case ON reading_case.id = version.case_id
             WHERE case_id = ? AND project = ? ORDER BY review_id DESC LIMIT 1`,
          )
          .get(caseId, project);
        if (row === undefined) {
          throw new ReadingError('reading.approval-wanted', 'A case that is set aside needs an approved label.');
        }
        database.prepare('INSERT INTO validation_case VALUES (?, ?, ?, ?)').run(project, number, caseId, row['id']!);
      }
      const facts = { number, cases: cases.length };
      return {
        value: this.validationSet(project)!,
        event: { ...eventBy(asker), kind: 'validation-frozen', project, facts },
      };
    });
  }

  /** Has a candidate measured. @throws ReadingError `reading.role-wanted`, `reading.model-unknown`, `reading.model-kind`, `reading.validation-wanted` */
  async ask(
    asker: Asker,
    project: string,
    { digest, priority }: { digest: string; priority: number },
  ): Promise<string> {
    wantLead(asker);
    const { kind } = this.#tools.shelf.get(project, digest);
    if (kind !== 'automatic') {
      throw new ReadingError('reading.model-kind', 'There is no trial yet for models that answer to prompts.');
    }
    if (this.validationSet(project) === undefined) throw validationWanted();
    const { clock } = this.#parts;
    const work = await changeAndTell(this.#parts, () => {
      const asked = { project, kind: 'trial', caseId: undefined, digest, priority, isNightly: false } as const;
      const value = this.#tools.queue.add(asked, clock.nowMs());
      return { value, event: { ...eventBy(asker), kind: 'trial-asked', project, facts: { digest } } };
    });
    this.#tools.wake();
    return work;
  }

  /** The latest first. */
  list(project: string): readonly Trial[] {
    return this.#parts.database
      .prepare('SELECT * FROM trial WHERE project = ? ORDER BY id DESC')
      .all(project)
      .map((row) => ({
        digest: String(row['digest']),
        against: row['against'] === null ? undefined : String(row['against']),
        number: Number(row['number']),
        verdict: JSON.parse(String(row['result'])) as GateVerdict,
        atMs: Number(row['at_ms']),
      }));
  }

  /** Measures one that was asked for; what was measured before it was interrupted is not measured again. */
  async perform({ digest, project }: ModelWork, { onProgress, ...options }: AskOptions): Promise<void> {
    const set = this.validationSet(project);
    if (set === undefined) throw validationWanted();
    const { shelf } = this.#tools;
    const candidate = shelf.get(project, digest);
    const champion = shelf.champion(project, 'automatic');
    const of = { candidate: [] as CaseDice[], champion: [] as CaseDice[] };
    for (const [done, one] of set.cases.entries()) {
      onProgress?.(done, set.cases.length);
      const dice = await this.#dice(candidate, one, options);
      of.candidate.push(dice);
      const other = champion && (await this.#dice(champion, one, options));
      // Without a champion it is measured against drawing nothing; both over the candidate's structures.
      of.champion.push(Object.fromEntries(Object.keys(dice).map((structure) => [structure, other?.[structure] ?? 0])));
    }
    const { protocol } = this.#tools.projects.protocol(project);
    const verdict = verdictOf(of.candidate, of.champion, protocol.models.gate);
    const isStill = shelf.champion(project, 'automatic')?.digest === champion?.digest;
    const isPromoted = verdict.isBetter && isStill && shelf.get(project, digest).state === 'candidate';
    const end = () => this.#end({ candidate, champion, set, verdict, isPromoted });
    const subjects = inProject(project, { kind: 'model', digest });
    if (!isPromoted) await end();
    else await this.#parts.record({ action: 'model.promoted', person: house.person, subjects }, end);
  }

  async #end({ candidate, champion, isPromoted, set, verdict }: EndedTrial): Promise<void> {
    const { digest, name, project } = candidate;
    await changeAndTell(this.#parts, () => {
      const { clock, database } = this.#parts;
      database
        .prepare(
          'INSERT INTO trial (project, digest, against, number, is_better, result, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          ...[project, digest, champion?.digest ?? null, set.number, Number(verdict.isBetter)],
          ...[JSON.stringify(verdict), clock.nowMs()],
        );
      if (isPromoted) this.#tools.shelf.crown(project, digest);
      const facts = { digest, name, reason: verdict.reason, mean: verdict.difference?.mean };
      const kind = isPromoted ? 'model-promoted' : 'trial-done';
      return { value: undefined, event: { ...eventBy(house), kind, project, facts } };
    });
  }

  async #dice(
    model: ModelEntry,
    { caseId, version }: ValidationSet['cases'][number],
    options: AskOptions,
  ): Promise<CaseDice> {
    const { commits, database, versions } = this.#parts;
    const { digest, project } = model;
    const known = database
      .prepare('SELECT dice FROM model_dice WHERE version_id = ? AND project = ? AND digest = ?')
      .get(version, project, digest);
    if (known !== undefined) return JSON.parse(String(known['dice'])) as CaseDice;
    const { protocol } = this.#tools.projects.protocol(project);
    const { dice } = await this.#tools.worker.ask(
      {
        ...{ kind: 'segment', model: modelSource(this.#tools.shelf, model), ...structuresOf(protocol) },
        series: seriesSource(this.#parts, caseById(this.#parts, caseId).seriesInstanceUid),
        steps: modelSteps(this.#parts, project, 'automatic'),
        against: { directory: versions.path, layers: versions.get(version).layers },
      },
      options,
    );
    await commits.run(() =>
      database
        .prepare('INSERT INTO model_dice VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
        .run(version, project, digest, JSON.stringify(dice)),
    );
    return dice!;
  }
}

function validationWanted(): ReadingError {
  return new ReadingError('reading.validation-wanted', 'Set cases aside first, on which models are measured.');
}
