/**
 * The models of a project: bundles as training makes them, named by their content. One of each kind is the champion, which
 * proposes; others wait to be measured against it, or were retired.
 */
import { createHash } from 'node:crypto';
import type { ContentDirectory } from '@consilium/archive';
import { type Bundle, bundleFiles, decodeBundle, type Plan, parsePlan, TrainingError } from '@consilium/training';
import { modelClasses } from '../apps/project-apps.ts';
import type { Asker } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { eventBy, wantLead } from '../room/projects.ts';
import { inProject } from '../room/room-act.ts';
import { changeAndTell, protocolOf, type RoomParts } from '../room/room-parts.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import { type StructureOfClass, structuresOfClasses } from './class-mapping.ts';

/** `interactive` answers to prompts, `automatic` draws by itself. */
export type ModelKind = 'automatic' | 'interactive';
type ModelState = 'candidate' | 'champion' | 'retired';

/** Where a model comes from; empty if nobody said. */
interface ModelOrigin {
  readonly job?: string;
  readonly round?: number;
}

export interface ModelEntry {
  readonly project: string;
  /** SHA-256, hexadecimal, of the list of its files with theirs: its version. */
  readonly digest: string;
  readonly name: string;
  readonly kind: ModelKind;
  readonly state: ModelState;
  readonly structures: StructureOfClass;
  readonly origin: ModelOrigin;
  /** SHA-256 by file. */
  readonly files: Readonly<Record<string, string>>;
  /** Who put it there. */
  readonly person: string;
  readonly putMs: number;
  readonly promotedMs: number | undefined;
}

export interface NewModel {
  readonly name: string;
  readonly kind: ModelKind;
  /** By name; see `bundle.ts` of training. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Number of the structure by class name, where names are not alike; null for a class that is not drawn. */
  readonly structures?: Readonly<Record<string, number | null>>;
  readonly origin?: ModelOrigin;
}

/** What networks that answer to prompts see: image, clicks inside, clicks outside, what is drawn. */
const promptChannels = 4;

export class ModelShelf {
  readonly #parts: RoomParts;
  readonly #blobs: ContentDirectory;

  constructor(parts: RoomParts, blobs: ContentDirectory) {
    this.#parts = parts;
    this.#blobs = blobs;
  }

  /** Where the files lie. */
  get path(): string {
    return this.#blobs.path;
  }

  /** Champions first, then the newest. */
  list(project: string): readonly ModelEntry[] {
    return this.#parts.database
      .prepare(`SELECT * FROM model WHERE project = ? ORDER BY state <> 'champion', put_ms DESC, digest`)
      .all(project)
      .map(entryOf);
  }

  /** @throws ReadingError `reading.model-unknown` */
  get(project: string, digest: string): ModelEntry {
    const row = this.#parts.database
      .prepare('SELECT * FROM model WHERE project = ? AND digest = ?')
      .get(project, digest);
    if (row === undefined) throw new ReadingError('reading.model-unknown', 'The project has no such model.');
    return entryOf(row);
  }

  champion(project: string, kind: ModelKind): ModelEntry | undefined {
    const row = this.#parts.database
      .prepare(`SELECT * FROM model WHERE project = ? AND kind = ? AND state = 'champion'`)
      .get(project, kind);
    return row && entryOf(row);
  }

  /** @throws ArchiveError `archive.instance-damaged` */
  async files({ files }: Pick<ModelEntry, 'files'>): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (const [name, sha256] of Object.entries(files)) found.set(name, new Uint8Array(await this.#blobs.get(sha256)));
    return found;
  }

  /**
   * Puts a model on the shelf as a candidate. One that is there already is answered as it is; one that was retired is a
   * candidate again.
   * @throws ReadingError `reading.model-malformed`, `reading.model-structures`, `reading.role-wanted`; then nothing changed.
   */
  async put(asker: Asker, project: string, model: NewModel): Promise<ModelEntry> {
    wantLead(asker);
    const { plan } = readBundle(model);
    const protocol = this.#newestProtocol(project);
    const said = model.structures ?? modelClasses(this.#parts, project, { classes: plan.classes, protocol });
    const structures = structuresOfClasses(plan.classes, protocol, said);
    const files: Record<string, string> = {};
    for (const name of Object.values(bundleFiles)) files[name] = await this.#blobs.put(model.files.get(name)!);
    const digest = createHash('sha256').update(canonicalJson(files)).digest('hex');
    const { clock, database } = this.#parts;
    return this.#recorded(asker, { action: 'model.put', project, digest }, () => {
      const { changes } = database
        .prepare(
          `INSERT INTO model VALUES (?, ?, ?, ?, 'candidate', ?, ?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE
           SET state = 'candidate', name = excluded.name, structures = excluded.structures WHERE state = 'retired'`,
        )
        .run(
          ...[project, digest, model.name, model.kind, JSON.stringify(files), JSON.stringify(structures)],
          ...[JSON.stringify(model.origin ?? {}), asker.person, clock.nowMs()],
        );
      const facts = { digest, name: model.name, kind: model.kind };
      return {
        value: this.get(project, digest),
        event: changes === 0 ? undefined : { ...eventBy(asker), kind: 'model-put', project, facts },
      };
    });
  }

