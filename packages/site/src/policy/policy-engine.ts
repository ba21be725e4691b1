/**
 * A site's policies, in Cedar: those that come with Consilium, and the site's own in `policy/*.cedar`. They are parsed and
 * checked against the schema once, when the service starts; policies that cannot be read let nothing run.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import { SiteError } from '../site-error.ts';
import { cedarCallOf, type PolicyRequest, type SiteRules } from './policy-request.ts';

/** A policy as people know it, from its annotations. */
export interface PolicyText {
  /** `@id`, or the file's name and the policy's number in it. */
  readonly id: string;
  /** What it says, and what would have to change; for the site's own people. */
  readonly explanation: string;
  readonly remedy: string;
  /** `@tells("coordinator")`: its words may leave the site. */
  readonly isPublic: boolean;
  /** `@waits("approval")`: a person may still decide. */
  readonly waits: boolean;
  /** `@passes("yes")`: it may be otherwise later, in the same job. */
  readonly passes: boolean;
}

export type PolicyDecision =
  | { readonly kind: 'allowed'; readonly by: readonly PolicyText[] }
  /** By a person, or at last by time: nothing but that stands in the way. */
  | { readonly kind: 'waits'; readonly because: readonly PolicyText[] }
  /** `because` is empty where no policy permits it. */
  | { readonly kind: 'refused'; readonly because: readonly PolicyText[] };

/** In the package. */
const shippedDirectory = fileURLToPath(new URL('../../policies/', import.meta.url));
/** Round for round the same is asked. */
const decisionsKept = 100;
/** What Cedar remembers is of the whole process. */
let setsParsed = 0;

export class PolicyEngine {
  readonly #setId: string;
  readonly #policies: ReadonlyMap<string, PolicyText>;
  readonly #rules: SiteRules;
  readonly #decisions = new Map<string, PolicyDecision>();

  /**
   * @param directory the site's own
   * @throws SiteError `site.policy-unreadable`
   */
  static async open(directory: string, rules: SiteRules): Promise<PolicyEngine> {
    const schema = await readFile(join(shippedDirectory, 'consilium.cedarschema'), 'utf8');
    const texts = new Map<string, string>();
    const policies = new Map<string, PolicyText>();
    const add = ({ cedar, ...policy }: PolicyText & { readonly cedar: string }, file: string) => {
      if (policies.has(policy.id)) throw unreadable(file, `there are two policies called "${policy.id}"`);
      policies.set(policy.id, policy);
      texts.set(policy.id, cedar);
    };
    const shipped = policiesIn(await readFile(join(shippedDirectory, 'default.cedar'), 'utf8'), 'default.cedar');
    const unknown = rules.without.find((id) => !shipped.some((policy) => policy.id === id));
    if (unknown !== undefined)
      throw unreadable('site.yaml', `no policy that comes with Consilium is called "${unknown}"`);
    for (const policy of shipped) if (!rules.without.includes(policy.id)) add(policy, 'default.cedar');
    for (const file of await ownFiles(directory)) {
      for (const policy of policiesIn(await textOf(file), basename(file))) add(policy, basename(file));
    }
    const setId = `site-${++setsParsed}`;
    const staticPolicies = Object.fromEntries(texts);
    const checked = validate({ schema, policies: { staticPolicies } });
    if (checked.type === 'failure') throw unreadable('policy', checked.errors[0]?.message ?? 'unknown');
    const [wrong] = checked.validationErrors;
    if (wrong !== undefined) throw unreadable(`policy "${wrong.policyId}"`, wrong.error.message);
    for (const parsed of [preparseSchema(setId, schema), preparsePolicySet(setId, { staticPolicies })]) {
      if (parsed.type === 'failure') throw unreadable('policy', parsed.errors[0]?.message ?? 'unknown');
    }
    return new PolicyEngine(setId, policies, rules);
  }

  private constructor(setId: string, policies: ReadonlyMap<string, PolicyText>, rules: SiteRules) {
    this.#setId = setId;
    this.#policies = policies;
    this.#rules = rules;
  }

