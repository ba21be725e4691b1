import { decodeSafetensors } from '@consilium/numerics';
import type { BlobId, JobId, SiteId, Task } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { getBlob } from '../blob.ts';
import type { Job } from '../job.ts';
import { MemoryStore } from '../memory-store.ts';
import { CrashingStore, SimulatedCrash } from '../simulator/crashing-store.ts';
import type { LocalState } from '../simulator/local-state.ts';
import { simulate, simulatedJob, siteIds } from '../simulator/simulation.ts';
import type { Store } from '../store.ts';
import type { StrategySpec } from '../strategies.ts';

/** Keeps what rounds let go of, to be looked at. */
class HoardingStore extends MemoryStore {
  override async release() {}
}

const load = async (store: Store, blob: BlobId): Promise<Record<string, number[]>> =>
  Object.fromEntries(
    [...decodeSafetensors(await getBlob(store, blob)).tensors].map(([name, { data }]) => [
      name,
      [...(data as Float32Array)],
    ]),
  );

const opt = { learningRate: 0.1, beta1: 0.9, tau: 0.01 };
const everyStrategy: readonly StrategySpec[] = [
  { kind: 'fed-avg-m', momentum: 0.5, learningRate: 0.5 },
  { kind: 'fed-adam', ...opt, beta2: 0.99 },
  { kind: 'fed-yogi', ...opt, beta2: 0.99 },
  { kind: 'fed-adagrad', ...opt },
  { kind: 'scaffold', learningRate: 1 },
  { kind: 'partial-sharing', keepLocal: ['b'] },
  { kind: 'ditto', lambda: 0.5, score: 'personal' },
  { kind: 'cyclic' },
  { kind: 'median' },
  { kind: 'trimmed-mean', fraction: 0.3 },
  { kind: 'krum', malicious: 0, keep: 2 },
  { kind: 'norm-bounding', norm: 1 },
];
const jobOf = (strategy: StrategySpec): Partial<Job> => ({
  strategy,
  minimumSites: strategy.kind === 'cyclic' ? 1 : 4,
  rounds: { max: 3 },
  reply: { numbers: 'int8', onlyChanged: true },
});

describe.each(everyStrategy)('a job with $kind', (strategy) => {
  it('ends with the same bytes in any weather, and killed and resumed at any storage operation', async () => {
    const job = jobOf(strategy);
    const calm = await simulate({ job });
    expect(calm.outcome.state).toBe('completed');
    const bytes = calm.outcome.rounds.map(({ weights, state }) => ({ weights, state }));
    for (let crashAt = 1; ; crashAt += 5) {
      const disk = new MemoryStore();
      const states = new Map<SiteId, LocalState>();
      const store = new CrashingStore(disk, { crashAt, when: crashAt % 2 === 0 ? 'before' : 'after' });
      const end = await simulate({ store, states, weather: crashAt, job }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(SimulatedCrash);
        return null;
      });
      if (end !== null) break;
      const { outcome } = await simulate({ store: disk, states, weather: -crashAt, job });
      expect(
        outcome.rounds.map(({ weights, state }) => ({ weights, state })),
        `crash at ${crashAt}`,
      ).toEqual(bytes);
    }
  }, 60_000);
});

describe('a job with SCAFFOLD', () => {
  it('sends the control variate, zeros at first, and refuses who does not answer with its change', async () => {
    const store = new HoardingStore();
    const { outcome, sites } = await simulate({
      store,
      job: { strategy: { kind: 'scaffold', learningRate: 1 } },
      mishap: (siteId, task) =>
        siteId === siteIds[1] && task.kind === 'train' && task.round === 2 ? 'no-control' : undefined,
    });
    expect(outcome.rounds[1]!.leftOut).toMatchObject([{ siteId: siteIds[1], code: 'federation.control-missing' }]);
    const controls = sites.get(siteIds[0]!)!.log.flatMap((task) => (task.kind === 'train' ? [task.control!] : []));
    expect(await load(store, controls[0]!)).toEqual({ a: [0, 0, 0], b: [0, 0, 0, 0] });
    expect(controls.slice(1)).toEqual(outcome.rounds.slice(0, -1).map(({ state }) => state['control']));
  });
});

