/**
 * What one site says to another through a coordinator that cannot read it: for each pair and direction a key from X25519
 * and HKDF-SHA-256 (RFC 5869) that depends on everybody's keys, and AES-256-GCM. Doing a step again gives the same box;
 * the nonce is a keyed digest of what is said, so that another text under the same key has another nonce (as in SIV).
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import type { SiteId } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';
import { keyBytes, type PeerKey } from './peer-key.ts';
import type { PeerRoster } from './peer-roster.ts';

const nonceBytes = 12;
const tagBytes = 16;
/** By how much a box is longer than what is in it. */
export const boxOverheadBytes = nonceBytes + tagBytes;

interface Keys {
  readonly sealing: Uint8Array;
  readonly nonce: Uint8Array;
}

export class PeerChannel {
  readonly roster: PeerRoster;
  readonly #key: PeerKey;

  constructor(roster: PeerRoster, key: PeerKey) {
    this.roster = roster;
    this.#key = key;
  }

  /** The others, in order. */
  get peers(): readonly SiteId[] {
    return [...this.roster.peers.keys()];
  }

  /** @param step what of the job it belongs to: a box opens as that alone. */
  seal(bytes: Uint8Array, { to, step }: { readonly to: SiteId; readonly step: string }): Uint8Array {
    const { siteId } = this.roster;
    const keys = this.#keys({ from: siteId, to });
    const place = this.#place({ from: siteId, to, step });
    // The place is of fixed form and its length goes first, so that no two places and texts run together alike.
    const length = Buffer.alloc(4);
    length.writeUInt32BE(place.length);
    const digest = createHmac('sha256', keys.nonce).update(length).update(place).update(bytes).digest();
    const nonce = digest.subarray(0, nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', keys.sealing, nonce);
    cipher.setAAD(place);
    return new Uint8Array(Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]));
  }

  /**
   * @throws FederationError `federation.box-unreadable` if it is not, to the last bit, what that site has said to this one
   * in that step.
   */
  open(box: Uint8Array, { from, step }: { readonly from: SiteId; readonly step: string }): Uint8Array {
    const to = this.roster.siteId;
    const { sealing } = this.#keys({ from, to });
    if (box.length < boxOverheadBytes) throw unreadable(from);
    const decipher = createDecipheriv('aes-256-gcm', sealing, box.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(this.#place({ from, to, step }));
    decipher.setAuthTag(box.subarray(box.length - tagBytes));
    try {
      const opened = decipher.update(box.subarray(nonceBytes, box.length - tagBytes));
      return new Uint8Array(Buffer.concat([opened, decipher.final()]));
    } catch {
      throw unreadable(from);
    }
  }

  #keys({ from, to }: { from: SiteId; to: SiteId }): Keys {
    const { peers, siteId, digest, context } = this.roster;
    const other = peers.get(from === siteId ? to : from);
    if (other === undefined) {
      throw new FederationError('federation.peer-unknown', 'A box is from, or for, a site that takes no part.');
    }
    const info = ['consilium peer channel 1', context.project, context.purpose, context.jobId, from, to].join('\n');
    const bytes = hkdfSync('sha256', this.#key.agree(other), Buffer.from(digest, 'hex'), info, 2 * keyBytes);
    return { sealing: new Uint8Array(bytes, 0, keyBytes), nonce: new Uint8Array(bytes, keyBytes, keyBytes) };
  }

  #place({ from, to, step }: { from: SiteId; to: SiteId; step: string }): Uint8Array {
    const { purpose, jobId } = this.roster.context;
    return new TextEncoder().encode([purpose, jobId, step, from, to].join('\n'));
  }
}

function unreadable(from: SiteId): FederationError {
  const text = `What ${from} is said to have sent was altered on the way, or belongs elsewhere.`;
  return new FederationError('federation.box-unreadable', text);
}
