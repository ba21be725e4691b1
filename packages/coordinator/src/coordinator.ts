/**
 * The coordinator as a service: a directory, the jobs in it, and the address at which sites and members reach it. It
 * handles weights as named tensors and cannot open an image or run a graph.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type AuditEvent, AuditLog, alarmsOf } from '@consilium/audit';
import { type Clock, FiniteChunks, JobBoard, type JobEvent, type Slots } from '@consilium/federation';
import { type SiteId, siteIdSchema } from '@consilium/protocol';
import {
  blobRoutes,
  CertificateAuthority,
  createCertificateRequest,
  createTlsServer,
  type Identity,
  keepHeapSmall,
  Refusal,
  Role,
  systemClock,
  type TlsServer,
  wallClockMs,
} from '@consilium/transport';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import {
  type CoordinatorOverrides,
  certificateDaysOf,
  coordinatorOrigin,
  readAuthority,
  readCoordinatorSettings,
} from './coordinator-directory.ts';
import { CoordinatorError } from './coordinator-error.ts';
import { CoordinatorWatch } from './coordinator-watch.ts';
import { type DurableStore, openStore } from './durable-store.ts';
import { EventLog } from './event-log.ts';
import { EventStore } from './event-store.ts';
import { MemberActs } from './member-acts.ts';
import { type Member, MemberRegistry } from './member-registry.ts';
import { checkRoutes } from './routes/check-routes.ts';
import { checkpointRoutes } from './routes/checkpoint-routes.ts';
import { jobRoutes } from './routes/job-routes.ts';
import { lineRoutes } from './routes/line-routes.ts';
import { memberRoutes } from './routes/member-routes.ts';
import { silentLog } from './service-log.ts';
import type { CoordinatorSettings } from './settings.ts';
import { SiteLines } from './site-lines.ts';
import { ProjectNewsroom } from './web/project-news.ts';
import { ProjectWeb, type ProjectWebOptions } from './web/project-web.ts';

export interface CoordinatorOptions {
  readonly clock?: Clock;
  readonly nowMs?: () => number;
  readonly logger?: FastifyBaseLogger;
  /** In place of what the settings file says. */
  readonly overrides?: CoordinatorOverrides;
  readonly onEvent?: (event: JobEvent) => void;
  /** Somebody asks to be admitted, was admitted, or was revoked. */
  readonly onMember?: (member: Member) => void;
  /** Where several sites share a machine and fewer tasks than sites shall run at once. */
  readonly slots?: Slots;
  /** Directory of the built pages; asked for where the settings want them served. */
  readonly pages?: () => string;
}

/** Sites say something every five seconds. */
const silentMsMax = 20_000;
const auditService = { kind: 'coordinator', id: 'coordinator' } as const;
const dayMs = 24 * 60 * 60 * 1000;

export class Coordinator implements AsyncDisposable {
  readonly settings: CoordinatorSettings;
  readonly store: DurableStore;
  readonly board: JobBoard;
  readonly registry: MemberRegistry;
  readonly lines: SiteLines;
  readonly events: EventLog;
  readonly authority: CertificateAuthority;
  /** Who did what. */
  readonly audit: AuditLog;
  /** Every request that it answers: method and address. */
  readonly routes: { readonly method: string; readonly url: string }[] = [];
  readonly #watch: CoordinatorWatch;
  readonly #server: TlsServer;
  readonly #over: AbortController;
  readonly #news: ProjectNewsroom;
  #web: ProjectWeb | null = null;

  private constructor(parts: {
    settings: CoordinatorSettings;
    store: DurableStore;
    board: JobBoard;
    registry: MemberRegistry;
    lines: SiteLines;
    events: EventLog;
    authority: CertificateAuthority;
    audit: AuditLog;
    watch: CoordinatorWatch;
    server: TlsServer;
    over: AbortController;
    news: ProjectNewsroom;
  }) {
    this.settings = parts.settings;
    this.store = parts.store;
    this.board = parts.board;
    this.registry = parts.registry;
    this.lines = parts.lines;
    this.events = parts.events;
    this.authority = parts.authority;
    this.audit = parts.audit;
    this.#watch = parts.watch;
    this.#server = parts.server;
    this.#over = parts.over;
    this.#news = parts.news;
  }

