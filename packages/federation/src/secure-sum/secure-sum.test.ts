import { decodeSafetensors } from '@consilium/numerics';
import type {
  BlobId,
  Contribution,
  SecureAggregation,
  SiteId,
  Task,
  TaskProgress,
  TrainTask,
} from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getBlob, putBlob } from '../blob.ts';
import { MemoryStore } from '../memory-store.ts';
import { CrashingStore, SimulatedCrash } from '../simulator/crashing-store.ts';
import { SecureChronicle } from '../simulator/secure-chronicle.ts';
import { simulatedSigner } from '../simulator/simulated-signer.ts';
import { simulatedJob } from '../simulator/simulation.ts';
import { addWords, latticeOf, subtractWords } from './lattice.ts';
import type { Mask } from './mask.ts';
import { writeMasked } from './masked-weights.ts';
import { MaskingWorker } from './masking-worker.ts';
import { plainSum } from './plain-sum.ts';
import { SecureProject } from './secure-project.fixture.ts';

const settingsOf = (changes: Partial<SecureAggregation> & { threshold: number }): SecureAggregation => ({
  clip: 4,
  bits: 16,
  casesMax: 60,
  rounding: 'stochastic',
  ...changes,
});
const steps = ['secure-keys', 'secure-shares', 'secure-input', 'secure-survivors', 'secure-unmask'] as const;

/** What the sites named come to without masks. */
function plainOf(project: SecureProject, settings: SecureAggregation, siteIds: readonly SiteId[]) {
  const { jobId } = project.job({ secureAggregation: settings });
  const sites = siteIds.map((siteId) => ({ siteId, secrets: project.secrets.get(siteId)!, blobs: project.store }));
  return plainSum(sites, { jobId, round: 1, settings, participants: project.siteIds.length });
}

/** A site that is not heard of any more from a step on; its answer to that step may still have come. */
const gone = (from: Readonly<Record<string, number>>) => (task: Task, siteId: SiteId) => {
  const at = steps.indexOf(task.kind as (typeof steps)[number]);
  return at >= (from[siteId] ?? 99) ? null : task;
};

const settingsArbitrary = (sites: number) =>
  fc.record({
    threshold: fc.integer({ min: Math.floor(sites / 2) + 1, max: sites }),
    clip: fc.constantFrom(0.02, 1, 10),
    bits: fc.constantFrom(8, 16, 24, 32),
    casesMax: fc.constantFrom(60, 1000),
    rounding: fc.constantFrom('stochastic' as const, 'nearest' as const),
  });