  /** Proposes no more. Tasks that began with it keep what it drew. @throws ReadingError `reading.model-unknown`, `reading.role-wanted` */
  async retire(asker: Asker, project: string, digest: string): Promise<void> {
    wantLead(asker);
    this.get(project, digest);
    await this.#recorded(asker, { action: 'model.retired', project, digest }, () => {
      const { kind, name } = this.get(project, digest);
      this.#parts.database
        .prepare(`UPDATE model SET state = 'retired' WHERE project = ? AND digest = ?`)
        .run(project, digest);
      return {
        value: undefined,
        event: { ...eventBy(asker), kind: 'model-retired', project, facts: { digest, name, kind } },
      };
    });
  }

  /** How it was trained, and is judged. @throws ArchiveError `archive.instance-damaged` */
  async plan({ files }: Pick<ModelEntry, 'files'>): Promise<Plan> {
    return parsePlan(JSON.parse(new TextDecoder().decode(await this.#blobs.get(files[bundleFiles.plan]!))));
  }

  /**
   * Makes an interactive model the champion because a person says so, as long as there is nothing to measure it on.
   * @throws ReadingError `reading.trial-wanted` for an automatic one, or if cases are set aside; `reading.model-unknown`,
   * `reading.role-wanted`
   */
  async promote(asker: Asker, project: string, digest: string): Promise<void> {
    wantLead(asker);
    const { kind, name } = this.get(project, digest);
    if (kind === 'automatic') {
      throw new ReadingError('reading.trial-wanted', 'A model that draws by itself has to be better in a trial.');
    }
    if (this.#parts.database.prepare('SELECT 1 FROM validation_case WHERE project = ?').get(project) !== undefined) {
      const message = 'Cases are set aside to measure models on: the model has to be better in a trial.';
      throw new ReadingError('reading.trial-wanted', message);
    }
    await this.#recorded(asker, { action: 'model.promoted', project, digest }, () => {
      this.crown(project, digest);
      return {
        value: undefined,
        event: { ...eventBy(asker), kind: 'model-promoted', project, facts: { digest, name, kind } },
      };
    });
  }

  /** Within a transaction: the one that was the champion is retired. */
  crown(project: string, digest: string): void {
    const { clock, database } = this.#parts;
    database
      .prepare(
        `UPDATE model SET state = 'retired' WHERE project = ?1 AND state = 'champion' AND digest <> ?2
           AND kind = (SELECT kind FROM model WHERE project = ?1 AND digest = ?2)`,
      )
      .run(project, digest);
    database
      .prepare(`UPDATE model SET state = 'champion', promoted_ms = ? WHERE project = ? AND digest = ?`)
      .run(clock.nowMs(), project, digest);
  }

  #recorded<T>(
    { person }: Asker,
    {
      action,
      digest,
      project,
    }: { action: 'model.put' | 'model.promoted' | 'model.retired'; project: string; digest: string },
    change: Parameters<typeof changeAndTell<T>>[1],
  ): Promise<T> {
    const act = { action, person, subjects: inProject(project, { kind: 'model', digest }) };
    return this.#parts.record(act, () => changeAndTell(this.#parts, change));
  }

  /** Removes what a crash left of files that no model has. */
  async sweep(): Promise<void> {
    const used = new Set<string>();
    for (const { files } of this.#parts.database.prepare('SELECT files FROM model').iterate()) {
      for (const sha256 of Object.values(JSON.parse(String(files)) as ModelEntry['files'])) used.add(sha256);
    }
    await this.#blobs.sweep((sha256) => used.has(sha256));
  }

  #newestProtocol(project: string) {
    const row = this.#parts.database
      .prepare('SELECT max(version) AS version FROM protocol WHERE project = ?')
      .get(project);
    return protocolOf(this.#parts, project, Number(row?.['version']));
  }
}

/** @throws ReadingError `reading.model-malformed` */
function readBundle({ files, kind }: NewModel): Bundle {
  let bundle: Bundle;
  try {
    bundle = decodeBundle(files);
  } catch (cause) {
    if (!(cause instanceof TrainingError)) throw cause;
    throw new ReadingError('reading.model-malformed', cause.message, { cause });
  }
  const isInteractive = bundle.plan.interactive !== undefined;
  const channels = bundle.model.graph.inputs.find(({ name }) => name === 'image')?.shape[1];
  const wanted = kind === 'interactive' ? promptChannels : 1;
  if (
    isInteractive !== (kind === 'interactive') ||
    channels !== wanted ||
    !bundle.model.graph.outputs.some(({ name }) => name === 'logits')
  ) {
    const message = `The model does not take what a model of its kind is given: ${wanted} channels of an image.`;
    throw new ReadingError('reading.model-malformed', message);
  }
  return bundle;
}

function entryOf(row: Record<string, unknown>): ModelEntry {
  const parsed = (name: string) => JSON.parse(String(row[name]));
  return {
    project: String(row['project']),
    digest: String(row['digest']),
    name: String(row['name']),
    kind: String(row['kind']) as ModelKind,
    state: String(row['state']) as ModelState,
    structures: parsed('structures') as StructureOfClass,
    origin: parsed('origin') as ModelOrigin,
    files: parsed('files') as ModelEntry['files'],
    person: String(row['person']),
    putMs: Number(row['put_ms']),
    promotedMs: row['promoted_ms'] === null ? undefined : Number(row['promoted_ms']),
  };
}