  /** Goes on with every job that had not ended, and listens. */
  static async start(directory: string, options: CoordinatorOptions = {}): Promise<Coordinator> {
    const { clock = systemClock, nowMs = wallClockMs, logger = silentLog(), onEvent = () => {}, slots } = options;
    keepHeapSmall();
    const settings = await readCoordinatorSettings(directory, options.overrides);
    const { project } = settings;
    const authority = await CertificateAuthority.open(await readAuthority(directory), { project, nowMs });
    const store = await openStore(directory);
    const audit = await AuditLog.open(join(directory, 'audit'), { nowMs, service: auditService });
    await audit.record({ actor: auditService, action: 'service.started', subjects: [], outcome: 'done' });
    const absentMsMax = settings.absentMinutesMax * 60_000;
    const watch = new CoordinatorWatch({ log: logger, clock, store, metricsPort: settings.metricsPort });
    const lines = new SiteLines({
      clock,
      store,
      absentMsMax,
      silentMsMax,
      observed: (line) => watch.observed(line),
      ...(slots === undefined ? {} : { slots }),
    });
    const tellRevoked = (): void => {
      const message = { kind: 'revocations', revocations: registry.revocations() } as const;
      for (const line of lines.all) line.tell(message);
    };
    const keepLine = ({ role, id, state }: Member): void => {
      if (role !== Role.site) {
        if (state === 'revoked') tellRevoked();
        return;
      }
      if (state === 'admitted') lines.of(siteIdSchema.parse(id));
      else lines.remove(siteIdSchema.parse(id));
    };
    const registry = new MemberRegistry({
      database: store.database,
      authority,
      days: certificateDaysOf(settings),
      nowMs,
      onDecided: keepLine,
    });
    for (const member of registry.list().filter(({ role }) => role === Role.site)) keepLine(member);
    const events = new EventLog({
      now: () => new Date(nowMs()).toISOString(),
      store: EventStore.open(directory),
      onError: (error) => logger.error({ err: error }, 'events'),
    });
    const news = new ProjectNewsroom();
    const finiteChunks = new FiniteChunks();
    const board = await JobBoard.open(
      { clock, store, finiteChunks, sites: lines.connections },
      {
        jobsAtOnce: settings.jobsAtOnce,
        onEvent: (event) => {
          events.add(event);
          watch.onEvent(event);
          news.tellOf(event);
          noteEnd(event, audit, logger);
          onEvent(event);
        },
        onError: (jobId, error) => logger.error({ jobId, err: error }, 'job'),
      },
    );
    const server = createTlsServer({
      project,
      credentials: await serverCredentials(authority, settings),
      authority: authority.certificate,
      admits: (identity) => registry.isAdmitted(identity),
      nowMs,
      logger,
    });
    const over = new AbortController();
    const coordinator = new Coordinator({
      settings,
      store,
      board,
      registry,
      lines,
      events,
      authority,
      audit,
      watch,
      server,
      over,
      news,
    });
    const members = coordinator.#memberActs(options.onMember);
    await coordinator.#addRoutes({ nowMs, acts: members, finiteChunks });
    await coordinator.#listen();
    await coordinator.#serveWeb(directory, { clock, nowMs, logger, members, pages: options.pages });
    void coordinator.#renewDaily(clock);
    return coordinator;
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.app.server.address() as AddressInfo).port;
  }

  /** The pages; null where the settings want none. */
  get web(): ProjectWeb | null {
    return this.#web;
  }

  /** Stops listening and running jobs; the sites go on with what they do. The next start goes on where this one was. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#web?.[Symbol.asyncDispose]();
    await this.board[Symbol.asyncDispose]();
    await this.#server.app.close();
    for (const line of this.lines.all) line.close();
    await this.#watch[Symbol.asyncDispose]();
    this.events[Symbol.dispose]();
    this.#stopAudit();
    this.store[Symbol.dispose]();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.settings.listen;
    try {
      await this.#watch.serve(this.board, this.lines, () => alarmsOf(this.audit.database).length);
      await this.#server.app.listen({ host, port });
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw cannotListen(error, `${host}:${port}`);
    }
  }

  #memberActs(onMember: (member: Member) => void = () => {}): MemberActs {
    const { audit, registry } = this;
    return new MemberActs({
      audit,
      registry,
      onChange: (member, by) => {
        const { role, id, state, fingerprint } = member;
        this.#server.app.log.info({ role, id, state, fingerprint, by }, 'member');
        this.#news.tell({ kind: 'members' });
        onMember(member);
      },
    });
  }

  async #serveWeb(
    directory: string,
    {
      pages,
      ...options
    }: Pick<ProjectWebOptions, 'clock' | 'nowMs' | 'logger' | 'members'> & { pages: (() => string) | undefined },
  ): Promise<void> {
    const { audit, authority, board, events, lines, registry, settings, store } = this;
    if (settings.web === undefined) return;
    try {
      this.#web = await ProjectWeb.open({
        ...{ directory, audit, board, events, lines, registry, store, ...options },
        ...{ settings: settings.web, project: settings.project, news: this.#news, pages: pages?.() },
        origin: coordinatorOrigin({ ...settings, listen: { ...settings.listen, port: this.port } }),
        authorityCertificate: authority.certificate,
      });
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #addRoutes({
    nowMs,
    acts,
    finiteChunks,
  }: {
    nowMs: () => number;
    acts: MemberActs;
    finiteChunks: FiniteChunks;
  }): Promise<void> {
    const { app } = this.#server;
    const { audit, board, events, lines, registry, authority } = this;
    const identityOf = ({ identity }: FastifyRequest, role?: Role): Identity => {
      if (identity === null) throw new Refusal(401, 'transport.certificate-wanted', 'A certificate is needed.');
      if (role !== undefined && identity.role !== role) {
        const text = `This is for a ${role}; the certificate is that of a ${identity.role}.`;
        throw new Refusal(403, 'coordinator.not-allowed', text);
      }
      return identity;
    };
    const memberOf = (request: FastifyRequest): string => identityOf(request, Role.member).id;
    app.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) this.routes.push({ method: each, url });
    });
    this.#watch.addTo(app);
    app.addHook('onError', async ({ log, method, url, ip, identity }, _reply, { code, message }) => {
      log.warn({ code, reason: message, method, url, ip, role: identity?.role, id: identity?.id }, 'refused');
    });
    const now = () => new Date(nowMs()).toISOString();
    await app.register(lineRoutes, {
      lines,
      revocations: () => registry.revocations(),
      siteOf: (request): SiteId => siteIdSchema.parse(identityOf(request, Role.site).id),
      now,
      onLine: (siteId, state) => {
        app.log.info({ siteId }, `site ${state}`);
        this.#news.tell({ kind: 'sites' });
      },
    });
    await app.register(checkRoutes, {
      identityOf: (request) => identityOf(request),
      project: this.settings.project,
      now,
    });
    await app.register(checkpointRoutes, {
      audit,
      nowMs,
      siteOf: (request) => identityOf(request, Role.site),
      onAlarm: (siteId, { code, head }) => app.log.error({ siteId, code, size: head.size }, 'audit alarm'),
    });
    await app.register(jobRoutes, { audit, board, events, memberOf });
    await app.register(memberRoutes, {
      acts,
      audit,
      registry,
      lines,
      authorityCertificate: authority.certificate,
      memberOf,
      identityOf: (request) => identityOf(request),
    });
    await app.register(blobRoutes, {
      store: this.store,
      authorise: (request) => void identityOf(request),
      onChunk: (id, bytes) => finiteChunks.note(id, bytes),
    });
  }

  /** What cannot be written down now does not keep it from stopping. */
  #stopAudit(): void {
    const event: AuditEvent = { actor: auditService, action: 'service.stopped', subjects: [], outcome: 'done' };
    void this.audit.record(event).catch(() => {});
    this.audit[Symbol.dispose]();
  }

  /** The server's certificate lasts longer than a day, and a coordinator runs for weeks. What nobody holds is let go. */
  async #renewDaily(clock: Clock): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      await clock.sleep(dayMs, signal);
      if (signal.aborted) return;
      this.#server.replaceCredentials(await serverCredentials(this.authority, this.settings));
      await this.store.sweep();
    }
  }
}

