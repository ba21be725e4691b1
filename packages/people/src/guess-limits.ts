/**
 * How often somebody may guess. Of an account, after five wrong tries each next one has to wait, twice as long each time, up to a
 * quarter of an hour; tries in the meantime do not count, so that nobody can keep an account shut by trying on. A browser
 * in which a person has logged in before has a count of its own (the device cookies of OWASP): whoever guesses elsewhere does
 * not keep that person out. Of one address, tries that fail are counted over all accounts.
 *
 * A try is counted before it is checked, so that many at once are not more than as many one after the other.
 */
import { isIPv6 } from 'node:net';
import type { DatabaseSync } from 'node:sqlite';

const freeTries = 5;
const waitFirstMs = 30_000;
const waitMaxMs = 15 * 60_000;
const forgottenMs = 24 * 3_600_000;
const bucketsMax = 100_000;
const addressTries = 30;
const addressMs = 15 * 60_000;
const addressesMax = 10_000;

export class GuessLimits {
  readonly #database: DatabaseSync;
  readonly #nowMs: () => number;
  /** Of each address: when its tries would all be given back. */
  readonly #addresses = new Map<string, number>();

  constructor(database: DatabaseSync, nowMs: () => number) {
    this.#database = database;
    this.#nowMs = nowMs;
  }

  /** Counts a try. @returns how long it has to wait instead; 0: it may be made */
  take(bucket: string): number {
    const nowMs = this.#nowMs();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const row = this.#database.prepare('SELECT failures, last_ms FROM guess WHERE bucket = ?').get(bucket) as
        | { failures: number; last_ms: number }
        | undefined;
      const isOld = row !== undefined && nowMs - row.last_ms > forgottenMs;
      const failures = row === undefined || isOld ? 0 : row.failures;
      const waitMs = row === undefined ? 0 : row.last_ms + waitAfter(failures) - nowMs;
      if (failures >= freeTries && waitMs > 0) return waitMs;
      this.#database
        .prepare(
          'INSERT INTO guess VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET failures = ?, last_ms = excluded.last_ms',
        )
        .run(bucket, nowMs, failures + 1);
      this.#forget(nowMs);
      return 0;
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  /** A try that was neither right nor wrong does not count. */
  giveBack(bucket: string): void {
    this.#database.prepare('UPDATE guess SET failures = failures - 1 WHERE bucket = ? AND failures > 0').run(bucket);
  }

  clear(bucket: string): void {
    this.#database.prepare('DELETE FROM guess WHERE bucket = ?').run(bucket);
  }

  /** @returns how long tries from this address have to wait; 0: they may be made */
  waitOf(address: string): number {
    const fullMs = this.#addresses.get(networkOf(address)) ?? 0;
    return Math.max(0, fullMs - this.#nowMs() - addressMs + addressMs / addressTries);
  }

  /** A try from this address, before it is known whether it fails. */
  takeAddress(address: string): void {
    const nowMs = this.#nowMs();
    const network = networkOf(address);
    const fullMs = Math.max(this.#addresses.get(network) ?? 0, nowMs) + addressMs / addressTries;
    this.#addresses.delete(network);
    this.#addresses.set(network, fullMs);
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > addressesMax) this.#addresses.delete(oldest!);
  }

  giveAddressBack(address: string): void {
    const network = networkOf(address);
    const fullMs = this.#addresses.get(network);
    if (fullMs !== undefined) this.#addresses.set(network, fullMs - addressMs / addressTries);
  }

  /** Made-up names do not fill the disk. */
  #forget(nowMs: number): void {
    this.#database.prepare('DELETE FROM guess WHERE last_ms < ?').run(nowMs - forgottenMs);
    const { count } = this.#database.prepare('SELECT count(*) AS count FROM guess').get() as { count: number };
    if (count <= bucketsMax) return;
    const oldest = 'SELECT bucket FROM guess ORDER BY last_ms LIMIT ?';
    this.#database.prepare(`DELETE FROM guess WHERE bucket IN (${oldest})`).run(count - bucketsMax);
  }
}

function waitAfter(failures: number): number {
  return failures < freeTries ? 0 : Math.min(waitFirstMs * 2 ** (failures - freeTries), waitMaxMs);
}

/** One customer has a whole /64 of IPv6. */
function networkOf(address: string): string {
  return isIPv6(address) && !address.startsWith('::ffff:') ? address.split(':').slice(0, 4).join(':') : address;
}
