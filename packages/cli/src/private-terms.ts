/**
 * What a private rehearsal asks of its hospitals, and what each of them allows: secure aggregation, differential privacy,
 * signed jobs, policies. All of it follows from the settings and from how many cases the hospitals have.
 */
import { epsilonOf, noiseMultiplierFor, noiseShareOf, spendOf } from '@consilium/federation';
import type { Privacy, SecureAggregation, SiteId } from '@consilium/protocol';
import type { SiteSettingsInput } from '@consilium/site';
import { CliError } from './cli-error.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';

/** As in site.yaml: what goes beyond is none of ours to spend. */
export const delta = 1e-5;
/** Of a patient to take part in a step. */
const samplingRate = 0.5;
const bits = 24;

/** Which hospital is lost in which round, once it has done which step. */
export interface PlannedLoss {
  readonly siteId: SiteId;
  readonly round: number;
  readonly after: 'train' | 'secure-shares';
}

export interface JobProtection {
  readonly privacy: Privacy;
  readonly secureAggregation: SecureAggregation;
}

type Terms = Pick<RehearsalSettings, 'clipNorm' | 'epsilon' | 'mechanism' | 'rounds' | 'steps'>;

/**
 * Of all hospitals, the one that refuses among them: sums of fewer could be told apart.
 * @throws CliError `cli.bad-option`
 */
export function thresholdOf(settings: Pick<RehearsalSettings, 'threshold'>, hospitals: number): number {
  const least = Math.floor(hospitals / 2) + 1;
  const threshold = settings.threshold ?? least;
  if (threshold >= least && threshold < hospitals) return threshold;
  const text = `--threshold: must be more than half of the ${hospitals} hospitals, of which one refuses: ${least} to ${hospitals - 1}.`;
  throw new CliError('cli.bad-option', text);
}

/**
 * One hospital is lost when it has trained, before its weights are in any sum; another when the others hold shares of its
 * masks, and its own mask has to be taken out of what they send. As many as the threshold lets go.
 */
export function lossesOf(willing: readonly SiteId[], threshold: number, rounds: number): readonly PlannedLoss[] {
  const round = Math.min(2, rounds);
  const steps = ['secure-shares', 'train'] as const;
  return willing
    .slice(threshold)
    .slice(-steps.length)
    .map((siteId, index) => ({ siteId, round, after: steps[index]! }));
}

/** @param trainingCases of each hospital, none of them 0 */
export function protectionOf(settings: Terms, threshold: number, trainingCases: readonly number[]): JobProtection {
  const { clipNorm, epsilon, mechanism, rounds, steps } = settings;
  const casesMax = Math.max(...trainingCases);
  if (mechanism === 'dp-sgd') {
    const noiseMultiplier = noiseMultiplierFor({ samplingRate, steps: steps * rounds, epsilon, delta });
    // Weights that move further in one round come of noise alone.
    const secureAggregation = { threshold, clip: 4, bits, casesMax, rounding: 'stochastic' } as const;
    return { privacy: { kind: mechanism, clipNorm, noiseMultiplier, samplingRate }, secureAggregation };
  }
  const noiseMultiplier = 2 * noiseMultiplierFor({ samplingRate: 1, steps: rounds, epsilon, delta });
  const share = noiseShareOf({ sites: threshold, cases: Math.min(...trainingCases), casesMax });
  const clip = 1.01 * clipNorm * (1 + 9 * share * noiseMultiplier);
  const privacy = { kind: mechanism, clipNorm, noiseMultiplier, noiseSharedAmong: threshold } as const;
  return { privacy, secureAggregation: { threshold, clip, bits, casesMax, rounding: 'stochastic' } };
}

/** What the job costs each hospital if it runs through. */
export function costOf({ privacy }: JobProtection, { rounds, steps }: Pick<Terms, 'rounds' | 'steps'>): number {
  const round = spendOf(privacy, steps);
  return epsilonOf([{ ...round, steps: round.steps * rounds }], delta);
}

type Fingerprints = Readonly<Record<SiteId, string>>;

/** In site.yaml. @param peers of all others, by the fingerprints of their keys */
export function rulesOf(
  { epsilon }: Pick<RehearsalSettings, 'epsilon'>,
  threshold: number,
  peers: Fingerprints,
): Pick<SiteSettingsInput, 'peers' | 'policy' | 'privacy' | 'secureAggregation'> {
  return {
    privacy: {
      required: true,
      epsilonMax: 1.001 * epsilon, // the noise is found to a ten-thousandth
      deltaMax: delta,
      noiseSharedAmongMax: threshold,
    },
    secureAggregation: { required: true, thresholdMin: threshold },
    policy: {},
    peers: { ...peers },
  };
}

/** What every hospital of the rehearsal says beside what comes with Consilium. */
export function policyOf(threshold: number): string {
  return `@id("only-sums")
@explanation("We train only where nobody outside sees more than a sum of ${threshold} hospitals, and noise protects our patients.")
@remedy("Give the job privacy, and secureAggregation with a threshold of ${threshold}.")
@tells("coordinator")
forbid (principal, action == Action::"train", resource)
unless { resource.sumOfSites >= ${threshold} && resource.privacy != "none" };
`;
}

/** What the hospital says that takes no part: half of what the job costs would do. */
export function refusingPolicyOf({ epsilon }: Pick<RehearsalSettings, 'epsilon'>): string {
  const limit = (epsilon / 2).toFixed(4);
  return `@id("board-limit")
@explanation("Our ethics board lets a job cost our patients ε = ${Number(limit)} at most.")
@remedy("Offer more noise or fewer rounds.")
@tells("coordinator")
forbid (principal, action == Action::"train", resource)
unless { context.epsilon.asked.lessThanOrEqual(decimal("${limit}")) };
`;
}
