/**
 * The log of one service, in a directory of its own. What is recorded is durable, in the tree, and under a signed head when
 * its promise resolves (what is noted, all but durable); what comes at the same time shares one commit. Several processes may write to one log: a recovery
 * beside a coordinator that runs, say.
 */
import { createHmac, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { openAuditDatabase } from './audit-database.ts';
import {
  type AuditActor,
  type AuditEvent,
  type AuditSubject,
  checkedEvent,
  encodeEntry,
  noPrevious,
} from './audit-entry.ts';
import { AuditError, auditErrorOf } from './audit-error.ts';
import { readOrCreateKey } from './log-key.ts';
import { consistencyPath, type Hash, rootOf } from './merkle-tree.ts';
import { encodePublicKey, logIdOf, type SignedHead, signHead } from './signed-head.ts';
import { storedHead, TreeStore } from './tree-store.ts';

export interface AuditLogOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Who is said to have begun the log, if it is new. */
  readonly service: AuditActor;
}

interface Waiting {
  readonly event: AuditEvent;
  /** Whether a power cut may take it until the next that it may not. */
  readonly isNote: boolean;
  readonly resolve: (number: number) => void;
  readonly reject: (error: unknown) => void;
}

/** More wait for the next commit. */
const entriesAtOnceMax = 1000;

export class AuditLog implements Disposable {
  readonly service: AuditActor;
  /** SPKI in DER, base64. */
  readonly publicKey: string;
  /** For what is kept beside the entries. */
  readonly database: DatabaseSync;
  readonly #logId: string;
  readonly #tree: TreeStore;
  readonly #key: KeyObject;
  readonly #digestKey: Uint8Array;
  readonly #nowMs: () => number;
  #waiting: Waiting[] = [];
  #isScheduled = false;
  /** Whether the newest entries are not flushed. */
  #isUnflushed = false;

  private constructor(database: DatabaseSync, key: KeyObject, { nowMs, service }: AuditLogOptions) {
    this.database = database;
    this.service = service;
    const publicKey = createPublicKey(key);
    this.publicKey = encodePublicKey(publicKey);
    this.#logId = logIdOf(publicKey);
    this.#tree = new TreeStore(database, { mayAppend: true });
    this.#key = key;
    const secret = key.export({ type: 'pkcs8', format: 'der' });
    this.#digestKey = Buffer.from(hkdfSync('sha256', secret, '', 'consilium audit digest 1', 32));
    this.#nowMs = nowMs;
  }

  /**
   * Opens the log in a directory, or begins one.
   * @throws AuditError `audit.key-missing`, `audit.key-exposed`, `audit.log-damaged`, `audit.not-recorded`
   */
  static async open(directory: string, options: AuditLogOptions): Promise<AuditLog> {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const database = openAuditDatabase(directory);
      try {
        const isNew = database.prepare('SELECT 1 FROM entry LIMIT 1').get() === undefined;
        const log = new AuditLog(database, readOrCreateKey(directory, { mayCreate: isNew }), options);
        if (isNew) {
          await log.record({ actor: options.service, action: 'log.begun', subjects: [], outcome: 'done' });
        }
        return log;
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      throw auditErrorOf(error);
    }
  }

  /**
   * Resolves with the entry's number when it is durable. Whoever must not act without a record waits for that.
   * @throws AuditError `audit.not-recorded`, `audit.log-damaged`
   */
  record(event: AuditEvent): Promise<number> {
    return this.#add(event, false);
  }

  /**
   * Of what has happened already, and is known elsewhere. Resolves when it is in the log, which the end of the process does not
   * harm; a power cut may take it until the next `record`, `flush`, or the system's own flush of files.
   * @throws AuditError as `record`
   */
  note(event: AuditEvent): Promise<number> {
    return this.#add(event, true);
  }

