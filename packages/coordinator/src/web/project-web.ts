/**
 * The coordinator's pages, on a listener of their own: browsers have no certificate of the project, and sites have no
 * business here. What is shown is names of sites and numbers; nothing else reaches a coordinator.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { Clock } from '@consilium/federation';
import { Access, guardRoutes, People, ProviderLogin, peopleRoutes } from '@consilium/people';
import { writeDurably } from '@consilium/transport';
import { fastifyStatic } from '@fastify/static';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { CoordinatorError } from '../coordinator-error.ts';
import type { MemberActs } from '../member-acts.ts';
import { ExperimentShelf } from './experiment-shelf.ts';
import { JobFacts } from './job-facts.ts';
import { ProjectFacts, type ProjectParts } from './project-facts.ts';
import type { ProjectNewsroom } from './project-news.ts';
import { projectRoutes } from './project-routes.ts';
import { PublicationFile } from './publication-file.ts';
import { webPrefix, webRouteNeeds } from './route-needs.ts';
import type { WebSettings } from './web-settings.ts';

export interface ProjectWebOptions extends Omit<ProjectParts, 'jobs'> {
  /** Of the coordinator. */
  readonly directory: string;
  readonly settings: WebSettings;
  /** Directory of the built pages; without, only programs are answered. */
  readonly pages: string | undefined;
  readonly members: MemberActs;
  readonly news: ProjectNewsroom;
  /** PEM. */
  readonly authorityCertificate: string;
  readonly clock: Clock;
  readonly nowMs: () => number;
  readonly logger: FastifyBaseLogger;
}

/** In the coordinator's directory: lets a browser or a command in, unless it was switched off. */
const tokenFile = 'web.token';
/** In the coordinator's directory while the pages are served: where. */
const addressFile = 'web.json';
/** Cookies are shared by all services of a host. */
const cookie = 'consilium_coordinator';