describe('a job with partial sharing', () => {
  it('leaves the tensors that stay at the sites as they were, and lets each site go on with its own', async () => {
    const store = new HoardingStore();
    const states = new Map<SiteId, LocalState>();
    const { outcome, sites } = await simulate({
      store,
      states,
      job: { strategy: { kind: 'partial-sharing', keepLocal: ['b'] } },
    });
    const initial = await load(store, simulatedJob().initialWeights);
    for (const { weights, trained } of outcome.rounds) {
      expect((await load(store, weights))['b']).toEqual(initial['b']);
      for (const site of trained) expect(Object.keys(await load(store, site.weights!))).toEqual(['a']);
    }
    const kept = siteIds.map((siteId) => [...(states.get(siteId)!.before(99, 'kept').get('b')!.data as Float32Array)]);
    kept.forEach((values, target) => {
      // Four steps from the initial value, each 0.3 of the way to the site's own target.
      expect(values[0]).toBeCloseTo(target + (9 - target) * 0.7 ** 4, 1);
    });
    const evaluations = sites.get(siteIds[0]!)!.log.filter(({ kind }) => kind === 'evaluate');
    expect(evaluations[0]).toMatchObject({ keepLocal: ['b'], personal: false });
  });
});

describe('a job with Ditto', () => {
  it('gives each site the personal model that minimises its own loss and the pull to the shared one', async () => {
    const states = new Map<SiteId, LocalState>();
    const strategy: StrategySpec = { kind: 'ditto', lambda: 0.5, score: 'personal' };
    const { outcome, store, sites } = await simulate({
      states,
      job: { strategy, rounds: { max: 40 }, stopping: { patience: 40, minimumGain: 0 } },
    });
    const shared = await load(store, outcome.rounds.at(-1)!.weights);
    // ½(v - t)² + ½λ(v - w)² is least at (t + λw) / (1 + λ).
    siteIds.forEach((siteId, target) => {
      const personal = Number(states.get(siteId)!.before(99, 'personal').get('a')!.data[0]);
      expect(personal).toBeCloseTo((target + 0.5 * shared['a']![0]!) / 1.5, 1);
    });
    expect(sites.get(siteIds[0]!)!.log.find(({ kind }) => kind === 'evaluate')).toMatchObject({ personal: true });
  });
});

