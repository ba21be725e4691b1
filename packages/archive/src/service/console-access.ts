/**
 * Who may use the pages and their interface: whoever has the token that lies in the archive's directory, readable to its
 * owner only. A browser is given a cookie for it, which says until when it is good and cannot be made without the token.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError } from '../archive-error.ts';

const cookieName = 'consilium_session';
const sessionMs = 12 * 3_600_000;

export interface ConsoleAccessOptions {
  readonly token: string;
  readonly nowMs: () => number;
  /** Whether people come by https, so that the cookie may not travel otherwise. */
  readonly isSecure: boolean;
}

export class ConsoleAccess {
  readonly #options: ConsoleAccessOptions;

  constructor(options: ConsoleAccessOptions) {
    this.#options = options;
  }

  /** @throws ArchiveError `archive.login-wanted`, `archive.foreign-page` */
  check(request: FastifyRequest): void {
    const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined && isSame(bearer, this.#options.token)) return;
    // Cookies come along whoever asks: only our own page may use them to change something.
    const site = request.headers['sec-fetch-site'];
    const { origin } = request.headers;
    const isOwn = site === undefined ? origin === undefined || hostOf(origin) === request.host : site === 'same-origin';
    if (request.method !== 'GET' && !isOwn) {
      throw new ArchiveError('archive.foreign-page', 'Another page may not do this.');
    }
    if (!this.#isGood(cookieOf(request))) {
      throw new ArchiveError(
        'archive.login-wanted',
        'Log in first, with the link that the archive shows as it starts.',
      );
    }
  }

  isToken(token: string): boolean {
    return isSame(token, this.#options.token);
  }

  /** @throws ArchiveError `archive.login-refused` */
  logIn(token: string, reply: FastifyReply): void {
    if (!this.isToken(token)) {
      throw new ArchiveError('archive.login-refused', 'This is not the archive’s token.');
    }
    const untilMs = this.#options.nowMs() + sessionMs;
    this.#setCookie(reply, `${untilMs}.${this.#signed(untilMs)}`, sessionMs / 1000);
  }

  logOut(reply: FastifyReply): void {
    this.#setCookie(reply, '', 0);
  }

  #setCookie(reply: FastifyReply, value: string, maxAgeSeconds: number): void {
    const secure = this.#options.isSecure ? '; Secure' : '';
    reply.header(
      'Set-Cookie',
      `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`,
    );
  }

  #isGood(cookie: string | undefined): boolean {
    const [untilMs = '', signature = ''] = cookie?.split('.') ?? [];
    return isSame(signature, this.#signed(Number(untilMs))) && this.#options.nowMs() < Number(untilMs);
  }

  #signed(untilMs: number): string {
    return createHmac('sha256', this.#options.token).update(`session ${untilMs}`).digest('hex');
  }
}

function cookieOf({ headers }: FastifyRequest): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** In a time that tells nothing of how much is alike. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
