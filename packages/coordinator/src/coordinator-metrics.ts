/**
 * Numbers about a coordinator for Prometheus. Labels are names of sites, kinds of tasks, and the jobs of late; nothing
 * grows with time, and nothing is about patients.
 */
import type { Clock, JobBoard, JobEvent, SiteConnection, Store } from '@consilium/federation';
import type { Contribution, JobId, SiteId } from '@consilium/protocol';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SiteLines } from './site-lines.ts';

export interface CoordinatorMetricsOptions {
  readonly clock: Clock;
  readonly store: Store;
}

/** Jobs whose round and score are told: those of which something was heard last. */
const jobsMax = 20;
const roundSecondsBuckets = [0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 14_400, 43_200, 86_400];

export class CoordinatorMetrics {
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #registry = new Registry();
  readonly #roundStartMs = new Map<JobId, number>();
  /** With the sites that have a score, the job heard of last at the end. */
  readonly #jobs = new Map<JobId, Set<SiteId>>();

  readonly #roundsCompleted = this.#counter('consilium_rounds_completed_total', 'Rounds completed.');
  readonly #roundSeconds = new Histogram({
    name: 'consilium_round_seconds',
    help: 'From the configuration of a round to its decision.',
    buckets: roundSecondsBuckets,
    registers: [this.#registry],
  });
  readonly #tasksSent = this.#counter('consilium_tasks_sent_total', 'Tasks sent to sites.', ['kind']);
  readonly #tasksEnded = this.#counter(
    'consilium_tasks_ended_total',
    'Tasks that ended: accepted, refused, failed, lost (maybe asked again), straggler.',
    ['kind', 'outcome'],
  );
  readonly #contributionBytes = this.#counter('consilium_contribution_bytes_total', 'Bytes of accepted contributions.');
  readonly #blobBytes = this.#counter('consilium_blob_bytes_total', 'Bytes of blobs moved, in and out.', ['direction']);
  readonly #jobRound = this.#gauge('consilium_job_round', 'The last completed round of a job.', ['job']);
  readonly #jobScore = this.#gauge('consilium_job_validation_score', 'The last validation score of a job.', ['job']);
  readonly #siteScore = this.#gauge(
    'consilium_job_site_validation_score',
    'The last validation score of a job at a site.',
    ['job', 'site'],
  );

  constructor({ clock, store }: CoordinatorMetricsOptions) {
    this.#clock = clock;
    this.#store = store;
    collectDefaultMetrics({ register: this.#registry });
  }

  /** What is looked at whenever Prometheus asks. */
  watch(board: JobBoard, lines: SiteLines, auditAlarms: () => number): void {
    this.#collected('consilium_jobs', 'Jobs by state.', ['state'], (gauge) => {
      for (const state of ['queued', 'running', 'paused', 'completed', 'failed', 'aborted']) gauge.set({ state }, 0);
      for (const { state } of board.list()) gauge.inc({ state });
    });
    this.#collected('consilium_audit_alarms', 'Audit logs of sites that are not what they were.', [], (gauge) => {
      gauge.set(auditAlarms());
    });
    this.#collected('consilium_site_connected', 'Whether a site is connected.', ['site'], (gauge) => {
      for (const { siteId, isConnected } of lines.all) gauge.set({ site: siteId }, isConnected ? 1 : 0);
    });
    this.#collected('consilium_site_silent_seconds', 'Since a site was last heard of.', ['site'], (gauge) => {
      for (const { siteId, silentMs } of lines.all) gauge.set({ site: siteId }, silentMs / 1000);
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  blobMoved(direction: 'in' | 'out', bytes: number): void {
    this.#blobBytes.inc({ direction }, bytes);
  }

  onEvent(event: JobEvent): void {
    switch (event.kind) {
      case 'job-started':
        this.#remember(event.jobId);
        if (event.rounds > 0) this.#jobRound.set({ job: event.jobId }, event.completedRounds);
        break;
      case 'round-started':
        this.#roundStartMs.set(event.jobId, this.#clock.nowMs());
        break;
      case 'task-sent':
        this.#tasksSent.inc({ kind: event.task });
        break;
      case 'contribution-accepted':
        this.#tasksEnded.inc({ kind: event.task, outcome: 'accepted' });
        break;
      case 'site-lost':
        this.#tasksEnded.inc({ kind: event.task, outcome: 'lost' });
        break;
      case 'site-left-out':
        if (event.why !== 'lost') this.#tasksEnded.inc({ kind: event.task, outcome: event.why });
        break;
      case 'evaluated':
        this.#roundCompleted(event);
        break;
      case 'job-ended':
        this.#roundStartMs.delete(event.jobId);
        break;
    }
  }

  /** The connection, with the bytes of what comes over it and is accepted counted. */
  observed(connection: SiteConnection): SiteConnection {
    return {
      siteId: connection.siteId,
      abandon: (work) => connection.abandon?.(work),
      perform: async (task, options) => {
        const reply = await connection.perform(task, options);
        if (reply.kind !== 'contribution') return reply;
        const bytes = this.#bytesOf(reply.contribution).catch(() => 0);
        return {
          ...reply,
          acknowledge: (verdict) => {
            if (verdict.kind === 'accepted') void bytes.then((count) => this.#contributionBytes.inc(count));
            reply.acknowledge(verdict);
          },
        };
      },
    };
  }

  async #bytesOf(contribution: Contribution): Promise<number> {
    if (contribution.kind !== 'train') return 0;
    const blobs = [contribution.weights, contribution.controlChange].filter((blob) => blob !== null);
    const manifests = await Promise.all(blobs.map((blob) => this.#store.getManifest(blob)));
    return manifests.reduce((sum, manifest) => sum + (manifest?.bytes ?? 0), 0);
  }

  #roundCompleted({ jobId, round, score, siteScores }: Extract<JobEvent, { kind: 'evaluated' }>): void {
    const startMs = this.#roundStartMs.get(jobId);
    // Of a round that began before a restart, nobody knows how long it took.
    if (startMs !== undefined) this.#roundSeconds.observe((this.#clock.nowMs() - startMs) / 1000);
    this.#roundStartMs.delete(jobId);
    this.#roundsCompleted.inc();
    const sites = this.#remember(jobId);
    this.#jobRound.set({ job: jobId }, round);
    if (score !== null) this.#jobScore.set({ job: jobId }, score);
    for (const [site, siteScore] of Object.entries(siteScores)) {
      if (siteScore === null) continue;
      sites.add(site as SiteId);
      this.#siteScore.set({ job: jobId, site }, siteScore);
    }
  }

  #remember(jobId: JobId): Set<SiteId> {
    const sites = this.#jobs.get(jobId) ?? new Set();
    this.#jobs.delete(jobId);
    this.#jobs.set(jobId, sites);
    for (const [job, scored] of this.#jobs) {
      if (this.#jobs.size <= jobsMax) break;
      this.#jobs.delete(job);
      this.#jobRound.remove({ job });
      this.#jobScore.remove({ job });
      for (const site of scored) this.#siteScore.remove({ job, site });
    }
    return sites;
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Counter<Label>({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Gauge<Label>({ name, help, labelNames, registers: [this.#registry] });
  }

  #collected<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    look: (gauge: Gauge<Label>) => void,
  ): void {
    const gauge: Gauge<Label> = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        look(gauge);
      },
    });
  }
}
