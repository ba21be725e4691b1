/**
 * The service inside the hospital: keeps the line to the coordinator, holds blobs and finished work on disk, and has a
 * worker do the tasks. Its directory holds everything: `site.yaml`, `identity/`, `store/`, `spool/`, and what the worker
 * keeps.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type AgentEvent, type BlobStore, type Clock, SiteAgent, type Worker } from '@consilium/federation';
import {
  ChunkDirectory,
  CoordinatorClient,
  DirectoryLock,
  IdentityDirectory,
  keepHeapSmall,
  keepRenewed,
  systemClock,
  wallClockMs,
} from '@consilium/transport';
import { parse as parseYaml } from 'yaml';
import { findCases } from './case-finder.ts';
import { maskedWork } from './masked-work.ts';
import { Approvals } from './policy/approvals.ts';
import { PolicyEngine } from './policy/policy-engine.ts';
import { RevokedMembers } from './policy/revoked-members.ts';
import { TaskGate } from './policy/task-gate.ts';
import { chance } from './ports/chance.ts';
import { openLocalLog } from './ports/local-log.ts';
import { wallTime, wallWeekday } from './ports/wall-time.ts';
import { privacyReport } from './privacy-report.ts';
import { SecretDirectory } from './secret-directory.ts';
import {
  parseSiteSettings,
  privacySettingsOf,
  type SiteSettings,
  type SiteSettingsInput,
  siteRulesOf,
  sourcesOf,
  type WorkerSettings,
} from './settings.ts';
import { SiteAudit } from './site-audit.ts';
import { detailOf, failureOf, SiteError } from './site-error.ts';
import { siteVersion } from './site-version.ts';
import { SiteWatch } from './site-watch.ts';
import { SiteWorker } from './site-worker.ts';
import { SpoolDirectory } from './spool-directory.ts';
import { demandedPrivacy } from './task-privacy.ts';
import { WorkingHours } from './working-hours.ts';

/** How long it is believed that the site has as many patients. */
const patientsMs = 60_000;
const dayMs = 24 * 60 * 60 * 1000;
/** Of a job that asked for nothing for so long, weights are fetched again should it go on; what the site learnt of it stays. */
const jobKeptMs = 30 * dayMs;
/** With the four files before it, at most 50 MiB. */
const logBytesMax = 10 * 2 ** 20;

export interface SiteServiceOptions {
  /** Ends the service: what is running is given up and done again at the next start. */
  readonly signal: AbortSignal;
  /** In place of what `site.yaml` says. */
  readonly overrides?: Partial<SiteSettingsInput>;
  readonly clock?: Clock;
  readonly onEvent?: (event: AgentEvent) => void;
  /** In place of the process that trains: for measurements and tests. */
  readonly worker?: (blobs: BlobStore) => Worker;
  /** Options of Node for the worker, by default those of this process. */
  readonly execArgv?: readonly string[];
}

/**
 * `overrides`: what takes precedence over the file.
 * @throws SiteError `site.bad-settings`
 */
export async function readSiteSettings(
  directory: string,
  overrides: Partial<SiteSettingsInput> = {},
): Promise<SiteSettings> {
  const path = join(directory, 'site.yaml');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new SiteError('site.bad-settings', `There is no ${path}. Make it with "consilium site join".`);
  }
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch {
    throw new SiteError('site.bad-settings', `${path} is not YAML.`);
  }
  return parseSiteSettings({ ...(document as object), ...overrides });
}

