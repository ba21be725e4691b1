import { decodeSafetensors } from '@consilium/numerics';
import type { BlobId, JobId, SiteId, Task } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getBlob } from '../blob.ts';
import type { Job } from '../job.ts';
import { MemoryStore } from '../memory-store.ts';
import type { RoundRecord } from '../round-record.ts';
import { CrashingStore, SimulatedCrash } from '../simulator/crashing-store.ts';
import type { Mishap } from '../simulator/simulated-site.ts';
import { simulate, simulatedJob, siteIds } from '../simulator/simulation.ts';
import { Aggregation } from './aggregation.fixture.ts';
import { fedBuff } from './fed-buff.ts';

describe('FedBuff', () => {
  it('adds the mean of the differences to what each site started from, the stale ones by less', async () => {
    const strategy = fedBuff({ bufferSize: 2, learningRate: 0.5 });
    const aggregation = await Aggregation.from([0, 10], strategy);
    expect(await aggregation.round(strategy, [{ weights: [4, 10] }, { weights: [0, 14] }])).toEqual([1, 11]);
    // One site comes late by a round: it started from [0, 10].
    const answers = [{ weights: [3, 11] }, { weights: [8, 2], staleness: 1, cases: 99 }];
    const [first, second] = await aggregation.round(strategy, answers);
    expect(first).toBeCloseTo(1 + (0.5 / 2) * (2 + 8 / Math.SQRT2), 12);
    expect(second).toBeCloseTo(11 + (0.5 / 2) * (0 - 8 / Math.SQRT2), 12);
  });
});

/** Keeps what rounds let go of, to be looked at. */
class HoardingStore extends MemoryStore {
  override async release() {}
}

const job: Partial<Job> = {
  strategy: { kind: 'fed-buff', bufferSize: 2, learningRate: 1 },
  rounds: { max: 12 },
  stopping: { patience: 12, minimumGain: 0 },
};
/** One site needs twenty times as long as the others. */
const slow = (siteId: SiteId, task: Task): Mishap | undefined =>
  siteId === siteIds[0] && task.kind === 'train' ? 'slow' : undefined;

/** Every round's weights again from the contributions that it names, over plain arrays. */
async function expectRule(rounds: readonly RoundRecord[], store: MemoryStore, initial: BlobId) {
  const load = async (blob: BlobId) => {
    const { tensors } = decodeSafetensors(await getBlob(store, blob));
    return [...tensors.values()].flatMap(({ data }) => [...(data as Float32Array)]);
  };
  const globals = [await load(initial)];
  const counted = new Set<string>();
  for (const { round, trained, weights } of rounds) {
    const sum = globals.at(-1)!.map(() => 0);
    for (const { siteId, askedIn, weights: contribution } of trained) {
      counted.add(`${siteId} ${askedIn}`);
      const factor = 1 / trained.length / Math.sqrt(1 + round - askedIn);
      (await load(contribution!)).forEach((value, index) => {
        sum[index]! += factor * (value - globals[askedIn - 1]![index]!);
      });
    }
    const expected = globals.at(-1)!.map((value, index) => Math.fround(value + sum[index]!));
    globals.push(await load(weights));
    globals.at(-1)!.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index]!, 6);
    });
  }
  expect(counted.size, 'no contribution counts twice').toBe(rounds.flatMap(({ trained }) => trained).length);
}

