/**
 * Who takes part in a job in which sites talk to each other: each site checks for itself what the coordinator hands round,
 * because the coordinator is whom they hide from.
 */
import { createHash } from 'node:crypto';
import type { Introduction, JobId, PeerPurpose, SiteId } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';

/** What keys are for: no signature, key or box of one is good for another. */
export interface PeerContext {
  readonly project: string;
  readonly jobId: JobId;
  readonly purpose: PeerPurpose;
}

/** How certificates are checked. */
export interface PeerVerifier {
  /**
   * Whose signature it is: the site that the certificate names, if the project's authority has issued it, it is valid now,
   * and the signature is right; else null. `keyFingerprint`: of the certificate's key, as people compare it.
   */
  proven(claim: {
    readonly certificate: string;
    readonly statement: Uint8Array;
    readonly signature: Uint8Array;
  }): { readonly siteId: string; readonly keyFingerprint: string } | null;
}

export interface RosterCheck {
  readonly context: PeerContext;
  readonly self: { readonly siteId: SiteId; readonly publicKey: Uint8Array };
  readonly verifier: PeerVerifier;
  /** Fewer sites, this one included, would know too much of each other. At least 2. */
  readonly minimumSites: number;
  /** Fingerprints of the keys of the only sites to talk to, where people have compared them. */
  readonly pins?: Readonly<Record<string, string>>;
  /** Digest of the roster that this site has accepted in the job, if it has: no other will do. */
  readonly accepted?: string;
}

export interface PeerRoster {
  readonly context: PeerContext;
  readonly siteId: SiteId;
  /** Public keys of the others, in site order. */
  readonly peers: ReadonlyMap<SiteId, Uint8Array>;
  /** SHA-256 over everybody's names and keys, hexadecimal: the same at all sites that were shown the same. */
  readonly digest: string;
}

/** What a site signs: that this key is its own, for this job and purpose alone. */
export function introductionStatement(context: PeerContext, siteId: string, publicKey: Uint8Array): Uint8Array {
  const { project, purpose, jobId } = context;
  const lines = ['consilium peer key 1', project, purpose, jobId, siteId, Buffer.from(publicKey).toString('base64')];
  return new TextEncoder().encode(lines.join('\n')); // names hold no line break
}

/**
 * @throws FederationError `federation.roster-lacks-self`, `federation.roster-doubled`, `federation.roster-too-small`,
 * `federation.roster-changed`, `federation.peer-not-proven`, `federation.peer-not-pinned`
 */
export function checkRoster(received: readonly Introduction[], check: RosterCheck): PeerRoster {
  const { context, self, minimumSites, accepted } = check;
  const roster = received.toSorted((one, other) => (one.siteId < other.siteId ? -1 : 1));
  if (new Set(roster.map(({ siteId }) => siteId)).size !== roster.length) {
    throw new FederationError('federation.roster-doubled', 'The coordinator names a site twice, with two keys.');
  }
  const own = roster.find(({ siteId }) => siteId === self.siteId);
  if (own?.publicKey !== base64(self.publicKey)) {
    const text = 'The coordinator’s list of sites lacks this one, or has another key for it.';
    throw new FederationError('federation.roster-lacks-self', text);
  }
  if (roster.length < Math.max(2, minimumSites)) {
    const text = `${roster.length} sites take part, but this one insists on ${Math.max(2, minimumSites)}.`;
    throw new FederationError('federation.roster-too-small', text);
  }
  const digest = digestOf(context, roster);
  if (accepted !== undefined) {
    // Checked when it was accepted; a job may outlive the certificates of its beginning.
    if (accepted === digest) return { context, siteId: self.siteId, peers: keysOf(roster, self.siteId), digest };
    throw new FederationError('federation.roster-changed', 'The coordinator shows other sites than before in the job.');
  }
  for (const introduction of roster) checkProof(introduction, check);
  return { context, siteId: self.siteId, peers: keysOf(roster, self.siteId), digest };
}

function checkProof(introduction: Introduction, { context, self, verifier, pins }: RosterCheck): void {
  const { siteId, certificate } = introduction;
  const [publicKey, signature] = [bytesOf(introduction.publicKey), bytesOf(introduction.signature)];
  const statement = introductionStatement(context, siteId, publicKey);
  const proven = verifier.proven({ certificate, statement, signature });
  if (proven?.siteId !== siteId) {
    const text = `The key that the coordinator gives for ${siteId} is not proven to be its own.`;
    throw new FederationError('federation.peer-not-proven', text);
  }
  if (pins === undefined || siteId === self.siteId) return;
  const pinned = Object.hasOwn(pins, siteId) ? pins[siteId] : undefined;
  if (pinned === undefined || plain(pinned) !== plain(proven.keyFingerprint)) {
    const text = `The key of ${siteId} is none that this site has been told to trust.`;
    throw new FederationError('federation.peer-not-pinned', text);
  }
}

/** Of exactly what was introduced, certificates included: both ends of a box have seen the same. */
function digestOf({ project, purpose, jobId }: PeerContext, roster: readonly Introduction[]): string {
  const hash = createHash('sha256').update(`consilium roster 1\n${project}\n${purpose}\n${jobId}\n`);
  for (const { siteId, publicKey, certificate } of roster) {
    hash.update(`${siteId}\n${publicKey}\n${createHash('sha256').update(certificate).digest('hex')}\n`);
  }
  return hash.digest('hex');
}

function keysOf(roster: readonly Introduction[], self: SiteId): ReadonlyMap<SiteId, Uint8Array> {
  const others = roster.filter(({ siteId }) => siteId !== self);
  return new Map(others.map(({ siteId, publicKey }) => [siteId, bytesOf(publicKey)]));
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const plain = (fingerprint: string): string => fingerprint.replace(/[\s:]/g, '').toLowerCase();