describe('a secure sum', () => {
  it('is, to the bit, the plain sum over those who see it through, whoever drops out at whichever step', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 6 }).chain((sites) => fc.tuple(fc.constant(sites), settingsArbitrary(sites))),
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 6, maxLength: 6 }),
        fc.integer(),
        async ([sites, settings], last, seed) => {
          const project = new SecureProject({ sites, seed });
          const from = Object.fromEntries(project.siteIds.map((siteId, index) => [siteId, last[index]!]));
          const outcome = await project.run(project.job({ secureAggregation: settings }), { asked: gone(from) });
          const through = (step: number) => project.siteIds.filter((siteId) => from[siteId]! > step);
          if (through(4).length < settings.threshold) {
            expect(outcome).toMatchObject({ state: 'failed', reason: { code: 'federation.too-few-sites' } });
            return;
          }
          expect(outcome.state, outcome.reason.text).toBe('completed');
          const [round] = outcome.rounds;
          expect(round!.trained.map(({ siteId }) => siteId)).toEqual(through(2));
          expect(round!.trained.every(({ weights, cases }) => weights === null && cases === null)).toBe(true);
          expect(round!.weights).toBe(await plainOf(project, settings, through(2)));
        },
      ),
      { numRuns: 60 },
    );
  }, 180_000);

  it('is that of other sites nowhere, and says what sites have done to their weights', async () => {
    const project = new SecureProject({ sites: 3 });
    const settings = settingsOf({ threshold: 2 });
    const filtered = (said: Contribution): Contribution =>
      said.kind === 'withheld' ? { ...said, filters: ['clip', 'noise'] } : said;
    const { rounds } = await project.run(project.job({ secureAggregation: settings }), { answered: filtered });
    expect(rounds[0]!.trained.map(({ filters }) => filters)).toEqual(Array(3).fill(['clip', 'noise']));
    expect(rounds[0]!.weights).not.toBe(await plainOf(project, settings, project.siteIds.slice(1)));
    expect(await plainSum([], { jobId: simulatedJob().jobId, round: 1, settings, participants: 3 })).toBeNull();
  });

  it('of too few sites is given up, tells nothing, and is tried again with other masks', async () => {
    const project = new SecureProject({ sites: 5 });
    const settings = settingsOf({ threshold: 4 });
    const job = project.job({ secureAggregation: settings });
    const failed = await project.run(job, { asked: gone({ 'site-001': 2, 'site-002': 2 }) });
    expect(failed.reason).toMatchObject({ code: 'federation.too-few-sites', text: /Nothing of it was unmasked/ });
    expect(project.said.some(({ contribution }) => contribution.kind === 'secure-unmask')).toBe(false);
    const again = await project.run(job);
    expect(again.state).toBe('completed');
    expect(again.rounds[0]!.weights).toBe(await plainOf(project, settings, project.siteIds));
    const keys = project.said.flatMap(({ contribution: said }) => (said.kind === 'secure-keys' ? [said] : []));
    const all = keys.flatMap(({ maskKey, boxKey, seedSha256 }) => [maskKey, boxKey, seedSha256]);
    expect(keys).toHaveLength(10);
    expect(new Set(all).size).toBe(30);
    expect(project.said.filter(({ task }) => task.kind === 'train')).toHaveLength(5);
  });

  it('goes on where too few helped to unmask it, as soon as enough do', async () => {
    const project = new SecureProject({ sites: 3 });
    const settings = settingsOf({ threshold: 3 });
    const job = project.job({ secureAggregation: settings });
    expect((await project.run(job, { asked: gone({ 'site-002': 4 }) })).state).toBe('failed');
    const again = await project.run(job);
    expect(again.state).toBe('completed');
    expect(again.rounds[0]!.weights).toBe(await plainOf(project, settings, project.siteIds));
    expect(project.said.filter(({ contribution }) => contribution.kind === 'secure-input')).toHaveLength(3);
  });

  it('is the same after the coordinator was killed at any operation of its store', async () => {
    const settings = settingsOf({ threshold: 2 });
    const asked = gone({ 'site-003': 2 });
    const calm = new SecureProject({ sites: 3 });
    const expected = (await calm.run(calm.job({ secureAggregation: settings }), { asked })).best;
    expect(expected).not.toBeNull();
    let crashes = 0;
    for (let crashAt = 30; ; crashAt += 3) {
      const disk = new MemoryStore();
      const store = new CrashingStore(disk, { crashAt, when: crashAt % 2 === 0 ? 'before' : 'after' });
      const project = new SecureProject({ sites: 3, store });
      const end = await project.run(project.job({ secureAggregation: settings }), { asked }).catch((error) => {
        expect(error).toBeInstanceOf(SimulatedCrash);
        return null;
      });
      if (end !== null) break;
      crashes += 1;
      const next = new SecureProject({ sites: 3, store: disk });
      for (const [siteId, secrets] of project.secrets) (next.secrets as Map<SiteId, MemoryStore>).set(siteId, secrets);
      const resumed = await next.run(next.job({ secureAggregation: settings }), { asked });
      expect(resumed.best, `killed at ${crashAt}: ${resumed.reason.text}`).toEqual(expected);
    }
    expect(crashes).toBeGreaterThan(20);
  }, 180_000);

  it('over 100 sites with 12 neighbours each is the plain sum, with dropouts at every step', async () => {
    const project = new SecureProject({ sites: 100 });
    const settings = settingsOf({ threshold: 60, neighbours: 12 });
    const from = Object.fromEntries(
      project.siteIds.map((siteId, index) => [siteId, index % 10 === 3 ? Math.floor(index / 20) : 99]),
    );
    const outcome = await project.run(project.job({ secureAggregation: settings }), { asked: gone(from) });
    expect(outcome.state, outcome.reason.text).toBe('completed');
    const through = project.siteIds.filter((siteId) => from[siteId]! > 2);
    expect(through.length).toBeLessThan(100);
    expect(outcome.rounds[0]!.weights).toBe(await plainOf(project, settings, through));
    const boxes = project.said.flatMap(({ contribution: said }) =>
      said.kind === 'secure-shares' ? [said.boxes.length] : [],
    );
    expect(new Set(boxes)).toEqual(new Set([12]));
  }, 180_000);

  it('leaves what stays at the sites as it was', async () => {
    const project = new SecureProject({ sites: 3 });
    const strategy = { kind: 'partial-sharing' as const, keepLocal: ['b'] };
    const { rounds } = await project.run(project.job({ strategy, secureAggregation: settingsOf({ threshold: 2 }) }));
    const load = async (id: BlobId) => decodeSafetensors(await getBlob(project.store, id)).tensors;
    const [before, after] = [await load(simulatedJob().initialWeights), await load(rounds[0]!.weights)];
    expect(after.get('b')).toEqual(before.get('b'));
    expect(after.get('a')).not.toEqual(before.get('a'));
  });
});

