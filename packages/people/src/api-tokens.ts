/** Tokens by which programs act for a person: shown once, kept as a hash, good for what they were made for until they expire. */

import type { DatabaseSync } from 'node:sqlite';
import type { AuditActor, AuditLog } from '@consilium/audit';
import { PeopleError } from './people-error.ts';
import { type Scope, scopes } from './permission.ts';
import { newId, newSecret, secretHash } from './secret.ts';

/** By which a token that was left lying around is known, to people and to programs that look for them. */
const mark = 'cns_';
const tokensMax = 50;
const usedEveryMs = 60_000;

export interface ApiToken {
  readonly id: string;
  readonly account: string;
  /** As the person calls it. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly madeMs: number;
  readonly untilMs: number;
  readonly usedMs: number | undefined;
}

export interface NewApiToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly days: number;
}

export class ApiTokens {
  readonly #database: DatabaseSync;
  readonly #audit: AuditLog;
  readonly #nowMs: () => number;

  constructor({ audit, database, nowMs }: { database: DatabaseSync; audit: AuditLog; nowMs: () => number }) {
    this.#database = database;
    this.#audit = audit;
    this.#nowMs = nowMs;
  }

  /** @returns the token, which nobody can show again. @throws PeopleError `people.too-many-tokens` */
  async make(
    actor: AuditActor,
    account: string,
    { days, name, scopes: asked }: NewApiToken,
  ): Promise<ApiToken & { secret: string }> {
    if (this.list(account).length >= tokensMax) {
      throw new PeopleError('people.too-many-tokens', `A person has at most ${tokensMax} tokens. Revoke one first.`, {
        statusCode: 409,
      });
    }
    const secret = `${mark}${newSecret()}`;
    const madeMs = this.#nowMs();
    const token = {
      id: newId(),
      account,
      name,
      scopes: asked,
      madeMs,
      untilMs: madeMs + days * 86_400_000,
      usedMs: undefined,
    };
    const event = {
      actor,
      action: 'token.made' as const,
      subjects: subjectsOf(account, token.id),
      reason: asked.join(', '),
    };
    await this.#audit.doing(event, () => {
      this.#database
        .prepare('INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, NULL)')
        .run(secretHash(secret), token.id, account, name, JSON.stringify(asked), madeMs, token.untilMs);
    });
    return { ...token, secret };
  }

  /** Expired ones too, so that their owner sees why a program is let in no more. */
  list(account: string): readonly ApiToken[] {
    const rows = this.#database.prepare('SELECT * FROM token WHERE account = ? ORDER BY made_ms DESC').all(account);
    return (rows as Row[]).map(tokenOf);
  }

  /** @throws PeopleError `people.token-unknown` */
  async revoke(actor: AuditActor, account: string, id: string): Promise<void> {
    if (!this.list(account).some((token) => token.id === id)) {
      throw new PeopleError('people.token-unknown', 'There is no such token.', { statusCode: 404 });
    }
    await this.#audit.doing({ actor, action: 'token.revoked', subjects: subjectsOf(account, id) }, () => {
      this.#database.prepare('DELETE FROM token WHERE account = ? AND id = ?').run(account, id);
    });
  }

  find(secret: string): ApiToken | undefined {
    if (!secret.startsWith(mark)) return undefined;
    const row = this.#database.prepare('SELECT * FROM token WHERE hash = ?').get(secretHash(secret));
    if (row === undefined) return undefined;
    const token = tokenOf(row as Row);
    const nowMs = this.#nowMs();
    if (nowMs >= token.untilMs) return undefined;
    if (nowMs - (token.usedMs ?? 0) >= usedEveryMs) {
      this.#database.prepare('UPDATE token SET used_ms = ? WHERE id = ?').run(nowMs, token.id);
    }
    return token;
  }
}

type Row = Readonly<Record<string, string | number | null>>;

function tokenOf(row: Row): ApiToken {
  return {
    ...{ id: String(row['id']), account: String(row['account']), name: String(row['name']) },
    scopes: (JSON.parse(String(row['scopes'])) as Scope[]).filter((scope) => scopes.includes(scope)),
    ...{ madeMs: Number(row['made_ms']), untilMs: Number(row['until_ms']) },
    usedMs: row['used_ms'] === null ? undefined : Number(row['used_ms']),
  };
}

function subjectsOf(account: string, id: string) {
  return [
    { kind: 'account' as const, id: account },
    { kind: 'token' as const, id },
  ];
}
