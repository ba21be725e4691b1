import { tensor, type Weights } from '@consilium/numerics';
import type { BlobId, JobId, Privacy, TaskId, TrainTask } from '@consilium/protocol';
import { plainEncoding } from '@consilium/protocol';
import type { PreparedCase } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import { privacySettingsOf } from './settings.ts';
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
  }: { members?: readonly PreparedMember[]; asked?: TrainTask; start?: number; threads?: number } = {},
) {
  const room = { workDirectory: directory.path, privacy: privacySettingsOf({}), noiseSeed: undefined, threads };
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
