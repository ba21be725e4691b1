/**
 * All jobs of a coordinator: submitted, queued, run, paused, aborted, ended. A job is in the ledger before its submission
 * is acknowledged; opening the board goes on with every job that had not ended.
 */
import type { Contribution, JobId, Json } from '@consilium/protocol';
import { FederationError } from './federation-error.ts';
import { checkJob, retainBlobs } from './job.ts';
import type { JobEvent } from './job-event.ts';
import { endOfJob, isPaused, type JobLogEntry, type JobState, nextLogKey, submittedKey } from './job-log.ts';
import { type JobOptions, type JobOutcome, runJob } from './job-run.ts';
import type { LeftOutSite } from './left-out-site.ts';
import { checkOverlap, lastAnswers, letGoOfBoxes, runOverlap } from './overlap.ts';
import { leaving, type Ports } from './ports.ts';
import type { JobReason } from './reason.ts';
import { letGo } from './round.ts';
import { completedRounds, type RoundRecord } from './round-record.ts';
import { strategyOf } from './strategies.ts';
import { checkMandate, isSameSubmission, parseSubmission, type Submission, submissionSchema } from './submission.ts';
import { runSurvey, type Survey, type SurveyOutcome } from './survey.ts';

export interface JobStatus {
  readonly jobId: JobId;
  readonly kind: Submission['kind'];
  readonly state: JobState;
  /** Why it ended; null while it has not. */
  readonly reason: JobReason | null;
}

export interface JobBoardOptions {
  /** Further jobs wait in the order of their submission. */
  readonly jobsAtOnce: number;
  readonly onEvent?: (event: JobEvent) => void;
  /** What broke a job, for the log: the job's own reason says no more than may be told. */
  readonly onError?: (jobId: JobId, error: unknown) => void;
}

type Outcome = JobOutcome | SurveyOutcome<Contribution['kind']>;

type EndOfJob = [state: 'completed' | 'failed' | 'aborted', reason: JobReason, leftOut?: readonly LeftOutSite[]];

interface BoardJob {
  readonly submission: Submission;
  state: JobState;
  reason: JobReason | null;
  abort: AbortController;
  outcome: Outcome | null;
  /** Also while what was paused or aborted comes to its end. */
  isRunning: boolean;
  /** The last change that was begun. */
  turn: Promise<unknown>;
  /** Settles when the job ends, or the board closes. */
  ended: PromiseWithResolvers<void>;
}

