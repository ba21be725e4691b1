/**
 * An archive at work: DICOM from scanners and PACS, DICOMweb, watched folders, the pages of the data manager, all over one
 * archive that is open in this process. Everything that is under way may be killed, and goes on at the next start.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { AuditLog } from '@consilium/audit';
import {
  Access,
  guardRoutes,
  type Machine,
  People,
  PeopleError,
  ProviderLogin,
  peopleRoutes,
  type RouteNeeds,
} from '@consilium/people';
import { fastifyStatic } from '@fastify/static';
import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import { Archive, type ArchivePorts } from '../archive.ts';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { DicomwebClient } from '../dicomweb/dicomweb-client.ts';
import { dicomwebRoutes } from '../dicomweb/dicomweb-routes.ts';
import { StorageServer } from '../dimse/storage-server.ts';
import type { StorageEvent } from '../dimse/storage-session.ts';
import { systemClock } from '../ports/system-clock.ts';
import { writeDurably } from '../store/durable-file.ts';
import { readOrCreateSecret } from '../store/secret-file.ts';
import { ArrivalRate } from './arrival-rate.ts';
import { auditExports } from './audited-routes.ts';
import { consoleRoutes } from './console-routes.ts';
import { Pulls } from './pulls.ts';
import { reidentificationRecord } from './reidentification-record.ts';
import { openRemote, type RemotePeer } from './remote-peer.ts';
import { roadsOf } from './road-facts.ts';
import { consolePrefix, routeNeedsOf } from './route-needs.ts';
import type { ServiceSettings } from './service-settings.ts';

export interface ServiceOptions extends ArchivePorts {
  /** Directory of the built pages; without, none are shown. */
  readonly pages?: string;
  readonly logger?: FastifyBaseLogger;
  readonly onStorageEvent?: (event: StorageEvent) => void;
  /** What else the service offers, such as the reading room. */
  readonly extensions?: readonly ServiceExtension[];
}

/** More routes over the same archive, for the same people, through the same port. */
export interface ServiceExtension {
  /** As `/reading/v1`. */
  readonly prefix: string;
  /** Of each route under the prefix, as `GET /tasks`: one that is not here cannot be made. */
  readonly needs: RouteNeeds;
  /** Whether its routes call `access.check` themselves, because they answer in a form of their own. */
  readonly checksItself?: boolean;
  /** The extension may keep files of its own under a directory of the archive's. It ends with Fastify's `onClose`. */
  readonly register: (app: FastifyInstance, context: ExtensionContext) => Promise<void>;
}

export interface ExtensionContext {
  /** Where an extension writes down who did what, before it is done. */
  readonly audit: AuditLog;
  readonly archive: Archive;
  /** Who asks, and whether they may. */
  readonly access: Pick<Access, 'actorOf' | 'check' | 'isStillIn' | 'of'>;
  readonly directory: string;
  readonly clock: ArchiveClock;
  /** Those of the remotes that labels are sent to. */
  readonly labelRemotes: readonly { readonly name: string; readonly client: DicomwebClient }[];
  /** Ends streams of events. */
  readonly signal: AbortSignal;
}

/** In the archive's directory: lets a browser or a command in, unless it was switched off. */
export const consoleTokenFile = 'console.token';
/** In the archive's directory while the service runs: where it listens. */
export const serviceAddressFile = 'service.json';

const auditService = { kind: 'service', id: 'archive' } as const;

