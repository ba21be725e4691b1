/** What happens at a coordinator, for pages that are open: told to everybody who listens, kept nowhere. */
import type { JobEvent } from '@consilium/federation';
import type { ProjectNews, TaskStep } from '../api.ts';

export class ProjectNewsroom {
  readonly #listeners = new Set<(news: ProjectNews) => void>();

  readonly tell = (news: ProjectNews): void => {
    for (const listener of this.#listeners) listener(news);
  };

  tellOf(event: JobEvent): void {
    const progress = progressOf(event);
    const { jobId, kind } = event;
    this.tell({ kind: 'job', jobId, event: kind, ...(progress === undefined ? {} : { progress }) });
  }

  /** Until it is disposed of. */
  listen(listener: (news: ProjectNews) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

function progressOf(event: JobEvent): TaskStep | undefined {
  if (event.kind === 'site-step') {
    const { of, round, siteId, step } = event;
    return { siteId, round, done: step, of };
  }
  if (event.kind !== 'site-case') return undefined;
  const { done, of, round, siteId } = event;
  return { siteId, round, done, of };
}