  get policies(): readonly PolicyText[] {
    return [...this.#policies.values()];
  }

  /**
   * The same request is decided once: a decision follows from the request, the policies and the rules alone.
   * @throws SiteError `site.policy-failed` if it cannot be decided; then it is not allowed.
   */
  decide(request: PolicyRequest): PolicyDecision {
    const key = JSON.stringify(request);
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = this.#decide(request);
    if (this.#decisions.size >= decisionsKept) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  #decide(request: PolicyRequest): PolicyDecision {
    const answer = statefulIsAuthorized({
      ...cedarCallOf(request, this.#rules),
      preparsedPolicySetId: this.#setId,
      preparsedSchemaName: this.#setId,
      validateRequest: true,
    });
    // A forbid that fails to be evaluated would be passed over.
    const error =
      answer.type === 'failure' ? answer.errors[0]?.message : answer.response.diagnostics.errors[0]?.error.message;
    if (answer.type === 'failure' || error !== undefined) {
      const text =
        'The policy of this site could not be applied to the task, so it is not done. The site’s log says more.';
      throw new SiteError('site.policy-failed', text, { detail: error ?? 'unknown' });
    }
    const { decision, diagnostics } = answer.response;
    const because = diagnostics.reason
      .map((id) => this.#policies.get(id)!)
      .sort((one, two) => (one.id < two.id ? -1 : 1));
    if (decision === 'allow') return { kind: 'allowed', by: because };
    // Nobody is asked to decide what may not be done anyway.
    const final = because.filter((policy) => !policy.waits);
    if (final.length === 0 && because.length > 0) return { kind: 'waits', because };
    return { kind: 'refused', because: final };
  }
}

/** What a person at the site is told of each policy that stands in the way. */
export function explanationOf(because: readonly PolicyText[]): string {
  if (because.length === 0) return 'No policy permits it.';
  return because.map(({ id, explanation, remedy }) => `[${id}] ${explanation} ${remedy}`.trim()).join(' ');
}

/** A failure's message has room for a little more. */
const toldMax = 1800;

/** What may be said outside: words that their policies let out, and of others only that they are there. */
export function publicExplanationOf(because: readonly PolicyText[]): string {
  const open = because.filter(({ isPublic }) => isPublic);
  const own = 'The policy of this site forbids it. Ask the site’s people.';
  const told = explanationOf(open).slice(0, toldMax);
  if (open.length === because.length && open.length > 0) return told;
  return open.length === 0 ? own : `${told} ${own}`;
}

function policiesIn(text: string, file: string): readonly (PolicyText & { readonly cedar: string })[] {
  const parts = policySetTextToParts(text);
  if (parts.type === 'failure') throw unreadable(file, parts.errors[0]?.message ?? 'unknown');
  if (parts.policy_templates.length > 0) throw unreadable(file, 'templates are not understood');
  return parts.policies.map((cedar, index) => {
    const parsed = policyToJson(cedar);
    if (parsed.type === 'failure') throw unreadable(file, parsed.errors[0]?.message ?? 'unknown');
    const { id, explanation, remedy, tells, waits, passes } = parsed.json.annotations ?? {};
    return {
      id: id ?? `${file}:${index + 1}`,
      explanation: explanation ?? (parsed.json.effect === 'permit' ? 'It is permitted.' : 'It is forbidden.'),
      remedy: remedy ?? '',
      isPublic: tells === 'coordinator',
      waits: waits === 'approval',
      passes: passes === 'yes',
      cedar,
    };
  });
}

async function ownFiles(directory: string): Promise<readonly string[]> {
  const own = join(directory, 'policy');
  try {
    const names = await readdir(own);
    return names
      .filter((name) => name.endsWith('.cedar'))
      .sort()
      .map((name) => join(own, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable('policy/', 'the directory cannot be read');
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw unreadable(basename(path), 'the file cannot be read');
  }
}

function unreadable(where: string, why: string): SiteError {
  const text = `The site’s policy cannot be used, so nothing runs here: ${where}: ${why}. Correct it, try it with "consilium policy test", and start the site again.`;
  return new SiteError('site.policy-unreadable', text, { lasting: true });
}
