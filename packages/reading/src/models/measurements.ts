/** How good a model is on a version that was approved: measured once, and kept. */
import type { InteractiveSpec } from '@consilium/training';
import { modelSteps } from '../apps/project-apps.ts';
import type { Projects } from '../room/projects.ts';
import { caseById, type RoomParts } from '../room/room-parts.ts';
import type { CaseDice } from './champion-gate.ts';
import type { ClickDice } from './click-curve.ts';
import type { ModelEntry, ModelShelf } from './model-shelf.ts';
import { modelSource, seriesSource, structuresOf } from './model-sources.ts';
import type { AskOptions, ModelWorker } from './model-worker.ts';

export interface MeasurementTools {
  readonly shelf: ModelShelf;
  readonly worker: ModelWorker;
  readonly projects: Projects;
}

interface ApprovedCase {
  readonly caseId: string;
  readonly version: string;
}

/** After how many clicks; as a candidate's plan says, so that both of a trial are asked the same. */
export type ClickEvaluation = InteractiveSpec['evaluation'];

export class Measurements {
  readonly #parts: RoomParts;
  readonly #tools: MeasurementTools;

  constructor(parts: RoomParts, tools: MeasurementTools) {
    this.#parts = parts;
    this.#tools = tools;
  }

  /** Of a model that draws by itself. */
  async drawn(model: ModelEntry, of: ApprovedCase, options: AskOptions): Promise<CaseDice> {
    const { commits, database } = this.#parts;
    const { digest, project } = model;
    const known = database
      .prepare('SELECT dice FROM model_dice WHERE version_id = ? AND project = ? AND digest = ?')
      .get(of.version, project, digest);
    if (known !== undefined) return JSON.parse(String(known['dice'])) as CaseDice;
    const { dice } = await this.#tools.worker.ask({ kind: 'segment', ...this.#task(model, of) }, options);
    await commits.run(() =>
      database
        .prepare('INSERT INTO model_dice VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
        .run(of.version, project, digest, JSON.stringify(dice)),
    );
    return dice!;
  }

  /** Of a model that answers to clicks: a simulated reader's, with nothing drawn at first. */
  async clicked(
    model: ModelEntry,
    of: ApprovedCase,
    { clicks, ...options }: AskOptions & { readonly clicks: readonly number[] },
  ): Promise<ClickDice> {
    const { commits, database } = this.#parts;
    const { digest, project } = model;
    const rows = database
      .prepare('SELECT clicks, dice FROM model_click_dice WHERE version_id = ? AND project = ? AND digest = ?')
      .all(of.version, project, digest);
    const known = new Map(rows.map((row) => [Number(row['clicks']), JSON.parse(String(row['dice'])) as CaseDice]));
    if (clicks.every((count) => known.has(count))) {
      return Object.fromEntries(clicks.map((count) => [count, known.get(count)!]));
    }
    const found = await this.#tools.worker.ask({ kind: 'click', clicks, ...this.#task(model, of) }, options);
    await commits.run(() => {
      const insert = database.prepare('INSERT INTO model_click_dice VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
      for (const count of clicks) insert.run(of.version, project, digest, count, JSON.stringify(found[count]));
    });
    return found;
  }

  #task(model: ModelEntry, { caseId, version }: ApprovedCase) {
    const { versions } = this.#parts;
    const { projects, shelf } = this.#tools;
    return {
      ...{ model: modelSource(shelf, model), ...structuresOf(projects.protocol(model.project).protocol) },
      series: seriesSource(this.#parts, caseById(this.#parts, caseId).seriesInstanceUid),
      steps: modelSteps(this.#parts, model.project, model.kind),
      against: { directory: versions.path, layers: versions.get(version).layers },
    };
  }
}