  /** All that is in the log is durable then: to be done before a head is shown to anybody. @throws AuditError `audit.not-recorded` */
  flush(): void {
    this.#commit(this.#waiting.splice(0));
    if (!this.#isUnflushed) return;
    try {
      this.database.exec('PRAGMA wal_checkpoint(PASSIVE)');
      this.#isUnflushed = false;
    } catch (error) {
      throw auditErrorOf(error);
    }
  }

  /**
   * Writes down that it is allowed, does it, and writes down if it failed. What cannot be written down is not done.
   * @throws AuditError as `record`; what `act` throws
   */
  async doing<T>(event: Omit<AuditEvent, 'outcome'>, act: () => T | Promise<T>): Promise<T> {
    await this.record({ ...event, outcome: 'allowed' });
    try {
      return await act();
    } catch (error) {
      await this.record({ ...event, outcome: 'failed', ...codeOf(error) });
      throw error;
    }
  }

  /**
   * Of what a person typed, which may name a patient. Keyed, so that nobody who gets the log can try names; who has the
   * log's key and the text can show that it is the one.
   */
  keyedDigest(text: string): AuditSubject {
    return { kind: 'digest', id: `hmac:${createHmac('sha256', this.#digestKey).update(text).digest('hex')}` };
  }

  /** Now. */
  get time(): string {
    return new Date(this.#nowMs()).toISOString();
  }

  /** The newest. */
  get head(): SignedHead {
    const row = this.database.prepare('SELECT * FROM head ORDER BY size DESC LIMIT 1').get();
    if (row === undefined) throw new AuditError('audit.log-damaged', 'The audit log has no signed head.');
    return storedHead(row, this.#logId);
  }

  /** The root over the first entries, as it was when there were no more. */
  rootAt(size: number): Hash {
    return rootOf(size, this.#tree.read);
  }

  /** Proves that the log has grown from one size to another. */
  consistencyPath(first: number, second: number): readonly Hash[] {
    return consistencyPath(first, second, this.#tree.read);
  }

  /** What waits is durable then. */
  [Symbol.dispose](): void {
    try {
      this.flush();
    } finally {
      this.database.close();
    }
  }

  #add(event: AuditEvent, isNote: boolean): Promise<number> {
    const checked = checkedEvent(event);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.push({ event: checked, isNote, resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After all that the current turn of the event loop has finished.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#commit(this.#waiting.splice(0, entriesAtOnceMax));
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commit(group: readonly Waiting[]): void {
    if (group.length === 0) return;
    let first: number;
    const isFlushed = group.some(({ isNote }) => !isNote);
    try {
      // A flush takes the whole write-ahead log: what was noted before is durable with it.
      this.database.exec(`PRAGMA synchronous = ${isFlushed ? 'FULL' : 'NORMAL'}`);
      this.database.exec('BEGIN IMMEDIATE');
      first = this.#append(group.map(({ event }) => event));
      this.database.exec('COMMIT');
      this.#isUnflushed = !isFlushed;
    } catch (error) {
      if (this.database.isOpen && this.database.isTransaction) this.database.exec('ROLLBACK');
      for (const { reject } of group) reject(auditErrorOf(error));
      return;
    }
    for (const [index, { resolve }] of group.entries()) resolve(first + index);
  }

  /** @returns the number of the first. */
  #append(events: readonly AuditEvent[]): number {
    const first = this.#tree.size;
    const { time } = this;
    let previous = first === 0 ? noPrevious : Buffer.from(this.#tree.read(0, first - 1)).toString('hex');
    for (const [index, event] of events.entries()) {
      const number = first + index;
      const leaf = this.#tree.append(number, encodeEntry({ number, time, ...event, previous }));
      previous = Buffer.from(leaf).toString('hex');
    }
    const size = first + events.length;
    const head = signHead({ log: this.#logId, size, root: rootOf(size, this.#tree.read), time }, this.#key);
    this.database
      .prepare('INSERT INTO head (size, root, time, signature) VALUES (?, ?, ?, ?)')
      .run(size, head.root, time, head.signature);
    return first;
  }
}

/** Of an error of ours. */
function codeOf(error: unknown): { readonly code?: string } {
  const { code } = (error instanceof Error ? error : {}) as { code?: unknown };
  return typeof code === 'string' && /^[a-z]+\.[a-z0-9-]{1,100}$/.test(code) ? { code } : {};
}