describe('a job with FedBuff', () => {
  it('closes rounds when the buffer is full, and takes the slow site in when it comes', async () => {
    const store = new HoardingStore();
    const { outcome, sites, clock } = await simulate({ store, job, mishap: slow });
    expect(outcome).toMatchObject({ state: 'completed', reason: { code: 'rounds-used-up' } });
    expect(outcome.rounds.map(({ trained }) => trained.length)).toEqual(new Array(12).fill(2));
    await expectRule(outcome.rounds, store, simulatedJob().initialWeights);
    const late = outcome.rounds.flatMap(({ round, trained }) =>
      trained.filter(({ siteId }) => siteId === siteIds[0]).map(({ askedIn }) => round - askedIn),
    );
    expect(Math.max(...late)).toBeGreaterThan(3);
    expect(sites.get(siteIds[0]!)!.log.filter(({ kind }) => kind === 'train').length).toBe(late.length);
    expect(outcome.rounds.flatMap(({ leftOut }) => leftOut)).toEqual([]);
    expect(clock.nowMs()).toBeLessThan(12 * 20 * 9000);
  });

  it('sets aside what is too stale, says so, and has the site begin anew', async () => {
    const store = new HoardingStore();
    const strategy = { kind: 'fed-buff', bufferSize: 2, learningRate: 1, maxStaleness: 2 } as const;
    const mishap = (siteId: SiteId, task: Task) => (slow(siteId, task) === undefined ? undefined : 'hang');
    const { outcome, sites, events } = await simulate({ store, job: { ...job, strategy }, mishap });
    expect(outcome.state).toBe('completed');
    await expectRule(outcome.rounds, store, simulatedJob().initialWeights);
    const setAside = { siteId: siteIds[0]!, why: 'straggler', code: 'federation.too-stale', lasting: false };
    expect(outcome.rounds.map(({ leftOut }) => leftOut)).toEqual(
      outcome.rounds.map(({ round }) =>
        round > 1 && round % 3 === 1 ? [expect.objectContaining({ ...setAside, task: 'train' })] : [],
      ),
    );
    expect(outcome.rounds[3]!.leftOut[0]!.message).toContain('3 rounds ago');
    expect(events.filter(({ kind }) => kind === 'site-left-out')).toHaveLength(3);
    expect(sites.get(siteIds[0]!)!.log.filter(({ kind }) => kind === 'train')).toEqual([]);
  });

  it('lets go of no weights that a site still starts from, and of all others', async () => {
    const store = new MemoryStore();
    const { outcome } = await simulate({ store, job, mishap: slow });
    expect(outcome.state).toBe('completed');
    const held = await Promise.all(
      outcome.rounds.map(async ({ weights }) => (await store.getManifest(weights)) !== undefined),
    );
    expect(held.at(-1)).toBe(true);
    expect(held.filter(Boolean).length).toBeLessThan(7); // best, last, and a base for each of four sites
  });

  it('killed at any storage operation goes on: no acknowledged work is redone, none counts twice', async () => {
    const short = { ...job, rounds: { max: 4 } };
    for (const when of ['before', 'after'] as const) {
      for (let crashAt = 1; ; crashAt++) {
        const disk = new HoardingStore();
        const dying = new CrashingStore(disk, { crashAt, when });
        const end = await simulate({ store: dying, weather: crashAt, job: short, mishap: slow }).catch(
          (error: unknown) => {
            expect(error).toBeInstanceOf(SimulatedCrash);
            return null;
          },
        );
        if (end !== null) break;
        const survived = await disk.recall('federated' as JobId);
        const { outcome, sites } = await simulate({ store: disk, weather: -crashAt, job: short, mishap: slow });
        expect(outcome.state, `crash ${when} operation ${crashAt}`).toBe('completed');
        expect(outcome.rounds.map(({ trained }) => trained.length)).toEqual([2, 2, 2, 2]);
        await expectRule(outcome.rounds, disk, simulatedJob().initialWeights);
        const acknowledged = new Set(
          [...survived].flatMap(([key, entry]) =>
            /^round\/\d+\/train\//.test(key) ? [`${key.split('/')[3]} ${(entry as { askedIn: number }).askedIn}`] : [],
          ),
        );
        const done = [...sites.values()].flatMap(({ siteId, log }) =>
          log.flatMap((task) => (task.kind === 'train' ? [`${siteId} ${task.round}`] : [])),
        );
        expect(done.filter((work) => acknowledged.has(work))).toEqual([]);
      }
    }
  }, 180_000);

  it('ends with a reason whatever befalls the sites, and every round follows from those named in it', async () => {
    const anyMishap = fc.constantFrom<Mishap | undefined>(
      ...([undefined, undefined, 'slow', 'lost', 'fails', 'fails-for-good', 'not-finite'] as const),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(anyMishap, { minLength: 48, maxLength: 48 }),
        fc.option(fc.nat(2), { nil: undefined }),
        async (weather, mishaps, maxStaleness) => {
          const store = new HoardingStore();
          const mishap = (siteId: SiteId, task: Task) =>
            task.kind === 'train' ? mishaps[(task.round - 1) * 4 + siteIds.indexOf(siteId)] : undefined;
          const strategy = {
            kind: 'fed-buff',
            bufferSize: 2,
            learningRate: 1,
            ...(maxStaleness === undefined ? {} : { maxStaleness }),
          } as const;
          const { outcome } = await simulate({ store, weather, job: { ...job, strategy, minimumSites: 1 }, mishap });
          expect(['completed', 'failed']).toContain(outcome.state);
          for (const { round, trained } of outcome.rounds) {
            for (const { askedIn } of trained) expect(round - askedIn).toBeLessThanOrEqual(maxStaleness ?? 12);
          }
          await expectRule(outcome.rounds, store, simulatedJob().initialWeights);
        },
      ),
      { numRuns: 60 },
    );
  });
});
