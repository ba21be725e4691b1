import { decodeSafetensors } from '@consilium/numerics';
import type { BlobId, JobId, SiteId, Task } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getBlob } from './blob.ts';
import type { Job } from './job.ts';
import { runJob } from './job-run.ts';
import { MemoryStore } from './memory-store.ts';
import { CrashingStore, SimulatedCrash } from './simulator/crashing-store.ts';
import type { Mishap } from './simulator/simulated-site.ts';
import { putModel, simulate, simulatedJob, simulatedPorts, siteIds } from './simulator/simulation.ts';
import { weightedMean } from './weighted-mean.ts';
import { WeightsFile } from './weights.ts';

/** Keeps what a round lets go of, for tests to look at. */
class HoardingStore extends MemoryStore {
  override async release() {}
}

const [site1, site2, site3, site4] = siteIds as [SiteId, SiteId, SiteId, SiteId];
const roundOf = (task: Task): number => (task.kind === 'train' ? task.round : 0);
/** The mishap befalls one site's training in one round, on each attempt. */
const inRound =
  (round: number, at: SiteId, mishap: Mishap) =>
  (siteId: SiteId, task: Task): Mishap | undefined =>
    siteId === at && task.kind === 'train' && roundOf(task) === round ? mishap : undefined;

describe('a job', () => {
  it('ends with the same bytes whatever order the contributions arrive in', async () => {
    const calm = await simulate();
    expect(calm.outcome).toMatchObject({ state: 'completed', reason: { code: 'rounds-used-up' } });
    const orders = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (weather) => {
        const { outcome, events } = await simulate({ weather });
        expect(outcome.best).toEqual(calm.outcome.best);
        expect(outcome.rounds.map(({ weights }) => weights)).toEqual(calm.outcome.rounds.map(({ weights }) => weights));
        orders.add(events.map((event) => (event.kind === 'contribution-accepted' ? event.siteId : '')).join());
      }),
      { numRuns: 30 },
    );
    expect(orders.size).toBeGreaterThan(10);
  });

  it('killed at any storage operation and resumed ends with the same bytes, and redoes no acknowledged work', async () => {
    const calm = await simulate();
    let crashes = 0;
    for (const when of ['before', 'after'] as const) {
      for (let crashAt = 1; ; crashAt++) {
        const disk = new MemoryStore();
        const dying = new CrashingStore(disk, { crashAt, when });
        const end = await simulate({ store: dying, weather: crashAt }).catch((error: unknown) => {
          expect(error).toBeInstanceOf(SimulatedCrash);
          return null;
        });
        if (end !== null) break;
        crashes += 1;
        const survived = await disk.recall('federated' as JobId);
        const resumed = await simulate({ store: disk, weather: -crashAt });
        expect(resumed.outcome.best, `crash ${when} operation ${crashAt}`).toEqual(calm.outcome.best);
        expect(resumed.outcome.reason).toEqual(calm.outcome.reason);
        const redone = [...resumed.sites.values()].flatMap((site) =>
          site.log.filter((task) => survived.has(`round/${roundOf(task)}/train/${site.siteId}`)),
        );
        expect(redone).toEqual([]);
      }
    }
    expect(crashes).toBeGreaterThan(100);
  }, 180_000);

  it('killed again and again while it resumes still ends with the same bytes', async () => {
    const calm = await simulate();
    const disk = new MemoryStore();
    for (let life = 1; ; life++) {
      const store = new CrashingStore(disk, { crashAt: 64, when: life % 2 === 0 ? 'before' : 'after' });
      const outcome = await simulate({ store, weather: life }).catch(() => null);
      if (outcome === null) {
        expect(life).toBeLessThan(500);
        continue;
      }
      expect(life).toBeGreaterThan(5);
      expect(outcome.outcome.best).toEqual(calm.outcome.best);
      return;
    }
  });

  it('stopped by request says so, and goes on to the same bytes', async () => {
    const calm = await simulate();
    const store = new MemoryStore();
    const request = new AbortController();
    let accepted = 0;
    const stopped = await simulate({
      store,
      signal: request.signal,
      onEvent: (event) => {
        if (event.kind === 'contribution-accepted' && ++accepted === 11) request.abort();
      },
    });
    expect(stopped.outcome).toMatchObject({ state: 'stopped', reason: { code: 'stopped-by-request' } });
    expect(stopped.outcome.rounds).toHaveLength(1);
    expect((await simulate({ store })).outcome.best).toEqual(calm.outcome.best);
  });

  it('keeps no weights but those in the ledger, when others were made before a crash', async () => {
    class CrashingOnce extends MemoryStore {
      crashed = false;
      override async record(...entry: Parameters<MemoryStore['record']>): Promise<void> {
        if (this.crashed || !entry[1].endsWith('/aggregate')) return super.record(...entry);
        this.crashed = true;
        throw new SimulatedCrash();
      }
    }
    const store = new CrashingOnce();
    const job = { rounds: { max: 1 } };
    await expect(simulate({ store, job, mishap: inRound(1, site2, 'fails') })).rejects.toThrow(SimulatedCrash);
    const before = store.held.get('federated/1/weights');
    const { outcome } = await simulate({ store, job });
    expect(store.held.get('federated/1/weights')).toEqual(new Set([outcome.best!.weights]));
    expect(before).not.toContain(outcome.best!.weights);
  });

  it('that has ended is not run again: it tells the same end', async () => {
    const store = new MemoryStore();
    const first = await simulate({ store });
    const again = await simulate({ store });
    expect(again.outcome).toEqual(first.outcome);
    expect([...again.sites.values()].flatMap(({ log }) => log)).toEqual([]);
  });

  it('with other settings under the same name is refused', async () => {
    const store = new MemoryStore();
    await simulate({ store });
    await expect(simulate({ store, job: { seed: 8 } })).rejects.toMatchObject({ code: 'federation.job-changed' });
    expect((await simulate({ store, job: { stragglerMs: 5 } })).outcome.state).toBe('completed');
  });

  it('with one participant trains that site alone', async () => {
    const { outcome, store } = await simulate({
      store: new HoardingStore(),
      job: { participants: [site3], minimumSites: 1, rounds: { max: 3 } },
    });
    expect(outcome.state).toBe('completed');
    const last = outcome.rounds.at(-1)!;
    expect(await getBlob(store, last.weights)).toEqual(await getBlob(store, last.trained[0]!.weights!));
  });

  it('averages by number of training cases', async () => {
    const { outcome, store } = await simulate({ store: new HoardingStore(), job: { rounds: { max: 1 } } });
    const { trained, weights } = outcome.rounds[0]!;
    const load = async (id: typeof weights) => decodeSafetensors(await getBlob(store, id)).tensors.get('b')!.data;
    const contributions = await Promise.all(
      trained.map(async (site) => ({ cases: site.cases!, data: await load(site.weights!) })),
    );
    const expected = [0, 1, 2, 3].map(
      (index) =>
        contributions.reduce((sum, { cases, data }) => sum + cases * Number(data[index]), 0) /
        contributions.reduce((sum, { cases }) => sum + cases, 0),
    );
    expect([...(await load(weights))].map(Number)).toEqual(expected.map(Math.fround));
    expect(trained.map(({ cases }) => cases)).toEqual([3, 7, 11, 15]);
  });

  it('sends FedProx its mu', async () => {
    const { sites } = await simulate({ job: { strategy: { kind: 'fed-prox', mu: 0.01 }, rounds: { max: 1 } } });
    expect(sites.get(site1)!.log[0]).toMatchObject({ kind: 'train', proximalMu: 0.01, firstStep: 0, totalSteps: 5 });
  });

  it('runs beside others over the same sites, each to the end it has alone', async () => {
    const store = new MemoryStore();
    const ports = simulatedPorts({ store });
    await putModel(store);
    const alone = (siteId: SiteId): Partial<Job> => ({
      jobId: `local-${siteId}` as JobId,
      participants: [siteId],
      minimumSites: 1,
    });
    const together = await Promise.all([
      runJob(simulatedJob(), ports),
      ...siteIds.map((siteId) => runJob(simulatedJob(alone(siteId)), ports)),
    ]);
    const separate = [
      await simulate(),
      ...(await Promise.all(siteIds.map((siteId) => simulate({ job: alone(siteId) })))),
    ];
    expect(together.map(({ best }) => best)).toEqual(separate.map(({ outcome }) => outcome.best));
  });
});