describe('what the coordinator sees', () => {
  it('is the same for all weights with the same sum: other common masks explain it as well', async () => {
    const store = new MemoryStore();
    const settings = settingsOf({ threshold: 2 });
    const lattice = latticeOf(settings, 2)!;
    const shape = new Map([['w', { dtype: 'float32' as const, shape: [6] }]]);
    const reader = (values: readonly number[]) => ({
      shape,
      read: async (_: string, begin: number, end: number) => Float32Array.from(values).subarray(begin, end),
    });
    const own = [1, 2].map((byte): Mask => ({ key: new Uint8Array(16).fill(byte), sign: 1 }));
    const common = (sign: 1 | -1): Mask => ({ key: new Uint8Array(16).fill(3), sign });
    const masked = async (site: 0 | 1, steps: readonly number[], masks: readonly Mask[]) => {
      const trained = reader(steps.map((each) => each * lattice.unit));
      const base = reader([0, 0, 0, 0, 0, 0]);
      const id = await writeMasked(store, {
        trained,
        base,
        keepLocal: [],
        cases: 1 + site,
        lattice,
        rounding: null,
        masks,
      });
      return new Uint32Array(Uint8Array.from(await getBlob(store, id!)).buffer);
    };
    const steps = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(steps, steps, steps, async (one, other, moved) => {
        const seen = [await masked(0, one, [own[0]!, common(1)]), await masked(1, other, [own[1]!, common(-1)])];
        // The first has two steps more each time, the second, which counts double, one step less: the same sum.
        const instead = [
          await masked(
            0,
            one.map((each, at) => each + 2 * moved[at]!),
            [own[0]!, common(1)],
          ),
          await masked(
            1,
            other.map((each, at) => each - moved[at]!),
            [own[1]!, common(-1)],
          ),
        ];
        // A common mask, as likely as the one that was drawn, with which they look the same.
        const difference = instead[0]!.slice();
        subtractWords(difference, seen[0]!, 1);
        subtractWords(instead[0]!, difference, 1);
        addWords(instead[1]!, difference, 1);
        expect(instead).toEqual(seen);
      }),
      { numRuns: 20 },
    );
  });

  it('has no bias: masked words of a contribution that is all zeros look like chance', async () => {
    const store = new MemoryStore();
    const count = 2 ** 16;
    const shape = new Map([['w', { dtype: 'float32' as const, shape: [count] }]]);
    const zeros = { shape, read: async (_: string, begin: number, end: number) => new Float32Array(end - begin) };
    const lattice = latticeOf(settingsOf({ threshold: 2 }), 2)!;
    const masks = [1, 2].map(
      (byte): Mask => ({
        key: new Uint8Array(16).fill(byte),
        sign: 1,
      }),
    );
    const id = await writeMasked(store, {
      trained: zeros,
      base: zeros,
      keepLocal: [],
      cases: 3,
      lattice,
      rounding: null,
      masks,
    });
    const counts = new Float64Array(256);
    for (const byte of await getBlob(store, id!)) counts[byte]! += 1;
    const expected = (4 * (count + 1)) / 256;
    const chiSquared = counts.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(400); // 255 degrees of freedom; the keys are fixed
  });
});

