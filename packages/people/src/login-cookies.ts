/** The cookies of logins, and what the routes of people are given. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from './access.ts';
import { cookieName, cookieOf, cookieText } from './cookie.ts';
import type { People } from './people.ts';
import type { ProviderLogin } from './provider-login.ts';
import type { LoginWay } from './sessions.ts';

export interface PeopleRoutesOptions {
  readonly people: People;
  readonly access: Access;
  /** As authenticators show it: `Consilium kidney`. */
  readonly service: string;
  /** As for `Access`. */
  readonly cookie: string;
  readonly isSecure: boolean;
  readonly provider?: ProviderLogin | undefined;
}

const deviceSeconds = 180 * 86_400;

/** What browsers are given when somebody has logged in. */
export class LoginCookies {
  readonly #options: PeopleRoutesOptions;

  constructor(options: PeopleRoutesOptions) {
    this.#options = options;
  }

  deviceOf({ headers }: FastifyRequest): string | undefined {
    const { cookie, isSecure } = this.#options;
    return cookieOf(headers.cookie, cookieName(`${cookie}_device`, isSecure));
  }

  /** A new session, whatever cookie the browser came with; the one it had ends. */
  begin(request: FastifyRequest, reply: FastifyReply, { account, way }: { account: string; way: LoginWay }): void {
    const { access, cookie, isSecure, people } = this.#options;
    const before = people.sessions.find(access.sessionCookieOf(request) ?? '');
    if (before !== undefined) people.sessions.end(before.account, before.id);
    const secret = people.sessions.begin(account, { agent: request.headers['user-agent'] ?? '', way });
    const maxAgeSeconds = people.sessions.limits.longestMs / 1000;
    const made = [cookieText(cookie, secret, { maxAgeSeconds, isSecure })];
    if (way === 'password') {
      const device = people.sessions.rememberDevice(account);
      made.push(cookieText(`${cookie}_device`, device, { maxAgeSeconds: deviceSeconds, isSecure }));
    }
    reply.header('Set-Cookie', made);
  }

  end(reply: FastifyReply): void {
    const { cookie, isSecure } = this.#options;
    reply.header('Set-Cookie', cookieText(cookie, '', { maxAgeSeconds: 0, isSecure }));
  }
}
