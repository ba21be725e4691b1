/** A service with nothing but its people, time that stands still, and a browser that keeps cookies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, AuditReader } from '@consilium/audit';
import { type FastifyInstance, fastify } from 'fastify';
import { Access } from './access.ts';
import { People, type PeopleOptions } from './people.ts';
import { peopleRouteNeeds, peopleRoutes } from './people-routes.ts';
import type { ProviderLogin } from './provider-login.ts';
import { guardRoutes, needsUnder } from './route-guard.ts';

export const founder = { kind: 'person', id: 'console' } as const;
export const directoryToken = 'd'.repeat(64);
export const goodPassword = 'violet harbour 7 lanterns';
/** As little as argon2 takes: tests are about what is done with the hash. */
export const cheapHash = { memoryKib: 8, passes: 1 };

export interface ToyAsking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly from?: string;
}

export class ToyService implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'consilium-people-'));
  nowMs = Date.UTC(2026, 2, 1);
  audit!: AuditLog;
  people!: People;
  app!: FastifyInstance;

  static async open(
    options: { provider?: ProviderLogin; isSecure?: boolean } & Pick<PeopleOptions, 'secondFactor'> = {},
  ): Promise<ToyService> {
    const toy = new ToyService();
    const nowMs = () => toy.nowMs;
    const service = { kind: 'service', id: 'toy' } as const;
    toy.audit = await AuditLog.open(join(toy.directory, 'audit'), { nowMs, service });
    const { secondFactor } = options;
    toy.people = toy.reopened(secondFactor === undefined ? {} : { secondFactor });
    const { people } = toy;
    toy.app = fastify() as unknown as FastifyInstance;
    const login = { cookie: 'toy', isSecure: options.isSecure ?? false };
    const access = new Access({ people, directoryToken, ownToken: 'o'.repeat(64), machines: [], ...login });
    const needs = needsUnder('/api/v1', peopleRouteNeeds);
    guardRoutes(toy.app, { access, needs, prefixes: ['/api/v1'], selfChecked: [] });
    const { provider } = options;
    await toy.app.register(peopleRoutes, { prefix: '/api/v1', people, access, service: 'Toy', provider, ...login });
    return toy;
  }

  /** The same people, as another process beside it has them. */
  reopened(more: Partial<PeopleOptions> = {}): People {
    return People.open(this.directory, { audit: this.audit, nowMs: () => this.nowMs, hashCost: cheapHash, ...more });
  }

  /** With a password of their own. */
  async add(
    name: string,
    roles: Parameters<People['accounts']['add']>[1]['roles'],
    password = goodPassword,
  ): Promise<void> {
    await this.people.accounts.add(founder, { name, display: name, roles });
    await this.people.accounts.setPassword(founder, name, password);
  }

  entries(action?: string) {
    using reader = AuditReader.open(join(this.directory, 'audit'));
    return reader.entries({ last: 10_000, action });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    this.people[Symbol.dispose]();
    this.audit[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Keeps cookies, as a browser does. */
export class ToyBrowser {
  readonly cookies = new Map<string, string>();
  readonly #app: FastifyInstance;

  constructor({ app }: { app: FastifyInstance }) {
    this.#app = app;
  }

  async ask(route: string, { body, from, headers = {}, method = body === undefined ? 'GET' : 'POST' }: ToyAsking = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#app.inject({
      ...{ method, url: `/api/v1${route}`, headers: { ...(cookie === '' ? {} : { cookie }), ...headers } },
      ...(body === undefined ? {} : { payload: body as object }),
      ...(from === undefined ? {} : { remoteAddress: from }),
    });
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      if (attributes.includes('Max-Age=0')) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const isJson = String(answer.headers['content-type']).includes('json');
    return { status: answer.statusCode, headers: answer.headers, json: isJson ? answer.json() : undefined };
  }

  logIn(name: string, password = goodPassword, more: { code?: string; from?: string } = {}) {
    const { from, ...rest } = more;
    return this.ask('/session', { body: { name, password, ...rest }, ...(from === undefined ? {} : { from }) });
  }
}
