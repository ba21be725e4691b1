/**
 * Labels that were kept: each never changes and is named by the digest of its content, which names the voxels by theirs. The
 * voxels lie as runs in files, flushed before the version is listed.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ContentDirectory } from '@consilium/archive';
import { type Geometry, voxelCount } from '@consilium/imaging';
import type { ReaderPerformance } from '../agreement/consensus.ts';
import type { Asker } from '../asker.ts';
import type { FormAnswers } from '../contract/protocol-schema.ts';
import type { StructureEdits } from '../label/label-edits.ts';
import { decodeRuns, encodeRuns } from '../label/run-length.ts';
import type { ActiveTime } from '../workflow/active-time.ts';
import { canonicalJson } from './canonical-json.ts';
import { rowsFor } from './rows-for.ts';
import { versionIsVisible } from './sight.ts';

export type VersionKind = 'proposal' | 'drawn' | 'import' | 'merge' | 'consensus';

/** A model that drew, or helped. */
export interface ModelName {
  readonly name: string;
  /** SHA-256 of its file. */
  readonly digest: string;
}

export interface Provenance {
  /** Marks by tool. */
  readonly tools?: Readonly<Record<string, number>>;
  readonly models?: readonly ModelName[];
  readonly time?: ActiveTime;
  /** By structure, against the first parent, and against the proposal that the task began with. */
  readonly editsOfParent?: Readonly<Record<string, StructureEdits>>;
  readonly editsOfProposal?: Readonly<Record<string, StructureEdits>>;
  readonly file?: { readonly format: string; readonly sha256: string };
  readonly consensus?: { readonly method: string; readonly performance: readonly ReaderPerformance[] };
}

export interface VersionContent {
  readonly project: string;
  readonly seriesInstanceUid: string;
  readonly caseId: string;
  readonly taskId: string | undefined;
  readonly protocolVersion: number;
  readonly kind: VersionKind;
  readonly parents: readonly string[];
  /** SHA-256 of each layer's runs. */
  readonly layers: readonly string[];
  readonly person: string;
  readonly role: string;
  readonly provenance: Provenance;
  readonly form: FormAnswers;
}

export interface Version extends VersionContent {
  readonly id: string;
  readonly createdMs: number;
}

export class VersionStore {
  readonly #database: DatabaseSync;
  readonly #blobs: ContentDirectory;

  constructor(database: DatabaseSync, blobs: ContentDirectory) {
    this.#database = database;
    this.#blobs = blobs;
  }

  /** Where the runs lie. */
  get path(): string {
    return this.#blobs.path;
  }

  /** Makes voxels durable; answers with what to list. */
  async prepare(
    content: Omit<VersionContent, 'layers'>,
    layers: readonly Uint8Array[],
  ): Promise<VersionContent & { readonly id: string }> {
    const runs: Uint8Array[] = [];
    for (const voxels of layers) runs.push(encodeRuns(voxels));
    return this.prepareRuns(content, runs);
  }

  /** The same of runs. */
  async prepareRuns(
    content: Omit<VersionContent, 'layers'>,
    layers: readonly Uint8Array[],
  ): Promise<VersionContent & { readonly id: string }> {
    const digests: string[] = [];
    for (const runs of layers) digests.push(await this.keep(runs));
    const whole: VersionContent = { ...content, layers: digests };
    return { ...whole, id: createHash('sha256').update(canonicalJson(whole)).digest('hex') };
  }

  /** Makes runs durable that belong to a version; answers with their SHA-256. */
  keep(runs: Uint8Array): Promise<string> {
    return this.#blobs.put(runs);
  }

  /** Within a transaction of the caller's. The same content is one version. */
  insert({ id, ...content }: VersionContent & { readonly id: string }, createdMs: number): void {
    this.#database
      .prepare('INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(
        ...[id, content.caseId, content.taskId ?? null, content.kind, content.person],
        ...[canonicalJson(content), createdMs],
      );
  }

  /** Without asking who may see it: for the reading room's own work. */
  get(id: string): Version {
    return versionOf(this.#database.prepare('SELECT * FROM version WHERE id = ?').get(id)!);
  }

  /** If the asker may see it. */
  find(asker: Asker, project: string, id: string): Version | undefined {
    const sql = `SELECT version.* FROM version JOIN reading_case ON reading_case.id = version.case_id
      WHERE version.id = :id AND project = :project AND ${versionIsVisible}`;
    const row = rowsFor({ database: this.#database }, sql, asker, { ':id': id, ':project': project })[0];
    return row && versionOf(row);
  }

  /** Of a case, or of all of a project's: those that the asker may see, the oldest first. */
  list(asker: Asker, project: string, caseId?: string): readonly Version[] {
    const sql = `SELECT version.* FROM version JOIN reading_case ON reading_case.id = version.case_id
      WHERE project = :project AND version.case_id = ifnull(:case, version.case_id) AND ${versionIsVisible}
      ORDER BY version.rowid`;
    return rowsFor({ database: this.#database }, sql, asker, { ':project': project, ':case': caseId ?? null }).map(
      versionOf,
    );
  }

  /** Voxels by layer. @throws ArchiveError `archive.instance-damaged` */
  layers({ layers }: Pick<VersionContent, 'layers'>, geometry: Geometry): Promise<readonly Uint8Array[]> {
    const count = voxelCount(geometry);
    return Promise.all(layers.map(async (sha256) => decodeRuns(await this.#blobs.get(sha256), count)));
  }

  /** A layer's runs as they lie there. */
  runs(sha256: string): Promise<Uint8Array> {
    return this.#blobs.get(sha256);
  }

  /** Removes what a crash left of versions that were never listed. */
  async sweep(): Promise<void> {
    const used = this.#used();
    await this.#blobs.sweep((sha256) => used.has(sha256));
  }

  /** Of some layers, removes those that no version has. */
  async removeUnused(layers: Iterable<string>): Promise<void> {
    const used = this.#used();
    for (const sha256 of layers) if (!used.has(sha256)) await this.#blobs.remove(sha256);
  }

  #used(): ReadonlySet<string> {
    const used = new Set<string>();
    for (const { content } of this.#database.prepare('SELECT content FROM version').iterate()) {
      for (const sha256 of (JSON.parse(String(content)) as VersionContent).layers) used.add(sha256);
    }
    for (const { heat } of this.#database.prepare('SELECT heat FROM proposal').iterate()) used.add(String(heat));
    return used;
  }
}

export function versionOf(row: Record<string, unknown>): Version {
  const content = JSON.parse(String(row['content'])) as VersionContent;
  return { ...content, taskId: content.taskId, id: String(row['id']), createdMs: Number(row['created_ms']) };
}
