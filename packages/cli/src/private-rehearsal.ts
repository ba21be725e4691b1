/**
 * A rehearsal in which nobody is trusted with more than they need: what it asks, whom it loses on the way, and what it
 * checks at the end. One person is all hospitals here, so what each of them would keep to itself can be compared.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditReader, headsKeptOf, verifyAudit, verifyProof } from '@consilium/audit';
import { type JobEvent, plainSum } from '@consilium/federation';
import type { SiteId } from '@consilium/protocol';
import { privacyReport, readSiteSettings, SecretDirectory } from '@consilium/site';
import { ChunkDirectory, writeDurably } from '@consilium/transport';
import { type FinishedJob, type Hospital, type HospitalRules, type Losable, workDirectoryOf } from './committee.ts';
import {
  costOf,
  delta,
  type JobProtection,
  lossesOf,
  type PlannedLoss,
  policyOf,
  protectionOf,
  refusingPolicyOf,
  rulesOf,
  thresholdOf,
} from './private-terms.ts';
import { type AuditSeen, type Protection, type SumSeen, writeProtection } from './protection.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';

type Aggregated = Extract<JobEvent, { kind: 'aggregated' }>;

/** The job that is private. */
const privateJob = 'federated';
const sumsFile = 'sums.json';

export class PrivateRehearsal implements HospitalRules {
  readonly threshold: number;
  /** The last of the hospitals refuses. */
  readonly refusing: SiteId;
  readonly #directory: string;
  readonly #settings: RehearsalSettings;
  readonly #hospitals: readonly Hospital[];
  readonly #losses: readonly PlannedLoss[];
  readonly #sums: SumSeen[];
  #protection: JobProtection | null = null;
  #participants = 0;
  #comparing: Promise<void> = Promise.resolve();

  /** @throws CliError `cli.bad-option` */
  constructor(directory: string, settings: RehearsalSettings, hospitals: readonly Hospital[]) {
    this.#directory = directory;
    this.#settings = settings;
    this.#hospitals = hospitals;
    this.threshold = thresholdOf(settings, hospitals.length);
    const siteIds = hospitals.map(({ siteId }) => siteId);
    this.refusing = siteIds.at(-1)!;
    this.#losses = lossesOf(siteIds.slice(0, -1), this.threshold, settings.rounds);
    const path = join(directory, sumsFile);
    this.#sums = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as SumSeen[]) : [];
  }

