/**
 * A session is one sum of one round. What identifies it goes into every key and every signature, so that nothing of one
 * session can be used in another, and sites that were told different terms do not understand each other.
 */
import { createHash } from 'node:crypto';
import type { Advertisement, JobId, SecureAggregation, SecureSession, SiteId, TaskBody } from '@consilium/protocol';

export interface SessionTerms extends SecureSession {
  readonly jobId: JobId;
  readonly settings: SecureAggregation;
  /** All sites of the job. */
  readonly participants: readonly SiteId[];
  /** What everyone has trained, and from which weights: see `trainingDigest`. */
  readonly training: string;
}

export type Advertised = Advertisement & { readonly siteId: SiteId };

export function sessionDigest({ jobId, round, number, settings, participants, training }: SessionTerms): Uint8Array {
  const { threshold, clip, bits, casesMax, rounding, neighbours = null } = settings;
  const terms = [threshold, clip, bits, casesMax, rounding, neighbours, [...participants].sort(), training];
  return sha256(JSON.stringify(['consilium secure aggregation 1', jobId, round, number, terms]));
}

/**
 * The same for all sites that were asked for the same. Without it, a coordinator could send one site weights of its own, and
 * the others such from which nothing is learnt: their sum would be that site's (Pasquini et al. 2022).
 */
export function trainingDigest(asked: Omit<Extract<TaskBody, { kind: 'train' }>, 'secureAggregation'>): string {
  const { plan, model, weights, steps, firstStep, totalSteps, seed } = asked;
  const { proximalMu, keepLocal, personalLambda, privacy = null } = asked;
  const schedule = [steps, firstStep, totalSteps, seed];
  const selection = asked.selection === undefined ? [] : [asked.selection];
  const terms = [plan, model, weights, schedule, proximalMu, keepLocal, personalLambda, privacy, ...selection];
  const text = JSON.stringify(terms);
  return base64(sha256(text));
}

/** What a site signs of its keys. */
export function keysStatement(
  session: Uint8Array,
  siteId: SiteId,
  { maskKey, boxKey, seedSha256 }: Pick<Advertisement, 'maskKey' | 'boxKey' | 'seedSha256'>,
): Uint8Array {
  return bytesOf(['consilium secure keys 1', base64(session), siteId, maskKey, boxKey, seedSha256]);
}

/** Hexadecimal; the same wherever the same keys were shown. */
export function rosterDigest(session: Uint8Array, roster: readonly Advertised[]): string {
  const sorted = roster.toSorted((one, other) => (one.siteId < other.siteId ? -1 : 1));
  const keys = sorted.map(({ siteId, maskKey, boxKey, seedSha256 }) => [siteId, maskKey, boxKey, seedSha256]);
  return Buffer.from(sha256(JSON.stringify([base64(session), keys]))).toString('hex');
}

/** What a site signs of whose weights are in the sum. */
export function survivorsStatement(roster: string, survivors: readonly SiteId[]): Uint8Array {
  return bytesOf(['consilium secure survivors 1', roster, ...survivors.toSorted()]);
}

export function sha256(data: string | Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest());
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

export function bytesOfBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}

/** No line holds a line break. */
function bytesOf(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.join('\n'));
}
