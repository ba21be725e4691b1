/** What was seen of a private rehearsal's promises: `protection.json` in its directory, and the same in words. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '@consilium/transport';

/** A round's sum, and whether the same contributions without masks come to the same bytes; null if that was not seen. */
export interface SumSeen {
  readonly round: number;
  readonly sites: readonly string[];
  readonly isPlainSum: boolean | null;
}

export interface Protection {
  readonly mechanism: string;
  /** In words: clip norm, noise, who shares it. */
  readonly noise: string;
  readonly threshold: number;
  readonly delta: number;
  /** What the job would cost if it ran through, and what each hospital has in its books. */
  readonly epsilonAsked: number;
  readonly spent: readonly { readonly siteId: string; readonly epsilon: number; readonly othersTrusted: number }[];
  readonly refused: readonly { readonly siteId: string; readonly reason: string }[];
  readonly lost: readonly { readonly siteId: string; readonly round: number; readonly after: string }[];
  readonly sums: readonly SumSeen[];
  readonly audit: readonly AuditSeen[];
}

export interface AuditSeen {
  readonly of: string;
  readonly entries: number;
  /** Heads of this log that others keep, all of which it has grown from. */
  readonly headsElsewhere: number;
  /** Entries that were proved one by one. */
  readonly proved: number;
  readonly problems: readonly string[];
}

const file = 'protection.json';

export async function writeProtection(directory: string, protection: Protection): Promise<void> {
  await writeDurably(join(directory, file), `${JSON.stringify(protection, null, 2)}\n`);
}

/** null where none was written. */
export function protectionIn(directory: string): Protection | null {
  const path = join(directory, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Protection) : null;
}

/** Whether nothing that was promised was seen to be otherwise. */
export function isSound(protection: Protection | null): boolean {
  if (protection === null) return false;
  const { audit, sums } = protection;
  return sums.every((each) => each.isPlainSum !== false) && audit.every(isWhole);
}

function isWhole({ headsElsewhere, problems }: AuditSeen): boolean {
  return problems.length === 0 && headsElsewhere > 0;
}

/** A line for each thing. */
export function protectionText(protection: Protection): readonly string[] {
  const { delta, epsilonAsked, lost, mechanism, noise, refused, spent, sums, threshold } = protection;
  const most = Math.max(0, ...spent.map(({ epsilon }) => epsilon));
  const trusted = Math.max(0, ...spent.map(({ othersTrusted }) => othersTrusted));
  const unit = mechanism === 'dp-sgd' ? 'each patient' : 'all that a hospital holds';
  return [
    `Nobody but a hospital saw its weights: the coordinator had sums of ${threshold} hospitals or more.`,
    `Noise: ${noise}. Spent: ε = ${two(most)} at δ = ${delta} for ${unit}, of ${two(epsilonAsked)} if all rounds had run.${
      trusted === 0 ? '' : ` That holds as long as ${trusted} others add their part of the noise and keep it.`
    }`,
    ...(most > 10 ? ['An ε above 10 is no promise that protects anybody by itself: see docs/privacy.md.'] : []),
    ...refused.map(({ siteId, reason }) => `${siteId} took no part: ${reason}`),
    ...lost.map(({ siteId, round, after }) => `${siteId} was lost in round ${round}, after ${after}.`),
    ...sumsText(sums),
    ...auditText(protection.audit),
  ];
}

function sumsText(sums: readonly SumSeen[]): readonly string[] {
  const rounds = (wanted: SumSeen['isPlainSum']) =>
    sums.filter((each) => each.isPlainSum === wanted).map(({ round }) => round);
  const [same, other, unseen] = [rounds(true), rounds(false), rounds(null)];
  return [
    `${same.length} of ${sums.length} rounds ended in the bytes of the sum without masks.`,
    ...(other.length === 0 ? [] : [`NOT THE PLAIN SUM: round ${other.join(', ')}.`]),
    ...(unseen.length === 0 ? [] : [`Not compared, since the rehearsal was interrupted: round ${unseen.join(', ')}.`]),
  ];
}

function auditText(audit: readonly AuditSeen[]): readonly string[] {
  const sum = (of: (log: AuditSeen) => number) => audit.reduce((total, log) => total + of(log), 0);
  const broken = audit.filter((log) => !isWhole(log));
  return [
    ...broken.map(({ of, problems }) => `AUDIT LOG of ${of}: ${problems.join(', ') || 'nobody keeps a head of it'}.`),
    `${audit.length} audit logs of ${sum(({ entries }) => entries)} entries were computed anew and held against ${sum(
      ({ headsElsewhere }) => headsElsewhere,
    )} heads that others keep; ${sum(({ proved }) => proved)} entries were proved one by one.`,
  ];
}

/** Never less than it is. */
function two(epsilon: number): string {
  return (Math.ceil(epsilon * 100 - 1e-6) / 100).toFixed(2);
}