describe('a round', () => {
  it.each([
    ['not-finite', 'refused', 'federation.weights-not-finite'],
    ['other-shape', 'refused', 'federation.weights-other-shape'],
    ['other-encoding', 'refused', 'federation.other-encoding'],
    ['other-names', 'refused', 'federation.weights-other-names'],
    ['other-dtype', 'refused', 'federation.weights-other-dtype'],
    ['another-kind', 'refused', 'federation.contribution-of-another-kind'],
    ['junk', 'refused', 'federation.weights-malformed'],
    ['fails', 'failed', 'site.no-usable-case'],
    ['lost', 'lost', 'coordinator.site-ended'],
    ['hang', 'straggler', 'federation.straggler'],
  ] as const)(
    'goes on without a site whose contribution is %s, names it, and has it back next time',
    async (mishap, why, code) => {
      const { outcome, events } = await simulate({ mishap: inRound(2, site2, mishap) });
      expect(outcome.state).toBe('completed');
      expect(outcome.rounds.map(({ trained }) => trained.length)).toEqual([4, 3, 4, 4]);
      expect(outcome.rounds[1]!.leftOut).toMatchObject([{ siteId: site2, why, code, task: 'train' }]);
      expect(events.filter(({ kind }) => kind === 'site-left-out')).toHaveLength(1);
    },
  );

  it('asks a site that was lost once more, and then has the bytes of an undisturbed round', async () => {
    const calm = await simulate();
    let lost = 0;
    const { outcome, events, sites } = await simulate({
      mishap: (siteId, task) => (siteId === site2 && roundOf(task) === 2 && ++lost === 1 ? 'lost' : undefined),
    });
    expect(outcome.best).toEqual(calm.outcome.best);
    expect(events.filter(({ kind }) => kind === 'site-lost')).toMatchObject([{ siteId: site2, round: 2, again: true }]);
    expect(sites.get(site2)!.log.filter((task) => roundOf(task) === 2)).toHaveLength(2);
  });

  it('waits for stragglers no longer than the limit, but for the minimum of sites as long as it takes', async () => {
    const job = { rounds: { max: 1 }, stragglerMs: 10, minimumSites: 3 };
    const { outcome, clock } = await simulate({ job, mishap: inRound(1, site1, 'hang') });
    expect(outcome.rounds[0]!.trained.map(({ siteId }) => siteId)).toEqual([site2, site3, site4]);
    expect(outcome.rounds[0]!.leftOut).toContainEqual(expect.objectContaining({ siteId: site1, why: 'straggler' }));
    expect(clock.nowMs()).toBeLessThan(20_000);
    const hasty = await simulate({ job: { ...job, minimumSites: 1 } });
    expect(hasty.outcome.rounds[0]!.trained).toHaveLength(1);
    expect(hasty.outcome.rounds[0]!.leftOut.filter(({ task }) => task === 'train')).toHaveLength(3);
  });

  it('has a site send again what was there and is gone, with another job to which it sent the same', async () => {
    class SharedStore extends MemoryStore {
      gone = 0;
      override async retain(ids: readonly BlobId[], holder: string): Promise<void> {
        if (holder.endsWith('/2/contributions') && ++this.gone === 1) {
          await super.retain(ids, 'another');
          await super.release('another');
        }
        return super.retain(ids, holder);
      }
    }
    const calm = await simulate();
    const { outcome, sites } = await simulate({ store: new SharedStore() });
    expect(outcome.best).toEqual(calm.outcome.best);
    const verdicts = [...sites.values()].flatMap((site) => site.verdicts);
    expect(verdicts.filter(({ kind }) => kind !== 'accepted')).toMatchObject([{ kind: 'blobs-wanted' }]);
  });

  it('does not ask a site again that failed for good', async () => {
    const { outcome, sites } = await simulate({ mishap: inRound(1, site4, 'fails-for-good') });
    expect(outcome.rounds.map(({ trained }) => trained.length)).toEqual([3, 3, 3, 3]);
    expect(sites.get(site4)!.log).toHaveLength(1);
  });

  it('with too few contributions fails the job, naming the sites; resumed, it asks only those again', async () => {
    const store = new MemoryStore();
    const calm = await simulate({ job: { minimumSites: 4 } });
    const failed = await simulate({ store, job: { minimumSites: 4 }, mishap: inRound(3, site2, 'fails') });
    expect(failed.outcome).toMatchObject({ state: 'failed', reason: { code: 'federation.too-few-sites' } });
    expect(failed.outcome.reason.text).toContain('site-2');
    expect(failed.outcome.rounds).toHaveLength(2);
    const resumed = await simulate({ store, job: { minimumSites: 4 } });
    expect(resumed.outcome.best).toEqual(calm.outcome.best);
    expect(resumed.sites.get(site1)!.log.some((task) => roundOf(task) === 3)).toBe(false);
  });

  it('leaves out a site to which there is no connection, for good', async () => {
    const ports = simulatedPorts({});
    await putModel(ports.store);
    const sites = new Map([...ports.sites].filter(([siteId]) => siteId !== site3));
    const { state, rounds } = await runJob(simulatedJob(), { ...ports, sites });
    expect(state).toBe('completed');
    expect(rounds[0]!.leftOut).toMatchObject([{ siteId: site3, code: 'federation.site-unknown', lasting: true }]);
    expect(rounds[1]!.leftOut).toEqual([]);
  });

  it('scores without the sites that cannot evaluate', async () => {
    const { outcome } = await simulate({
      job: { rounds: { max: 1 } },
      mishap: (siteId, task) => (siteId === site1 && task.kind === 'evaluate' ? 'fails' : undefined),
    });
    expect(outcome.rounds[0]!.evaluated.map(({ siteId }) => siteId)).toEqual([site2, site3, site4]);
    expect(outcome.rounds[0]!.leftOut).toMatchObject([{ siteId: site1, task: 'evaluate' }]);
  });
});

