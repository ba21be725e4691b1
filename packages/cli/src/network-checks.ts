/** What preflight looks at on the way from a site to its coordinator, in the order in which a connection needs it. */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { MemoryStore, putBlob } from '@consilium/federation';
import { checkProtocolVersion } from '@consilium/protocol';
import type { SiteSettings } from '@consilium/site';
import { CoordinatorClient, type IdentityDirectory, type TransportError, wallClockMs } from '@consilium/transport';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import type { Check, CheckResult } from './preflight-check.ts';

export interface NetworkChecksOptions {
  readonly settings: SiteSettings;
  /** Throws if there is none that was admitted. */
  readonly identity: () => Promise<IdentityDirectory>;
  readonly signal: AbortSignal;
}

const transferBytes = 4 * 2 ** 20;
const patienceMs = 15_000;
const transferMsMax = 180_000;
const checkAnswerSchema = z.object({
  project: z.string(),
  role: z.string(),
  id: z.string(),
  protocolVersion: z.int(),
  time: z.iso.datetime(),
});

export function networkChecks(options: NetworkChecksOptions): readonly Check[] {
  const { coordinator, proxy } = options.settings;
  const next = new URL(proxy ?? coordinator);
  const place = {
    host: next.hostname.replace(/^\[|\]$/g, ''),
    port: Number(next.port || (proxy === undefined ? 443 : 80)),
  };
  const whose = proxy === undefined ? 'coordinator' : 'proxy';
  return [
    { name: 'name', look: () => checkName(place.host, whose) },
    { name: 'port', look: () => checkPort(place, whose) },
    { name: 'coordinator', look: () => checkCoordinator(options) },
    { name: 'clock', look: () => checkClock(options) },
    { name: 'transfer', look: () => checkTransfer(options) },
  ];
}

async function checkName(host: string, whose: string): Promise<CheckResult> {
  try {
    const { address } = await lookup(host);
    const found = address === host ? `${host} is an address` : `${host} is ${address}`;
    return { state: 'ok', found: `the ${whose}'s name ${found}`, facts: { host, address } };
  } catch {
    return {
      state: 'failed',
      found: `the ${whose}'s name ${host} cannot be resolved`,
      todo: `Check the name in site.yaml. If it is right, this machine's DNS does not know it: ask IT.`,
    };
  }
}

function checkPort({ host, port }: { host: string; port: number }, whose: string): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const end = (result: CheckResult) => {
      socket.destroy();
      resolve(result);
    };
    const failed = (code: string) => {
      const todo =
        code === 'ECONNREFUSED'
          ? `Check that the ${whose} runs and that this is its port; a firewall may also refuse it.`
          : `Ask IT to allow outbound TCP from this machine to ${host}, port ${port}. Nothing inbound is needed.`;
      end({ state: 'failed', found: `${host}:${port} does not accept a connection (${code})`, todo });
    };
    socket.once('connect', () =>
      end({ state: 'ok', found: `${host}:${port} accepts connections`, facts: { host, port } }),
    );
    socket.once('timeout', () => failed('ETIMEDOUT'));
    socket.once('error', (error) => failed(String((error as NodeJS.ErrnoException).code)));
  });
}

/** TLS, the proxy, both certificates, and whether the project still admits this site. */
async function checkCoordinator(options: NetworkChecksOptions): Promise<CheckResult> {
  const { settings } = options;
  await using link = await open(options);
  const { project, role, id, protocolVersion } = await link.check();
  checkProtocolVersion(protocolVersion);
  if (role !== 'site' || id !== settings.siteId) {
    const todo = 'The identity directory is not that of the settings: use the site directory as "site join" made it.';
    return { state: 'failed', found: `it knows this site as the ${role} ${id}, not ${settings.siteId}`, todo };
  }
  const through = settings.proxy === undefined ? '' : ` through the proxy ${new URL(settings.proxy).host}`;
  const found = `the coordinator of "${project}" knows this site as ${id}${through}`;
  return { state: 'ok', found, facts: { project, id, protocolVersion } };
}

async function checkClock(options: NetworkChecksOptions): Promise<CheckResult> {
  await using link = await open(options);
  await link.check(); // so that the next one need not wait for a connection
  const beforeMs = wallClockMs();
  const { time } = await link.check();
  const skewSeconds = ((beforeMs + wallClockMs()) / 2 - Date.parse(time)) / 1000;
  const found = `${Math.abs(skewSeconds).toFixed(1)} s ${skewSeconds < 0 ? 'behind' : 'ahead of'} the coordinator's`;
  const state = Math.abs(skewSeconds) > 300 ? 'failed' : Math.abs(skewSeconds) > 30 ? 'warning' : 'ok';
  const todo = 'Have this machine set its clock from the network (NTP): certificates are dated.';
  return { state, found, ...(state === 'ok' ? {} : { todo }), facts: { skewSeconds } };
}

/** Random bytes, so that nothing in between can make them fewer. The coordinator forgets them after a day. */
async function checkTransfer(options: NetworkChecksOptions): Promise<CheckResult> {
  await using link = await open(options);
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const id = await putBlob(from, randomBytes(transferBytes));
  const megabytes = transferBytes / 1e6;
  const timed = async (work: Promise<void>) => {
    const startMs = performance.now();
    await work;
    return megabytes / ((performance.now() - startMs) / 1000);
  };
  const up = await timed(link.client.offerBlob(id, from, link.signal));
  const down = await timed(link.client.fetchBlob(id, to, link.signal));
  const rate = (value: number) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} MB/s`;
  const found = `${megabytes.toFixed(1)} MB sent at ${rate(up)} and received at ${rate(down)}`;
  const facts = { upMegabytesPerSecond: up, downMegabytesPerSecond: down };
  if (Math.min(up, down) >= 0.5) return { state: 'ok', found, facts };
  const todo = `A model of 100 MB needs ${(100 / Math.min(up, down) / 60).toFixed(0)} minutes each way in every round. Ask IT for more.`;
  return { state: 'warning', found, todo, facts };
}

/** A connection that gives up at the first trouble. */
async function open({ settings, identity, signal }: NetworkChecksOptions) {
  const { authority, credentials } = await identity();
  const trouble = new AbortController();
  const over = AbortSignal.any([signal, trouble.signal, AbortSignal.timeout(transferMsMax)]);
  const client = new CoordinatorClient({
    origin: settings.coordinator,
    authority,
    credentials,
    proxy: settings.proxy,
    onRetry: (error: TransportError) => trouble.abort(error),
  });
  return {
    client,
    signal: over,
    check: async () => {
      const { data } = checkAnswerSchema.safeParse(await client.get('/v1/check', over));
      if (data !== undefined) return data;
      throw new CliError('cli.not-a-coordinator', 'What answers is no coordinator, or one of another version.');
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
