/**
 * Who shares masks with whom: everyone with everyone, or, for many sites, each with `neighbours` others (Bell et al. 2020,
 * section 3.1): the sites stand in a circle, in an order that follows from the roster and that nobody chooses, and each
 * has half of its neighbours on either side.
 */
import { createHash } from 'node:crypto';
import type { SecureAggregation, SiteId } from '@consilium/protocol';

export interface Neighbourhood {
  /** In site order, without the site itself. */
  readonly neighbours: ReadonlyMap<SiteId, readonly SiteId[]>;
  /** A site's secrets are shared among itself and its neighbours; so many of them give the secret back. */
  readonly shareThreshold: number;
}

export function neighbourhoodOf(
  siteIds: readonly SiteId[],
  rosterSha256: string,
  { threshold, neighbours }: Pick<SecureAggregation, 'threshold' | 'neighbours'>,
): Neighbourhood {
  const sorted = [...siteIds].sort();
  if (neighbours === undefined || neighbours >= sorted.length - 1) {
    const all = new Map(sorted.map((siteId) => [siteId, sorted.filter((other) => other !== siteId)]));
    return { neighbours: all, shareThreshold: threshold };
  }
  const place = (siteId: SiteId) => createHash('sha256').update(`${rosterSha256} ${siteId}`).digest('hex');
  const circle = sorted.map((siteId) => ({ siteId, place: place(siteId) }));
  circle.sort((one, other) => (one.place < other.place ? -1 : 1));
  const near = circle.map(({ siteId }, index): [SiteId, SiteId[]] => {
    const around = Array.from({ length: neighbours + 1 }, (_, step) => index - neighbours / 2 + step);
    const ids = around.map((at) => circle[(at + circle.length) % circle.length]!.siteId);
    return [siteId, ids.filter((other) => other !== siteId).sort()];
  });
  return { neighbours: new Map(near), shareThreshold: sparseThreshold(neighbours) };
}

/** Two thirds of those who hold shares, and one: a third that is hostile gets neither secret, nor both. */
function sparseThreshold(neighbours: number): number {
  return Math.floor((2 * (neighbours + 1)) / 3) + 1;
}
