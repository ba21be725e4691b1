/**
 * Logging in with a password or with the token of the service's directory. Who is refused is not told why: no such person,
 * a wrong password, an account that is shut, a wrong code are one answer after one time.
 */
import type { AuditActor, AuditLog } from '@consilium/audit';
import type { StoredAccount } from './account.ts';
import type { Accounts } from './accounts.ts';
import type { GuessLimits } from './guess-limits.ts';
import type { PasswordHasher } from './password-hash.ts';
import { secretHash } from './secret.ts';
import type { LoginWay, Sessions } from './sessions.ts';

export interface LoginFrom {
  readonly address: string;
  /** What the browser was given at an earlier login. */
  readonly device: string | undefined;
}

export type LoginOutcome =
  | { readonly kind: 'in'; readonly account: string; readonly way: LoginWay }
  | { readonly kind: 'code-wanted' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'wait'; readonly waitMs: number };

/** Of refusals one in so long is written down for each account, so that nobody can fill the disk. */
const refusalEveryMs = 10_000;
const refused = { kind: 'refused' } as const;

export interface LoginParts {
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  readonly hasher: PasswordHasher;
  readonly limits: GuessLimits;
  readonly sessions: Sessions;
  readonly nowMs: () => number;
}

export class Login {
  readonly #parts: LoginParts;
  readonly #refusedMs = new Map<string, number>();

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  /** @throws PeopleError `people.busy` */
  async withPassword(
    asked: { readonly name: string; readonly password: string; readonly code?: string | undefined },
    from: LoginFrom,
  ): Promise<LoginOutcome> {
    const { accounts, hasher, limits } = this.#parts;
    const account = accounts.find(asked.name);
    const bucket = this.#bucketOf(asked.name, account, from.device);
    const waitMs = limits.waitOf(from.address) || limits.take(bucket);
    if (waitMs > 0) return { kind: 'wait', waitMs };
    limits.takeAddress(from.address);
    const isRight = await hasher.verify(account?.password, asked.password);
    if (account === undefined || !isRight || !this.#isUsable(account)) return this.#refuse(account?.name);
    if (account.hasSecondFactor) {
      if (asked.code === undefined || asked.code === '') {
        limits.giveBack(bucket);
        limits.giveAddressBack(from.address);
        return { kind: 'code-wanted' };
      }
      if (!accounts.useCode(account.name, asked.code)) return this.#refuse(account.name);
    }
    if (hasher.isOld(account.password!)) accounts.replaceHash(account.name, await hasher.hash(asked.password));
    limits.clear(bucket);
    limits.giveAddressBack(from.address);
    return this.admit(account.name, 'password');
  }

  /** @param isRight compared by who knows the token */
  async withToken(isRight: boolean, { address }: LoginFrom): Promise<LoginOutcome> {
    const { limits } = this.#parts;
    const waitMs = limits.waitOf(address);
    if (waitMs > 0) return { kind: 'wait', waitMs };
    if (isRight) return this.admit('console', 'token');
    limits.takeAddress(address);
    return this.#refuse(undefined);
  }

  /** Whoever has proved who they are. It is written down before it counts. */
  async admit(account: string, way: LoginWay): Promise<Extract<LoginOutcome, { kind: 'in' }>> {
    const { accounts, audit } = this.#parts;
    const actor = { kind: 'person', id: account } as const;
    await audit.record({ actor, action: 'login.succeeded', subjects: [], outcome: 'allowed', reason: `by ${way}` });
    accounts.noteLogin(account);
    return { kind: 'in', account, way };
  }

  async noteEnd(actor: AuditActor): Promise<void> {
    await this.#parts.audit.record({ actor, action: 'login.ended', subjects: [], outcome: 'allowed' });
  }

  /** For what needs more than a session: the own password, and a code where one is asked for. */
  async isOwn(
    name: string,
    { code, password }: { readonly password: string; readonly code?: string | undefined },
  ): Promise<{ readonly kind: 'right' | 'wrong' } | { readonly kind: 'wait'; readonly waitMs: number }> {
    const { accounts, hasher, limits } = this.#parts;
    const waitMs = limits.take(`own ${name}`);
    if (waitMs > 0) return { kind: 'wait', waitMs };
    const isRight = await hasher.verify(accounts.get(name).password, password);
    if (!isRight || (code !== undefined && !accounts.useCode(name, code))) return { kind: 'wrong' };
    limits.clear(`own ${name}`);
    return { kind: 'right' };
  }

  #isUsable({ isDisabled, passwordUntilMs }: StoredAccount): boolean {
    return !isDisabled && (passwordUntilMs === undefined || this.#parts.nowMs() < passwordUntilMs);
  }

  #bucketOf(name: string, account: StoredAccount | undefined, device: string | undefined): string {
    // What is typed as a name may be a password: of what is nobody's name only the hash is kept.
    if (account === undefined) return `nobody ${secretHash(name).toString('hex')}`;
    const isKnown = device !== undefined && this.#parts.sessions.knowsDevice(account.name, device);
    return isKnown ? `device ${secretHash(device).toString('hex')}` : `account ${account.name}`;
  }

  async #refuse(account: string | undefined): Promise<LoginOutcome> {
    const { audit, nowMs } = this.#parts;
    const key = account ?? '';
    if (nowMs() - (this.#refusedMs.get(key) ?? Number.NEGATIVE_INFINITY) < refusalEveryMs) return refused;
    this.#refusedMs.set(key, nowMs());
    const subjects = account === undefined ? [] : [{ kind: 'account' as const, id: account }];
    const actor = { kind: 'person', id: 'unknown' } as const;
    await audit.record({ actor, action: 'login.refused', subjects, outcome: 'refused' });
    return refused;
  }
}
