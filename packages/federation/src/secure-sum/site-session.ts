/**
 * One site's part in one session. Each step is answered once: what it answered, and what it answered to, is on disk before
 * anyone hears it, so that asked again the same it says the same, and asked otherwise it refuses, whatever the coordinator
 * says has happened. Above all it tells of another site either what opens that site's own mask or what opens the masks
 * it has in common with others, never both: both would lay the other site's weights bare.
 */
import type { Advertisement, BlobId, ContributionTo, JobId, Json, SiteId, Task } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';
import { PeerChannel } from '../peers/peer-channel.ts';
import { keyBytes, PeerKey } from '../peers/peer-key.ts';
import type { PeerVerifier } from '../peers/peer-roster.ts';
import { commonMask, type Mask, ownMask } from './mask.ts';
import { type Neighbourhood, neighbourhoodOf } from './neighbours.ts';
import type { SecretStore } from './secret-store.ts';
import {
  type Advertised,
  base64,
  bytesOfBase64,
  keysStatement,
  rosterDigest,
  type SessionTerms,
  sessionDigest,
  sha256,
  survivorsStatement,
} from './session.ts';
import { sharesOf } from './shared-secret.ts';

/** Who a site is to the others of the project. */
export interface SiteSigner extends PeerVerifier {
  readonly siteId: SiteId;
  readonly project: string;
  /** PEM. */
  readonly certificate: string;
  /** By the key of the certificate: 64 bytes. */
  sign(statement: Uint8Array): Uint8Array;
  /** Fingerprints of the keys of the only sites to share masks with, where people have compared them. */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

export interface SessionPorts {
  readonly secrets: SecretStore;
  readonly signer: SiteSigner;
  /** Bytes that nobody can guess. */
  readonly secretBytes: (count: number) => Uint8Array;
}

type SecureTask<K extends Task['kind']> = Extract<Task, { kind: K }>;

interface Keys {
  readonly terms: SessionTerms;
  readonly maskSecret: string;
  readonly boxSecret: string;
  readonly seed: string;
  readonly advertisement: Advertisement;
}

interface Shared {
  readonly roster: readonly Advertised[];
  readonly digest: string;
  readonly boxes: readonly { readonly siteId: SiteId; readonly box: string }[];
  /** The site's own shares of its own secrets. */
  readonly own: string;
}

interface Input {
  readonly boxes: readonly { readonly siteId: SiteId; readonly box: string }[];
}

const shareBytes = keyBytes + 1;

/** The steps of one session, from what the site has kept of it. */
export class SiteSession {
  readonly #ports: SessionPorts;
  readonly #jobId: JobId;
  readonly #prefix: string;

  constructor(ports: SessionPorts, jobId: JobId, { round, number }: { round: number; number: number }) {
    this.#ports = ports;
    this.#jobId = jobId;
    this.#prefix = `session/${round}.${number}/`;
  }

  /** Makes keys that are good for this session alone, and says the public ones. */
  async keys(terms: SessionTerms): Promise<ContributionTo<'secure-keys'>> {
    const { signer, secretBytes } = this.#ports;
    const before = await this.#kept<Keys>('keys');
    if (before !== undefined) {
      if (!isSame(before.terms, terms)) throw termsChanged();
      return { kind: 'secure-keys', ...before.advertisement };
    }
    const [maskSecret, boxSecret, seed] = [secretBytes(keyBytes), secretBytes(keyBytes), secretBytes(keyBytes)];
    const keys = {
      maskKey: base64(new PeerKey(maskSecret).publicKey),
      boxKey: base64(new PeerKey(boxSecret).publicKey),
      seedSha256: base64(sha256(seed)),
    };
    const signature = base64(signer.sign(keysStatement(sessionDigest(terms), signer.siteId, keys)));
    const advertisement: Advertisement = { ...keys, signature, certificate: signer.certificate };
    const kept: Keys = {
      terms,
      maskSecret: base64(maskSecret),
      boxSecret: base64(boxSecret),
      seed: base64(seed),
      advertisement,
    };
    await this.#keep('keys', kept);
    return { kind: 'secure-keys', ...advertisement };
  }

