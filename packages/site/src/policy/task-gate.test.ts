import { getBlob, MemoryStore, putBlob, type Submission } from '@consilium/federation';
import type { BlobId, JobId, SiteId, Task } from '@consilium/protocol';
import { plainEncoding } from '@consilium/protocol';
import { systemClock } from '@consilium/transport';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type SiteSettings, siteRulesOf } from '../settings.ts';
import { ToyDirectory } from '../toy-hospital.fixture.ts';
import { Approvals } from './approvals.ts';
import { PolicyEngine } from './policy-engine.ts';
import { policySettingsSchema } from './policy-request.ts';
import { type Signer, type Signing, SigningProject } from './signing.fixture.ts';
import { TaskGate } from './task-gate.ts';

const siteId = 'site-1' as SiteId;
const other = 'ef'.repeat(32) as BlobId;
let project: SigningProject;
let anna: Signer;
let berta: Signer;

beforeAll(async () => {
  project = await SigningProject.create();
  [anna, berta] = [await project.member('anna'), await project.member('berta')];
});

const jobOf = (model: BlobId, changes: Partial<Extract<Submission, { kind: 'train' }>> = {}): Submission => ({
  kind: 'train',
  jobId: 'kidney' as JobId,
  participants: [siteId, 'site-2' as SiteId],
  plan: { version: 1, patchSize: [64, 64, 64] },
  model,
  initialWeights: model,
  rounds: { max: 10 },
  stepsPerRound: 5,
  minimumSites: 2,
  stragglerMs: 1000,
  attempts: 1,
  stopping: { patience: 3, minimumGain: 0 },
  seed: 7,
  strategy: { kind: 'fed-avg' },
  reply: plainEncoding,
  privacy: { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 2, samplingRate: 0.1 },
  ...changes,
});

function taskOf(job: Submission, mandate: BlobId | undefined, changes: object = {}): Task {
  if (job.kind !== 'train') throw new Error('a training job is meant');
  return {
    kind: 'train',
    taskId: `${job.jobId}/1/train/site-1`,
    jobId: job.jobId,
    attempt: 1,
    ...(mandate === undefined ? {} : { mandate }),
    round: 1,
    plan: job.plan,
    model: job.model,
    weights: job.initialWeights,
    steps: 5,
    firstStep: 0,
    totalSteps: 50,
    seed: 7,
    proximalMu: 0,
    control: null,
    keepLocal: [],
    personalLambda: null,
    reply: job.reply,
    privacy: job.privacy,
    ...changes,
  } as unknown as Task;
}

/** A site with a coordinator that hands on what it is given, and one job. */
class GuardedSite {
  readonly directory = new ToyDirectory();
  readonly coordinator = new MemoryStore();
  readonly store = new MemoryStore();
  readonly lines: object[] = [];
  readonly waited: Task[] = [];
  readonly revoked = new Set<string>();
  model!: BlobId;

  static async create(): Promise<GuardedSite> {
    const site = new GuardedSite();
    onTestFinished(() => site.directory[Symbol.dispose]());
    site.model = await putBlob(site.coordinator, new Uint8Array([1, 2, 3]));
    return site;
  }

  sign(submission: Submission, signings: readonly Signing[] = [{ by: anna }]): Promise<BlobId> {
    const signatures = signings.map((signing) => project.sign(submission, signing));
    return putBlob(this.coordinator, project.mandate(submission, signatures));
  }

  /** As after a start of the service. */
  async gate(policy: Partial<NonNullable<SiteSettings['policy']>> = {}, own?: string): Promise<TaskGate> {
    if (own !== undefined) this.directory.file('policy/own.cedar', own);
    const rules = siteRulesOf({ policy: policySettingsSchema.parse(policy) });
    return new TaskGate({
      siteId,
      project: project.project,
      authority: project.authority,
      engine: await PolicyEngine.open(this.directory.path, rules),
      rules,
      approvals: new Approvals(this.directory.path),
      revoked: { has: (key) => this.revoked.has(key) },
      fetchBlob: async (id) => void (await putBlob(this.store, await getBlob(this.coordinator, id))),
      blobs: this.store,
      clock: systemClock,
      nowMs: () => Date.now(),
      localTime: () => '12:30',
      localWeekday: () => 1,
      patients: async () => 30,
      privacy: async () => ({ unit: 'patient', delta: 1e-5, epsilon: 1, epsilonMax: 8, jobs: [] }),
      demanded: (offered) => offered ?? null,
      software: '1.0.0',
      log: { write: (event, fields) => this.lines.push({ event, ...fields }) },
    });
  }

