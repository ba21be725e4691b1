/** What the ledger says of jobs, as the pages show it. */
import {
  type BlobStore,
  epsilonOf,
  type Job,
  type JobBoard,
  type JobStatus,
  type LeftOutSite,
  type RoundRecord,
  type Store,
  type Submission,
  spendOf,
} from '@consilium/federation';
import { type BlobId, type JobId, jobIdSchema, type Privacy } from '@consilium/protocol';
import { Refusal } from '@consilium/transport';
import type { JobDetails, JobEntry, JobRound } from './job-schemas.ts';

/** What sites take for δ unless they say otherwise. */
export const delta = 1e-5;

export class JobFacts {
  readonly #board: JobBoard;
  readonly #store: Store;
  /** Of jobs that have ended, as long as they have ended for that reason: a failed one may be taken up again. */
  readonly #ended = new Map<JobId, JobEntry>();

  constructor(board: JobBoard, store: Store) {
    this.#board = board;
    this.#store = store;
  }

  /** @throws Refusal `coordinator.bad-request`, FederationError `federation.job-unknown` */
  idOf(text: string): JobId {
    const { data } = jobIdSchema.safeParse(text);
    if (data === undefined) throw new Refusal(400, 'coordinator.bad-request', 'That is no name of a job.');
    this.#board.status(data);
    return data;
  }

