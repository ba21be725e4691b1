/**
 * Checks a log from its entries alone: every digest is computed anew, and compared with what is kept of it here and, where
 * there is something, elsewhere.
 */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openAuditDatabaseForReading } from './audit-database.ts';
import { decodeEntry, noPrevious } from './audit-entry.ts';
import { auditErrorOf } from './audit-error.ts';
import { readPublicKey } from './log-key.ts';
import { completedNodes, type Hash, hashLeaf, rootOf } from './merkle-tree.ts';
import { encodePublicKey, isSignedBy, logIdOf, type SignedHead } from './signed-head.ts';
import { storedHead } from './tree-store.ts';
import { type Alarm, AlarmCode, alarmsOf, allWitnessed, objectionTo, type Witnessed } from './witness.ts';

interface AuditProblem {
  readonly code: `audit.${string}`;
  /** Of which entry, size, or other log. */
  readonly where: string;
}

export interface AuditReport {
  /** Digest of its key. */
  readonly log: string;
  readonly entries: number;
  readonly head: SignedHead | null;
  /** The last head that is kept of each other log. */
  readonly witnessed: readonly { readonly origin: string; readonly size: number; readonly time: string }[];
  readonly alarms: readonly Alarm[];
  /** Heads of this log, kept elsewhere, that were compared. */
  readonly compared: number;
  /** At most 100. Empty: all is well, as far as can be seen from here. */
  readonly problems: readonly AuditProblem[];
}

const problemsMax = 100;

/**
 * @param elsewhere heads of this log that others have kept.
 * @throws AuditError `audit.no-log`, `audit.log-damaged`
 */
export function verifyAudit(directory: string, elsewhere: readonly SignedHead[] = []): AuditReport {
  const key = readPublicKey(join(directory, 'public.pem'));
  using opened = openedForReading(directory);
  const { database } = opened;
  try {
    const check = new LogCheck(database, key);
    check.entries(Map.groupBy(elsewhere, ({ size }) => size));
    check.others();
    const log = logIdOf(key);
    const row = database.prepare('SELECT * FROM head ORDER BY size DESC LIMIT 1').get();
    return {
      ...{ log, entries: check.size, head: row === undefined ? null : storedHead(row, log) },
      witnessed: newestOf(allWitnessed(database)),
      alarms: alarmsOf(database),
      compared: elsewhere.length,
      problems: check.problems.slice(0, problemsMax),
    };
  } catch (error) {
    throw auditErrorOf(error);
  }
}

/** The heads of a log that are kept in the directory of another. */
export function headsKeptOf(publicKeyPath: string, elsewhere: string): readonly SignedHead[] {
  const publicKey = encodePublicKey(readPublicKey(publicKeyPath));
  using opened = openedForReading(elsewhere);
  return allWitnessed(opened.database)
    .filter((kept) => kept.publicKey === publicKey)
    .map(({ head }) => head);
}

function openedForReading(directory: string): Disposable & { readonly database: DatabaseSync } {
  const database = openAuditDatabaseForReading(directory);
  return { database, [Symbol.dispose]: () => database.close() };
}

class LogCheck {
  size = 0;
  readonly problems: AuditProblem[] = [];
  readonly #database: DatabaseSync;
  readonly #key: KeyObject;
  /** The rightmost whole subtree of each level: all that appending, and the root, need. */
  readonly #whole: Hash[] = [];

  constructor(database: DatabaseSync, key: KeyObject) {
    this.#database = database;
    this.#key = key;
  }

  /** In their order, against the tree and every head at their side. */
  entries(elsewhere: ReadonlyMap<number, readonly SignedHead[]>): void {
    const database = this.#database;
    const heads = new Map(
      database
        .prepare('SELECT * FROM head ORDER BY size')
        .all()
        .map((row) => [Number(row['size']), row]),
    );
    const node = database.prepare('SELECT hash FROM node WHERE level = ? AND place = ?');
    let nodes = 0;
    let previous = noPrevious;
    for (const row of database.prepare('SELECT number, line, leaf FROM entry ORDER BY number').iterate()) {
      const number = this.size;
      const leaf = hashLeaf(Buffer.from(String(row['line'])));
      const isSame = Number(row['number']) === number && Buffer.compare(leaf, row['leaf'] as Uint8Array) === 0;
      if (!isSame || !isEntry(String(row['line']), { number, previous })) {
        this.#note('audit.entry-altered', `entry ${number}`);
      }
      for (const [above, hash] of this.#grow(number, leaf).entries()) {
        nodes += 1;
        const stored = node.get(above + 1, Math.floor(number / 2 ** (above + 1)))?.['hash'] as Uint8Array | undefined;
        if (stored === undefined || Buffer.compare(stored, hash) !== 0) {
          this.#note('audit.tree-altered', `entry ${number}`);
        }
      }
      previous = Buffer.from(leaf).toString('hex');
      this.size += 1;
      this.#compare(heads.get(this.size), elsewhere.get(this.size) ?? []);
    }
    if (Number(database.prepare('SELECT count(*) AS n FROM node').get()!['n']) !== nodes) {
      this.#note('audit.tree-altered', 'its number of parts');
    }
    if (this.size === 0 || !heads.has(this.size)) this.#note('audit.entries-unsigned', `size ${this.size}`);
    for (const size of [...heads.keys(), ...elsewhere.keys()].filter((each) => each > this.size || each < 1)) {
      this.#note(AlarmCode.shortened, `size ${size}`);
    }
  }

  /** What is kept of other logs, and what was found about them before. */
  others(): void {
    const last = new Map<string, Witnessed>();
    for (const kept of allWitnessed(this.#database)) {
      if (objectionTo(kept, last.get(kept.origin) ?? null) !== null) {
        this.#note('audit.witness-altered', `${kept.origin}, size ${kept.head.size}`);
      }
      last.set(kept.origin, kept);
    }
    for (const { code, head, origin } of alarmsOf(this.#database)) this.#note(code, `${origin}, size ${head.size}`);
  }

  #compare(row: Record<string, unknown> | undefined, kept: readonly SignedHead[]): void {
    if (row === undefined && kept.length === 0) return;
    const root = Buffer.from(rootOf(this.size, (level) => this.#whole[level]!)).toString('hex');
    if (row !== undefined) {
      const head = storedHead(row, logIdOf(this.#key));
      if (head.root !== root || !isSignedBy(head, this.#key)) this.#note('audit.head-altered', `size ${this.size}`);
    }
    for (const head of kept) {
      if (!isSignedBy(head, this.#key)) this.#note(AlarmCode.headForged, `size ${this.size}`);
      else if (head.root !== root) this.#note(AlarmCode.rewritten, `size ${this.size}`);
    }
  }

  /** @returns the subtrees that the entry completes. */
  #grow(number: number, leaf: Hash): readonly Hash[] {
    const completed = completedNodes(number, leaf, (level) => this.#whole[level]!);
    for (const [level, hash] of [leaf, ...completed].entries()) {
      this.#whole[level] = hash;
    }
    return completed;
  }

  #note(code: AuditProblem['code'], where: string): void {
    this.problems.push({ code, where });
  }
}

function isEntry(line: string, wanted: { readonly number: number; readonly previous: string }): boolean {
  try {
    const { number, previous } = decodeEntry(line);
    return number === wanted.number && previous === wanted.previous;
  } catch {
    return false;
  }
}

function newestOf(all: readonly Witnessed[]): AuditReport['witnessed'] {
  const newest = new Map(all.map((kept) => [kept.origin, kept]));
  return [...newest.values()].map(({ origin, head, time }) => ({ origin, size: head.size, time }));
}