  /** Checks who takes part, and gives each neighbour a share of what would open this site's masks, in a box. */
  async shares({ roster }: SecureTask<'secure-shares'>): Promise<ContributionTo<'secure-shares'>> {
    const keys = await this.#required<Keys>('keys');
    const session = sessionDigest(keys.terms);
    const digest = rosterDigest(session, roster);
    const before = await this.#kept<Shared>('shares');
    if (before !== undefined) {
      if (before.digest !== digest) throw rosterChanged();
      return { kind: 'secure-shares', boxes: [...before.boxes] };
    }
    this.#checkRoster(roster, keys, session);
    const { siteId } = this.#ports.signer;
    const { neighbours, shareThreshold } = this.#neighbourhood(keys, roster, digest);
    const near = neighbours.get(siteId)!;
    const split = (secret: string) =>
      sharesOf(bytesOfBase64(secret), { holders: near.length + 1, threshold: shareThreshold });
    const [seeds, maskKeys] = [await split(keys.seed), await split(keys.maskSecret)];
    const both = seeds.map((seed, index) => Uint8Array.from([...seed, ...maskKeys[index]!]));
    const channel = this.#channel(keys, roster, digest);
    const boxes = near.map((to, index) => ({
      siteId: to,
      box: base64(channel.seal(both[index + 1]!, { to, step: 'shares' })),
    }));
    await this.#keep('shares', { roster: [...roster], digest, boxes, own: base64(both[0]!) } satisfies Shared);
    return { kind: 'secure-shares', boxes };
  }

  /**
   * The masks of this site's weights, once it is settled with whom it shares them.
   * @param mask writes the masked weights
   */
  async input(
    { boxes }: SecureTask<'secure-input'>,
    mask: (masks: readonly Mask[], terms: SessionTerms) => Promise<BlobId>,
  ): Promise<ContributionTo<'secure-input'>> {
    const keys = await this.#required<Keys>('keys');
    const shared = await this.#required<Shared>('shares');
    const sorted = boxes.toSorted((one, other) => (one.siteId < other.siteId ? -1 : 1));
    const before = await this.#kept<Input>('input');
    if (before !== undefined && !isSame(before, { boxes: sorted })) throw askedOtherwise();
    const { siteId } = this.#ports.signer;
    const { neighbours, shareThreshold } = this.#neighbourhood(keys, shared.roster, shared.digest);
    const near = new Set(neighbours.get(siteId));
    const from = sorted.map((box) => box.siteId);
    if (new Set(from).size !== from.length || from.some((each) => !near.has(each))) throw rosterChanged();
    if (from.length + 1 < shareThreshold) throw tooFew();
    const channel = this.#channel(keys, shared.roster, shared.digest);
    // Before anything is masked: what cannot be opened would be missing when it is needed.
    for (const each of sorted) sharesIn(channel, each);
    await this.#keep('input', { boxes: sorted } satisfies Input);
    const session = sessionDigest(keys.terms);
    const own = new PeerKey(bytesOfBase64(keys.maskSecret));
    const masks = from.map((other) => {
      const { maskKey } = shared.roster.find((each) => each.siteId === other)!;
      return commonMask(session, { own, siteId }, { siteId: other, publicKey: bytesOfBase64(maskKey) });
    });
    const masked = await mask([ownMask(session, bytesOfBase64(keys.seed)), ...masks], keys.terms);
    return { kind: 'secure-input', masked };
  }

  /** Signs whose weights are in the sum: one set, once. */
  async survivors({ survivors }: SecureTask<'secure-survivors'>): Promise<ContributionTo<'secure-survivors'>> {
    const { signer } = this.#ports;
    const { digest } = await this.#required<Shared>('shares');
    const sorted = await this.#settled(survivors);
    return { kind: 'secure-survivors', signature: base64(signer.sign(survivorsStatement(digest, sorted))) };
  }

