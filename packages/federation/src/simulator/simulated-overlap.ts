/** Simulated sites that compare their patients: a few each, of whom neighbours share some; secrets follow from names. */
import { createHash } from 'node:crypto';
import type { ContributionTo, Introduction, JobId, OverlapTask, SiteId, Split } from '@consilium/protocol';
import { getBlob, putBlob } from '../blob.ts';
import { commonPart } from '../peers/common-part.ts';
import { laterPart, OverlapExchange } from '../peers/overlap-exchange.ts';
import { PeerChannel } from '../peers/peer-channel.ts';
import { PeerKey } from '../peers/peer-key.ts';
import { checkRoster } from '../peers/peer-roster.ts';
import type { BlobStore } from '../store.ts';

export interface SimulatedPatients {
  readonly siteId: SiteId;
  readonly cases: number;
  readonly target: number;
}

export function patientsOf({ cases, target }: Pick<SimulatedPatients, 'cases' | 'target'>): readonly string[] {
  return Array.from({ length: Math.min(cases, 4) }, (_, index) => `patient ${target + index}`);
}

export function simulatedIntroduction(siteId: SiteId, jobId: JobId): Introduction {
  const { publicKey } = new PeerKey(secretOf(siteId, jobId));
  const signature = Buffer.alloc(64).toString('base64');
  return { siteId, publicKey: Buffer.from(publicKey).toString('base64'), certificate: siteId, signature };
}

export async function simulatedOverlap(
  task: OverlapTask,
  site: SimulatedPatients,
  blobs: BlobStore,
): Promise<ContributionTo<'overlap'>> {
  const { jobId, step, settings } = task;
  const { siteId } = site;
  const key = new PeerKey(secretOf(siteId, jobId));
  const roster = checkRoster(task.roster, {
    context: { project: 'simulated', jobId, purpose: 'overlap' },
    self: { siteId, publicKey: key.publicKey },
    verifier: { proven: ({ certificate }) => ({ siteId: certificate, keyFingerprint: certificate }) },
    minimumSites: settings.minimumSites,
  });
  const channel = new PeerChannel(roster, key);
  const exchange = new OverlapExchange({ secret: secretOf(siteId, jobId), siteId, capacity: settings.capacity });
  const patients = patientsOf(site);
  const { bytes, order } = exchange.masked(patients);
  const received = async (of: OverlapTask['step']) => {
    const opened = new Map<SiteId, Uint8Array>();
    for (const { from, step: sent, box } of task.received) {
      if (sent === of) opened.set(from, channel.open(await getBlob(blobs, box), { from, step: of }));
    }
    return opened;
  };
  const sealed = async (messages: Iterable<readonly [SiteId, Uint8Array]>): Promise<ContributionTo<'overlap'>> => {
    const boxes: ContributionTo<'overlap'>['boxes'] = {};
    for (const [to, message] of messages) boxes[to] = await putBlob(blobs, channel.seal(message, { to, step }));
    return { kind: 'overlap', step, boxes, found: null };
  };
  switch (step) {
    case 'mask':
      return sealed(channel.peers.map((to) => [to, bytes] as const));
    case 'return':
      return sealed([...(await received('mask'))].map(([to, list]) => [to, exchange.returned(list)] as const));
    case 'label': {
      const partAt = order.map((index) => (index < 0 ? null : commonPart(roster, patients[index]!)));
      const lists = await received('mask');
      const pairs = [...(await received('return'))].filter(([to]) => lists.has(to));
      return sealed(
        pairs.map(([to, own]) => [to, exchange.labelled({ own, theirs: lists.get(to)! }, { to, partAt })] as const),
      );
    }
    case 'find': {
      const labels = await received('label');
      const found = new Map<number, Split>();
      for (const [from, own] of await received('return')) {
        const labelled = labels.get(from);
        if (labelled === undefined) continue;
        for (const [place, part] of exchange.found(own, { from, labelled })) {
          found.set(place, laterPart(part, found.get(place) ?? part));
        }
      }
      const differing = [...found].filter(([place, part]) => part !== commonPart(roster, patients[order[place]!]!));
      const told = (count: number) => (count < Math.max(1, settings.minimumCount) ? null : count);
      return {
        kind: 'overlap',
        step,
        boxes: {},
        found: { elsewhere: told(found.size), leftOut: told(differing.length) },
      };
    }
  }
}

function secretOf(siteId: SiteId, jobId: JobId): Uint8Array {
  return createHash('sha256').update(`${siteId} ${jobId}`).digest();
}
