/**
 * A site's part in finding the patients whom it shares with others, pair by pair:
 *  - mask: it sends its identifiers, masked by its secret, filled up to the capacity, in an order that says nothing;
 *  - return: it sends each list back with its own mask put on too, in the order in which it came;
 *  - label: it puts its mask on the other's list and sees which identifiers, now masked by both, stand in both lists; of
 *    those it sends a digest each with the part they are in, encrypted by them, among others that mean nothing;
 *  - find: who has the same identifier has the same point masked by both, so knows the digest, and can read the part.
 * Every message has one size. Nothing here draws chance: a step done again says the same.
 */
import { createHmac } from 'node:crypto';
import type { SiteId, Split } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';
import { fillerPoint, Mask, pointBytes, pointOf } from './masked-identifier.ts';

const tagBytes = 16;
const labelledBytes = tagBytes + 1;
/** In the order of precedence: a patient is nowhere trained on who is tested on anywhere. */
const parts: readonly Split[] = ['train', 'validation', 'test'];

export function laterPart(one: Split, other: Split): Split {
  return parts.indexOf(one) >= parts.indexOf(other) ? one : other;
}

export interface MaskedList {
  /** `[capacity, 32] bytes` */
  readonly bytes: Uint8Array;
  /** Which identifier stands at each place; -1: one that is nobody's. */
  readonly order: readonly number[];
}

export class OverlapExchange {
  readonly #secret: Uint8Array;
  readonly #mask: Mask;
  readonly #siteId: SiteId;
  readonly #capacity: number;

  /** @param secret 32 random bytes, of this job only */
  constructor({ secret, siteId, capacity }: { secret: Uint8Array; siteId: SiteId; capacity: number }) {
    this.#secret = secret;
    this.#mask = new Mask(secret);
    this.#siteId = siteId;
    this.#capacity = capacity;
  }

  /** Of different identifiers, at most as many as the capacity. */
  masked(identifiers: readonly string[]): MaskedList {
    const own = identifiers.map((identifier, index) => ({ index, point: this.#mask.put(pointOf(identifier)) }));
    const fillers = Array.from({ length: this.#capacity - own.length }, (_, number) => ({
      index: -1,
      point: fillerPoint(this.#secret, number),
    }));
    // Masked points are as good as random: sorting them shuffles what they stand for.
    const sorted = [...own, ...fillers].sort((one, other) => Buffer.compare(one.point, other.point));
    return { bytes: joined(sorted.map(({ point }) => point)), order: sorted.map(({ index }) => index) };
  }

  /** @throws FederationError `federation.points-malformed` */
  returned(list: Uint8Array): Uint8Array {
    return joined(this.#entries(list, pointBytes).map((point) => this.#mask.put(point)));
  }

  /**
   * @param own this site's list as the other has returned it
   * @param theirs the other's list as it has sent it
   * @param partAt the part of who stands at each place; null: nobody
   * @throws FederationError `federation.points-malformed`
   */
  labelled(
    { own, theirs }: { own: Uint8Array; theirs: Uint8Array },
    { to, partAt }: { to: SiteId; partAt: readonly (Split | null)[] },
  ): Uint8Array {
    // Only of what stands in the other's list too, by this site's own reckoning: the other could return, in place of what
    // it was sent, points that it knows, and would then learn the part of everybody.
    const shared = new Set(this.#entries(this.returned(theirs), pointBytes).map(hex));
    const entries = this.#entries(own, pointBytes).map((point, place) => {
      const part = partAt[place] ?? null;
      if (part === null || !shared.has(hex(point))) return this.#nobody(place, to);
      const { tag, pad } = tagOf(point, { from: this.#siteId, to });
      return Uint8Array.of(...tag, pad ^ (1 + parts.indexOf(part)));
    });
    return joined(entries.sort((one, other) => Buffer.compare(one, other)));
  }

  /**
   * For each place of this site's list whose identifier the other has too: the part of whom it has there.
   * @throws FederationError `federation.points-malformed`
   */
  found(own: Uint8Array, { from, labelled }: { from: SiteId; labelled: Uint8Array }): ReadonlyMap<number, Split> {
    const theirs = new Map(
      this.#entries(labelled, labelledBytes).map((entry) => [hex(entry.subarray(0, tagBytes)), entry[tagBytes]!]),
    );
    const found = new Map<number, Split>();
    for (const [place, point] of this.#entries(own, pointBytes).entries()) {
      const { tag, pad } = tagOf(point, { from, to: this.#siteId });
      const label = theirs.get(hex(tag));
      const part = label === undefined ? undefined : parts[(label ^ pad) - 1];
      if (part !== undefined) found.set(place, part);
    }
    return found;
  }

  /** What looks like the digest and label of somebody. */
  #nobody(place: number, to: SiteId): Uint8Array {
    const digest = createHmac('sha256', this.#secret).update(`consilium overlap nobody 1\n${to}\n${place}`).digest();
    return digest.subarray(0, labelledBytes);
  }

  #entries(bytes: Uint8Array, each: number): Uint8Array[] {
    if (bytes.length !== each * this.#capacity) {
      throw new FederationError('federation.points-malformed', 'Another site has sent what are no masked identifiers.');
    }
    return Array.from({ length: this.#capacity }, (_, index) => bytes.subarray(each * index, each * (index + 1)));
  }
}

/** What only who has the point can know, one thing each way. */
function tagOf(point: Uint8Array, { from, to }: { from: SiteId; to: SiteId }): { tag: Uint8Array; pad: number } {
  const digest = createHmac('sha256', point).update(`consilium overlap label 1\n${from}\n${to}`).digest();
  return { tag: digest.subarray(0, tagBytes), pad: digest[tagBytes]! };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
