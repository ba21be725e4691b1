/** From secrets to masks: a key for each pair of sites and for each site's own mask, good in one session alone. */
import { createHash, hkdfSync } from 'node:crypto';
import type { PeerKey } from '../peers/peer-key.ts';
import { maskKeyBytes } from './keystream.ts';

export interface Mask {
  readonly key: Uint8Array;
  /** Whether the site adds it or takes it away; what is done to undo it is the opposite. */
  readonly sign: 1 | -1;
}

/** The mask that a site has in common with another. Of the two, the first in site order adds it, the other takes it away. */
export function commonMask(
  session: Uint8Array,
  { own, siteId }: { readonly own: PeerKey; readonly siteId: string },
  other: { readonly publicKey: Uint8Array; readonly siteId: string },
): Mask {
  return {
    key: keyFrom(own.agree(other.publicKey), session, 'common mask'),
    sign: siteId < other.siteId ? 1 : -1,
  };
}

/** The mask that a site has for itself: what is left when the others are gone. */
export function ownMask(session: Uint8Array, seed: Uint8Array): Mask {
  return { key: keyFrom(seed, session, 'own mask'), sign: 1 };
}

export function undone(masks: readonly Mask[]): Mask[] {
  return masks.map(({ key, sign }) => ({ key, sign: sign === 1 ? -1 : 1 }));
}

/** Decides which way numbers are rounded; nothing secret. */
export function roundingKey(task: {
  readonly jobId: string;
  readonly round: number;
  readonly siteId: string;
  readonly seed: number;
}): Uint8Array {
  const { jobId, round, siteId, seed } = task;
  const digest = createHash('sha256').update(JSON.stringify(['consilium rounding', jobId, round, siteId, seed]));
  return new Uint8Array(digest.digest().subarray(0, maskKeyBytes));
}

function keyFrom(secret: Uint8Array, session: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, session, `consilium ${purpose} 1`, maskKeyBytes));
}