describe('a job with cyclic weight transfer', () => {
  it('hands the weights from site to site in turn, and passes over those that are gone', async () => {
    const { outcome, store } = await simulate({
      store: new HoardingStore(),
      job: {
        strategy: { kind: 'cyclic' },
        minimumSites: 1,
        rounds: { max: 6 },
        stopping: { patience: 6, minimumGain: 0 },
      },
      mishap: (siteId, task) => (siteId === siteIds[1] && task.kind === 'evaluate' ? 'fails-for-good' : undefined),
    });
    const [first, , third, fourth] = siteIds;
    expect(outcome.rounds.map(({ trained }) => trained.map(({ siteId }) => siteId))).toEqual(
      [first, third, fourth, first, third, fourth].map((siteId) => [siteId]),
    );
    for (const { weights, trained } of outcome.rounds) {
      expect(await load(store, weights)).toEqual(await load(store, trained[0]!.weights!));
    }
  });

  const inRound = (round: number, failing: readonly (SiteId | undefined)[]) => (siteId: SiteId, task: Task) =>
    task.kind === 'train' && task.round === round && failing.includes(siteId) ? ('fails' as const) : undefined;

  it('goes on with the next site where one fails, and from there, killed and resumed at any storage operation', async () => {
    const [first, second, third, fourth] = siteIds;
    const job = { strategy: { kind: 'cyclic' }, minimumSites: 1, rounds: { max: 3 } } as const;
    const mishap = inRound(2, [second, third]);
    const calm = await simulate({ job, mishap });
    expect(calm.outcome.rounds.map(({ trained }) => trained.map(({ siteId }) => siteId))).toEqual([
      [first],
      [fourth],
      [first],
    ]);
    expect(calm.outcome.rounds[1]!.leftOut).toMatchObject([
      { siteId: second, why: 'failed', task: 'train' },
      { siteId: third, why: 'failed', task: 'train' },
    ]);
    expect(calm.events.filter(({ kind }) => kind === 'round-started')).toHaveLength(3);
    for (let crashAt = 1; ; crashAt++) {
      const disk = new MemoryStore();
      const when = crashAt % 2 === 0 ? 'before' : 'after';
      const store = new CrashingStore(disk, { crashAt, when });
      const end = await simulate({ store, weather: crashAt, job, mishap }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(SimulatedCrash);
        return null;
      });
      if (end !== null) break;
      const survived = await disk.recall('federated' as JobId);
      const { outcome, sites } = await simulate({ store: disk, weather: -crashAt, job, mishap });
      expect(
        outcome.rounds.map(({ weights }) => weights),
        `crash ${when} operation ${crashAt}`,
      ).toEqual(calm.outcome.rounds.map(({ weights }) => weights));
      const inFourth = sites.get(fourth!)!.log.filter(({ kind }) => kind === 'train');
      expect(inFourth).toHaveLength(survived.has(`round/2/train/${fourth}`) ? 0 : 1);
    }
  });

  it('fails when no site can train in a round, and resumed goes on', async () => {
    const store = new MemoryStore();
    const job = { strategy: { kind: 'cyclic' }, minimumSites: 1, rounds: { max: 2 } } as const;
    const failed = await simulate({ store, job, mishap: inRound(2, siteIds) });
    expect(failed.outcome).toMatchObject({ state: 'failed', reason: { code: 'federation.too-few-sites' } });
    for (const siteId of siteIds) expect(failed.outcome.reason.text.split(siteId)).toHaveLength(2);
    const resumed = await simulate({ store, job });
    expect(resumed.outcome.best).toEqual((await simulate({ job })).outcome.best);
  });
});

describe('a strategy that cannot work in a job', () => {
  it.each([
    [{ kind: 'cyclic' }, { minimumSites: 2 }, /minimumSites must be 1/],
    [{ kind: 'median' }, { minimumSites: 2 }, /fewer than 3 sites/],
    [{ kind: 'trimmed-mean', fraction: 0.2 }, { minimumSites: 4 }, /leaves out none/],
    [{ kind: 'trimmed-mean', fraction: 0.5 }, { minimumSites: 4 }, /strategy.fraction/],
    [{ kind: 'krum', malicious: 1, keep: 1 }, { minimumSites: 4 }, /needs 5 contributions/],
    [{ kind: 'krum', malicious: 0, keep: 5 }, { minimumSites: 4 }, /5 nearest of 4/],
    [{ kind: 'fed-buff', bufferSize: 5, learningRate: 1 }, {}, /never full/],
    [{ kind: 'fed-buff', bufferSize: 1, learningRate: 1 }, { minimumSites: 2 }, /minimumSites is 2/],
    [{ kind: 'partial-sharing', keepLocal: ['*'] }, {}, /nothing is shared/],
    [{ kind: 'partial-sharing', keepLocal: ['a', '*.norm.*'] }, {}, /no tensor is called "\*\.norm\.\*"/],
    [{ kind: 'fed-avg-m', momentum: 1, learningRate: 1 }, {}, /strategy.momentum/],
    [{ kind: 'norm-bounding', norm: 0 }, {}, /strategy.norm/],
  ] satisfies [StrategySpec, Partial<Job>, RegExp][])(
    'is refused before anything runs: %o in %o',
    async (strategy, job, why) => {
      const store = new MemoryStore();
      await expect(simulate({ store, job: { ...job, strategy } })).rejects.toMatchObject({
        code: 'federation.bad-job',
        message: expect.stringMatching(why),
      });
      expect(await store.jobIds()).not.toContain('federated' as JobId);
    },
  );
});
