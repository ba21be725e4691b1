/** The people of one service: all that is kept of them, in `people/` of its directory. */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { AuditLog } from '@consilium/audit';
import { Accounts } from './accounts.ts';
import { ApiTokens } from './api-tokens.ts';
import { GuessLimits } from './guess-limits.ts';
import { Login } from './login.ts';
import { type HashCost, PasswordHasher } from './password-hash.ts';
import { openPeopleDatabase } from './people-database.ts';
import { SecondFactorBox } from './second-factor-box.ts';
import type { SecondFactorSettings } from './second-factor-settings.ts';
import { type SessionLimits, Sessions, usualSessionLimits } from './sessions.ts';

export interface PeopleOptions {
  /** Where every act is written down before it is done. */
  readonly audit: AuditLog;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly session?: SessionLimits;
  readonly hashCost?: HashCost;
  /** Whom the settings ask for a second factor; left out, nobody. */
  readonly secondFactor?: SecondFactorSettings;
}

export class People implements Disposable {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  readonly login: Login;
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync, box: SecondFactorBox, options: PeopleOptions) {
    const { audit, hashCost, nowMs, secondFactor = { requiredFor: [] }, session } = options;
    this.#database = database;
    const hasher = new PasswordHasher(hashCost);
    const limits = new GuessLimits(database, nowMs);
    this.accounts = new Accounts({ database, audit, hasher, nowMs, box, secondFactor });
    this.sessions = new Sessions(database, nowMs, session ?? usualSessionLimits);
    this.tokens = new ApiTokens({ database, audit, nowMs });
    this.login = new Login({ accounts: this.accounts, audit, hasher, limits, sessions: this.sessions, nowMs });
  }

  /**
   * @param directory of the service
   * @throws PeopleError `people.file-damaged`, `people.file-newer`, `people.not-writable`, `people.key-exposed`,
   *   `people.key-malformed`
   */
  static open(directory: string, options: PeopleOptions): People {
    const own = join(directory, 'people');
    const box = new SecondFactorBox(own);
    return new People(openPeopleDatabase(own, box), box, options);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
