import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { tensor, type Weights } from '@consilium/numerics';
import type { BlobId, JobId, Privacy, TaskId, TrainTask } from '@consilium/protocol';
import { plainEncoding } from '@consilium/protocol';
import type { PreparedCase } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import type { FilterSpec } from './filters/filter-spec.ts';
import { PrivacyBudget } from './privacy-budget.ts';
import { type PrivacySettings, privacySettingsOf } from './settings.ts';
import { payForPrivacy } from './task-privacy.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';
import type { PreparedMember } from './workplace.ts';

const privacy: Privacy = { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, samplingRate: 0.5 };
const blob = 'ab'.repeat(32) as BlobId;
const task: TrainTask = {
  kind: 'train',
  taskId: 'job/1/train/site-1' as TaskId,
  jobId: 'job' as JobId,
  attempt: 1,
  round: 1,
  plan: {},
  model: blob,
  weights: blob,
  steps: 2,
  firstStep: 0,
  totalSteps: 20,
  seed: 1,
  proximalMu: 0,
  control: null,
  keepLocal: [],
  personalLambda: null,
  reply: plainEncoding,
  privacy,
};

/** A case of which nothing matters but whose it is and what its files hold. */
function member(id: string, patient: string, content = id): PreparedMember {
  const source = { id, contentSha256: async () => content, load: () => expect.unreachable() };
  return {
    member: { pseudonym: id, split: 'train', source, patient } as unknown as PreparedMember['member'],
    prepared: { id } as PreparedCase,
  };
}

const weights = (value: number): Weights => new Map([['w', tensor('float32', [1], Float32Array.of(value))]]);
const nothing = { control: new Map(), clip: new Map() } as const;

async function pay(
  directory: ToyDirectory,
  {
    members = [member('a', 'p')],
    asked = task,
    start = 0,
    threads = 1,
    settings = {},
    filters = [],
  }: {
    members?: readonly PreparedMember[];
    asked?: TrainTask;
    start?: number;
    threads?: number;
    settings?: Partial<PrivacySettings>;
    filters?: readonly FilterSpec[];
  } = {},
) {
  const privacy = { ...privacySettingsOf({}), ...settings };
  const room = { workDirectory: directory.path, privacy, noiseSeed: undefined, threads, filters };
  return payForPrivacy(asked, room, { members, start: weights(start), memory: nothing });
}

async function noiseOf(...how: Parameters<typeof pay>): Promise<number> {
  return (await pay(...how))!.noise.seed();
}

describe('what protects the patients in a task', () => {
  it('counts a patient with all cases as one', async () => {
    using directory = new ToyDirectory();
    const members = [member('a', 'p'), member('b', 'q'), member('c', 'p')];
    const units = (await pay(directory, { members }))!.training!.units;
    expect(units.map((unit) => unit.map(({ id }) => id))).toEqual([['a', 'c'], ['b']]);
  });

  it('is the same noise for the same work on the same data, however often it is asked for', async () => {
    using directory = new ToyDirectory();
    const first = await noiseOf(directory);
    expect(await noiseOf(directory)).toBe(first);
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect(await noiseOf(directory, { asked: { ...task, attempt: 2, traceparent } })).toBe(first);
  });

  it.each<[string, Parameters<typeof pay>[1]]>([
    ['a segmentation has been corrected', { members: [member('a', 'p', 'corrected')] }],
    ['a case has been added', { members: [member('a', 'p'), member('b', 'p')] }],
    ['a case belongs to someone else', { members: [member('b', 'p'), member('c', 'q'), member('d', 'p')] }],
    ['training begins elsewhere', { start: 1 }],
    ['there are more threads, which add in another order', { threads: 2 }],
    ['the round is another', { asked: { ...task, round: 2 } }],
    ['the plan is another', { asked: { ...task, plan: { patchSize: [1] } } }],
    ['the noise is to be larger', { asked: { ...task, privacy: { ...privacy, noiseMultiplier: 2 } } }],
  ])('is other noise when %s', async (_, how) => {
    using directory = new ToyDirectory();
    expect(await noiseOf(directory, how)).not.toBe(await noiseOf(directory));
  });

  it('is nothing where neither job nor site ask for it', async () => {
    using directory = new ToyDirectory();
    const { privacy: _, ...plain } = task;
    expect(await pay(directory, { asked: plain })).toBeNull();
  });
});

