/**
 * Requests with what is expected of them, written by people to see that their policies say what they mean: in YAML, those
 * that come with Consilium and a site's own.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { type SiteSettings, siteRulesOf } from '../settings.ts';
import { SiteError } from '../site-error.ts';
import { explanationOf, PolicyEngine, publicExplanationOf } from './policy-engine.ts';
import { policyRequestSchema } from './policy-request.ts';

const exampleSchema = z.strictObject({
  /** What it is an example of. */
  name: z.string().min(1),
  expect: z.enum(['allowed', 'waits', 'refused']),
  /** Policies that have to be among those that decide. */
  policies: z.array(z.string()).default([]),
  request: policyRequestSchema,
});
export type PolicyExample = z.infer<typeof exampleSchema>;

export interface TriedExample {
  readonly name: string;
  readonly expected: PolicyExample['expect'];
  readonly actual: PolicyExample['expect'];
  readonly policies: readonly string[];
  /** As expected, and by the policies that were. */
  readonly ok: boolean;
  /** For the site's people, and what the coordinator would be told; empty where it is allowed. */
  readonly explanation: string;
  readonly told: string;
}

/** Those that come with Consilium; they are about a site that has said nothing. */
export const exampleFile = fileURLToPath(new URL('../../policies/examples.yaml', import.meta.url));

/**
 * @param directory of the site @param path of the examples
 * @throws SiteError `site.policy-unreadable`, `site.examples-unreadable`
 */
export async function tryExamples(
  directory: string,
  settings: Pick<SiteSettings, 'policy' | 'privacy'>,
  path: string,
): Promise<readonly TriedExample[]> {
  const engine = await PolicyEngine.open(directory, siteRulesOf(settings));
  return (await readExamples(path)).map(({ name, expect: expected, policies: wanted, request }) => {
    const decision = engine.decide(request);
    const deciding = decision.kind === 'allowed' ? decision.by : decision.because;
    const policies = deciding.map(({ id }) => id);
    const ok = decision.kind === expected && wanted.every((id) => policies.includes(id));
    const isAllowed = decision.kind === 'allowed';
    const explanation = isAllowed ? '' : explanationOf(deciding);
    const told = isAllowed ? '' : publicExplanationOf(deciding);
    return { name, expected, actual: decision.kind, policies, ok, explanation, told };
  });
}

async function readExamples(path: string): Promise<readonly PolicyExample[]> {
  const refusal = (why: string) => new SiteError('site.examples-unreadable', `${path} ${why}`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw refusal('cannot be read.');
  }
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch {
    throw refusal('is not YAML.');
  }
  const { data, error } = z.array(exampleSchema).safeParse(document);
  if (data !== undefined) return data;
  const { path: at, message } = error.issues[0]!;
  throw refusal(`is wrong at "${at.join('.')}": ${message}.`);
}
