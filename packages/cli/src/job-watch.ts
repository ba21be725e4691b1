/** Turns what happens in the jobs into what a person is told, and keeps the warnings for the report. */
import type { JobEvent } from '@consilium/federation';
import type { Progress } from './progress.ts';

export interface JobWatchOptions {
  /** The share of all work that a job is, once it is done; a function of its name. */
  readonly shareOf: (jobId: string) => number;
}

export class JobWatch {
  readonly warnings: string[] = [];
  readonly #progress: Progress;
  readonly #shareOf: (jobId: string) => number;
  /** Of each job. */
  readonly #roundsMax = new Map<string, number>();
  readonly #best = new Map<string, number>();
  readonly #losses = new Map<string, number[]>();
  readonly #asked = new Map<string, number>();
  readonly #contributors = new Map<string, number>();
  readonly #done = new Map<string, number>();
  readonly #counts = new Map<string, Map<string, [number, number]>>();

  constructor(progress: Progress, { shareOf }: JobWatchOptions) {
    this.#progress = progress;
    this.#shareOf = shareOf;
  }

  readonly onEvent = (event: JobEvent): void => {
    switch (event.kind) {
      case 'job-started':
        this.#roundsMax.set(event.jobId, event.rounds);
        break;
      case 'round-started':
        this.#roundsMax.set(event.jobId, event.of);
        this.#asked.set(event.jobId, event.participants.length);
        this.#losses.set(event.jobId, []);
        break;
      case 'site-step':
        this.#progress.show({ ...event, type: 'step', job: event.jobId, site: event.siteId });
        break;
      case 'site-case':
        this.#count(event.jobId, event.siteId, event.done, event.of);
        break;
      case 'contribution-accepted':
        if (typeof event.meanLoss === 'number') this.#losses.get(event.jobId)?.push(event.meanLoss);
        break;
      case 'site-waiting':
        this.#progress.show({
          type: 'warning',
          text: `${event.siteId} waits in ${at(event)} for a person there to approve the job.`,
        });
        break;
      case 'site-lost':
        this.warn(
          `${event.siteId} was lost in ${at(event)}: ${event.message} ${event.again ? 'It is started again.' : ''}`,
        );
        break;
      case 'site-left-out':
        this.warn(`${event.siteId} is left out of ${at(event)}: ${event.message}`);
        break;
      case 'aggregated':
        this.#contributors.set(event.jobId, event.participants.length);
        break;
      case 'evaluated':
        this.#round(event);
        break;
      case 'job-ended': {
        const rounds = this.#done.get(event.jobId);
        if (rounds !== undefined) {
          const best = this.#best.get(event.jobId) ?? null;
          this.#progress.show({ type: 'stopped', job: event.jobId, rounds, best, reason: event.reason.text });
          this.#setDone(event.jobId, this.#roundsMax.get(event.jobId) ?? rounds);
        }
        break;
      }
      default:
        break;
    }
  };

  #round({ jobId, round, score }: Extract<JobEvent, { kind: 'evaluated' }>): void {
    const losses = this.#losses.get(jobId) ?? [];
    if (score !== null) this.#best.set(jobId, Math.max(this.#best.get(jobId) ?? 0, score));
    this.#setDone(jobId, round);
    this.#progress.show({
      type: 'round',
      job: jobId,
      round,
      of: this.#roundsMax.get(jobId) ?? round,
      loss: losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      dice: score,
      best: this.#best.get(jobId) ?? null,
      sites: this.#contributors.get(jobId) ?? losses.length,
      sitesAsked: this.#asked.get(jobId) ?? losses.length,
    });
  }

  #setDone(jobId: string, rounds: number): void {
    this.#done.set(jobId, rounds);
    const shareDone = ([job, done]: [string, number]) =>
      this.#shareOf(job) * (done / (this.#roundsMax.get(job) ?? done));
    this.#progress.advance([...this.#done].reduce((sum, each) => sum + shareDone(each), 0));
  }

  #count(jobId: string, siteId: string, done: number, of: number): void {
    const sites = this.#counts.get(jobId) ?? new Map<string, [number, number]>();
    this.#counts.set(jobId, sites.set(siteId, [done, of]));
    if (this.#done.has(jobId)) return;
    const total = [...sites.values()].reduce(([d, o], [more, ofMore]) => [d + more, o + ofMore], [0, 0] as [
      number,
      number,
    ]);
    this.#progress.show({ type: 'count', what: jobId, done: total[0], of: total[1] });
  }

  warn(text: string): void {
    this.warnings.push(text.trim());
    this.#progress.show({ type: 'warning', text: text.trim() });
  }
}

function at({ jobId, round }: { jobId: string; round: number }): string {
  return round === 0 ? jobId : `round ${round} of ${jobId}`;
}
