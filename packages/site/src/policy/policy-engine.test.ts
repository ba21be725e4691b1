import { describe, expect, it } from 'vitest';
import { ToyDirectory } from '../toy-hospital.fixture.ts';
import { explanationOf, PolicyEngine, publicExplanationOf } from './policy-engine.ts';
import {
  type PolicyRequestInput,
  type PolicySettings,
  policyRequestSchema,
  policySettingsSchema,
} from './policy-request.ts';

interface Given {
  readonly own?: string;
  readonly settings?: Partial<PolicySettings>;
  readonly requiresPrivacy?: boolean;
}

async function engineOf({ own, settings = {}, requiresPrivacy = false }: Given = {}): Promise<PolicyEngine> {
  using directory = new ToyDirectory();
  if (own !== undefined) directory.file('policy/own.cedar', own);
  return await PolicyEngine.open(directory.path, { ...policySettingsSchema.parse(settings), requiresPrivacy });
}

function decided(engine: PolicyEngine, request: PolicyRequestInput): string {
  const decision = engine.decide(policyRequestSchema.parse(request));
  const policies = decision.kind === 'allowed' ? decision.by : decision.because;
  return `${decision.kind}: ${policies.map(({ id }) => id).join(', ')}`;
}

const nightly = `
@id("nights")
@explanation("Our machine trains at night.")
@remedy("Wait for the evening.")
@passes("yes")
forbid (principal, action == Action::"train", resource) unless { context.hour >= 19 || context.hour < 7 };`;

describe('the policies that come with Consilium', () => {
  const reviewers = { needed: 1, fingerprints: ['ab'.repeat(32)] };
  it.each<[string, Given, PolicyRequestInput]>([
    ['allowed: project-jobs', {}, { action: 'train' }],
    ['refused: signed-jobs', {}, { action: 'train', member: null }],
    ['allowed: project-jobs', { settings: { without: ['signed-jobs'] } }, { action: 'train', member: null }],
    ['refused: minimum-cohort', {}, { action: 'fingerprint', patients: 2 }],
    ['allowed: project-jobs', {}, { action: 'fingerprint', patients: 3 }],
    ['allowed: project-jobs', {}, { action: 'fingerprint', patients: 0 }],
    ['refused: minimum-cohort', { settings: { minimumPatients: 20 } }, { action: 'evaluate', patients: 19 }],
    ['allowed: project-jobs', {}, { action: 'statistics', minimumCount: 1 }],
    ['waits: approved-jobs', { settings: { approve: ['train'] } }, { action: 'train' }],
    ['allowed: project-jobs', { settings: { approve: ['train'] } }, { action: 'prepare' }],
    ['allowed: project-jobs', { settings: { approve: ['train'] } }, { action: 'train', approval: 'approved' }],
    ['refused: refused-by-a-person', { settings: { approve: ['train'] } }, { action: 'train', approval: 'refused' }],
    ['refused: signed-jobs', { settings: { approve: ['train'] } }, { action: 'train', member: null }],
    ['refused: reviewed-jobs', { settings: { reviewers } }, { action: 'train' }],
    ['allowed: project-jobs', { settings: { reviewers } }, { action: 'train', job: { reviews: 1 } }],
    ['refused: private-training', { requiresPrivacy: true }, { action: 'train' }],
    ['allowed: project-jobs', { requiresPrivacy: true }, { action: 'train', job: { privacy: 'dp-sgd' } }],
    ['allowed: project-jobs', { requiresPrivacy: true }, { action: 'evaluate' }],
  ])('%s, with %o: %o', async (expected, given, request) => {
    expect(decided(await engineOf(given), request)).toBe(expected);
  });
});

