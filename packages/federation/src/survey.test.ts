import type { BlobId, Contribution, JobId, SiteId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import type { JobEvent } from './job-event.ts';
import { MemoryStore } from './memory-store.ts';
import type { SiteConnection } from './ports.ts';
import { simulatedPorts, siteIds } from './simulator/simulation.ts';
import { runSurvey, type Survey } from './survey.ts';

const survey: Survey<'fingerprint'> = {
  jobId: 'fingerprint' as JobId,
  participants: siteIds,
  task: { kind: 'fingerprint' },
  minimumSites: 2,
  stragglerMs: 60_000,
  attempts: 1,
};

describe('a survey', () => {
  it('gathers an answer from every site, in site order', async () => {
    const { state, answers } = await runSurvey(survey, simulatedPorts({}));
    expect(state).toBe('completed');
    expect([...answers].map(([siteId, { fingerprint }]) => [siteId, fingerprint])).toEqual(
      siteIds.map((siteId, target) => [siteId, { target }]),
    );
  });

  it('run again asks only the sites that have not answered', async () => {
    const store = new MemoryStore();
    const first = await runSurvey(
      survey,
      simulatedPorts({ store, mishap: (siteId) => (siteId === siteIds[1] ? 'lost' : undefined) }),
    );
    expect(first.leftOut).toMatchObject([{ siteId: siteIds[1], why: 'lost' }]);
    const ports = simulatedPorts({ store });
    const second = await runSurvey(survey, ports);
    expect(second.answers.size).toBe(4);
    expect([...ports.sites.values()].map(({ log }) => log.length)).toEqual([0, 1, 0, 0]);
  });

  it('fails with too few answers, and says which sites are missing', async () => {
    const outcome = await runSurvey(
      survey,
      simulatedPorts({ mishap: (siteId) => (siteId === siteIds[0] ? undefined : 'fails') }),
    );
    expect(outcome).toMatchObject({ state: 'failed', reason: { code: 'federation.too-few-sites' } });
    expect(outcome.reason.text).toContain('site-4');
  });

  it('hands what was signed to every site with the question', async () => {
    const ports = simulatedPorts({});
    await runSurvey({ ...survey, mandate: 'ab'.repeat(32) as BlobId }, ports);
    for (const { log } of ports.sites.values()) expect(log).toMatchObject([{ mandate: 'ab'.repeat(32) }]);
  });

  it('tells of a site where a person has yet to decide, waits as long as for others, and says why it is left out', async () => {
    const ports = simulatedPorts({});
    const events: JobEvent[] = [];
    const undecided: SiteConnection = {
      siteId: siteIds[0]!,
      perform: async (_, { signal, onProgress }) => {
        onProgress!({ kind: 'waiting', for: 'approval' });
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return { kind: 'aborted' };
      },
    };
    const sites = new Map<SiteId, SiteConnection>([...ports.sites, [undecided.siteId, undecided]]);
    const outcome = await runSurvey(survey, { ...ports, sites }, { onEvent: (event) => events.push(event) });
    expect(outcome.state).toBe('completed');
    expect(ports.clock.nowMs()).toBeGreaterThanOrEqual(survey.stragglerMs);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'site-waiting', siteId: 'site-1', for: 'approval' }));
    expect(outcome.leftOut).toMatchObject([
      { siteId: 'site-1', why: 'straggler', code: 'federation.waits-for-approval', lasting: false },
    ]);
  });

  it('takes no answer to a question that it did not ask', async () => {
    const question: Survey<'statistics'> = {
      ...survey,
      task: { kind: 'statistics', minimumCount: 1, question: { kind: 'summary', variables: ['value'], range: 'none' } },
    };
    const ports = simulatedPorts({});
    const histogram: Contribution = { kind: 'statistics', answer: { kind: 'histogram', variables: {} } };
    const confused: SiteConnection = {
      siteId: siteIds[0]!,
      perform: async () => ({ kind: 'contribution', contribution: histogram, acknowledge: () => {} }),
    };
    const sites = new Map<SiteId, SiteConnection>([...ports.sites, [confused.siteId, confused]]);
    const { answers, leftOut } = await runSurvey(question, { ...ports, sites });
    expect([...answers.keys()]).toEqual(siteIds.slice(1));
    expect(leftOut).toMatchObject([
      { siteId: siteIds[0], why: 'refused', code: 'federation.contribution-of-another-kind' },
    ]);
  });

  it('cannot be asked under the name of another', async () => {
    const store = new MemoryStore();
    await runSurvey(survey, simulatedPorts({ store }));
    const other: Survey<'prepare'> = { ...survey, task: { kind: 'prepare', plan: 1 } };
    await expect(runSurvey(other, simulatedPorts({ store }))).rejects.toMatchObject({ code: 'federation.job-changed' });
  });
});