  permit(gate: TaskGate, task: Task, signal = new AbortController().signal): Promise<void> {
    return gate.permit(task, { signal, onWaiting: () => this.waited.push(task) });
  }
}

const refusal = (code: string, message = /./) => ({ code, lasting: true, message: expect.stringMatching(message) });

describe('what stands before a task', () => {
  it('lets through what a member has signed, and writes down whose it was and by which policy', async () => {
    const site = await GuardedSite.create();
    const job = jobOf(site.model);
    await site.permit(await site.gate(), taskOf(job, await site.sign(job)));
    expect(new Set(site.store.held.keys())).toEqual(new Set(['kidney/signed', 'policy/network']));
    expect(site.lines).toEqual([
      {
        event: 'policy',
        taskId: 'kidney/1/train/site-1',
        member: 'anna',
        decision: 'allowed',
        policies: ['project-jobs'],
      },
    ]);
  });

  it('stops a coordinator that asks for what nobody has signed', async () => {
    const site = await GuardedSite.create();
    const task = taskOf(jobOf(site.model), undefined);
    await expect(site.permit(await site.gate(), task)).rejects.toMatchObject(
      refusal('site.policy-refused', /signed-jobs/),
    );
  });

  it('stops a coordinator that signs itself, or alters what was signed', async () => {
    const site = await GuardedSite.create();
    const gate = await site.gate();
    const job = jobOf(site.model);
    const forged = await (await SigningProject.create()).member('anna');
    const mandate = await site.sign(job, [{ by: forged }]);
    await expect(site.permit(gate, taskOf(job, mandate))).rejects.toMatchObject(refusal('site.mandate-invalid'));
    const changed = project.mandate(jobOf(site.model, { seed: 8 }), [project.sign(job, { by: anna })]);
    const altered = await putBlob(site.coordinator, changed);
    await expect(site.permit(gate, taskOf(job, altered))).rejects.toMatchObject(refusal('site.mandate-invalid'));
  });

  it.each([
    ['another plan', { plan: { version: 1, patchSize: [8, 8, 8] } }, /the plan/],
    [
      'less privacy',
      { privacy: { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 0.1, samplingRate: 0.1 } },
      /the privacy/,
    ],
    ['no privacy', { privacy: undefined }, /the privacy/],
    ['another network', { model: other }, /the network/],
    ['more steps', { steps: 5000 }, /number of steps/],
  ])('stops a coordinator that asks for %s than was signed', async (_, changes, what) => {
    const site = await GuardedSite.create();
    const job = jobOf(site.model);
    const task = taskOf(job, await site.sign(job), changes);
    await expect(site.permit(await site.gate(), task)).rejects.toMatchObject(refusal('site.task-not-mandated', what));
  });

  it('stops a coordinator that shows the signature of another job, or of a job for others', async () => {
    const site = await GuardedSite.create();
    const gate = await site.gate();
    const job = jobOf(site.model);
    const another = await site.sign(jobOf(site.model, { jobId: 'liver' as JobId }));
    const notOurs = jobOf(site.model, { participants: ['site-2' as SiteId, 'site-3' as SiteId] });
    for (const mandate of [another, await site.sign(notOurs)]) {
      await expect(site.permit(gate, taskOf(job, mandate))).rejects.toMatchObject(refusal('site.task-not-mandated'));
    }
  });

  it('lets no job learn from fewer patients than the site wants by selecting few of many', async () => {
    const site = await GuardedSite.create();
    const gate = await site.gate({ minimumPatients: 3 });
    const asking = async (patients: { count: number } | { share: number }): Promise<void> => {
      const selection = { seed: 1, patients };
      const job = jobOf(site.model, { selection });
      await site.permit(gate, taskOf(job, await site.sign(job), { selection }));
    };
    for (const few of [{ count: 2 }, { share: 0.001 }, { share: 0.09 }]) {
      await expect(asking(few)).rejects.toMatchObject(refusal('site.policy-refused', /minimum-cohort/));
    }
    for (const enough of [{ count: 3 }, { count: 900 }, { share: 0.1 }]) await asking(enough);
  });

  it('wants reviewers whom the site knows, beside the submitter', async () => {
    const site = await GuardedSite.create();
    const gate = await site.gate({
      reviewers: { needed: 1, fingerprints: [berta.keyFingerprint, anna.keyFingerprint] },
    });
    const job = jobOf(site.model);
    const carla = await project.member('carla');
    for (const reviewer of [null, carla, anna]) {
      const signings: Signing[] = reviewer === null ? [] : [{ as: 'reviewer', by: reviewer }];
      const mandate = await site.sign(job, [{ by: anna }, ...signings]);
      await expect(site.permit(gate, taskOf(job, mandate))).rejects.toMatchObject(
        refusal('site.policy-refused', /reviewers/),
      );
    }
    const reviewed = await site.sign(job, [{ by: anna }, { as: 'reviewer', by: berta }]);
    await site.permit(gate, taskOf(job, reviewed));
    site.revoked.add(berta.keyFingerprint);
    await expect(site.permit(gate, taskOf(job, reviewed))).rejects.toMatchObject(
      refusal('site.policy-refused', /reviewers/),
    );
  });

  it('says nothing of a policy outside that does not say it may, and the rest in the local log', async () => {
    const site = await GuardedSite.create();
    const own =
      '@id("budget") @explanation("Patient 17 has asked us not to.") forbid (principal, action, resource) when { context.epsilon.limited && context.epsilon.asked.greaterThan(decimal("0.0001")) && context.hour == 12 && context.minute == 30 && context.weekday == "monday" && context.cohort.patients == 30 };';
    const job = jobOf(site.model);
    const gate = await site.gate({ institutions: { mainz: ['anna'] } }, own);
    const error = await site.permit(gate, taskOf(job, await site.sign(job))).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'site.policy-refused', detail: expect.stringContaining('Patient 17') });
    expect(error.message).toBe('The policy of this site forbids it. Ask the site’s people.');
  });

  it('knows of how many sites a sum is, among how many noise is shared, and what all rounds cost', async () => {
    const site = await GuardedSite.create();
    const own = `@id("sums") forbid (principal, action == Action::"train", resource)
      unless { resource.secureAggregation && resource.sumOfSites >= 2 && resource.noiseSharedAmong <= 2 };
      @id("cost") forbid (principal, action == Action::"train", resource)
      when { context.epsilon.asked.greaterThan(decimal("20.0")) };`;
    const gate = await site.gate({}, own);
    const asked = async (changes: Partial<Extract<Submission, { kind: 'train' }>>) => {
      const job = jobOf(site.model, changes);
      const { rounds = { max: 10 }, secureAggregation } = changes;
      const task = taskOf(job, await site.sign(job), { secureAggregation, totalSteps: 5 * rounds.max });
      await site.permit(gate, task);
    };
    const secureAggregation = { threshold: 2, clip: 1, bits: 16, casesMax: 9, rounding: 'nearest' } as const;
    const shared = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 8, noiseSharedAmong: 2 } as const;
    await asked({ privacy: shared, secureAggregation });
    const refused = (why: string) => expect.objectContaining({ detail: expect.stringContaining(`[${why}]`) });
    await expect(asked({ privacy: shared })).rejects.toEqual(refused('sums'));
    await expect(asked({ privacy: { ...shared, noiseSharedAmong: 3 }, secureAggregation })).rejects.toEqual(
      refused('sums'),
    );
    // A round costs less than 20, ten do not.
    await asked({ privacy: { ...shared, noiseMultiplier: 1.5 }, secureAggregation, rounds: { max: 1 } });
    await expect(asked({ privacy: { ...shared, noiseMultiplier: 1.5 }, secureAggregation })).rejects.toEqual(
      refused('cost'),
    );
  });

  it('does not keep a site out of the whole job for a reason that passes', async () => {
    const site = await GuardedSite.create();
    const own = '@passes("yes") forbid (principal, action, resource) when { context.hour == 12 };';
    const job = jobOf(site.model);
    const refused = site.permit(await site.gate({}, own), taskOf(job, await site.sign(job)));
    await expect(refused).rejects.toMatchObject({ code: 'site.policy-refused', lasting: false });
  });
});