export class ProjectWeb implements AsyncDisposable {
  readonly app: FastifyInstance;
  readonly people: People;
  /** All that can be asked for. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
  readonly #directory: string;
  readonly #settings: WebSettings;
  readonly #over: AbortController;
  #url = '';

  private constructor(parts: {
    app: FastifyInstance;
    people: People;
    routes: readonly { method: string; url: string }[];
    directory: string;
    settings: WebSettings;
    over: AbortController;
  }) {
    this.app = parts.app;
    this.people = parts.people;
    this.routes = parts.routes;
    this.#directory = parts.directory;
    this.#settings = parts.settings;
    this.#over = parts.over;
  }

  /** Listens. @throws CoordinatorError `coordinator.web-port`, `coordinator.web-file` */
  static async open(options: ProjectWebOptions): Promise<ProjectWeb> {
    const { audit, directory, logger, nowMs, pages, project, settings } = options;
    const tls = settings.tls && { cert: await fileOf(settings.tls.certificate), key: await fileOf(settings.tls.key) };
    const over = new AbortController();
    const session = { idleMs: settings.sessionIdleMinutes * 60_000, longestMs: settings.sessionHours * 3_600_000 };
    const people = People.open(directory, { audit, nowMs, secondFactor: settings.secondFactor, session });
    const app = fastify({
      ...(tls === undefined ? {} : { https: { ...tls, minVersion: 'TLSv1.2' as const } }),
      forceCloseConnections: true,
      trustProxy: settings.behindProxy ? (_address: string, hop: number) => hop === 0 : false,
      // A page that is open asks often; who was turned away is logged below.
      logController: new LogController({ disableRequestLogging: true }),
      loggerInstance: logger,
    }) as unknown as FastifyInstance;
    app.addHook('onError', async ({ ip, log, method, routeOptions }, _reply, { code, message }) => {
      log.warn({ code, reason: message, method, route: routeOptions.url, ip }, 'refused');
    });
    const routes: { method: string; url: string }[] = [];
    app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push({ method: one, url });
    });
    const web = new ProjectWeb({ app, people, routes, directory, settings, over });
    try {
      const isSecure = tls !== undefined || settings.publicUrl?.startsWith('https:') === true;
      const access = new Access({
        ...{ people, cookie, isSecure, machines: [], ownToken: randomBytes(32).toString('hex') },
        directoryToken: await tokenIn(directory),
      });
      const needs = webRouteNeeds(pages);
      guardRoutes(app, { access, needs, prefixes: [webPrefix], selfChecked: [] });
      const provider = await providerOf(web, options);
      const login = { people, access, cookie, isSecure, provider, service: `Consilium ${project}` };
      await app.register(peopleRoutes, { prefix: webPrefix, ...login });
      const jobs = new JobFacts(options.board, options.store);
      await app.register(projectRoutes, {
        ...{ prefix: webPrefix, ...options, access, jobs, signal: over.signal },
        facts: new ProjectFacts({ ...options, jobs }),
        auditDirectory: join(directory, 'audit'),
        experiments: await ExperimentShelf.open(directory),
        publication: new PublicationFile(directory),
      });
      if (pages !== undefined) await servePages(app, pages);
      await web.#listen();
      return web;
    } catch (error) {
      await web[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the pages are, without a slash at the end. */
  get url(): string {
    return this.#url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await rm(join(this.#directory, addressFile), { force: true });
    await this.app.close();
    this.people[Symbol.dispose]();
  }

  async #listen(): Promise<void> {
    const { address, port, publicUrl, tls } = this.#settings;
    try {
      await this.app.listen({ host: address, port });
    } catch (cause) {
      const text = `The pages cannot be served on ${address}:${port}: something else listens there, or this user may not.`;
      throw new CoordinatorError('coordinator.web-port', text, { cause });
    }
    const { port: actual } = this.app.server.address() as AddressInfo;
    const host = address.includes(':') ? `[${address}]` : address;
    this.#url = publicUrl?.replace(/\/$/, '') ?? `${tls === undefined ? 'http' : 'https'}://${host}:${actual}`;
    await writeDurably(join(this.#directory, addressFile), JSON.stringify({ url: this.#url }), { mode: 0o600 });
  }
}

/** Where the pages of a coordinator that runs let its owner in: the token is in the fragment, which browsers do not send. */
export async function webLink(directory: string): Promise<string | undefined> {
  const text = await readFile(join(directory, addressFile), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return `${(JSON.parse(text) as { url: string }).url}/#token=${await tokenIn(directory)}`;
}

/** Of 64 hexadecimal digits; made when it is first wanted. @throws CoordinatorError `coordinator.web-file` */
async function tokenIn(directory: string): Promise<string> {
  const path = join(directory, tokenFile);
  const made = await readFile(path, 'utf8').catch(() => undefined);
  if (made === undefined) await writeDurably(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  const token = (await fileOf(path)).toString().trim();
  if (/^[0-9a-f]{64}$/.test(token) && ((await stat(path)).mode & 0o077) === 0) return token;
  throw unreadable(
    path,
    'is no token of 64 hexadecimal digits that its owner alone may read. Delete it to have a new one',
  );
}

async function fileOf(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw unreadable(path, 'cannot be read', cause);
  });
}

function unreadable(path: string, why: string, cause?: unknown): CoordinatorError {
  return new CoordinatorError('coordinator.web-file', `${path} ${why}.`, cause === undefined ? {} : { cause });
}

async function providerOf(
  web: ProjectWeb,
  { nowMs, settings: { provider } }: ProjectWebOptions,
): Promise<ProviderLogin | undefined> {
  if (provider === undefined) return undefined;
  const secret = provider.clientSecretFile && (await fileOf(provider.clientSecretFile)).toString().trim();
  const returnUrl = () => `${web.url}${webPrefix}/login/provider/return`;
  return new ProviderLogin({ settings: provider, clientSecret: secret, returnUrl, nowMs });
}

/** Scripts and styles of our own only, and nobody may frame the page. */
const contentPolicy =
  "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

async function servePages(app: FastifyInstance, directory: string): Promise<void> {
  await app.register(fastifyStatic, {
    ...{ root: directory, wildcard: false, index: ['project.html'] },
    setHeaders: (reply, path) => {
      reply.header('Content-Security-Policy', contentPolicy);
      reply.header('X-Content-Type-Options', 'nosniff');
      reply.header('Referrer-Policy', 'no-referrer');
      // Built assets carry the hash of their content in their names.
      const isPage = basename(path).endsWith('.html');
      reply.header('Cache-Control', isPage ? 'no-cache' : 'public, max-age=31536000, immutable');
    },
  });
}