describe('a site does not trust its coordinator', () => {
  /** A session of three sites that has come as far as the step before `kind`; and what it is then asked. */
  async function until(kind: Task['kind'], sites = 3) {
    const project = new SecureProject({ sites });
    const settings = settingsOf({ threshold: Math.floor(sites / 2) + 1 });
    const job = project.job({ secureAggregation: settings });
    const tasks = new Map<SiteId, Task>();
    const asked = (task: Task, siteId: SiteId) => {
      if (task.kind !== kind) return task;
      tasks.set(siteId, task);
      return null;
    };
    await project.run(job, { asked });
    const [first] = project.siteIds as [SiteId];
    return { project, job, first, task: tasks.get(first)!, tasks };
  }

  it('which asks for the shares of both kinds by naming survivors twice', async () => {
    const { project, first, task } = await until('secure-unmask', 5);
    const honest = await project.ask(first, task);
    if (honest.kind !== 'secure-unmask' || task.kind !== 'secure-unmask') throw new Error();
    expect(honest.seeds).toHaveLength(5);
    const fewer = project.siteIds.slice(0, 4);
    const lie = { ...task, survivors: fewer };
    await expect(project.ask(first, lie)).rejects.toMatchObject({ code: 'federation.secure-too-few' });
    const [, second] = project.siteIds as [SiteId, SiteId];
    const survivors = { ...task, kind: 'secure-survivors' as const, survivors: fewer };
    await expect(project.ask(second, survivors)).rejects.toMatchObject({ code: 'federation.secure-asked-otherwise' });
    expect(await project.ask(first, task)).toEqual(honest);
  });

  it('which tells everyone something else about who survived: no site’s weights can be laid bare', async () => {
    let opened = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }), { minLength: 2, maxLength: 3 }),
        fc.array(fc.record({ site: fc.nat(4), set: fc.nat(2), unmask: fc.boolean() }), {
          minLength: 30,
          maxLength: 60,
        }),
        async (subsets, lies) => {
          const { project, task } = await until('secure-survivors', 5);
          const faults: string[] = [];
          const chronicle = new SecureChronicle((invariant, text) => void faults.push(`${invariant}: ${text}`));
          const sets = [...subsets, [0, 1, 2, 3, 4]].map((at) => at.map((index) => project.siteIds[index]!));
          const signatures = new Map<readonly SiteId[], { siteId: SiteId; signature: string }[]>();
          const holders = { seeds: new Map<SiteId, Set<SiteId>>(), maskKeys: new Map<SiteId, Set<SiteId>>() };
          for (const { site, set, unmask } of lies) {
            const siteId = project.siteIds[site]!;
            const survivors = sets[set % sets.length]!;
            const signed = signatures.get(survivors) ?? [];
            signatures.set(survivors, signed);
            const { session, jobId } = task as Extract<Task, { kind: 'secure-survivors' }>;
            const about = { session, jobId, taskId: task.taskId, attempt: 1, survivors: [...survivors] };
            const lie: Task = unmask
              ? { ...about, kind: 'secure-unmask', signatures: [...signed] }
              : { ...about, kind: 'secure-survivors' };
            const contribution = await project.ask(siteId, lie).catch(() => null);
            if (contribution === null) continue;
            chronicle.finished(siteId, lie, { kind: 'contribution', contribution });
            if (contribution.kind === 'secure-survivors') signed.push({ siteId, signature: contribution.signature });
            if (contribution.kind !== 'secure-unmask') continue;
            opened += 1;
            for (const what of ['seeds', 'maskKeys'] as const) {
              for (const { siteId: of } of contribution[what]) {
                holders[what].set(of, (holders[what].get(of) ?? new Set()).add(siteId));
              }
            }
          }
          expect(faults).toEqual([]);
          const isOpen = (of: SiteId, what: 'seeds' | 'maskKeys') => (holders[what].get(of)?.size ?? 0) >= 3;
          expect(project.siteIds.filter((of) => isOpen(of, 'seeds') && isOpen(of, 'maskKeys'))).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
    expect(opened).toBeGreaterThan(20);
  }, 180_000);

  it('which has too few signatures, or signatures of others than it says', async () => {
    const { project, first, task } = await until('secure-unmask', 5);
    if (task.kind !== 'secure-unmask') throw new Error();
    const [one] = task.signatures;
    for (const signatures of [
      task.signatures.slice(0, 2),
      project.siteIds.map((siteId) => ({ siteId, signature: one!.signature })),
      [one!, one!, one!, one!, one!],
    ]) {
      await expect(project.ask(first, { ...task, signatures })).rejects.toMatchObject({
        code: 'federation.secure-too-few',
      });
    }
  });

  it('which puts a key of its own in the place of another site’s', async () => {
    const { project, first, task } = await until('secure-shares');
    if (task.kind !== 'secure-shares') throw new Error();
    const { maskKey } = task.roster[0]!;
    const swapped = task.roster.map((each, index) => (index === 2 ? { ...each, maskKey } : each));
    const refused = (roster: typeof task.roster, code: string) =>
      expect(project.ask(first, { ...task, roster })).rejects.toMatchObject({ code });
    await refused(swapped, 'federation.peer-not-proven');
    await refused([task.roster[1]!, task.roster[2]!], 'federation.roster-lacks-self');
    await refused([...task.roster, task.roster[1]!], 'federation.roster-doubled');
    await refused([task.roster[0]!], 'federation.secure-too-few');
    expect((await project.ask(first, task)).kind).toBe('secure-shares');
    await refused(task.roster.slice(0, 2), 'federation.roster-changed');
  });

  it('which asks for the same input with other partners', async () => {
    const { project, first, task } = await until('secure-input');
    if (task.kind !== 'secure-input') throw new Error();
    const answer = await project.ask(first, task);
    expect(await project.ask(first, task)).toEqual(answer);
    await expect(project.ask(first, { ...task, boxes: task.boxes.slice(1) })).rejects.toMatchObject({
      code: 'federation.secure-asked-otherwise',
    });
    const { project: fresh, first: site, task: same } = await until('secure-input');
    if (same.kind !== 'secure-input') throw new Error();
    await expect(fresh.ask(site, { ...same, boxes: [] })).rejects.toMatchObject({ code: 'federation.secure-too-few' });
    const others = same.boxes.map((each, index) => ({ ...each, box: same.boxes[1 - index]!.box }));
    await expect(fresh.ask(site, { ...same, boxes: others })).rejects.toMatchObject({
      code: 'federation.box-unreadable',
    });
  });

  it('which begins another sum of a round that was summed, or goes back to an old session', async () => {
    const project = new SecureProject({ sites: 3 });
    const job = project.job({ secureAggregation: settingsOf({ threshold: 2 }), rounds: { max: 2 } });
    expect((await project.run(job)).state).toBe('completed');
    const [first] = project.siteIds as [SiteId];
    const of = (kind: Task['kind'], round: number) =>
      project.said.find(
        ({ siteId, task }) =>
          siteId === first && task.kind === kind && 'session' in task && task.session.round === round,
      )!.task as Extract<Task, { session: unknown }>;
    const over = { code: 'federation.secure-session-over' };
    for (const kind of steps) await expect(project.ask(first, of(kind, 1))).rejects.toMatchObject(over);
    const second = of('secure-keys', 2);
    await expect(project.ask(first, { ...second, session: { round: 2, number: 2 } })).rejects.toMatchObject(over);
    await expect(project.ask(first, { ...second, session: { round: 3, number: 1 } })).rejects.toMatchObject({
      code: 'federation.secure-out-of-order',
    });
  });

  it('which changes the terms, or drops secure aggregation while the job runs', async () => {
    const { project, job, first, task } = await until('secure-keys');
    if (task.kind !== 'secure-keys') throw new Error();
    const train = project.said.find(({ siteId, task }) => siteId === first && task.kind === 'train')!.task as TrainTask;
    const { secureAggregation, ...plain } = train;
    await expect(project.ask(first, plain as Task)).rejects.toMatchObject({
      code: 'federation.secure-aggregation-withdrawn',
    });
    const changed = { code: 'federation.secure-terms-changed' };
    const settings = { ...secureAggregation!, clip: 1000 };
    await expect(project.ask(first, { ...train, secureAggregation: settings })).rejects.toMatchObject(changed);
    await expect(project.ask(first, { ...task, settings })).rejects.toMatchObject(changed);
    const more = [...job.participants, 'x-1', 'x-2'] as SiteId[];
    await expect(project.ask(first, { ...task, participants: more })).rejects.toMatchObject(changed);
    expect((await project.ask(first, task)).kind).toBe('secure-keys');
  });

  it('which has one site train from something else than the others, so that their sum is its own', async () => {
    const project = new SecureProject({ sites: 3 });
    const asked = (task: Task, siteId: SiteId) =>
      task.kind === 'train' && siteId === 'site-002' ? { ...task, seed: task.seed + 1 } : task;
    const outcome = await project.run(project.job({ secureAggregation: settingsOf({ threshold: 2 }) }), { asked });
    expect(outcome.state).toBe('failed');
    expect(project.refusals).toEqual(Array(3).fill('federation.peer-not-proven'));
    expect(project.said.some(({ contribution }) => contribution.kind === 'secure-input')).toBe(false);
  });

  it('and tells no loss while it trains', async () => {
    const { project, first } = await until('secure-keys');
    const train = project.said.find(({ siteId, task }) => siteId === first && task.kind === 'train')!.task;
    const told: unknown[] = [];
    const worker = {
      perform: async (_: Task, { onProgress }: { readonly onProgress: (progress: TaskProgress) => void }) => {
        onProgress({ kind: 'step', step: 1, of: 1, loss: 0.25 });
        throw new Error('enough');
      },
    };
    const masking = new MaskingWorker({
      worker,
      blobs: new MemoryStore(),
      secrets: new MemoryStore(),
      signer: simulatedSigner(first),
      secretBytes: (count) => new Uint8Array(count),
    });
    const { signal } = new AbortController();
    const ended = masking.perform(train, { signal, onProgress: (progress) => void told.push(progress) });
    await expect(ended).rejects.toThrow('enough');
    expect(told).toEqual([{ kind: 'step', step: 1, of: 1, loss: null }]);
  });

  it('and does not count for more cases than there is room for', async () => {
    const project = new SecureProject({ sites: 3 });
    const outcome = await project.run(project.job({ secureAggregation: settingsOf({ threshold: 2, casesMax: 10 }) }));
    expect(outcome.rounds[0]!.leftOut).toMatchObject([
      { siteId: 'site-003', code: 'federation.secure-cases-above-max' },
    ]);
  });
});

