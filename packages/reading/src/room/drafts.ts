/** Strokes on a task's label as they come, kept in order and durable before they are acknowledged. */
import { createHash, randomUUID } from 'node:crypto';
import type { Triple } from '@consilium/imaging';
import { checkDelta, type LabelDelta } from '../label/label-delta.ts';
import type { Stroke } from '../label/stroke-history.ts';
import { ReadingError } from '../reading-error.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import type { ModelName } from '../store/version-store.ts';
import type { Mark, Phase } from '../workflow/active-time.ts';
import type { RoomParts } from './room-parts.ts';
import type { Task } from './task-book.ts';

/** A stroke as the annotator tells of it. */
export interface DraftStroke extends Stroke {
  /** By the reader's clock. */
  readonly atMs: number;
  readonly tool: string;
  readonly structure: number | undefined;
  readonly phase: Phase;
  readonly model: ModelName | undefined;
}

export interface Draft {
  readonly id: string;
  readonly baseVersion: string | undefined;
  /** 0 before the first stroke. */
  readonly lastSeq: number;
}

export interface DraftRules {
  readonly size: Triple;
  /** Layer of each structure by its number. */
  readonly layerOf: ReadonlyMap<number, number>;
  readonly layers: number;
}

export class Drafts {
  readonly #parts: Pick<RoomParts, 'database' | 'clock'>;

  constructor(parts: Pick<RoomParts, 'database' | 'clock'>) {
    this.#parts = parts;
  }

  /** The one that is drawn on. */
  open(taskId: string): Draft | undefined {
    const row = this.#parts.database
      .prepare(
        `SELECT id, base_version, (SELECT ifnull(max(seq), 0) FROM stroke WHERE draft_id = draft.id) AS last
         FROM draft WHERE task_id = ? AND closed_ms IS NULL`,
      )
      .get(taskId);
    return row && draftOf(row);
  }

