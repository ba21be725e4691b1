/**
 * Candidates against the champion, on cases of the site that are set aside for it: a list of approved versions that is frozen, so
 * that two models are measured on the same.
 */
import { type Asker, house } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { eventBy, wantLead } from '../room/projects.ts';
import { inProject } from '../room/room-act.ts';
import { changeAndTell, type RoomParts } from '../room/room-parts.ts';
import { type CaseDice, type GateVerdict, verdictOf } from './champion-gate.ts';
import { type ClickCurve, type ClickDice, clickCurve } from './click-curve.ts';
import { type ClickEvaluation, Measurements, type MeasurementTools } from './measurements.ts';
import type { ModelEntry } from './model-shelf.ts';
import type { AskOptions } from './model-worker.ts';
import type { ModelWork, WorkQueue } from './work-queue.ts';

/** What candidates are measured on. */
export interface ValidationSet {
  /** From 1; a set never changes, but for cases that are erased. */
  readonly number: number;
  readonly cases: readonly { readonly caseId: string; readonly version: string }[];
}

/** With what came of clicks, if the candidate is clicked on. */
type TrialVerdict = GateVerdict & { readonly clicks?: ClickCurve };

export interface Trial {
  readonly digest: string;
  /** The champion then; undefined if there was none. */
  readonly against: string | undefined;
  /** Of the validation set. */
  readonly number: number;
  readonly verdict: TrialVerdict;
  readonly atMs: number;
}

interface EndedTrial {
  readonly candidate: ModelEntry;
  readonly champion: ModelEntry | undefined;
  readonly set: ValidationSet;
  readonly verdict: TrialVerdict;
  readonly isPromoted: boolean;
}

export interface TrialTools extends MeasurementTools {
  readonly queue: WorkQueue;
  /** Something waits. */
  readonly wake: () => void;
}

type MeasureOptions = AskOptions & { readonly clicks: readonly number[] };

/** Under this number stands what a model draws by itself. */
const noClicks = 0;

export class Trials {
  readonly #parts: RoomParts;
  readonly #tools: TrialTools;
  readonly #measurements: Measurements;

  constructor(parts: RoomParts, tools: TrialTools) {
    this.#parts = parts;
    this.#tools = tools;
    this.#measurements = new Measurements(parts, tools);
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

  /** Has a candidate measured. @throws ReadingError `reading.role-wanted`, `reading.model-unknown`, `reading.validation-wanted` */
  async ask(
    asker: Asker,
    project: string,
    { digest, priority }: { digest: string; priority: number },
  ): Promise<string> {
    wantLead(asker);
    this.#tools.shelf.get(project, digest);
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
        verdict: JSON.parse(String(row['result'])) as TrialVerdict,
        atMs: Number(row['at_ms']),
      }));
  }

  /** Measures one that was asked for; what was measured before it was interrupted is not measured again. */
  async perform({ digest, project }: ModelWork, { onProgress, ...options }: AskOptions): Promise<void> {
    const set = this.validationSet(project);
    if (set === undefined) throw validationWanted();
    const { shelf } = this.#tools;
    const candidate = shelf.get(project, digest);
    const { kind } = candidate;
    const champion = shelf.champion(project, kind);
    const { clicks, scored } = await this.#evaluation(candidate);
    const of = { candidate: [] as ClickDice[], champion: [] as ClickDice[] };
    for (const [done, one] of set.cases.entries()) {
      onProgress?.(done, set.cases.length);
      const measured = await this.#measure(candidate, one, { ...options, clicks });
      of.candidate.push(measured);
      const other = champion && (await this.#measure(champion, one, { ...options, clicks }));
      of.champion.push(alike(measured, other));
    }
    const { protocol } = this.#tools.projects.protocol(project);
    const after = (all: readonly ClickDice[]) => all.map((one) => one[scored]!);
    const found = verdictOf(after(of.candidate), after(of.champion), protocol.models.gate);
    const verdict =
      kind === 'automatic' ? found : { ...found, clicks: clickCurve(of.candidate, of.champion, { clicks, scored }) };
    const isStill = shelf.champion(project, kind)?.digest === champion?.digest;
    const isPromoted = verdict.isBetter && isStill && shelf.get(project, digest).state === 'candidate';
    const end = () => this.#end({ candidate, champion, set, verdict, isPromoted });
    const subjects = inProject(project, { kind: 'model', digest });
    if (!isPromoted) await end();
    else await this.#parts.record({ action: 'model.promoted', person: house.person, subjects }, end);
  }

  /** What the candidate's plan says is asked of both. */
  async #evaluation(candidate: ModelEntry): Promise<ClickEvaluation> {
    const { interactive } = await this.#tools.shelf.plan(candidate);
    return interactive?.evaluation ?? { clicks: [noClicks], scored: noClicks };
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

  /** On one case, after each of the numbers of clicks; a model that draws by itself is not clicked on. */
  async #measure(model: ModelEntry, of: ValidationSet['cases'][number], options: MeasureOptions): Promise<ClickDice> {
    const { clicks, ...asked } = options;
    return model.kind === 'interactive'
      ? this.#measurements.clicked(model, of, { ...asked, clicks })
      : { [noClicks]: await this.#measurements.drawn(model, of, asked) };
  }
}

/** Without a champion the measure is drawing nothing; a structure that the champion does not draw is not drawn by it. */
function alike(candidate: ClickDice, champion: ClickDice | undefined): ClickDice {
  const of = (count: string, dice: CaseDice) =>
    Object.fromEntries(Object.keys(dice).map((structure) => [structure, champion?.[count]?.[structure] ?? 0]));
  return Object.fromEntries(Object.entries(candidate).map(([count, dice]) => [count, of(count, dice)]));
}

function validationWanted(): ReadingError {
  return new ReadingError('reading.validation-wanted', 'Set cases aside first, on which models are measured.');
}
