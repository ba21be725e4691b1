/**
 * The one path by which somebody is let in: who asks, by a session's cookie, an API token, a machine's token or that of the
 * directory, and whether they may. Nothing else of a request says who somebody is: no other header, no parameter of an address.
 */
import { type AuditActor, auditSubject } from '@consilium/audit';
import { cookieName, cookieOf } from './cookie.ts';
import type { People } from './people.ts';
import { PeopleError } from './people-error.ts';
import { type Permission, permissionsOf, Role, scopes } from './permission.ts';
import { isSameSecret } from './secret.ts';

/** Of a request; Fastify's are such. */
export interface AskedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As the browser names this service. */
  readonly host: string;
}

/** A program that the settings name, with a token in a file. */
export interface Machine {
  readonly name: string;
  readonly token: string;
  readonly may: readonly Permission[];
}

export interface Identity {
  /** Of the account; `console` for who has the token of the directory; of a machine, its name. */
  readonly name: string;
  readonly display: string;
  readonly roles: readonly Role[];
  readonly permissions: ReadonlySet<Permission>;
  readonly by: 'session' | 'api-token' | 'machine' | 'directory';
  /** Of a session. */
  readonly sessionId?: string;
}

export interface AccessOptions {
  readonly people: People;
  /** In a file of the service's directory: the first way in, until it is switched off. */
  readonly directoryToken: string;
  /** Of commands that have the service in their own process. Never leaves it. */
  readonly ownToken: string;
  readonly machines: readonly Machine[];
  /** As `consilium_archive`: two services on one host share their cookies. */
  readonly cookie: string;
  readonly isSecure: boolean;
}

/** Who has the files of the service may do everything that it offers, but has no account. */
const owner: Identity = {
  ...{ name: 'console', display: 'who has the link', by: 'directory', roles: Object.values(Role) },
  permissions: new Set(scopes),
};

export class Access {
  readonly #options: AccessOptions;
  readonly #known = new WeakMap<AskedRequest, Identity>();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /**
   * @param permission undefined: whoever is known may
   * @throws PeopleError `people.login-wanted`, `people.foreign-page`, `people.password-due`,
   *   `people.second-factor-wanted`, `people.not-allowed`
   */
  check(request: AskedRequest, permission?: Permission): Identity {
    const identity = this.#identify(request);
    if (identity === undefined) {
      throw new PeopleError('people.login-wanted', 'Log in first.', { statusCode: 401 });
    }
    if (permission !== undefined && !identity.permissions.has(permission)) {
      throw this.#notAllowed(identity);
    }
    this.#known.set(request, identity);
    return identity;
  }

  /** For an answer that goes on: whether who asked for it would still be let in. Does not keep a session from being idle. */
  isStillIn(request: AskedRequest, permission: Permission): boolean {
    return this.#identify(request, { isSeen: false })?.permissions.has(permission) ?? false;
  }

  /** Who was let in with this request: asserts that it was checked. */
  of(request: AskedRequest): Identity {
    const identity = this.#known.get(request);
    if (identity === undefined) throw new Error('The request was let in by nobody.');
    return identity;
  }

  /** For the audit log. */
  actorOf(request: AskedRequest): AuditActor {
    return { kind: 'person', id: auditSubject('account', this.of(request).name).id };
  }

  /** In constant time. */
  isDirectoryToken(token: string): boolean {
    return isSameSecret(token, this.#options.directoryToken) && this.#options.people.accounts.isTokenOn;
  }

  /**
   * Cookies come along whoever asks: only our own page may use them to change something.
   * @throws PeopleError `people.foreign-page`
   */
  refuseForeignPage({ headers, host, method }: AskedRequest): void {
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
    const site = headers['sec-fetch-site'];
    const { origin } = headers;
    const isOwn = site === undefined ? origin === undefined || hostOf(String(origin)) === host : site === 'same-origin';
    if (!isOwn) throw new PeopleError('people.foreign-page', 'Another page may not do this.', { statusCode: 403 });
  }

  sessionCookieOf({ headers }: AskedRequest): string | undefined {
    const { cookie, isSecure } = this.#options;
    return cookieOf(textOf(headers['cookie']), cookieName(cookie, isSecure));
  }

  #notAllowed({ by, name }: Identity): PeopleError {
    const { accounts } = this.#options.people;
    const due = by === 'session' ? accounts.find(name) : undefined;
    const statusCode = 403;
    if (due?.passwordUntilMs !== undefined)
      return new PeopleError('people.password-due', 'Choose a password of your own first.', { statusCode });
    if (due !== undefined && accounts.isSecondFactorWanted(due))
      return new PeopleError('people.second-factor-wanted', 'Set up a second factor first.', { statusCode });
    const text = 'Your roles, or the scopes of this token, do not allow this.';
    return new PeopleError('people.not-allowed', text, { statusCode });
  }

  #identify(request: AskedRequest, { isSeen = true }: { isSeen?: boolean } = {}): Identity | undefined {
    const bearer = /^Bearer +(\S+) *$/i.exec(textOf(request.headers['authorization']) ?? '')?.[1];
    // Who shows a token is that token's, whatever cookies come along.
    if (bearer !== undefined) return this.#ofBearer(bearer);
    const secret = this.sessionCookieOf(request);
    if (secret === undefined) return undefined;
    const identity = this.#ofSession(secret, { isSeen });
    if (identity !== undefined) this.refuseForeignPage(request);
    return identity;
  }

  #ofBearer(token: string): Identity | undefined {
    const { machines, ownToken, people } = this.#options;
    if (isSameSecret(token, ownToken) || this.isDirectoryToken(token)) return owner;
    // All are compared, so that the time tells nothing of which one it was.
    const [machine] = machines.filter((one) => isSameSecret(one.token, token));
    if (machine !== undefined) {
      const { may, name } = machine;
      return { name, display: name, roles: [], permissions: new Set(may), by: 'machine' };
    }
    const found = people.tokens.find(token);
    const account = found && people.accounts.find(found.account);
    if (account === undefined || account.isDisabled) return undefined;
    const { display, name, roles } = account;
    // A password that is due, or a second factor, holds up who logs in, not programs: a reset has taken their tokens.
    const held = permissionsOf(roles);
    const allowed = found!.scopes.filter((scope) => held.has(scope));
    return { name, display, roles, permissions: new Set(allowed), by: 'api-token' };
  }

  #ofSession(secret: string, seen: { isSeen: boolean }): Identity | undefined {
    const { people } = this.#options;
    const session = people.sessions.find(secret, seen);
    if (session === undefined) return undefined;
    if (session.account === owner.name)
      return people.accounts.isTokenOn ? { ...owner, sessionId: session.id } : undefined;
    const account = people.accounts.find(session.account);
    if (account === undefined || account.isDisabled) return undefined;
    const { display, name, passwordUntilMs } = account;
    const isWanted = people.accounts.isSecondFactorWanted(account);
    const roles = passwordUntilMs === undefined && !isWanted ? account.roles : [];
    return {
      ...{ name, display, roles, by: 'session', sessionId: session.id },
      permissions: isWanted ? new Set(['account.secure']) : permissionsOf(roles),
    };
  }
}

/** A header that came twice is one text, which no token is. */
function textOf(header: string | readonly string[] | undefined): string | undefined {
  return header === undefined || typeof header === 'string' ? header : header.join(',');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