  /** Within a transaction. The one that is drawn on, or a new one on what was drawn last. */
  openOrBegin({ baseVersion, headVersion, id }: Task, person: string): Draft {
    const open = this.open(id);
    if (open !== undefined) return open;
    const draft = { id: randomUUID(), baseVersion: headVersion ?? baseVersion, lastSeq: 0 };
    this.#parts.database
      .prepare('INSERT INTO draft (id, task_id, person, base_version, created_ms) VALUES (?, ?, ?, ?, ?)')
      .run(draft.id, id, person, draft.baseVersion ?? null, this.#parts.clock.nowMs());
    return draft;
  }

  /** Within a transaction. */
  close({ id }: Draft, versionId: string | undefined): void {
    this.#parts.database
      .prepare('UPDATE draft SET version_id = ?, closed_ms = ? WHERE id = ?')
      .run(versionId ?? null, this.#parts.clock.nowMs(), id);
  }

  /** Within a transaction; of a draft without strokes. */
  rebase({ id }: Draft, baseVersion: string): void {
    this.#parts.database.prepare('UPDATE draft SET base_version = ? WHERE id = ?').run(baseVersion, id);
  }

  /** The draft that became a version. */
  behind(versionId: string): Draft | undefined {
    const row = this.#parts.database
      .prepare(
        `SELECT id, base_version, (SELECT ifnull(max(seq), 0) FROM stroke WHERE draft_id = draft.id) AS last
         FROM draft WHERE version_id = ?`,
      )
      .get(versionId);
    return row && draftOf(row);
  }

  /**
   * Within a transaction: all or none. Those that were kept before are acknowledged again.
   * @returns the last that is kept.
   * @throws ReadingError `reading.stroke-gap`, `reading.stroke-conflict`, `reading.structure-unknown`,
   * `reading.delta-outside`, `reading.runs-malformed`
   */
  append({ id, lastSeq }: Draft, strokes: readonly DraftStroke[], leaseId: string): number {
    const insert = this.#parts.database.prepare('INSERT INTO stroke VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    const known = this.#parts.database.prepare('SELECT sha256 FROM stroke WHERE draft_id = ? AND seq = ?');
    let last = lastSeq;
    for (const stroke of strokes) {
      const { change, seq } = stroke;
      const facts = canonicalJson(factsOf(stroke));
      const box = change && canonicalJson({ layer: change.layer, first: change.first, last: change.last });
      const sha256 = digestOf(facts, box, change?.runs);
      if (seq <= last) {
        if (known.get(id, seq)?.['sha256'] !== sha256) throw conflict();
        continue;
      }
      if (seq !== last + 1) throw gap(last);
      insert.run(id, seq, sha256, leaseId, stroke.atMs, facts, box ?? null, change?.runs ?? null);
      last = seq;
    }
    return last;
  }

  /** In order, from `since` (outside) on. */
  strokes(draftId: string, since = 0): readonly (DraftStroke & Mark)[] {
    return this.#parts.database
      .prepare('SELECT * FROM stroke WHERE draft_id = ? AND seq > ? ORDER BY seq')
      .all(draftId, since)
      .map(strokeOf);
  }

  /** All that a person did on a task, sitting after sitting. */
  marksOf(taskId: string, person: string): readonly (DraftStroke & Mark)[] {
    return this.#parts.database
      .prepare(
        `SELECT stroke.* FROM stroke JOIN draft ON draft.id = draft_id WHERE task_id = ? AND person = ?
         ORDER BY draft.rowid, seq`,
      )
      .all(taskId, person)
      .map(strokeOf);
  }
}

/** Whether what strokes set is drawn by the protocol, and in its layer. @throws ReadingError `reading.structure-unknown` and of the changes */
export function checkStrokes(strokes: readonly DraftStroke[], { layerOf, layers, size }: DraftRules): void {
  for (const { change, structure } of strokes) {
    if (structure !== undefined && !layerOf.has(structure)) throw unknownStructure();
    if (change === undefined) continue;
    if (change.layer >= layers) throw unknownStructure();
    for (const number of checkDelta(change, size)) {
      if (number !== 0 && layerOf.get(number) !== change.layer) throw unknownStructure();
    }
  }
}

export function unknownStructure(): ReadingError {
  const message = 'The label has a structure that the protocol does not draw, or draws in another layer.';
  return new ReadingError('reading.structure-unknown', message);
}

function factsOf({ kind, model, phase, structure, tool }: DraftStroke) {
  return { kind, model, phase, structure, tool };
}

function digestOf(facts: string, box: string | undefined, runs: Uint8Array | undefined): string {
  return createHash('sha256')
    .update(facts)
    .update(box ?? '')
    .update(runs ?? new Uint8Array())
    .digest('hex');
}

function draftOf(row: Record<string, unknown>): Draft {
  const baseVersion = row['base_version'] === null ? undefined : String(row['base_version']);
  return { id: String(row['id']), baseVersion, lastSeq: Number(row['last']) };
}

function strokeOf(row: Record<string, unknown>): DraftStroke & Mark {
  const facts = JSON.parse(String(row['facts'])) as ReturnType<typeof factsOf>;
  const box = row['box'] === null ? undefined : (JSON.parse(String(row['box'])) as Omit<LabelDelta, 'runs'>);
  return {
    seq: Number(row['seq']),
    leaseId: String(row['lease_id']),
    atMs: Number(row['at_ms']),
    ...{ kind: facts.kind, tool: facts.tool, structure: facts.structure, phase: facts.phase, model: facts.model },
    change: box && { ...box, runs: row['runs'] as Uint8Array },
  };
}

function gap(last: number): ReadingError {
  const message = `A stroke is missing: the last one kept is ${last}. Send again from there.`;
  return new ReadingError('reading.stroke-gap', message);
}

function conflict(): ReadingError {
  return new ReadingError(
    'reading.stroke-conflict',
    'Another stroke has this number already: another tab draws on the task. Load the draft again.',
  );
}
