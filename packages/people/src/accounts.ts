/**
 * The accounts: made, changed, shut. Each act is in the audit log before it is done, with who did it. Accounts are never
 * deleted, so that a name in a log or a label stays one person's.
 */

import type { DatabaseSync } from 'node:sqlite';
import type { AuditActor, AuditEvent, AuditLog } from '@consilium/audit';
import { type Account, type AccountRow, accountOf, publicAccount, type StoredAccount } from './account.ts';
import { newRecoveryCodes, newTotpSecret, plainRecoveryCode, stepOfCode } from './one-time-code.ts';
import type { PasswordHasher } from './password-hash.ts';
import { objectionTo } from './password-rules.ts';
import { PeopleError } from './people-error.ts';
import { Role } from './permission.ts';
import type { SecondFactorBox } from './second-factor-box.ts';
import { isSecondFactorRequired, type SecondFactorSettings } from './second-factor-settings.ts';
import { newSecret, secretHash } from './secret.ts';

/** A password that somebody else has set is good for so long. */
const firstPasswordMs = 7 * 24 * 3_600_000;

export interface NewAccount {
  readonly name: string;
  readonly display: string;
  readonly roles: readonly Role[];
}

export interface ProvidedPerson {
  readonly issuer: string;
  /** As the provider names the person for ever. */
  readonly subject: string;
  /** What the account is called, if nobody is called so here. */
  readonly name: string;
  readonly display: string;
  readonly roles: readonly Role[];
}

export class Accounts {
  readonly #database: DatabaseSync;
  readonly #audit: AuditLog;
  readonly #hasher: PasswordHasher;
  readonly #nowMs: () => number;
  readonly #box: SecondFactorBox;
  readonly #secondFactor: SecondFactorSettings;

  constructor(parts: {
    database: DatabaseSync;
    audit: AuditLog;
    hasher: PasswordHasher;
    nowMs: () => number;
    box: SecondFactorBox;
    secondFactor: SecondFactorSettings;
  }) {
    this.#database = parts.database;
    this.#audit = parts.audit;
    this.#hasher = parts.hasher;
    this.#nowMs = parts.nowMs;
    this.#box = parts.box;
    this.#secondFactor = parts.secondFactor;
  }

  find(name: string): StoredAccount | undefined {
    const row = this.#database.prepare('SELECT * FROM account WHERE name = ?').get(name) as AccountRow | undefined;
    return row && accountOf(row);
  }

  /** @throws PeopleError `people.account-unknown` */
  get(name: string): StoredAccount {
    const account = this.find(name);
    if (account === undefined)
      throw new PeopleError('people.account-unknown', 'Nobody has this name here.', { statusCode: 404 });
    return account;
  }

  list(): readonly Account[] {
    const rows = this.#database.prepare('SELECT * FROM account ORDER BY name').all() as AccountRow[];
    return rows.map((row) => publicAccount(accountOf(row)));
  }

  /** Whether the settings demand one of who has these roles. */
  isSecondFactorRequired(account: Account): boolean {
    return isSecondFactorRequired(this.#secondFactor, account);
  }

  /** Whether it is demanded and not there: until it is set up its person can do nothing else. */
  isSecondFactorWanted(account: Account): boolean {
    return !account.hasSecondFactor && this.isSecondFactorRequired(account);
  }

  /** Whether the token of the service's directory lets in browsers and programs. */
  get isTokenOn(): boolean {
    return this.#database.prepare(`SELECT 1 FROM setting WHERE name = 'token' AND value = 'off'`).get() === undefined;
  }

  /** @throws PeopleError `people.last-administrator` if nobody else could manage people then */
  async setTokenOn(actor: AuditActor, isOn: boolean): Promise<void> {
    if (!isOn && this.#administrators().length === 0) throw lastAdministrator();
    await this.#recorded(actor, 'console', `the token of the directory is ${isOn ? 'on' : 'off'}`, () => {
      this.#database
        .prepare(`INSERT INTO setting VALUES ('token', ?) ON CONFLICT DO UPDATE SET value = excluded.value`)
        .run(isOn ? 'on' : 'off');
      this.#database.prepare(`DELETE FROM session WHERE account = 'console'`).run();
    });
  }

