/**
 * What it costs to find the patients whom hospitals share: CPU seconds of a site in each step, and bytes that pass the
 * coordinator. Keys, masks and boxes as sites make them; certificates and the network left out. The last line is JSON. See
 * README.md.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { checkRoster, commonPart, OverlapExchange, PeerChannel, PeerKey } from '@consilium/federation';
import type { JobId, SiteId } from '@consilium/protocol';

const { values: options } = parseArgs({
  options: {
    sites: { type: 'string', default: '6' },
    /** At each site; a tenth of them is at the next site too. */
    patients: { type: 'string', default: '1000' },
    capacity: { type: 'string', default: '1024' },
  },
});
const [count, patients, capacity] = [Number(options.sites), Number(options.patients), Number(options.capacity)];
const say = (line: string) => process.stdout.write(`${line}\n`);

const context = { project: 'bench', jobId: 'bench' as JobId, purpose: 'overlap' } as const;
const siteIds = Array.from({ length: count }, (_, index) => `site-${index + 1}` as SiteId);
const secretOf = (siteId: SiteId) => createHash('sha256').update(siteId).digest();
const keys = new Map(siteIds.map((siteId) => [siteId, new PeerKey(secretOf(siteId))]));
const roster = siteIds.map((siteId) => ({
  ...{ siteId, certificate: siteId, signature: '' },
  publicKey: Buffer.from(keys.get(siteId)!.publicKey).toString('base64'),
}));

const sites = siteIds.map((siteId, index) => {
  const key = keys.get(siteId)!;
  const checked = checkRoster(roster, {
    ...{ context, self: { siteId, publicKey: key.publicKey }, minimumSites: 2 },
    verifier: { proven: ({ certificate }) => ({ siteId: certificate, keyFingerprint: '' }) },
  });
  return {
    ...{ siteId, channel: new PeerChannel(checked, key) },
    exchange: new OverlapExchange({ secret: secretOf(siteId), siteId, capacity }),
    persons: Array.from({ length: patients }, (_, person) => `person ${Math.round(0.9 * patients) * index + person}`),
  };
});
type Site = (typeof sites)[number];

const cpuSeconds: Record<string, number> = {};
let bytes = 0;

/** CPU seconds of one site, of all of them the mean. */
function measured<T>(step: string, work: (site: Site) => T): T[] {
  const begun = process.cpuUsage();
  const results = sites.map(work);
  const { user, system } = process.cpuUsage(begun);
  cpuSeconds[step] = (user + system) / 1e6 / sites.length;
  say(`${step}: ${cpuSeconds[step].toFixed(2)} s of CPU a site`);
  return results;
}

type Boxes = ReadonlyMap<SiteId, Uint8Array>;

function sealed({ channel }: Site, step: string, message: (to: SiteId) => Uint8Array): Boxes {
  return new Map(
    channel.peers.map((to) => {
      const box = channel.seal(message(to), { to, step });
      bytes += box.length;
      return [to, box];
    }),
  );
}

const opened =
  ({ siteId, channel }: Site, step: string, boxes: readonly Boxes[]) =>
  (from: SiteId) =>
    channel.open(boxes[siteIds.indexOf(from)]!.get(siteId)!, { from, step });

const masked = measured('mask', (site) => site.exchange.masked(site.persons));
const sent = measured('seal', (site) => sealed(site, 'mask', () => masked[sites.indexOf(site)]!.bytes));
const returned = measured('return', (site) => {
  const list = opened(site, 'mask', sent);
  return sealed(site, 'return', (to) => site.exchange.returned(list(to)));
});
const labelled = measured('label', (site) => {
  const [theirs, own] = [opened(site, 'mask', sent), opened(site, 'return', returned)];
  const { order } = masked[sites.indexOf(site)]!;
  const partAt = order.map((at) => (at < 0 ? null : commonPart(site.channel.roster, site.persons[at]!)));
  return sealed(site, 'label', (to) => site.exchange.labelled({ own: own(to), theirs: theirs(to) }, { to, partAt }));
});
const found = measured('find', (site) => {
  const [own, labels] = [opened(site, 'return', returned), opened(site, 'label', labelled)];
  return site.channel.peers.reduce(
    (sum, from) => sum + site.exchange.found(own(from), { from, labelled: labels(from) }).size,
    0,
  );
});
const total = Object.values(cpuSeconds).reduce((sum, each) => sum + each, 0);
say(
  `${total.toFixed(2)} s of CPU a site; ${(bytes / 1e6).toFixed(2)} MB pass the coordinator, each way; found ${found}`,
);
say(JSON.stringify({ sites: count, patients, capacity, cpuSeconds, bytes, found }));