describe('a job that a person has to approve', () => {
  it('waits, also through a restart, until it is approved, and then needs no approval for its other tasks', async () => {
    const site = await GuardedSite.create();
    const approvals = new Approvals(site.directory.path);
    const job = jobOf(site.model);
    const task = taskOf(job, await site.sign(job));
    const stopped = new AbortController();
    const before = site.permit(await site.gate({ approve: ['train'] }), task, stopped.signal);
    await expect.poll(() => site.waited.length).toBe(1);
    stopped.abort();
    await before;
    const gate = await site.gate({ approve: ['train'] });
    const after = site.permit(gate, task);
    await expect.poll(() => site.waited.length).toBe(2);
    expect(await approvals.list()).toMatchObject([{ job: 'kidney', member: 'anna', kind: 'train', state: 'none' }]);
    await approvals.decide('kidney', { state: 'approved', by: 'dr. b', now: new Date().toISOString() });
    await after;
    await site.permit(gate, { ...task, taskId: 'kidney/2/train/site-1', round: 2, firstStep: 5 } as Task);
    expect(site.waited).toHaveLength(2);
    const again = jobOf(site.model, { jobId: 'kidney-again' as JobId, stragglerMs: 9 });
    await site.permit(gate, taskOf(again, await site.sign(again)));
    expect(site.waited).toHaveLength(2);
    expect(await new Approvals(site.directory.path).named('kidney')).toMatchObject({
      state: 'approved',
      decidedBy: 'dr. b',
    });
  });

  it('is refused by a person for good, and another job that differs is shown with its difference', async () => {
    const site = await GuardedSite.create();
    const approvals = new Approvals(site.directory.path);
    const now = new Date().toISOString();
    const gate = await site.gate({ approve: ['train'] });
    const first = jobOf(site.model);
    const second = jobOf(site.model, {
      jobId: 'second' as JobId,
      stepsPerRound: 50,
      strategy: { kind: 'fed-prox', mu: 0.1 },
    });
    const waiting = site.permit(gate, taskOf(first, await site.sign(first)));
    await expect.poll(() => site.waited.length).toBe(1);
    await approvals.decide('kidney', { state: 'approved', by: 'dr. b', now });
    await waiting;
    const changed = taskOf(second, await site.sign(second), { steps: 50, totalSteps: 500, proximalMu: 0.1 });
    const refused = site.permit(gate, changed);
    refused.catch(() => {});
    await expect.poll(() => site.waited.length).toBe(2);
    const approval = await approvals.named('second');
    expect((await approvals.difference(approval))!.lines).toEqual([
      'stepsPerRound: 5 -> 50',
      'strategy.kind: "fed-avg" -> "fed-prox"',
      'strategy.mu: nothing -> 0.1',
    ]);
    await approvals.decide(approval.digest.slice(0, 8), { state: 'refused', by: 'dr. b', now });
    await expect(refused).rejects.toMatchObject(refusal('site.policy-refused', /refused-by-a-person/));
    await expect(approvals.decide('third', { state: 'approved', by: 'x', now })).rejects.toMatchObject({
      code: 'site.approval-unknown',
    });
  });

  it('does not run if what was approved cannot be read', async () => {
    const site = await GuardedSite.create();
    const approvals = new Approvals(site.directory.path);
    const gate = await site.gate({ approve: ['train'] });
    const job = jobOf(site.model);
    const waiting = site.permit(gate, taskOf(job, await site.sign(job)));
    waiting.catch(() => {});
    await expect.poll(() => site.waited.length).toBe(1);
    const { digest } = await approvals.named('kidney');
    site.directory.file(`approvals/${digest}.json`, '{"state":"approved"}');
    await expect(waiting).rejects.toMatchObject({ code: 'site.approvals-unreadable' });
  });
});

describe('a job of a member who was revoked', () => {
  it('is refused from the next task on, whatever it was before', async () => {
    const site = await GuardedSite.create();
    const job = jobOf(site.model);
    const gate = await site.gate();
    const mandate = await site.sign(job);
    await site.permit(gate, taskOf(job, mandate));
    site.revoked.add(anna.keyFingerprint);
    const next = taskOf(job, mandate, { taskId: 'kidney/2/train/site-1', round: 2, firstStep: 5 });
    await expect(site.permit(gate, next)).rejects.toMatchObject(
      refusal('site.member-revoked', /^anna, who has signed/),
    );
    await site.permit(gate, taskOf(job, await site.sign(job, [{ by: berta }])));
  });

  it('is refused while it waits for a person here', async () => {
    const site = await GuardedSite.create();
    const job = jobOf(site.model);
    const gate = await site.gate({ approve: ['train'] });
    const waiting = site.permit(gate, taskOf(job, await site.sign(job)));
    const outcome = waiting.then(
      () => 'permitted',
      (error) => error.code,
    );
    await expect.poll(() => site.waited.length, { timeout: 20_000 }).toBe(1);
    site.revoked.add(anna.keyFingerprint);
    expect(await outcome).toBe('site.member-revoked');
  });
});
