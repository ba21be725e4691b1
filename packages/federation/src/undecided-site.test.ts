import type { SiteId, Task } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import type { JobEvent } from './job-event.ts';
import { runJob } from './job-run.ts';
import type { SiteConnection } from './ports.ts';
import { putModel, simulatedJob, simulatedPorts, siteIds } from './simulator/simulation.ts';

/** A job of two rounds in which a person at the first site decides when this many tasks have been asked. */
async function jobWith({ decidesAfter }: { readonly decidesAfter: number }) {
  const ports = simulatedPorts({});
  await putModel(ports.store);
  const [siteId] = siteIds as readonly [SiteId];
  const real = ports.sites.get(siteId)!;
  const asked: Task[] = [];
  const undecided: SiteConnection = {
    siteId,
    perform: async (task, options) => {
      asked.push(task);
      if (asked.length > decidesAfter) return real.perform(task, options);
      options.onProgress!({ kind: 'waiting', for: 'approval' });
      await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
      return { kind: 'aborted' };
    },
  };
  const events: JobEvent[] = [];
  const job = simulatedJob({ rounds: { max: 2 }, minimumSites: 2, stragglerMs: 600_000 });
  const sites = new Map<SiteId, SiteConnection>([...ports.sites, [siteId, undecided]]);
  const outcome = await runJob(job, { ...ports, sites }, { onEvent: (event) => events.push(event) });
  return { outcome, events, asked, elapsedMs: ports.clock.nowMs() };
}

describe('a site where a person has yet to decide', () => {
  it('is waited for once, and asked again in every round', async () => {
    const { outcome, events, asked, elapsedMs } = await jobWith({ decidesAfter: 1000 });
    expect(outcome.state).toBe('completed');
    expect(asked.map(({ taskId }) => taskId)).toEqual([
      'federated/1/train/site-1',
      'federated/1/evaluate/site-1',
      'federated/2/train/site-1',
      'federated/2/evaluate/site-1',
    ]);
    expect(elapsedMs).toBeGreaterThanOrEqual(600_000);
    expect(elapsedMs).toBeLessThan(1_200_000);
    expect(events.filter(({ kind }) => kind === 'site-waiting')).toHaveLength(4);
    for (const { leftOut, trained } of outcome.rounds) {
      expect(trained).toHaveLength(3);
      expect(leftOut.map(({ siteId, code }) => [siteId, code])).toEqual([
        ['site-1', 'federation.waits-for-approval'],
        ['site-1', 'federation.waits-for-approval'],
      ]);
    }
  });

  it('takes part from the next round on once that person has', async () => {
    const { outcome } = await jobWith({ decidesAfter: 2 });
    expect(outcome.rounds.map(({ trained }) => trained.length)).toEqual([3, 4]);
  });
});
