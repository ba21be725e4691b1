/**
 * What of its patients' privacy this site has spent, on all jobs together. A spend is in the ledger, flushed to disk,
 * before the training that it is for begins, and nothing takes it out again: not a restart, not a training that failed.
 *
 * A spend has the name of exactly what is done on exactly which data. The noise is made of that name and of a secret that
 * lies in the same file, so that a task that is done again after a crash is done with the same noise, gives the same
 * bytes, and spends nothing; anything else has other noise and is another spend.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { epsilonOf, type PrivacySpend } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import { makeDirectory } from '@consilium/transport';
import { secretBytes } from './ports/secret-bytes.ts';
import type { PrivacySettings } from './settings.ts';
import { SiteError } from './site-error.ts';

/** One round's training. */
export interface RecordedSpend extends PrivacySpend {
  readonly jobId: JobId;
  readonly round: number;
  /** The noise came from a known seed, as in a rehearsal: it has protected nobody. */
  readonly isSeeded: boolean;
  /** It costs no more only if so many other sites add their part of the noise, and keep it to themselves. */
  readonly othersTrusted: number;
}

const schema = `
  PRAGMA busy_timeout = 10000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS spend (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    job_id TEXT NOT NULL,
    round INTEGER NOT NULL,
    sampling_rate REAL NOT NULL,
    noise_multiplier REAL NOT NULL,
    steps INTEGER NOT NULL,
    is_seeded INTEGER NOT NULL,
    others_trusted INTEGER NOT NULL DEFAULT 0
  ) STRICT;
`;
/** Ledgers of before noise could be shared. */
const trustColumn = 'ALTER TABLE spend ADD COLUMN others_trusted INTEGER NOT NULL DEFAULT 0';

type BudgetLimits = Pick<PrivacySettings, 'epsilonMax' | 'deltaMax'>;

export class PrivacyBudget implements Disposable {
  readonly #database: DatabaseSync;
  readonly #limits: BudgetLimits;
  /** Never leaves the site: with it, the noise could be taken off again. */
  readonly secret: Uint8Array;

  /** @throws SiteError `site.privacy-ledger-failed` */
  static async open(workDirectory: string, limits: BudgetLimits): Promise<PrivacyBudget> {
    const path = join(workDirectory, 'privacy.sqlite');
    try {
      await makeDirectory(workDirectory);
      await (await open(path, 'a', 0o600)).close(); // nobody else may read it, nor the log that SQLite keeps beside it
    } catch (error) {
      throw failed(error);
    }
    return guarded(() => {
      const database = new DatabaseSync(path);
      database.exec(schema);
      const columns = database.prepare('PRAGMA table_info(spend)').all();
      if (!columns.some((column) => column['name'] === 'others_trusted')) database.exec(trustColumn);
      database.prepare('INSERT OR IGNORE INTO secret (id, bytes) VALUES (1, ?)').run(secretBytes(32));
      return new PrivacyBudget(database, limits);
    });
  }

  private constructor(database: DatabaseSync, limits: BudgetLimits) {
    this.#database = database;
    this.#limits = limits;
    this.secret = database.prepare('SELECT bytes FROM secret').get()!['bytes'] as Uint8Array;
  }

  /**
   * Durable when it returns. A spend of a name that is there already costs nothing.
   * @throws SiteError `site.privacy-budget-exhausted`, and nothing is spent; `site.privacy-ledger-failed`
   */
  reserve(name: string, spend: RecordedSpend): void {
    guarded(() => this.#database.exec('BEGIN IMMEDIATE')); // of two processes one waits: both see what is spent
    try {
      if (!this.has(name)) {
        this.#requireLeft(spend);
        this.#insert(name, spend);
      }
      guarded(() => this.#database.exec('COMMIT'));
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Whether a spend of this name was made. */
  has(name: string): boolean {
    return guarded(() => this.#database.prepare('SELECT 1 FROM spend WHERE name = ?').get(name)) !== undefined;
  }

  /** In the order in which they were made. */
  spends(): readonly RecordedSpend[] {
    return guarded(() =>
      this.#database
        .prepare('SELECT * FROM spend ORDER BY position')
        .all()
        .map((row) => ({
          jobId: row['job_id'] as JobId,
          round: row['round'] as number,
          samplingRate: row['sampling_rate'] as number,
          noiseMultiplier: row['noise_multiplier'] as number,
          steps: row['steps'] as number,
          isSeeded: row['is_seeded'] === 1,
          othersTrusted: row['others_trusted'] as number,
        })),
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #requireLeft(spend: RecordedSpend): void {
    const { epsilonMax, deltaMax } = this.#limits;
    if (epsilonMax === undefined || epsilonOf([...this.spends(), spend], deltaMax) <= epsilonMax) return;
    throw new SiteError(
      'site.privacy-budget-exhausted',
      `This site has set a limit of ε = ${epsilonMax} at δ = ${deltaMax} to what its patients’ privacy may be spent, and the task would go beyond it.`,
      { lasting: true },
    );
  }

  #insert(name: string, spend: RecordedSpend): void {
    const { jobId, round, samplingRate, noiseMultiplier, steps, isSeeded, othersTrusted } = spend;
    guarded(() =>
      this.#database
        .prepare(
          'INSERT INTO spend (name, job_id, round, sampling_rate, noise_multiplier, steps, is_seeded, others_trusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(name, jobId, round, samplingRate, noiseMultiplier, steps, isSeeded ? 1 : 0, othersTrusted),
    );
  }
}

function guarded<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw failed(error);
  }
}

/** A ledger that cannot be read or written is not begun anew: then all that was spent would be forgotten. */
function failed(error: unknown): SiteError {
  return new SiteError(
    'site.privacy-ledger-failed',
    'The site’s record of what was spent of its patients’ privacy cannot be read or written, so no private training begins. The site’s log says more.',
    { detail: `privacy.sqlite: ${error instanceof Error ? error.message : String(error)}` },
  );
}