  /** @returns a password for the first login. @throws PeopleError `people.name-taken` */
  async add(actor: AuditActor, { display, name, roles }: NewAccount): Promise<string> {
    if (this.find(name) !== undefined) {
      throw new PeopleError('people.name-taken', 'Somebody has this name, or had it. Names are not given again.', {
        statusCode: 409,
      });
    }
    const password = newSecret();
    const stored = await this.#hasher.hash(password);
    const nowMs = this.#nowMs();
    await this.#recorded(actor, name, `made with ${rolesText(roles)}`, () => {
      this.#database
        .prepare(
          'INSERT INTO account (name, display, roles, password, password_until_ms, made_ms) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(name, display, JSON.stringify(roles), stored, nowMs + firstPasswordMs, nowMs);
    });
    return password;
  }

  /** @throws PeopleError `people.account-unknown`, `people.last-administrator`, `people.roles-provided` */
  async setRoles(actor: AuditActor, name: string, roles: readonly Role[]): Promise<void> {
    if (this.get(name).origin === 'provider') {
      throw new PeopleError('people.roles-provided', 'The provider says which roles this person has.', {
        statusCode: 409,
      });
    }
    if (!roles.includes(Role.administrator)) this.#keepAdministrator(name);
    await this.#recorded(actor, name, `has ${rolesText(roles)}`, () => {
      this.#database.prepare('UPDATE account SET roles = ? WHERE name = ?').run(JSON.stringify(roles), name);
    });
  }

  /** Sessions end, tokens count no more. @throws PeopleError `people.account-unknown`, `people.last-administrator` */
  async setDisabled(actor: AuditActor, name: string, isDisabled: boolean): Promise<void> {
    this.get(name);
    if (isDisabled) this.#keepAdministrator(name);
    await this.#recorded(actor, name, isDisabled ? 'disabled' : 'enabled', () => {
      this.#database.prepare('UPDATE account SET disabled = ? WHERE name = ?').run(isDisabled ? 1 : 0, name);
      if (isDisabled) this.#forgetLogins(name);
    });
  }

  /**
   * For who has lost password or second factor: both go, sessions end, tokens are revoked, nobody waits.
   * @returns a password for the next login. @throws PeopleError `people.account-unknown`, `people.no-password`
   */
  async reset(actor: AuditActor, name: string): Promise<string> {
    if (this.get(name).origin === 'provider') throw noPassword();
    const password = newSecret();
    const stored = await this.#hasher.hash(password);
    await this.#recorded(actor, name, 'reset', () => {
      this.#database
        .prepare(
          `UPDATE account SET password = ?, password_until_ms = ?, totp_secret = NULL, totp_draft = NULL WHERE name = ?`,
        )
        .run(stored, this.#nowMs() + firstPasswordMs, name);
      this.#database.prepare('DELETE FROM recovery WHERE account = ?').run(name);
      this.#database.prepare('DELETE FROM token WHERE account = ?').run(name);
      this.#database.prepare('DELETE FROM guess WHERE bucket IN (?, ?)').run(`account ${name}`, `own ${name}`);
      this.#forgetLogins(name);
    });
    return password;
  }

  /** All sessions end. @throws PeopleError `people.password-weak` */
  async setPassword(actor: AuditActor, name: string, password: string): Promise<void> {
    const { display, password: before } = this.get(name);
    const objection =
      objectionTo(password, [name, ...display.split(/\s+/)]) ??
      ((await this.#hasher.verify(before, password)) ? 'It is the password that the account has.' : undefined);
    if (objection !== undefined) throw new PeopleError('people.password-weak', objection);
    const stored = await this.#hasher.hash(password);
    await this.#recorded(actor, name, 'new password', () => {
      this.#database
        .prepare('UPDATE account SET password = ?, password_until_ms = NULL WHERE name = ?')
        .run(stored, name);
      this.#forgetLogins(name);
    });
  }

  /** Of a person who has just shown the password. */
  replaceHash(name: string, stored: string): void {
    this.#database.prepare('UPDATE account SET password = ? WHERE name = ?').run(stored, name);
  }

  noteLogin(name: string): void {
    this.#database.prepare('UPDATE account SET login_ms = ? WHERE name = ?').run(this.#nowMs(), name);
  }

  /** A secret for an authenticator; it counts once a code of it was shown. */
  draftTotp(name: string): string {
    const secret = newTotpSecret();
    const sealed = this.#box.seal(secret, name);
    this.#database.prepare('UPDATE account SET totp_draft = ? WHERE name = ?').run(sealed, name);
    return secret;
  }

  /** @returns recovery codes. @throws PeopleError `people.code-wrong`, `people.second-factor-unreadable` */
  async confirmTotp(actor: AuditActor, name: string, code: string): Promise<readonly string[]> {
    const { sealedTotpDraft } = this.get(name);
    const draft = sealedTotpDraft && this.#box.open(sealedTotpDraft, name);
    const step = draft && stepOfCode(draft, { code, lastStep: 0, nowMs: this.#nowMs() });
    if (step === undefined) {
      throw new PeopleError('people.code-wrong', 'The code is not one of this authenticator at this time.');
    }
    const codes = newRecoveryCodes();
    await this.#recorded(actor, name, 'second factor set up', () => {
      this.#database
        .prepare('UPDATE account SET totp_secret = totp_draft, totp_draft = NULL, totp_step = ? WHERE name = ?')
        .run(step, name);
      this.#database.prepare('DELETE FROM recovery WHERE account = ?').run(name);
      const add = this.#database.prepare('INSERT INTO recovery VALUES (?, ?)');
      for (const one of codes) add.run(recoveryHash(name, one), name);
    });
    return codes;
  }

  async removeTotp(actor: AuditActor, name: string): Promise<void> {
    await this.#recorded(actor, name, 'second factor removed', () => {
      this.#database.prepare('UPDATE account SET totp_secret = NULL, totp_draft = NULL WHERE name = ?').run(name);
      this.#database.prepare('DELETE FROM recovery WHERE account = ?').run(name);
    });
  }

  /**
   * Whether it is a code of the authenticator or a recovery code, which it uses up.
   * @throws PeopleError `people.second-factor-unreadable` for what may be a code of the authenticator
   */
  useCode(name: string, code: string): boolean {
    const { sealedTotp, totpStep } = this.get(name);
    if (sealedTotp === undefined) return false;
    // Recovery codes need no key: with a lost one they still let in.
    const hash = recoveryHash(name, code);
    const paper = this.#database.prepare('DELETE FROM recovery WHERE hash = ? AND account = ?').run(hash, name);
    if (paper.changes === 1) return true;
    const secret = this.#box.open(sealedTotp, name);
    const step = stepOfCode(secret, { code, lastStep: totpStep, nowMs: this.#nowMs() });
    if (step === undefined) return false;
    // Of two who show the same code at once, one wins.
    const used = this.#database.prepare('UPDATE account SET totp_step = ? WHERE name = ? AND totp_step < ?');
    return used.run(step, name, step).changes === 1;
  }

  recoveryCodesLeft(name: string): number {
    const row = this.#database.prepare('SELECT count(*) AS count FROM recovery WHERE account = ?').get(name);
    return Number((row as { count: number }).count);
  }

  /** The account of a person whom a provider has named, made at the first login; with the roles that the provider gives. */
  async provided(actor: AuditActor, person: ProvidedPerson): Promise<StoredAccount> {
    const { display, issuer, roles, subject } = person;
    const known = this.#database.prepare('SELECT * FROM account WHERE issuer = ? AND subject = ?').get(issuer, subject);
    if (known !== undefined) {
      const account = accountOf(known as AccountRow);
      const isSame = JSON.stringify(account.roles) === JSON.stringify(roles) && account.display === display;
      if (isSame || account.isDisabled) return account;
      await this.#recorded(actor, account.name, `has ${rolesText(roles)}, by the provider`, () => {
        this.#database
          .prepare('UPDATE account SET roles = ?, display = ? WHERE name = ?')
          .run(JSON.stringify(roles), display, account.name);
      });
      return this.get(account.name);
    }
    const name = this.#freeName(person);
    await this.#recorded(actor, name, `made with ${rolesText(roles)}, by the provider`, () => {
      this.#database
        .prepare('INSERT INTO account (name, display, roles, issuer, subject, made_ms) VALUES (?, ?, ?, ?, ?, ?)')
        .run(name, display, JSON.stringify(roles), issuer, subject, this.#nowMs());
    });
    return this.get(name);
  }

  /** An account that is here is never taken over by its name. */
  #freeName({ issuer, name, subject }: ProvidedPerson): string {
    if (name !== '' && this.find(name) === undefined) return name;
    const mark = secretHash(`${issuer} ${subject}`).toString('hex').slice(0, 12);
    return `${name === '' ? 'person' : name.slice(0, 50)}-${mark}`;
  }

  #administrators(): readonly string[] {
    return this.list()
      .filter(({ isDisabled, roles }) => !isDisabled && roles.includes(Role.administrator))
      .map(({ name }) => name);
  }

  #keepAdministrator(name: string): void {
    const others = this.#administrators().filter((other) => other !== name);
    if (others.length === 0 && this.#administrators().length > 0 && !this.isTokenOn) throw lastAdministrator();
  }

  /** Sessions, and browsers that are known. */
  #forgetLogins(name: string): void {
    this.#database.prepare('DELETE FROM session WHERE account = ?').run(name);
    this.#database.prepare('DELETE FROM device WHERE account = ?').run(name);
  }

  async #recorded(actor: AuditActor, name: string, reason: string, act: () => void): Promise<void> {
    const subjects: AuditEvent['subjects'] = [{ kind: 'account', id: name }];
    await this.#audit.doing({ actor, action: 'account.changed', subjects, reason }, () => {
      this.#database.exec('SAVEPOINT act');
      try {
        act();
        this.#database.exec('RELEASE act');
      } catch (error) {
        this.#database.exec('ROLLBACK TO act; RELEASE act');
        throw error;
      }
    });
  }
}

function recoveryHash(name: string, code: string): Buffer {
  return secretHash(`${name} ${plainRecoveryCode(code)}`);
}

function rolesText(roles: readonly Role[]): string {
  return roles.length === 0 ? 'no role' : `roles ${roles.join(', ')}`;
}

function noPassword(): PeopleError {
  return new PeopleError('people.no-password', 'This person logs in at the provider, not with a password.', {
    statusCode: 409,
  });
}

function lastAdministrator(): PeopleError {
  const text = 'Nobody could manage accounts then. Give somebody else the role first.';
  return new PeopleError('people.last-administrator', text, { statusCode: 409 });
}