describe('whatever befalls the sites', () => {
  const anyMishap = fc.constantFrom<Mishap | undefined>(
    ...([undefined, undefined, undefined, 'lost', 'hang', 'fails', 'fails-for-good', 'not-finite', 'junk'] as const),
  );
  const anyStorm = fc.record({
    weather: fc.integer(),
    crashAt: fc.option(fc.integer({ min: 1, max: 120 })),
    mishaps: fc.array(anyMishap, { minLength: 32, maxLength: 32 }),
  });
  /** The same mishaps each time the same task is given, in whatever life of the coordinator. */
  const mishapOf =
    (mishaps: readonly (Mishap | undefined)[]) =>
    (siteId: SiteId, task: Task): Mishap | undefined => {
      const round = Number(task.taskId.split('/')[1]);
      return mishaps[(round - 1) * 8 + siteIds.indexOf(siteId) * 2 + (task.kind === 'train' ? 0 : 1)];
    };

  it('a job ends with a reason, and every round is the mean of exactly those that are named in it', async () => {
    await fc.assert(
      fc.asyncProperty(anyStorm, async ({ weather, crashAt, mishaps }) => {
        const disk = new HoardingStore();
        const mishap = mishapOf(mishaps);
        if (crashAt !== null) {
          const store = new CrashingStore(disk, { crashAt, when: 'after' });
          await simulate({ store, weather, mishap }).catch((error) => expect(error).toBeInstanceOf(SimulatedCrash));
        }
        const { outcome } = await simulate({ store: disk, weather: weather + 1, mishap });
        expect(['completed', 'failed']).toContain(outcome.state);
        expect(outcome.reason.text).toMatch(/\.$/);
        const gone = new Set<SiteId>();
        for (const { trained, leftOut, weights } of outcome.rounds) {
          const asked = siteIds.filter((siteId) => !gone.has(siteId));
          const named = [...trained, ...leftOut.filter(({ task }) => task === 'train')].map(({ siteId }) => siteId);
          expect(named.sort()).toEqual(asked);
          for (const { siteId, lasting } of leftOut) if (lasting) gone.add(siteId);
          const parts = await Promise.all(
            trained.map(async ({ cases, weights }) => ({
              weight: cases!,
              weights: await WeightsFile.open(disk, weights!),
            })),
          );
          expect(await weightedMean(disk, parts)).toBe(weights);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('training', () => {
  it('stops when the predictions no longer improve and keeps the best model', async () => {
    const { outcome } = await simulate({ job: { rounds: { max: 100 }, stopping: { patience: 3, minimumGain: 0.01 } } });
    expect(outcome.reason.code).toBe('no-longer-improving');
    expect(outcome.rounds.length).toBeLessThan(50);
    const scores = outcome.rounds.map(({ score }) => score!);
    expect(outcome.best!.score).toBe(Math.max(...scores));
  });

  it('is scored every so many rounds and after the last, and keeps the best of those', async () => {
    const changes = { rounds: { max: 5 }, stopping: { patience: 100, minimumGain: 0 } };
    const always = await simulate({ job: changes });
    const { outcome, events } = await simulate({ job: { ...changes, evaluateEvery: 2 } });
    const scored = outcome.rounds.map(({ score }) => score);
    expect(scored).toEqual(always.outcome.rounds.map(({ score }, index) => ([1, 3, 4].includes(index) ? score : null)));
    expect(outcome.best!.score).toBe(Math.max(...scored.filter((score) => score !== null)));
    expect(outcome.rounds.map(({ weights }) => weights)).toEqual(always.outcome.rounds.map(({ weights }) => weights));
    expect(events.filter(({ kind }) => kind === 'best-model').length).toBeGreaterThan(0);
  });

  it('passes errors of storage on as the reason of the failed job', async () => {
    class FullDisk extends MemoryStore {
      puts = 0;
      override async putChunk(bytes: Uint8Array) {
        if (++this.puts > 6) throw Object.assign(new Error('The disk is full.'), { code: 'coordinator.disk-full' });
        return super.putChunk(bytes);
      }
    }
    const { outcome } = await simulate({ store: new FullDisk() });
    expect(outcome).toMatchObject({ state: 'failed', reason: { code: 'coordinator.disk-full' } });
  });

  it.each([
    { participants: [] },
    { minimumSites: 5 },
    { minimumSites: 0 },
    { attempts: 0 },
    { rounds: { max: 0 } },
    { stragglerMs: 0 },
    { stopping: { patience: 0, minimumGain: 0 } },
    { participants: [site1, site1] },
    { initialWeights: 'ab'.repeat(32) as Job['initialWeights'] },
    { initialWeights: simulatedJob().model },
  ] satisfies Partial<Job>[])('is refused a job that cannot be meant: %o', async (job) => {
    await expect(simulate({ job })).rejects.toMatchObject({ code: 'federation.bad-job' });
  });
});
