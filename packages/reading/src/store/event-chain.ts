/** What happened, in order: only added to, each event with the digest of the one before, so that no change goes unseen. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { canonicalJson } from './canonical-json.ts';

export interface ReadingEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly person: string;
  readonly kind: string;
  readonly project: string | undefined;
  readonly caseId: string | undefined;
  readonly taskId: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
}

export class EventChain {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Within a transaction of the caller's. */
  add(event: Omit<ReadingEvent, 'seq'>): ReadingEvent {
    const last = this.#database.prepare('SELECT seq, sha256 FROM event ORDER BY seq DESC LIMIT 1').get();
    const added = { seq: Number(last?.['seq'] ?? 0) + 1, ...event };
    const previous = String(last?.['sha256'] ?? '');
    this.#database
      .prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        ...[added.seq, added.atMs, added.person, added.kind, added.project ?? null, added.caseId ?? null],
        ...[added.taskId ?? null, canonicalJson(added.facts), previous, digestOf(previous, added)],
      );
    return added;
  }

  /** The first event that is not what it was; undefined if all are. */
  firstBroken(): number | undefined {
    let [previous, seq] = ['', 0];
    for (const row of this.#database.prepare('SELECT * FROM event ORDER BY seq').iterate()) {
      const event = eventOf(row);
      seq++;
      const isWhole = event.seq === seq && row['previous'] === previous && row['sha256'] === digestOf(previous, event);
      if (!isWhole) return seq;
      previous = String(row['sha256']);
    }
    return undefined;
  }
}

export function eventOf(row: Record<string, unknown>): ReadingEvent {
  const text = (name: string) => (row[name] === null ? undefined : String(row[name]));
  return {
    seq: Number(row['seq']),
    atMs: Number(row['at_ms']),
    person: String(row['person']),
    kind: String(row['kind']),
    project: text('project'),
    caseId: text('case_id'),
    taskId: text('task_id'),
    facts: JSON.parse(String(row['facts'])) as Record<string, unknown>,
  };
}

function digestOf(previous: string, event: ReadingEvent): string {
  return createHash('sha256').update(previous).update(canonicalJson(event)).digest('hex');
}