export class JobBoard implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #options: JobBoardOptions;
  readonly #jobs = new Map<JobId, BoardJob>();
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  private constructor(ports: Ports, options: JobBoardOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  static async open(ports: Ports, options: JobBoardOptions): Promise<JobBoard> {
    const board = new JobBoard(ports, options);
    for (const jobId of await ports.store.jobIds()) {
      const entries = await ports.store.recall(jobId);
      const submitted = submissionSchema.safeParse(entries.get(submittedKey));
      if (!submitted.success) continue; // a ledger holds other things than jobs
      const end = endOfJob(entries);
      board.#add(submitted.data, end?.state ?? (isPaused(entries) ? 'paused' : 'queued'), end?.reason ?? null);
      if (end?.state === 'aborted') await board.#letGo(submitted.data); // it may have been interrupted
    }
    board.#next();
    return board;
  }

  /**
   * Durable when it resolves. The same submission again changes nothing, also if it was signed anew.
   * @throws FederationError `federation.bad-job`, `federation.job-changed`, `federation.mandate-mismatch`
   */
  async submit(received: unknown): Promise<JobStatus> {
    const submission = parseSubmission(received);
    if (submission.kind === 'train') await checkJob(submission, this.#ports.store);
    if (submission.kind === 'overlap') checkOverlap(submission);
    await checkMandate(submission, this.#ports.store);
    const { jobId } = submission;
    const kept = await this.#recorded(submission);
    await retainBlobs(kept, this.#ports.store);
    if (!this.#jobs.has(jobId)) {
      this.#add(kept, 'queued', null);
      this.#next();
    }
    return this.status(jobId);
  }

  /** As it was submitted first. */
  async #recorded(submission: Submission): Promise<Submission> {
    const { store } = this.#ports;
    const { jobId } = submission;
    try {
      await store.record(jobId, submittedKey, submission as unknown as Json);
      return submission;
    } catch (error) {
      if (!(error instanceof FederationError) || error.code !== 'federation.ledger-conflict') throw error;
      const kept = submissionSchema.safeParse(await store.entry(jobId, submittedKey));
      if (kept.success && isSameSubmission(kept.data, submission)) return kept.data;
      throw new FederationError(
        'federation.job-changed',
        `There is another job called ${jobId}. Give this one another id, or submit exactly the same.`,
      );
    }
  }

  list(): readonly JobStatus[] {
    return [...this.#jobs.keys()].map((jobId) => this.status(jobId));
  }

  /** @throws FederationError `federation.job-unknown` */
  status(jobId: JobId): JobStatus {
    const { submission, state, reason } = this.#job(jobId);
    return { jobId, kind: submission.kind, state, reason };
  }

  submission(jobId: JobId): Submission {
    return this.#job(jobId).submission;
  }

  /** Resolves when the job has ended, with what came of it; rejects with `signal`, or when the board closes. */
  async outcome<T extends Outcome = Outcome>(jobId: JobId, signal?: AbortSignal): Promise<T> {
    for (;;) {
      const job = this.#job(jobId);
      if (this.#isClosed) throw new FederationError('federation.board-closed', 'The coordinator is stopping.');
      if (endStates.has(job.state)) {
        job.outcome ??= await this.#replay(job);
        return job.outcome as T;
      }
      await untilAborted(job.ended.promise, signal);
    }
  }

  /** The completed rounds of a training job, or the sites that have answered a survey. */
  async progress(jobId: JobId): Promise<{ rounds: readonly RoundRecord[] } | { answered: readonly string[] }> {
    const entries = await this.#ports.store.recall(jobId);
    const { kind } = this.#job(jobId).submission;
    if (kind === 'train') return { rounds: completedRounds(entries) };
    const prefix = kind === 'overlap' ? lastAnswers : 'answer/';
    const answers = [...entries.keys()].filter((key) => key.startsWith(prefix));
    return { answered: answers.map((key) => key.slice(prefix.length)).sort() };
  }

  /** What came of a job that has ended, as JSON. */
  async outcomeAsJson(jobId: JobId): Promise<Json> {
    const outcome = await this.outcome(jobId);
    return JSON.parse(
      JSON.stringify('answers' in outcome ? { ...outcome, answers: Object.fromEntries(outcome.answers) } : outcome),
    ) as Json;
  }

  /** Sites finish what they do and keep it until the job is resumed. Of a job that is paused or has ended: nothing. */
  async pause(jobId: JobId): Promise<JobStatus> {
    const job = this.#job(jobId);
    return this.#inTurn(job, async () => {
      if (job.state === 'queued' || job.state === 'running') {
        await this.#log(jobId, { kind: 'pause' });
        job.state = 'paused';
        job.abort.abort(leaving);
      }
      return this.status(jobId);
    });
  }

  /** Of a paused or a failed job. @throws FederationError `federation.job-over` if it was completed or aborted. */
  async resume(jobId: JobId): Promise<JobStatus> {
    const job = this.#job(jobId);
    return this.#inTurn(job, async () => {
      if (job.state === 'completed' || job.state === 'aborted') {
        throw new FederationError('federation.job-over', `Job ${jobId} is ${job.state} and cannot be resumed.`);
      }
      if (job.state === 'paused' || job.state === 'failed') {
        await this.#log(jobId, { kind: 'resume' });
        Object.assign(job, { state: 'queued', reason: null, outcome: null, abort: new AbortController() });
        job.ended.resolve();
        job.ended = Promise.withResolvers();
        this.#next();
      }
      return this.status(jobId);
    });
  }

  /** For good; the sites give up what they do for it. Of a job that has ended: nothing. */
  async abort(jobId: JobId, by: string): Promise<JobStatus> {
    const job = this.#job(jobId);
    return this.#inTurn(job, async () => {
      if (!endStates.has(job.state)) {
        await this.#end(job, 'aborted', { code: 'aborted-by-request', text: `The job was aborted by ${by}.` });
        job.abort.abort();
        for (const site of this.#ports.sites.values()) site.abandon?.(jobId);
        if (!job.isRunning) await this.#letGo(job.submission);
      }
      return this.status(jobId);
    });
  }

  /** Stops running jobs where they are; the sites go on. The next board on this store goes on with them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#jobs.values()) {
      job.abort.abort(leaving);
      job.ended.resolve();
    }
    await Promise.all(this.#running);
  }

  #job(jobId: JobId): BoardJob {
    const job = this.#jobs.get(jobId);
    if (job === undefined) throw new FederationError('federation.job-unknown', `There is no job ${jobId}.`);
    return job;
  }

  #add(submission: Submission, state: JobState, reason: JobReason | null): void {
    this.#jobs.set(submission.jobId, {
      submission,
      state,
      reason,
      abort: new AbortController(),
      outcome: null,
      isRunning: false,
      turn: Promise.resolve(),
      ended: Promise.withResolvers(),
    });
  }

  /** Changes of a job, one after another: each sees what the one before has made of it. */
  #inTurn<T>(job: BoardJob, change: () => Promise<T>): Promise<T> {
    const turn = job.turn.then(change);
    job.turn = turn.catch(() => {});
    return turn;
  }

  #next(): void {
    for (const job of this.#jobs.values()) {
      if (this.#isClosed || this.#running.size >= this.#options.jobsAtOnce) return;
      if (job.state !== 'queued' || job.isRunning) continue;
      job.state = 'running';
      job.isRunning = true;
      const running = this.#run(job).finally(async () => {
        job.isRunning = false;
        // Not before: a contribution that came when the job was aborted may have been taken in since.
        if (job.state === 'aborted') await this.#letGo(job.submission);
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  async #run(job: BoardJob): Promise<void> {
    let outcome: Outcome | null = null;
    let failure: JobReason | null = null;
    try {
      outcome = await this.#perform(job, job.abort.signal);
    } catch (error) {
      failure = reasonOf(error);
      if (failure === unexpected) this.#options.onError?.(job.submission.jobId, error);
    }
    await this.#inTurn(job, async () => {
      if (job.state !== 'running') return; // paused or aborted
      if (outcome === null) return this.#isClosed ? undefined : this.#endOrFail(job, 'failed', failure!);
      if (outcome.state === 'stopped') return; // the board is closing
      job.outcome = outcome;
      await this.#endOrFail(job, outcome.state, outcome.reason, 'leftOut' in outcome ? outcome.leftOut : []);
    });
  }

  /** An end that cannot be written down is a failure in this life; the next one goes on with the job. */
  async #endOrFail(job: BoardJob, ...end: EndOfJob): Promise<void> {
    try {
      await this.#end(job, ...end);
    } catch (error) {
      Object.assign(job, { state: 'failed', reason: reasonOf(error), outcome: null });
      job.ended.resolve();
    }
  }

  #perform(job: BoardJob, signal: AbortSignal): Promise<Outcome> {
    const { submission } = job;
    const onEvent = (event: JobEvent) => {
      // That a job is over is told when the ledger has it.
      if (event.kind !== 'job-ended' || job.state === 'paused') this.#options.onEvent?.(event);
    };
    const options = { signal, onEvent };
    return outcomeOf(submission, this.#ports, options);
  }

  /** What came of a job that ended in an earlier life: read from the ledger, no site is asked. */
  async #replay({ submission, state, reason }: BoardJob): Promise<Outcome> {
    const over = AbortSignal.abort(leaving);
    const ports: Ports = { ...this.#ports, sites: new Map() };
    const outcome = await outcomeOf(submission, ports, { signal: over });
    const ended = { state: state === 'completed' ? ('completed' as const) : ('failed' as const), reason: reason! };
    if (!('leftOut' in outcome)) return { ...outcome, ...ended };
    const leftOut = endOfJob(await this.#ports.store.recall(submission.jobId))?.leftOut ?? [];
    return { ...outcome, ...ended, leftOut };
  }

  async #end(job: BoardJob, ...[state, reason, leftOut = []]: EndOfJob): Promise<void> {
    await this.#log(job.submission.jobId, { kind: 'end', state, reason, leftOut });
    Object.assign(job, { state, reason });
    this.#options.onEvent?.({ kind: 'job-ended', jobId: job.submission.jobId, state, reason });
    job.ended.resolve();
  }

  /** Of what an aborted job held that nobody can want any more. What cannot be let go now is at the next opening. */
  async #letGo(submission: Submission): Promise<void> {
    if (submission.kind === 'survey') return;
    const { store } = this.#ports;
    try {
      if (submission.kind === 'overlap') return await letGoOfBoxes(submission.jobId, store);
      const entries = new Map(await store.recall(submission.jobId));
      const setting = { job: submission, strategy: strategyOf(submission.strategy), entries };
      await letGo(setting, completedRounds(entries), store, { isAborted: true });
    } catch (error) {
      this.#options.onError?.(submission.jobId, error);
    }
  }

  async #log(jobId: JobId, entry: JobLogEntry): Promise<void> {
    const { store } = this.#ports;
    const key = nextLogKey(await store.recall(jobId));
    try {
      await store.record(jobId, key, entry as unknown as Json);
    } catch (error) {
      // A write that failed may have happened all the same, and the next life goes by the ledger: so does this one.
      if (!(await store.has(jobId, key))) throw error;
    }
  }
}

function outcomeOf(submission: Submission, ports: Ports, options: JobOptions): Promise<Outcome> {
  switch (submission.kind) {
    case 'train':
      return runJob(submission, ports, options);
    case 'overlap':
      return runOverlap(submission, ports, options) as Promise<Outcome>;
    case 'survey':
      return runSurvey(submission as Survey<Contribution['kind']>, ports, options) as Promise<Outcome>;
  }
}

const endStates: ReadonlySet<JobState> = new Set(['completed', 'failed', 'aborted']);
const unexpected: JobReason = {
  code: 'federation.unexpected-error',
  text: 'An unexpected error at the coordinator. Its log says more.',
};

function reasonOf(error: unknown): JobReason {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? { code, text: String(message) } : unexpected;
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