describe('noise that sites share', () => {
  const sum = { threshold: 4, clip: 40, bits: 24, casesMax: 10, rounding: 'stochastic' } as const;
  const shared: Privacy = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 2, noiseSharedAmong: 4 };
  const asked: TrainTask = { ...task, privacy: shared, secureAggregation: sum };
  const patients = (count: number) => Array.from({ length: count }, (_, index) => member(`${index}`, `p${index}`));

  it('is added in full by a site that relies on nobody, and in part by one that does, as the ledger says', async () => {
    for (const [noiseSharedAmongMax, noiseShare, othersTrusted] of [
      [1, 1, 0],
      [3, 10 / (5 * Math.sqrt(3)), 2],
      [9, 10 / (5 * 2), 3],
    ] as const) {
      using directory = new ToyDirectory();
      const paid = await pay(directory, { members: patients(5), asked, settings: { noiseSharedAmongMax } });
      expect(paid).toMatchObject({ noiseShare: expect.closeTo(noiseShare, 12), imposed: null });
      using budget = await PrivacyBudget.open(directory.path, { deltaMax: 1e-5 });
      expect(budget.spends()).toMatchObject([{ noiseMultiplier: 1, steps: 1, othersTrusted }]);
    }
  });

  it.each<[string, { asked?: TrainTask; filters?: FilterSpec[] }]>([
    ['that each contribution would be without', { asked: { ...asked, secureAggregation: undefined } }],
    ['among more sites than a sum may be of', { asked: { ...asked, secureAggregation: { ...sum, threshold: 3 } } }],
    ['that the lattice would cut', { asked: { ...asked, secureAggregation: { ...sum, clip: 10 } } }],
    ['that is finer than the lattice', { asked: { ...asked, secureAggregation: { ...sum, bits: 8, clip: 4000 } } }],
    ['of which a filter takes some away', { filters: [{ kind: 'clip', norm: 1 }] }],
  ])('is refused %s, and nothing is spent', async (_, changes) => {
    using directory = new ToyDirectory();
    const settings = { noiseSharedAmongMax: 4 };
    await expect(pay(directory, { members: patients(5), asked, settings, ...changes })).rejects.toMatchObject({
      code: 'site.noise-share-unfit',
      lasting: true,
    });
    expect(existsSync(join(directory.path, 'privacy.sqlite'))).toBe(false);
    const whole = await pay(directory, { members: patients(5), asked, ...changes }); // of its own alone it is
    expect(whole).toMatchObject({ noiseShare: 1 });
  });
});

describe('a mechanism that the site imposes', () => {
  const impose: Privacy = { kind: 'dp-sgd', clipNorm: 2, noiseMultiplier: 3, samplingRate: 0.25 };
  const plain: TrainTask = { ...task, privacy: undefined };

  it('is what jobs are trained with that offer none, and says so', async () => {
    using directory = new ToyDirectory();
    expect(await pay(directory, { asked: plain })).toBeNull();
    const paid = await pay(directory, { asked: plain, settings: { impose, required: true } });
    expect(paid).toMatchObject({ privacy: impose, imposed: 'dp-sgd', training: { noiseMultiplier: 3 } });
  });

  it('is never less than the job’s own of the same kind, and never in place of another kind', async () => {
    using directory = new ToyDirectory();
    const offered = { ...privacy, noiseMultiplier: 4, samplingRate: 0.5 } as Privacy;
    const paid = await pay(directory, { asked: { ...task, privacy: offered }, settings: { impose } });
    expect(paid).toMatchObject({ privacy: { clipNorm: 1, noiseMultiplier: 4, samplingRate: 0.25 }, imposed: null });
    const other: Privacy = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 1 };
    await expect(pay(directory, { asked: { ...task, privacy: other }, settings: { impose } })).rejects.toMatchObject({
      code: 'site.privacy-required',
    });
  });
});
