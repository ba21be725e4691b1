/** Logins of browsers: a cookie with 256 random bits, of which the hash is kept, until idle or too old. */
import type { DatabaseSync } from 'node:sqlite';
import { newId, newSecret, secretHash } from './secret.ts';

export interface SessionLimits {
  readonly idleMs: number;
  readonly longestMs: number;
}
export const usualSessionLimits: SessionLimits = { idleMs: 3_600_000, longestMs: 12 * 3_600_000 };

/** How a person came in. */
export type LoginWay = 'password' | 'provider' | 'token';

export interface Session {
  readonly id: string;
  readonly account: string;
  readonly madeMs: number;
  readonly seenMs: number;
  /** What the browser calls itself. */
  readonly agent: string;
  readonly way: LoginWay;
}

/** Being seen is written down once in so long. */
const seenEveryMs = 60_000;
const devicesMax = 20;

export class Sessions {
  readonly #database: DatabaseSync;
  readonly #nowMs: () => number;
  readonly #limits: SessionLimits;

  constructor(database: DatabaseSync, nowMs: () => number, limits: SessionLimits) {
    this.#database = database;
    this.#nowMs = nowMs;
    this.#limits = limits;
  }

  get limits(): SessionLimits {
    return this.#limits;
  }

  /** @returns what the browser shows from now on */
  begin(account: string, { agent, way }: Pick<Session, 'agent' | 'way'>): string {
    const nowMs = this.#nowMs();
    const secret = newSecret();
    const { idleMs, longestMs } = this.#limits;
    this.#database
      .prepare('DELETE FROM session WHERE made_ms < ? OR seen_ms < ?')
      .run(nowMs - longestMs, nowMs - idleMs - seenEveryMs);
    this.#database
      .prepare('INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(secretHash(secret), newId(), account, nowMs, nowMs, agent.replace(/\p{Cc}/gu, '').slice(0, 200), way);
    return secret;
  }

  /** @param isSeen whether somebody asks with it now, which keeps it from being idle */
  find(secret: string, { isSeen = true }: { isSeen?: boolean } = {}): Session | undefined {
    const row = this.#database.prepare('SELECT * FROM session WHERE hash = ?').get(secretHash(secret));
    if (row === undefined) return undefined;
    const session = sessionOf(row as Row);
    const nowMs = this.#nowMs();
    if (!this.#isGood(session, nowMs)) return undefined;
    if (isSeen && nowMs - session.seenMs >= seenEveryMs) {
      this.#database.prepare('UPDATE session SET seen_ms = ? WHERE id = ?').run(nowMs, session.id);
    }
    return session;
  }

  list(account: string): readonly Session[] {
    const rows = this.#database.prepare('SELECT * FROM session WHERE account = ? ORDER BY made_ms DESC').all(account);
    return (rows as Row[]).map(sessionOf).filter((session) => this.#isGood(session, this.#nowMs()));
  }

  /** @returns whether there was one */
  end(account: string, id: string): boolean {
    return this.#database.prepare('DELETE FROM session WHERE account = ? AND id = ?').run(account, id).changes === 1;
  }

  endAll(account: string, { but }: { but?: string | undefined } = {}): void {
    this.#database.prepare('DELETE FROM session WHERE account = ? AND id <> ?').run(account, but ?? '');
  }

  /** For a browser in which the person has logged in: it has a count of wrong tries of its own. */
  rememberDevice(account: string): string {
    const secret = newSecret();
    this.#database.prepare('INSERT INTO device VALUES (?, ?, ?)').run(secretHash(secret), account, this.#nowMs());
    this.#database
      .prepare(
        `DELETE FROM device WHERE account = ? AND hash NOT IN
          (SELECT hash FROM device WHERE account = ? ORDER BY made_ms DESC LIMIT ${devicesMax})`,
      )
      .run(account, account);
    return secret;
  }

  knowsDevice(account: string, secret: string): boolean {
    const known = this.#database.prepare('SELECT 1 FROM device WHERE hash = ? AND account = ?');
    return known.get(secretHash(secret), account) !== undefined;
  }

  #isGood({ madeMs, seenMs }: Session, nowMs: number): boolean {
    // What was seen within a minute is not written down.
    return nowMs - madeMs < this.#limits.longestMs && nowMs - seenMs < this.#limits.idleMs + seenEveryMs;
  }
}

type Row = Readonly<Record<string, string | number>>;

function sessionOf(row: Row): Session {
  return {
    ...{ id: String(row['id']), account: String(row['account']), agent: String(row['agent']) },
    ...{ madeMs: Number(row['made_ms']), seenMs: Number(row['seen_ms']), way: row['way'] as LoginWay },
  };
}