  /** The newest first. */
  async list(): Promise<JobEntry[]> {
    const entries: JobEntry[] = [];
    for (const status of this.#board.list()) entries.push(await this.#entry(status));
    return entries.reverse();
  }

  async details(jobId: JobId): Promise<JobDetails> {
    const status = this.#board.status(jobId);
    const submission = this.#board.submission(jobId);
    const rounds = await this.rounds(jobId);
    const entry = entryOf(status, submission, rounds, await this.#answered(jobId));
    const best = bestOf(rounds);
    const base = { ...entry, best: best === null ? null : { round: best.round, score: best.score } };
    if (submission.kind !== 'train') {
      const leftOut = status.reason === null ? [] : await this.#leftOut(jobId);
      return { ...base, roundList: [], current: null, leftOut, training: null, spent: [] };
    }
    return {
      ...base,
      roundList: await Promise.all(rounds.map((round) => this.#round(round))),
      current: status.reason === null ? await this.#current(jobId, rounds.length + 1) : null,
      leftOut: [],
      training: {
        ...settingsOf(submission),
        weightsBytes: await this.#bytesOf(submission.initialWeights),
      },
      spent: spentIn(submission, rounds),
    };
  }

  async rounds(jobId: JobId): Promise<readonly RoundRecord[]> {
    const progress = await this.#board.progress(jobId);
    return 'rounds' in progress ? progress.rounds : [];
  }

  async #answered(jobId: JobId): Promise<readonly string[] | null> {
    const progress = await this.#board.progress(jobId);
    return 'answered' in progress ? progress.answered : null;
  }

  async #entry(status: JobStatus): Promise<JobEntry> {
    const { jobId } = status;
    const kept = this.#ended.get(jobId);
    if (kept !== undefined && kept.reason === status.reason) return kept;
    const submission = this.#board.submission(jobId);
    const entry = entryOf(status, submission, await this.rounds(jobId), await this.#answered(jobId));
    if (status.reason !== null) this.#ended.set(jobId, entry);
    return entry;
  }

  async #leftOut(jobId: JobId): Promise<JobDetails['leftOut']> {
    const outcome = await this.#board.outcome(jobId);
    if (!('leftOut' in outcome)) return [];
    return outcome.leftOut.map(({ code, message, siteId }) => ({ siteId, code, message }));
  }

  /** Contributions are in the ledger one by one, before the round is complete. */
  async #current(jobId: JobId, round: number): Promise<JobDetails['current']> {
    const prefix = `round/${round}/train/`;
    const keys = [...(await this.#store.recall(jobId)).keys()].filter((key) => key.startsWith(prefix));
    return { round, trained: keys.map((key) => key.slice(prefix.length)).sort() };
  }

  async #round({ evaluated, leftOut, round, score, trained }: RoundRecord): Promise<JobRound> {
    return {
      round,
      score,
      seconds: Math.max(0, ...trained.map(({ ms }) => ms)) / 1000,
      trained: await Promise.all(
        trained.map(async ({ cases, filters = [], meanLoss, ms, siteId, steps, weights }) => ({
          ...{ siteId, cases, steps, meanLoss, seconds: ms / 1000, filters: [...filters] },
          bytes: weights === null ? null : await this.#bytesOf(weights),
        })),
      ),
      evaluated: evaluated.map(({ cases, score: own, siteId }) => ({ siteId, cases, score: own })),
      leftOut: leftOut.map(leftOutOf),
    };
  }

  async #bytesOf(blob: BlobId): Promise<number | null> {
    return (await (this.#store as BlobStore).getManifest(blob))?.bytes ?? null;
  }
}

function leftOutOf({ code, message, siteId, task, why }: LeftOutSite & { task: string }): JobRound['leftOut'][number] {
  return { siteId, task, why, code, message };
}

function bestOf(rounds: readonly RoundRecord[]): RoundRecord | null {
  const scored = rounds.filter(({ score }) => score !== null);
  return scored.reduce<RoundRecord | null>(
    (best, round) => (best === null || round.score! > best.score! ? round : best),
    null,
  );
}

function entryOf(
  { jobId, kind, reason, state }: JobStatus,
  submission: Submission,
  rounds: readonly RoundRecord[],
  answered: readonly string[] | null,
): JobEntry {
  return {
    ...{ jobId, kind, state, reason },
    asks: submission.kind === 'survey' ? submission.task.kind : submission.kind,
    participants: [...submission.participants].sort(),
    rounds: submission.kind === 'train' ? { done: rounds.length, max: submission.rounds.max } : null,
    answered: answered === null ? null : [...answered],
    score: bestOf(rounds)?.score ?? null,
  };
}

function settingsOf(job: Job): Omit<NonNullable<JobDetails['training']>, 'weightsBytes'> {
  const { privacy, reply, secureAggregation, stopping, strategy } = job;
  const { minimumSites, seed, stepsPerRound } = job;
  return {
    ...{ minimumSites, seed, stepsPerRound, ...stopping },
    strategy: strategy.kind,
    reply: reply.numbers,
    privacy: privacy === undefined ? null : privacyWords(privacy),
    secureThreshold: secureAggregation?.threshold ?? null,
  };
}

function privacyWords({ clipNorm, kind, noiseMultiplier }: Privacy): string {
  const how = kind === 'dp-sgd' ? 'every step is noisy (DP-SGD)' : 'noise on each update';
  return `${how}: clipping norm ${clipNorm}, noise multiplier ${noiseMultiplier}`;
}

/** Of what each site has contributed to; what it trained in vain only the site's own ledger knows. */
export function spentIn(job: Job, rounds: readonly RoundRecord[]): JobDetails['spent'] {
  const { privacy, stepsPerRound } = job;
  if (privacy === undefined) return [];
  const trainings = new Map<string, number>();
  for (const { siteId } of rounds.flatMap(({ trained }) => trained)) {
    trainings.set(siteId, (trainings.get(siteId) ?? 0) + 1);
  }
  return [...trainings].sort(bySite).map(([siteId, count]) => {
    const epsilon = epsilonOf(Array(count).fill(spendOf(privacy, stepsPerRound)), delta);
    return { siteId, trainings: count, epsilon: Number.isFinite(epsilon) ? epsilon : null };
  });
}

function bySite([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** RFC 4180: a line for each site and round, and one for all sites. */
export function metricsCsv({ jobId, roundList }: JobDetails): string {
  const heading = ['job', 'round', 'site', 'validation_dice', 'mean_loss', 'cases', 'steps', 'seconds', 'left_out'];
  const rows = roundList.flatMap(({ evaluated, leftOut, round, score, seconds, trained }) => {
    const sites = [...new Set([...trained, ...evaluated, ...leftOut].map(({ siteId }) => siteId))].sort();
    const own = sites.map((siteId) => {
      const training = trained.find((each) => each.siteId === siteId);
      const dice = evaluated.find((each) => each.siteId === siteId)?.score;
      const why = leftOut.find((each) => each.siteId === siteId)?.code;
      return [dice, training?.meanLoss, training?.cases, training?.steps, training?.seconds, why, siteId] as const;
    });
    return [
      [jobId, round, 'all', score, null, null, null, seconds, null],
      ...own.map(([dice, loss, cases, steps, took, why, siteId]) => [
        ...[jobId, round, siteId, dice, loss, cases, steps, took, why],
      ]),
    ];
  });
  return [heading, ...rows].map((row) => `${row.map((cell) => cell ?? '').join(',')}\r\n`).join('');
}
