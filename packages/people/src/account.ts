/** A person who may use a service. Names never change and are never given again: logs and labels hold them. */
import { z } from 'zod';
import { Role } from './permission.ts';

/** Not people: the link's token, the service itself. */
const reserved: ReadonlySet<string> = new Set(['console', 'consilium', 'archive', 'coordinator', 'service', 'unknown']);

export const accountNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@-]{0,63}$/, 'must be of a-z, 0-9, ".", "_", "@" and "-", at most 64')
  .refine((name) => !reserved.has(name), 'is kept for the service');
export const displaySchema = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}]*$/u, 'must be one line');
export const rolesSchema = z
  .array(z.enum(Role))
  .max(8)
  .transform((roles) => [...new Set(roles)].sort());

export interface Account {
  readonly name: string;
  /** As it is shown. */
  readonly display: string;
  readonly roles: readonly Role[];
  /** From where its person comes: a password here, or a provider. */
  readonly origin: 'local' | 'provider';
  readonly isDisabled: boolean;
  readonly hasSecondFactor: boolean;
  /** Of a password that somebody else has set: until then it is good, for nothing but choosing another. */
  readonly passwordUntilMs: number | undefined;
  readonly madeMs: number;
  readonly loginMs: number | undefined;
}

/** What is only for who checks it. */
export interface StoredAccount extends Account {
  readonly password: string | undefined;
  /** Encrypted, as is the draft. */
  readonly sealedTotp: string | undefined;
  readonly sealedTotpDraft: string | undefined;
  readonly totpStep: number;
}

export type AccountRow = Readonly<Record<string, string | number | null>>;

export function accountOf(row: AccountRow): StoredAccount {
  const text = (name: string) => (row[name] === null ? undefined : String(row[name]));
  const number = (name: string) => (row[name] === null ? undefined : Number(row[name]));
  return {
    ...{ name: String(row['name']), display: String(row['display']) },
    // A role that another version knew allows nothing.
    roles: (JSON.parse(String(row['roles'])) as Role[]).filter((role) => Object.values(Role).includes(role)),
    origin: row['issuer'] === null ? 'local' : 'provider',
    isDisabled: row['disabled'] === 1,
    hasSecondFactor: row['totp_secret'] !== null,
    passwordUntilMs: number('password_until_ms'),
    madeMs: Number(row['made_ms']),
    loginMs: number('login_ms'),
    ...{ password: text('password'), sealedTotp: text('totp_secret'), sealedTotpDraft: text('totp_draft') },
    totpStep: Number(row['totp_step']),
  };
}

export function publicAccount(account: StoredAccount): Account {
  const { password: _password, sealedTotp: _sealed, sealedTotpDraft: _draft, totpStep: _step, ...rest } = account;
  return rest;
}