/** A job that has ended has: if that cannot be written down, the log of the service says so. */
function noteEnd(event: JobEvent, audit: AuditLog, logger: FastifyBaseLogger): void {
  if (event.kind !== 'job-ended' || event.state === 'stopped') return;
  const subjects = [{ kind: 'job', id: event.jobId }] as const;
  const outcome = event.state === 'completed' ? 'done' : 'failed';
  audit
    .record({ actor: auditService, action: 'job.ended', subjects, outcome })
    .catch((error: unknown) => logger.error({ err: error }, 'not in the audit log'));
}

function cannotListen(error: unknown, where: string): unknown {
  const explained: Readonly<Record<string, string>> = {
    EADDRINUSE: 'something else listens there. End it, or choose another port',
    EACCES: 'this user may not. Ports below 1024 need a permission (CAP_NET_BIND_SERVICE), or choose another port',
    EADDRNOTAVAIL: 'this machine has no such address. Correct listen.host',
    ENOTFOUND: 'there is no such host name. Correct listen.host',
  };
  const why = explained[String((error as { code?: unknown }).code)];
  if (why === undefined) return error;
  return new CoordinatorError('coordinator.cannot-listen', `${where} cannot be listened on: ${why}.`, { cause: error });
}

async function serverCredentials(authority: CertificateAuthority, { names }: CoordinatorSettings) {
  const { key, request } = await createCertificateRequest();
  return { key, certificate: await authority.issueServer({ request, hosts: names }) };
}