  /** Takes one set of survivors for true, for good. */
  async #settled(survivors: readonly SiteId[]): Promise<readonly SiteId[]> {
    const keys = await this.#required<Keys>('keys');
    const { roster } = await this.#required<Shared>('shares');
    await this.#required<Input>('input');
    const sorted = survivors.toSorted();
    const known = new Set(roster.map(({ siteId }) => siteId));
    if (new Set(sorted).size !== sorted.length || sorted.some((each) => !known.has(each))) throw rosterChanged();
    if (!sorted.includes(this.#ports.signer.siteId)) throw rosterLacksSelf();
    if (sorted.length < keys.terms.settings.threshold) throw tooFew();
    const before = await this.#kept<{ survivors: readonly SiteId[] }>('survivors');
    if (before !== undefined && !isSame(before.survivors, sorted)) throw askedOtherwise();
    await this.#keep('survivors', { survivors: sorted });
    return sorted;
  }

  /** Once enough sites have signed the same set: the shares that open the sum over it, and nothing else. */
  async unmask(task: SecureTask<'secure-unmask'>): Promise<ContributionTo<'secure-unmask'>> {
    const keys = await this.#required<Keys>('keys');
    const shared = await this.#required<Shared>('shares');
    const { boxes } = await this.#required<Input>('input');
    const survivors = task.survivors.toSorted();
    const agreeing = this.#signatories(task, shared, survivors);
    if (agreeing.size < keys.terms.settings.threshold) throw tooFew();
    await this.#settled(survivors);
    await this.#ports.secrets.record(this.#jobId, revealedKey(keys.terms.round), true);
    const survived = new Set(survivors);
    const channel = this.#channel(keys, shared.roster, shared.digest);
    const seeds = [{ siteId: this.#ports.signer.siteId, share: base64(parted(bytesOfBase64(shared.own)).seed) }];
    const maskKeys = [];
    for (const each of boxes) {
      const { seed, maskKey } = sharesIn(channel, each);
      if (survived.has(each.siteId)) seeds.push({ siteId: each.siteId, share: base64(seed) });
      else maskKeys.push({ siteId: each.siteId, share: base64(maskKey) });
    }
    return { kind: 'secure-unmask', seeds, maskKeys };
  }

  /** The survivors who have signed that they are. */
  #signatories(
    { signatures }: SecureTask<'secure-unmask'>,
    { roster, digest }: Shared,
    survivors: readonly SiteId[],
  ): ReadonlySet<SiteId> {
    const statement = survivorsStatement(digest, survivors);
    const { signer } = this.#ports;
    const right = signatures.filter(({ siteId, signature }) => {
      const certificate = roster.find((each) => each.siteId === siteId)?.certificate;
      if (certificate === undefined || !survivors.includes(siteId)) return false;
      return signer.proven({ certificate, statement, signature: bytesOfBase64(signature) })?.siteId === siteId;
    });
    return new Set(right.map(({ siteId }) => siteId));
  }

  #checkRoster(roster: readonly Advertised[], { terms, advertisement }: Keys, session: Uint8Array): void {
    const { signer } = this.#ports;
    const siteIds = roster.map(({ siteId }) => siteId);
    if (new Set(siteIds).size !== siteIds.length) {
      throw new FederationError('federation.roster-doubled', 'The coordinator names a site twice, with two keys.');
    }
    const own = roster.find(({ siteId }) => siteId === signer.siteId);
    if (own?.maskKey !== advertisement.maskKey || own.boxKey !== advertisement.boxKey) throw rosterLacksSelf();
    if (own.seedSha256 !== advertisement.seedSha256) throw rosterLacksSelf();
    if (siteIds.some((siteId) => !terms.participants.includes(siteId))) throw rosterChanged();
    if (siteIds.length < terms.settings.threshold) throw tooFew();
    for (const each of roster) {
      const { siteId, certificate, signature } = each;
      const statement = keysStatement(session, siteId, each);
      const proven = signer.proven({ certificate, statement, signature: bytesOfBase64(signature) });
      if (proven?.siteId !== siteId) {
        const text = `The key that the coordinator gives for ${siteId} is not proven to be its own.`;
        throw new FederationError('federation.peer-not-proven', text);
      }
      if (siteId !== signer.siteId && !isPinned(signer.pins, siteId, proven.keyFingerprint)) {
        const text = `The key of ${siteId} is none that this site has been told to trust.`;
        throw new FederationError('federation.peer-not-pinned', text);
      }
    }
  }

  #neighbourhood({ terms }: Keys, roster: readonly Advertised[], digest: string): Neighbourhood {
    return neighbourhoodOf(
      roster.map(({ siteId }) => siteId),
      digest,
      terms.settings,
    );
  }