  /** What a hospital writes into site.yaml and its policies. */
  rulesOf(siteId: SiteId, fingerprints: ReadonlyMap<SiteId, string>) {
    const peers = Object.fromEntries([...fingerprints].filter(([other]) => other !== siteId));
    const policy = policyOf(this.threshold) + (siteId === this.refusing ? refusingPolicyOf(this.#settings) : '');
    return { settings: rulesOf(this.#settings, this.threshold, peers), policy };
  }

  /** Fixed by how many cases the hospitals have to train on. */
  jobProtection(trainingCases: readonly number[]): JobProtection {
    this.#participants = trainingCases.length;
    this.#protection = protectionOf(this.#settings, this.threshold, trainingCases);
    return this.#protection;
  }

  onEvent(event: JobEvent, sites: Losable): void {
    if (!('jobId' in event) || event.jobId !== privateJob) return;
    if (event.kind === 'contribution-accepted') {
      const { round, siteId, task } = event;
      const isDue = this.#losses.some((loss) => loss.siteId === siteId && loss.round === round && loss.after === task);
      if (isDue) sites.lose(siteId);
    } else if (event.kind === 'aggregated') {
      this.#compare(event);
      for (const { siteId, round } of this.#losses) if (round === event.round) sites.bringBack(siteId);
    }
  }

  /** Everything that can be checked, checked, and written down. */
  async conclude({ rounds }: FinishedJob): Promise<Protection> {
    await this.#comparing;
    const protection = this.#protection!;
    const seen = new Map(this.#sums.map((sum) => [sum.round, sum]));
    const concluded: Protection = {
      mechanism: protection.privacy.kind,
      noise: noiseText(protection),
      ...{ threshold: this.threshold, delta, epsilonAsked: costOf(protection, this.#settings) },
      spent: await this.#spent(),
      refused: [
        ...new Map(
          rounds
            .flatMap(({ leftOut }) => leftOut)
            .filter(({ code }) => code === 'site.policy-refused')
            .map(({ siteId, message }) => [siteId, { siteId, reason: message }]),
        ).values(),
      ],
      lost: this.#losses.filter(({ round, siteId }) =>
        rounds.some((each) => each.round === round && each.trained.every((site) => site.siteId !== siteId)),
      ),
      sums: rounds.map(
        ({ round, trained }) =>
          seen.get(round) ?? { round, sites: trained.map(({ siteId }) => siteId), isPlainSum: null },
      ),
      audit: this.#audits(),
    };
    await writeProtection(this.#directory, concluded);
    return concluded;
  }

  /**
   * The sites' files are copied before anything else happens: with the next round they let go of what they have trained. They
   * are idle now.
   */
  #compare({ jobId, round, participants, weights }: Aggregated): void {
    const copies = participants.map((siteId) => {
      const copy = mkdtempSync(join(this.#directory, 'copy-'));
      for (const part of ['store', 'secrets.sqlite']) {
        cpSync(join(workDirectoryOf(this.#directory, siteId), part), join(copy, part), { recursive: true });
      }
      return { siteId, copy };
    });
    const settings = this.#protection!.secureAggregation;
    this.#comparing = this.#comparing.then(async () => {
      const opened = await Promise.all(
        copies.map(async ({ siteId, copy }) => {
          const secrets = await SecretDirectory.open(copy);
          return { siteId, secrets, blobs: await ChunkDirectory.open(join(copy, 'store'), { isDurable: false }) };
        }),
      );
      const plain = await plainSum(opened, { jobId, round, settings, participants: this.#participants });
      for (const { secrets } of opened) secrets[Symbol.dispose]();
      for (const { copy } of copies) await rm(copy, { recursive: true });
      this.#sums.push({ round, sites: [...participants], isPlainSum: plain === null ? null : plain === weights });
      await writeDurably(join(this.#directory, sumsFile), JSON.stringify(this.#sums));
    });
    this.#comparing.catch(() => {}); // said when it is concluded
  }

  #spent(): Promise<Protection['spent']> {
    return Promise.all(
      this.#hospitals
        .filter(({ siteId }) => siteId !== this.refusing)
        .map(async ({ siteId }) => {
          const work = workDirectoryOf(this.#directory, siteId);
          const { epsilon, jobs } = await privacyReport(work, await readSiteSettings(work));
          return { siteId, epsilon, othersTrusted: Math.max(0, ...jobs.map((job) => job.othersTrusted)) };
        }),
    );
  }

  /** Each log from its first entry, and against what the others keep of it. */
  #audits(): readonly AuditSeen[] {
    const coordinator = join(this.#directory, 'coordinator/audit');
    const sites = this.#hospitals.map(({ siteId }) => ({
      of: siteId as string,
      audit: join(workDirectoryOf(this.#directory, siteId), 'audit'),
    }));
    return [
      seenOf(
        'coordinator',
        coordinator,
        sites.map(({ audit }) => audit),
      ),
      ...sites.map(({ of, audit }) => seenOf(of, audit, [coordinator])),
    ];
  }
}

function seenOf(of: string, audit: string, keepers: readonly string[]): AuditSeen {
  const publicKey = join(audit, 'public.pem');
  const heads = keepers.flatMap((keeper) => headsKeptOf(publicKey, keeper));
  const { entries, problems } = verifyAudit(audit, heads);
  using reader = AuditReader.open(audit);
  const provable = reader.entries({ last: entries }).filter(({ action }) => weighty.has(action));
  const key = readFileSync(publicKey, 'utf8');
  const unproved = provable.filter(({ number }) => !verifyProof(JSON.stringify(reader.prove(number)), key).isProved);
  return {
    ...{ of, entries, headsElsewhere: heads.length, proved: provable.length - unproved.length },
    problems: [
      ...problems.map(({ code, where }) => `${code} ${where}`),
      ...unproved.map(({ number }) => `entry ${number} is not proved`),
    ],
  };
}

/** Of the rehearsal these are what somebody might want to deny. */
const weighty: ReadonlySet<string> = new Set(['job.submitted', 'policy.decided', 'privacy.spent', 'member.admitted']);

function noiseText({ privacy }: JobProtection): string {
  const z = privacy.noiseMultiplier.toPrecision(3);
  if (privacy.kind === 'dp-sgd') {
    return `dp-sgd, gradients of a patient shortened to ${privacy.clipNorm}, noise of ${z} times that in every step`;
  }
  const { clipNorm, noiseSharedAmong } = privacy;
  return `noisy-update, updates shortened to ${clipNorm}, noise of ${z} times that in the sum of a round, shared among ${noiseSharedAmong}`;
}