describe('a hostile site', () => {
  const settings = settingsOf({ threshold: 3 });
  const hostile = (kind: Contribution['kind'], change: (said: Contribution, store: MemoryStore) => Contribution) => {
    const project = new SecureProject({ sites: 5, store: new MemoryStore() });
    const answered = (said: Contribution, _: Task, siteId: SiteId) =>
      siteId === 'site-002' && said.kind === kind ? change(said, project.store as MemoryStore) : said;
    return { project, run: () => project.run(project.job({ secureAggregation: settings }), { answered }) };
  };
  const spoilt = (share: string) => Buffer.from(share, 'base64url').fill(7, 3, 9).toString('base64url');

  it('that tells wrong shares changes nothing while enough others tell right ones', async () => {
    const { project, run } = hostile('secure-unmask', (said) => {
      if (said.kind !== 'secure-unmask') return said;
      return { ...said, seeds: said.seeds.map((each) => ({ ...each, share: spoilt(each.share) })) };
    });
    const outcome = await run();
    expect(outcome.state).toBe('completed');
    expect(outcome.rounds[0]!.weights).toBe(await plainOf(project, settings, project.siteIds));
  });

  it('that tells shares which it was not asked for is not heard', async () => {
    const events: string[] = [];
    const project = new SecureProject({ sites: 5 });
    await project.run(
      project.job({ secureAggregation: settings }),
      {
        answered: (said, _, siteId) =>
          siteId === 'site-002' && said.kind === 'secure-unmask' ? { ...said, maskKeys: said.seeds } : said,
      },
      (event) => void (event.kind === 'site-left-out' && events.push(event.code)),
    );
    expect(events).toEqual(['federation.secure-shares-wrong']);
  });

  it('that masks too little, or has no shares for others, is left out', async () => {
    const masked = await putBlob(new MemoryStore(), new Uint8Array(12));
    const wrong = hostile('secure-input', (said) => (said.kind === 'secure-input' ? { ...said, masked } : said));
    await putBlob(wrong.project.store, new Uint8Array(12));
    expect((await wrong.run()).rounds[0]!.leftOut).toMatchObject([
      { siteId: 'site-002', code: 'federation.masked-wrong-length' },
    ]);
    const silent = hostile('secure-shares', (said) =>
      said.kind === 'secure-shares' ? { ...said, boxes: said.boxes.slice(1) } : said,
    );
    expect((await silent.run()).rounds[0]!.leftOut).toMatchObject([
      { siteId: 'site-002', code: 'federation.secure-boxes-wrong' },
    ]);
  });

  it('whose secret nobody can put together stops the sum, and is named', async () => {
    const project = new SecureProject({ sites: 5 });
    const outcome = await project.run(project.job({ secureAggregation: settings }), {
      answered: (said) =>
        said.kind === 'secure-unmask'
          ? {
              ...said,
              seeds: said.seeds.map((each) =>
                each.siteId === 'site-004' ? { ...each, share: spoilt(each.share) } : each,
              ),
            }
          : said,
    });
    expect(outcome.reason).toMatchObject({ code: 'federation.secure-sum-locked', text: /site-004/ });
  });

  it('that masks something else is found out where the number of cases becomes impossible', async () => {
    const project = new SecureProject({ sites: 3 });
    const junk = await putBlob(project.store, new Uint8Array(4 * 8).fill(9));
    const outcome = await project.run(project.job({ secureAggregation: settingsOf({ threshold: 2 }) }), {
      answered: (said, _, siteId) =>
        siteId === 'site-002' && said.kind === 'secure-input' ? { ...said, masked: junk } : said,
    });
    expect(outcome.reason.code).toBe('federation.secure-sum-implausible');
  });
});