  #channel({ boxSecret }: Keys, roster: readonly Advertised[], digest: string): PeerChannel {
    const { siteId, project } = this.#ports.signer;
    const others = roster.filter((each) => each.siteId !== siteId);
    const peers = new Map(others.map((each) => [each.siteId, bytesOfBase64(each.boxKey)]));
    const context = { project, jobId: this.#jobId, purpose: 'secure-aggregation' } as const;
    return new PeerChannel({ context, siteId, peers, digest }, new PeerKey(bytesOfBase64(boxSecret)));
  }

  async #kept<T>(step: string): Promise<T | undefined> {
    return (await this.#ports.secrets.entry(this.#jobId, this.#prefix + step)) as T | undefined;
  }

  async #required<T>(step: string): Promise<T> {
    const kept = await this.#kept<T>(step);
    if (kept !== undefined) return kept;
    const text = 'The site was asked for a step of a secure sum before the steps that come before it.';
    throw new FederationError('federation.secure-out-of-order', text);
  }

  async #keep(step: string, value: object): Promise<void> {
    await this.#ports.secrets.record(this.#jobId, this.#prefix + step, value as Json);
  }
}

/** Under which a site keeps that it has told what opens a sum of a round. */
export function revealedKey(round: number): string {
  return `revealed/${round}`;
}

function sharesIn(channel: PeerChannel, { siteId, box }: Input['boxes'][number]) {
  const shares = channel.open(bytesOfBase64(box), { from: siteId, step: 'shares' });
  if (shares.length !== 2 * shareBytes) {
    throw new FederationError('federation.secure-boxes-wrong', `What ${siteId} gave others to keep is not two shares.`);
  }
  return parted(shares);
}

function parted(shares: Uint8Array): { readonly seed: Uint8Array; readonly maskKey: Uint8Array } {
  return { seed: shares.subarray(0, shareBytes), maskKey: shares.subarray(shareBytes) };
}

function isPinned(pins: SiteSigner['pins'], siteId: SiteId, fingerprint: string): boolean {
  const plain = (text: string): string => text.replace(/[\s:]/g, '').toLowerCase();
  return pins === undefined || (Object.hasOwn(pins, siteId) && plain(pins[siteId]!) === plain(fingerprint));
}

/** Whatever the order in which a store gives fields back. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function termsChanged(): FederationError {
  const text = 'The coordinator says other terms of the secure aggregation than before, or such as no site may accept.';
  return new FederationError('federation.secure-terms-changed', text);
}

function rosterChanged(): FederationError {
  const text = 'The coordinator shows other sites than before in the secure sum.';
  return new FederationError('federation.roster-changed', text);
}

function rosterLacksSelf(): FederationError {
  const text = 'The coordinator’s list of sites lacks this one, or has another key for it.';
  return new FederationError('federation.roster-lacks-self', text);
}

function askedOtherwise(): FederationError {
  const text = 'The coordinator asks for a step of a secure sum a second time, in another way than the first.';
  return new FederationError('federation.secure-asked-otherwise', text);
}

function tooFew(): FederationError {
  const text = 'Fewer sites take part in the secure sum, or agree about it, than the threshold says. Nothing was told.';
  return new FederationError('federation.secure-too-few', text);
}
