/**
 * What services and their pages say to each other about people. Under `/api/v1`; JSON both ways; errors as
 * `{ code, message }`. Pure: what a browser may see of this package.
 */
import { z } from 'zod';
import { type Account, accountNameSchema, displaySchema, rolesSchema } from './account.ts';
import type { ApiToken } from './api-tokens.ts';
import { type Permission, type Role, scopes } from './permission.ts';
import type { Session } from './sessions.ts';

export type { Account } from './account.ts';
export type { ApiToken } from './api-tokens.ts';
export { type Permission, permissions, Role, roleWords, type Scope, scopes } from './permission.ts';
export type { LoginWay, Session } from './sessions.ts';

/** `GET /session` */
export interface WhoAsks {
  readonly name: string;
  readonly display: string;
  readonly roles: readonly Role[];
  readonly permissions: readonly Permission[];
  readonly by: 'session' | 'api-token' | 'machine' | 'directory';
  /** Has to choose a password before anything else. */
  readonly isPasswordDue: boolean;
  /** Has to set up a second factor before anything else, once the password is chosen. */
  readonly isSecondFactorWanted: boolean;
  /** After so long without a person’s hand a page logs out. */
  readonly idleMs: number;
}

/** `GET /login`: what the page of the login offers. */
export interface LoginOffer {
  /** As the provider is called; null if there is none. */
  readonly provider: string | null;
  /** Whether anybody has an account. */
  readonly hasPeople: boolean;
  readonly isTokenOn: boolean;
}

/** `POST /session`. `code-wanted`: the same again, with a code of the second factor. */
export interface LoginAnswer {
  readonly outcome: 'in' | 'code-wanted';
}

/** `GET /account` */
export interface OwnAccount {
  readonly account: Account;
  /** Then it can be replaced, not removed. */
  readonly isSecondFactorRequired: boolean;
  readonly recoveryCodesLeft: number;
  readonly sessions: readonly (Session & { readonly isThis: boolean })[];
  readonly tokens: readonly ApiToken[];
}

/** `POST /account/second-factor` */
export interface SecondFactorDraft {
  readonly address: string;
  readonly secret: string;
  /** A QR code of the address. */
  readonly svg: string;
}

/** `GET /people` */
export interface PeopleList {
  readonly accounts: readonly (Account & {
    readonly isSecondFactorWanted: boolean;
    readonly tokens: number;
    readonly sessions: number;
  })[];
  readonly isTokenOn: boolean;
}

const password = z.string().min(1).max(4096);
const code = z.string().max(40);

export const loginSchema = z.union([
  z.strictObject({ token: z.string().min(1).max(200) }),
  z.strictObject({ name: z.string().min(1).max(200), password, code: code.optional() }),
]);
export const newAccountSchema = z.strictObject({ name: accountNameSchema, display: displaySchema, roles: rolesSchema });
export const newRolesSchema = z.strictObject({ roles: rolesSchema });
export const switchSchema = z.strictObject({ isOn: z.boolean() });
export const newPasswordSchema = z.strictObject({ password, newPassword: password });
/** `code`: of the second factor that is there already, which is replaced. */
export const factorDraftSchema = z.strictObject({ password, code: code.optional() });
export const codeSchema = z.strictObject({ code });
export const removalSchema = z.strictObject({ password, code });
export const newTokenSchema = z.strictObject({
  name: displaySchema,
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
  days: z.int().min(1).max(366),
});