export class ArchiveService implements AsyncDisposable {
  readonly archive: Archive;
  /** Who did what. */
  readonly audit: AuditLog;
  /** Who may use it. */
  readonly people: People;
  /** Lets in whoever has the service in their own process: commands, while no other process has it. */
  readonly ownToken: string;
  readonly app: FastifyInstance;
  /** Where the pages are, without a slash at the end; empty until it listens. */
  url = '';
  /** All that can be asked for. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
  readonly #directory: string;
  readonly #settings: ServiceSettings;
  readonly #stop: AbortController;
  readonly #storage: StorageServer | undefined;
  readonly #listening: Listening;
  readonly #pulls: Pulls;
  readonly #remotes: readonly RemotePeer[];
  #work: readonly Promise<unknown>[] = [];

  private constructor(parts: ServiceParts) {
    this.archive = parts.archive;
    this.audit = parts.audit;
    this.people = parts.people;
    this.ownToken = parts.ownToken;
    this.app = parts.app;
    this.routes = parts.routes;
    this.#directory = parts.directory;
    this.#settings = parts.settings;
    this.#stop = parts.stop;
    this.#storage = parts.storage;
    this.#listening = parts.listening;
    this.#pulls = parts.pulls;
    this.#remotes = parts.remotes;
  }

  /**
   * Opens the archive in a directory. Nothing listens yet; commands that need no network ask through `app.inject`.
   * @throws ArchiveError as `Archive.open`, and `archive.settings-wrong`
   */
  static async open(
    directory: string,
    settings: ServiceSettings,
    options: ServiceOptions = {},
  ): Promise<ArchiveService> {
    const archive = await Archive.open(directory, archiveSettingsOf(settings), options);
    try {
      return new ArchiveService(await partsOf(archive, { directory, settings, options }));
    } catch (error) {
      await archive[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of C-STORE and C-ECHO; undefined if none is offered, or nothing listens yet. */
  get dicomPort(): number | undefined {
    return this.#listening.dicomPort;
  }

  /** Listens, and goes on with what was under way. @throws ArchiveError `archive.web-port`, `archive.dimse-port` */
  async start(): Promise<void> {
    const { web, dicom } = this.#settings;
    try {
      await this.app.listen({ host: web.host, port: web.port });
    } catch (cause) {
      const message = 'The port for the pages cannot be listened on: something else does, or it needs more rights.';
      throw new ArchiveError('archive.web-port', message, { detail: `${web.host}:${web.port}`, cause });
    }
    const address = this.app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : web.port;
    this.url = web.publicUrl?.replace(/\/$/, '') ?? `${web.tls === undefined ? 'http' : 'https'}://${web.host}:${port}`;
    this.#listening.url = this.url;
    if (this.#storage !== undefined) this.#listening.dicomPort = await this.#storage.listen(dicom!);
    await writeDurably(join(this.#directory, serviceAddressFile), JSON.stringify({ url: this.url }), { mode: 0o600 });
    await this.audit.record({ actor: auditService, action: 'service.started', subjects: [], outcome: 'done' });
    const { signal } = this.#stop;
    this.#work = [
      this.archive.intake.resume({ signal }),
      this.archive.intake.watch(signal),
      this.archive.series.run(signal),
    ];
  }

  /** Rejects when work that runs by itself fails: the disk, or a fault of ours. */
  async failed(): Promise<never> {
    await Promise.all(this.#work);
    return new Promise(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await rm(join(this.#directory, serviceAddressFile), { force: true });
    await this.#storage?.[Symbol.asyncDispose]();
    await this.app.close();
    await this.#pulls.close();
    await Promise.allSettled(this.#work);
    for (const remote of this.#remotes) await remote[Symbol.asyncDispose]();
    await this.archive[Symbol.asyncDispose]();
    this.people[Symbol.dispose]();
    this.audit[Symbol.dispose]();
  }
}

interface ServiceParts {
  readonly archive: Archive;
  readonly audit: AuditLog;
  readonly people: People;
  readonly ownToken: string;
  readonly app: FastifyInstance;
  readonly routes: readonly { readonly method: string; readonly url: string }[];
  readonly directory: string;
  readonly settings: ServiceSettings;
  readonly stop: AbortController;
  readonly storage: StorageServer | undefined;
  readonly listening: Listening;
  readonly pulls: Pulls;
  readonly remotes: readonly RemotePeer[];
}

/** Known once it listens. */
interface Listening {
  dicomPort?: number;
  url?: string;
}

async function partsOf(
  archive: Archive,
  { directory, settings, options }: { directory: string; settings: ServiceSettings; options: ServiceOptions },
): Promise<ServiceParts> {
  const { dicom, dicomweb, limits, web } = settings;
  const clock = options.clock ?? systemClock;
  const stop = new AbortController();
  const remotes = await Promise.all(
    settings.remotes.map((remote) => openRemote(remote, dicom?.aeTitle ?? 'CONSILIUM')),
  );
  const byName = new Map(remotes.map((remote) => [remote.name, remote]));
  const pulls = await Pulls.open({
    ...{ clock, remotes: byName, door: archive.door, events: archive.events },
    path: join(directory, 'pulls'),
    box: archive.sealedBox('pulls'),
    heldOf: (uids) => archive.heldOf(uids),
  });
  const storage = dicom && (await storageServer(archive, dicom, options.onStorageEvent));
  const listening: Listening = {};
  const tls = web.tls && { cert: await readFile(web.tls.certificate), key: await readFile(web.tls.key) };
  const audit = await AuditLog.open(join(directory, 'audit'), { nowMs: () => clock.nowMs(), service: auditService });
  const app = fastify({
    ...(tls === undefined ? {} : { https: { ...tls, minVersion: 'TLSv1.2' as const } }),
    requestTimeout: 0,
    forceCloseConnections: true,
    // The one proxy before it: what others add to the headers is not believed.
    trustProxy: web.behindProxy ? (_address: string, hop: number) => hop === 0 : false,
    ...(options.logger === undefined ? {} : { loggerInstance: options.logger }),
  }) as unknown as FastifyInstance;
  const routes: { method: string; url: string }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, url });
  });
  const extensions = options.extensions ?? [];
  const { access, people, ownToken, ...login } = await peopleOf({ audit, clock, directory, listening, settings });
  guardRoutes(app, {
    access,
    needs: routeNeedsOf({ dicomwebPath: dicomweb.path, pages: options.pages, extensions }),
    prefixes: [consolePrefix, ...extensions.map(({ prefix }) => prefix)],
    selfChecked: [dicomweb.path, ...extensions.filter(({ checksItself }) => checksItself).map(({ prefix }) => prefix)],
  });
  await app.register(peopleRoutes, { prefix: consolePrefix, people, access, ...login });
  await app.register(consoleRoutes, {
    prefix: consolePrefix,
    ...{ archive, audit, directory, access, pulls, remotes: byName, signal: stop.signal },
    project: settings.project,
    instanceBytesMax: limits.instanceBytesMax,
    overviewRoads: {
      dicom: dicom ? { aeTitle: dicom.aeTitle, port: dicom.port, peers: dicom.peers.length } : null,
      dicomweb: { path: dicomweb.path, clients: dicomweb.clients.length },
      watched: settings.watch.length,
      remotes: remotes.map(({ name }) => name),
    },
    roads: () => roadsOf(resolve(directory), settings, listening.dicomPort),
    arrivals: new ArrivalRate(archive.events, clock),
    ...reidentificationRecord(join(directory, 'identity'), clock),
  });
  auditExports(app, { archive, audit, nowMs: () => clock.nowMs() });
  await registerDicomweb(app, { archive, access, settings });
  const labelRemotes = remotes.flatMap(({ labels, name }) => (labels === undefined ? [] : [{ name, client: labels }]));
  const context = { archive, access, audit, directory, clock, labelRemotes, signal: stop.signal };
  for (const { prefix, register } of extensions) {
    await app.register((scope) => register(scope, context), { prefix });
  }
  if (options.pages !== undefined) await registerPages(app, options.pages);
  return {
    archive,
    audit,
    people,
    ownToken,
    app,
    routes,
    directory,
    settings,
    stop,
    storage,
    listening,
    pulls,
    remotes,
  };
}

/** As it is called in the cookies of a browser, which another service on this machine shares. */
const cookie = 'consilium_archive';

async function peopleOf({
  audit,
  clock,
  directory,
  listening,
  settings,
}: {
  audit: AuditLog;
  clock: ArchiveClock;
  directory: string;
  listening: Listening;
  settings: ServiceSettings;
}) {
  const { people: asked, project, web } = settings;
  const nowMs = () => clock.nowMs();
  const { provider, secondFactor, sessionHours, sessionIdleMinutes } = asked;
  const session = { idleMs: sessionIdleMinutes * 60_000, longestMs: sessionHours * 3_600_000 };
  const people = People.open(directory, { audit, nowMs, secondFactor, session });
  const token = await readOrCreateSecret(join(directory, consoleTokenFile), { mayCreate: true });
  const isSecure = web.tls !== undefined || web.publicUrl?.startsWith('https:') === true;
  const ownToken = randomBytes(32).toString('hex');
  const access = new Access({
    ...{ people, ownToken, cookie, isSecure },
    directoryToken: Buffer.from(token).toString('hex'),
    machines: await machinesOf(settings),
  });
  const clientSecret = provider?.clientSecretFile && (await tokenIn(provider.clientSecretFile, 'a provider of logins'));
  const returnUrl = () => `${listening.url ?? ''}${consolePrefix}/login/provider/return`;
  return {
    ...{ access, people, ownToken, cookie, isSecure },
    service: `Consilium ${project}`,
    provider: provider && new ProviderLogin({ settings: provider, clientSecret, returnUrl, nowMs }),
  };
}

/** The clients of DICOMweb that the settings name. */
async function machinesOf({ dicomweb }: ServiceSettings): Promise<readonly Machine[]> {
  return Promise.all(
    dicomweb.clients.map(async ({ may, name, tokenFile }) => {
      const token = await tokenIn(tokenFile, 'a DICOMweb client');
      return { name, token, may: may.map((need) => permissionOfNeed[need]) };
    }),
  );
}

const permissionOfNeed = { read: 'image.read', store: 'image.store' } as const;

/** @throws ArchiveError `archive.settings-wrong` */
async function tokenIn(path: string, owner: string): Promise<string> {
  const token = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (token.length >= 16) return token;
  const message = `The token of ${owner} cannot be read, or has fewer than 16 characters.`;
  throw new ArchiveError('archive.settings-wrong', message, { detail: path });
}

function archiveSettingsOf(settings: ServiceSettings): Parameters<typeof Archive.open>[1] {
  const {
    apps: _apps,
    dicom: _dicom,
    dicomweb: _dicomweb,
    monaiLabel: _monaiLabel,
    people: _people,
    remotes: _remotes,
    web: _web,
    ...archive
  } = settings;
  return archive;
}

async function storageServer(
  { door }: Archive,
  dicom: NonNullable<ServiceSettings['dicom']>,
  report: ServiceOptions['onStorageEvent'],
): Promise<StorageServer> {
  const mib = 2 ** 20;
  const { aeTitle, associationsMax, idleSeconds, instanceMegabytesMax, peers, receivedMegabytesMax, storage, tls } =
    dicom;
  return new StorageServer({
    ...{ aeTitle, associationsMax, peers, door, storage },
    idleMs: idleSeconds * 1000,
    instanceBytesMax: instanceMegabytesMax * mib,
    receivedBytesMax: receivedMegabytesMax * mib,
    ...(report === undefined ? {} : { report }),
    tls: tls && {
      certificate: await readFile(tls.certificate, 'utf8'),
      key: await readFile(tls.key, 'utf8'),
      authority: tls.clientAuthority === undefined ? undefined : await readFile(tls.clientAuthority, 'utf8'),
    },
  });
}

async function registerDicomweb(
  app: FastifyInstance,
  { access, archive, settings: { dicomweb } }: { access: Access; archive: Archive; settings: ServiceSettings },
): Promise<void> {
  const mib = 2 ** 20;
  await app.register(dicomwebRoutes, {
    prefix: dicomweb.path,
    catalogue: archive.catalogue,
    door: archive.door,
    authorize: (request, need) => {
      try {
        return { kind: 'allowed', client: access.check(request, permissionOfNeed[need]).name };
      } catch (error) {
        if (!(error instanceof PeopleError)) throw error;
        return { kind: error.code === 'people.login-wanted' ? 'unknown' : 'forbidden' };
      }
    },
    publicUrl: dicomweb.publicUrl,
    corsOrigins: dicomweb.corsOrigins,
    idleMs: dicomweb.idleSeconds * 1000,
    instanceBytesMax: dicomweb.instanceMegabytesMax * mib,
    receivedBytesMax: dicomweb.receivedMegabytesMax * mib,
  });
}

/** Scripts and styles of our own only, and nobody may frame the page. */
const contentPolicy =
  "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

async function registerPages(app: FastifyInstance, directory: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: directory,
    // A route for each file: what is under none of them is nobody's.
    wildcard: false,
    index: ['site.html'],
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