describe('a job with secure aggregation', () => {
  const refused = async (changes: Parameters<SecureProject['job']>[0], code: string) => {
    const project = new SecureProject({ sites: 4 });
    await expect(project.run(project.job(changes))).rejects.toMatchObject({ code });
  };

  it('is refused where it could not work', async () => {
    await refused({ secureAggregation: settingsOf({ threshold: 2 }) }, 'federation.secure-threshold');
    await refused({ secureAggregation: settingsOf({ threshold: 4 }), minimumSites: 3 }, 'federation.secure-threshold');
    const secureAggregation = settingsOf({ threshold: 3 });
    const unsuitable = 'federation.secure-unsuitable';
    for (const strategy of [{ kind: 'median' } as const, { kind: 'scaffold', learningRate: 1 } as const]) {
      await refused({ secureAggregation, strategy }, unsuitable);
    }
    const crowd = Array.from({ length: 5000 }, (_, index) => `site-${index}` as SiteId);
    const vast = { ...secureAggregation, threshold: 2501, bits: 32, casesMax: 1_000_000 };
    const job = { participants: crowd, minimumSites: 2501 };
    await refused({ ...job, secureAggregation: vast }, 'federation.secure-overflow');
    await refused({ ...job, secureAggregation: { ...vast, bits: 16 } }, unsuitable);
    await refused({ secureAggregation, reply: { numbers: 'int8', onlyChanged: false } }, unsuitable);
  });
});