/** Runs until `signal` aborts. Rejects if it cannot begin: wrong settings, a directory in use, no identity. */
export async function runSite(directory: string, options: SiteServiceOptions): Promise<void> {
  const { signal, clock = systemClock, onEvent = () => {} } = options;
  keepHeapSmall();
  const settings = await readSiteSettings(directory, options.overrides);
  using _lock = await DirectoryLock.take(directory);
  const log = openLocalLog(join(directory, 'log.jsonl'), { bytesMax: logBytesMax });
  const identity = await IdentityDirectory.open(join(directory, 'identity'));
  const { role, id } = identity.facts;
  if (role !== 'site' || id !== settings.siteId) {
    const text = `The settings say ${settings.siteId}, but the identity is that of the ${role} ${id}. Use the directory it belongs to.`;
    throw new SiteError('site.other-identity', text);
  }
  const engine = await PolicyEngine.open(directory, siteRulesOf(settings));
  const blobs = await ChunkDirectory.open(join(directory, 'store'), { isDurable: false, heldMs: jobKeptMs });
  using secrets = await SecretDirectory.open(directory);
  const spool = await SpoolDirectory.open(join(directory, 'spool'));
  const client = new CoordinatorClient({
    origin: settings.coordinator,
    authority: identity.authority,
    credentials: identity.credentials,
    ...(settings.proxy === undefined ? {} : { proxy: settings.proxy }),
  });
  await using worker = new SiteWorker({
    settings: workerSettings(directory, settings),
    blobs,
    clock,
    ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
    onEnd: (end) => log.write('worker ended', { ...end }),
  });
  await using audit = await SiteAudit.open({
    ...{ directory, siteId: settings.siteId, clock, log, signal },
    archives: sourcesOf(settings).flatMap((source) => (source.cohort === undefined ? [] : [source.directory])),
    send: (offer, over) => client.post('/v1/checkpoints', offer, over),
  });
  await using watch = await SiteWatch.open({
    log,
    clock,
    directory,
    certificateMs: () => identity.validity.toMs - wallClockMs(),
    workerBytes: () => worker.residentBytes,
    auditAlarms: () => audit.alarms,
    metricsPort: settings.metricsPort,
  });
  const { authority } = identity;
  const { project } = identity.facts;
  const revoked = await RevokedMembers.open(directory, { project, authority });
  const hours = new WorkingHours(settings.limits, clock);
  const patients = rememberedFor(patientsMs, clock, () => patientsOf(settings));
  const gate = new TaskGate({
    siteId: settings.siteId,
    project,
    authority,
    engine,
    rules: siteRulesOf(settings),
    approvals: new Approvals(directory),
    revoked,
    fetchBlob: (id, over) => client.fetchBlob(id, blobs, over),
    blobs,
    clock,
    nowMs: wallClockMs,
    localTime: wallTime,
    localWeekday: wallWeekday,
    patients,
    privacy: () => privacyReport(directory, settings),
    demanded: (offered) => demandedPrivacy(offered, { ...privacySettingsOf(settings), required: false }), // for policies to say
    software: siteVersion,
    log,
  });
  const agent = new SiteAgent({
    clock,
    chance,
    coordinator: {
      openLine: (hello, over) => client.openLine(hello, over),
      send: (message, over) => client.send(message, over),
      fetchBlob: (id, over) => client.fetchBlob(id, blobs, over),
      offerBlob: (id, over) => client.offerBlob(id, blobs, over),
    },
    worker: maskedWork({
      worker: watch.observed(options.worker?.(blobs) ?? worker),
      blobs,
      secrets,
      identity,
      settings,
    }),
    spool,
    blobs,
    failureOf,
    permit: (task, options) => gate.permit(task, options),
    onRevocations: async (heard) => {
      const outcome = await revoked.hear(heard);
      if (outcome !== 'known') log.write('revocations', { outcome, number: heard.number, known: revoked.number });
    },
    admit: async (task, over) => {
      await hours.admit(task, over);
      await audit.begin(task);
    },
    tasksAtOnce: settings.limits.tasksAtOnce,
    onEvent: (event) => {
      watch.onEvent(event);
      audit.onEvent(event);
      onEvent(event);
    },
  });
  const renewing = keepRenewed({
    identity,
    client,
    clock,
    nowMs: wallClockMs,
    signal,
    onError: (error) => log.write('renewal failed', { detail: detailOf(error) }),
  });
  const sweeping = sweepDaily(blobs, {
    clock,
    signal,
    onError: (error) => log.write('sweep failed', { detail: detailOf(error) }),
  });
  log.write('started', { siteId: settings.siteId });
  await agent.run(signal);
  await Promise.all([renewing, sweeping]);
  await client.close();
  log.write('stopped');
}

/** What is not needed any more goes without a restart. */
async function sweepDaily(
  blobs: ChunkDirectory,
  { clock, onError, signal }: { clock: Clock; signal: AbortSignal; onError: (error: unknown) => void },
): Promise<void> {
  for (;;) {
    await clock.sleep(dayMs, signal);
    if (signal.aborted) return;
    await blobs.sweep().catch(onError);
  }
}

/** As it was found at most so long ago. */
function rememberedFor<T>(ms: number, clock: Clock, find: () => Promise<T>): () => Promise<T> {
  let found: { readonly atMs: number; readonly value: Promise<T> } | undefined;
  return () => {
    const nowMs = clock.nowMs();
    if (found === undefined || nowMs - found.atMs >= ms) found = { atMs: nowMs, value: find() };
    return found.value;
  };
}

/** How many patients there are, which no job changes; of what cannot be read, none: the task itself will say what is wrong. */
async function patientsOf(settings: SiteSettings): Promise<number> {
  try {
    const found = await Promise.all(
      sourcesOf(settings).map(async (source) => {
        const cases = await findCases(source);
        return new Set(cases.map(({ patientId }) => patientId)).size;
      }),
    );
    return found.reduce((sum, patients) => sum + patients, 0);
  } catch {
    return 0;
  }
}

function workerSettings(directory: string, settings: SiteSettings): WorkerSettings {
  const { siteId, seed, threads, privacy, peers, overlap, filters, testGroups } = settings;
  return {
    siteId,
    sources: sourcesOf(settings),
    workDirectory: directory,
    seed,
    threads: threads ?? Math.max(1, availableParallelism() - 1),
    minimumCount: siteRulesOf(settings).minimumCount,
    ...(privacy === undefined ? {} : { privacy }),
    ...(peers === undefined ? {} : { peers }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(filters === undefined ? {} : { filters }),
    ...(testGroups === undefined ? {} : { testGroups }),
  };
}