describe('a site’s own policies', () => {
  it('take away from what is permitted, and say why to its own people alone unless they say otherwise', async () => {
    const engine = await engineOf({ own: nightly });
    expect(decided(engine, { action: 'train', hour: 22 })).toBe('allowed: project-jobs');
    const refused = engine.decide(policyRequestSchema.parse({ action: 'train', patients: 1 }));
    if (refused.kind !== 'refused') return expect.unreachable();
    expect(explanationOf(refused.because)).toContain('[nights] Our machine trains at night. Wait for the evening.');
    const outside = publicExplanationOf(refused.because);
    expect(outside).toContain('[minimum-cohort]');
    expect(outside).toContain('Ask the site’s people.');
    expect(outside).not.toMatch(/night|evening/);
  });

  it('speak of everything that a request has', async () => {
    const own = `forbid (principal, action, resource) when {
      principal in Institution::"rival" || principal.role != "member" || principal.keyFingerprint == "${'ab'.repeat(32)}" ||
      resource.parameters > 5000000 || resource.strategy == "fed-buff" || resource.sites < 3 ||
      (context.epsilon.limited && context.epsilon.asked.greaterThan(context.epsilon.left)) ||
      context.weekday == "sunday" || context.split == "test" || !(resource.secureAggregation || resource.sites >= 3) };`;
    const engine = await engineOf({ own });
    expect(decided(engine, { action: 'train' })).toBe('allowed: project-jobs');
    for (const request of [
      { member: { institution: 'rival' } },
      { member: { keyFingerprint: 'ab'.repeat(32) } },
      { job: { parameters: 5_000_001 } },
      { job: { strategy: 'fed-buff' } },
      { job: { sites: 2 } },
      { epsilon: { asked: 3.00005, left: 3 } },
      { weekday: 'sunday' },
      { split: 'test' },
    ] as const) {
      expect(decided(engine, { action: 'train', ...request }), JSON.stringify(request)).toBe('refused: own.cedar:1');
    }
  });

  it('say no more outside than a message has room for', async () => {
    const own = ['a', 'b'].map(
      (id) =>
        `@id("${id}") @tells("coordinator") @explanation("${'x'.repeat(1500)}") forbid (principal, action, resource);`,
    );
    const refused = (await engineOf({ own: own.join('\n') })).decide(policyRequestSchema.parse({ action: 'train' }));
    if (refused.kind !== 'refused') return expect.unreachable();
    expect(publicExplanationOf(refused.because).length).toBeLessThanOrEqual(2000);
  });

  it('that nothing permits let nothing run', async () => {
    const engine = await engineOf({ settings: { without: ['project-jobs'] } });
    expect(decided(engine, { action: 'train' })).toBe('refused: ');
    expect(explanationOf([])).toBe('No policy permits it.');
  });

  it.each([
    ['is no Cedar', 'permit (principal'],
    ['speaks of what no request has', 'forbid (principal, action, resource) when { context.colour == "red" };'],
    ['compares what cannot be compared', 'forbid (principal, action, resource) when { resource.rounds == "many" };'],
    ['names an action that there is not', 'forbid (principal, action == Action::"delete", resource);'],
    ['is called as another is', '@id("signed-jobs") forbid (principal, action, resource);'],
    ['is a template', 'forbid (principal == ?principal, action, resource);'],
  ])('are not used if one %s', async (_, own) => {
    const message = expect.stringContaining('nothing runs here');
    await expect(engineOf({ own })).rejects.toMatchObject({ code: 'site.policy-unreadable', message });
  });

  it('are not used if one of those that come with Consilium is to be let go that there is not', async () => {
    const given = { settings: { without: ['signed-job'] } };
    await expect(engineOf(given)).rejects.toMatchObject({ code: 'site.policy-unreadable' });
  });

  it('that fail when they are asked allow nothing', async () => {
    const engine = await engineOf({
      own: 'forbid (principal, action, resource) when { resource.rounds * 9000000000000000000 > 5 };',
    });
    const decide = () => engine.decide(policyRequestSchema.parse({ action: 'train' }));
    expect(decide).toThrow(expect.objectContaining({ code: 'site.policy-failed' }));
  });
});
