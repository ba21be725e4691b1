/** What the coordinator says as it happens: which answers that makes old, and how far sites are with their tasks. */
import type { ProjectNews, TaskStep } from '@consilium/coordinator/api';
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { LiveEvents } from '../parts/live-events.ts';
import { later } from '../ports/browser-clock.ts';

const keysOf: Readonly<Record<ProjectNews['kind'], readonly string[]>> = {
  job: ['overview', 'jobs', 'job', 'matrix', 'fingerprints', 'privacy', 'audit'],
  members: ['overview', 'members', 'audit'],
  sites: ['overview'],
  experiments: ['experiments', 'experiment', 'audit'],
  publication: ['publication', 'audit'],
};
/** Several things happen at once when a round ends. */
const refreshMs = 300;

type Steps = ReadonlyMap<string, TaskStep>;
const noSteps: Steps = new Map();

export class ProjectLive {
  readonly events: LiveEvents<ProjectNews>;
  readonly #client: QueryClient;
  readonly #old = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #cancel: (() => void) | undefined;
  /** Of each job, by site: replaced, never changed. */
  readonly #steps = new Map<string, Steps>();

  constructor(client: QueryClient) {
    this.#client = client;
    this.events = new LiveEvents<ProjectNews>({
      onEvent: (news) => this.#hear(news),
      onReturn: () => void client.invalidateQueries(),
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  stepsOf(jobId: string): Steps {
    return this.#steps.get(jobId) ?? noSteps;
  }

  #hear(news: ProjectNews): void {
    if (news.kind === 'job' && news.progress !== undefined) {
      const { progress } = news;
      this.#tell(news.jobId, new Map([...this.stepsOf(news.jobId), [progress.siteId, progress]]));
      return;
    }
    if (news.kind === 'job' && (news.event === 'round-started' || news.event === 'job-ended')) {
      this.#tell(news.jobId, noSteps);
    }
    for (const key of keysOf[news.kind]) this.#old.add(key);
    this.#cancel ??= later(refreshMs, () => {
      this.#cancel = undefined;
      for (const key of this.#old) void this.#client.invalidateQueries({ queryKey: [key] });
      this.#old.clear();
    });
  }

  #tell(jobId: string, steps: Steps): void {
    this.#steps.set(jobId, steps);
    for (const listener of this.#listeners) listener();
  }
}

/** How far each site is with the job's present task. */
export function useSteps(live: ProjectLive, jobId: string): Steps {
  return useSyncExternalStore(live.subscribe, () => live.stepsOf(jobId));
}
