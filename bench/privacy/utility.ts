/** How good a model is for a given ε: six sites, with few and with many patients each. */
import { epsilonOf, noiseMultiplierFor, spendOf } from '@consilium/federation';
import type { Privacy } from '@consilium/protocol';
import { federated } from './federation.ts';
import { meanDice, network, patient, patients } from './problem.ts';

const siteCount = 6;
const rounds = 6;
const steps = 8;
const samplingRate = 0.25;
const delta = 1e-3;
const clipNorm = 0.3;
const learningRate = { plain: 0.02, private: 1 };
const momentum = { kind: 'sgd', momentum: 0.5, nesterov: false } as const;

export interface Utility {
  readonly patientsPerSite: number;
  readonly protection: string;
  /** For one patient against everyone who sees all contributions; null without noise. */
  readonly epsilon: number | null;
  readonly noiseMultiplier: number | null;
  readonly dice: number;
}

export async function measureUtility(say: (line: string) => void): Promise<Utility[]> {
  const results: Utility[] = [];
  const model = network(1);
  const test = patients(2, 30);
  const measure = async (patientsPerSite: number, protection: string, privacy: Privacy | null) => {
    const sites = Array.from({ length: siteCount }, (_, site) =>
      Array.from({ length: patientsPerSite }, (_, index) => patient(1, `site-${site}-patient-${index}`)),
    );
    const isPrivate = privacy?.kind === 'dp-sgd';
    const weights = await federated({
      model,
      sites,
      rounds,
      steps,
      privacy,
      seed: 1,
      learningRate: isPrivate ? learningRate.private : learningRate.plain,
      ...(isPrivate ? { optimiser: momentum } : {}),
    });
    const dice = await meanDice(model, weights, test);
    const noiseMultiplier = privacy?.noiseMultiplier ?? null;
    const isNoisy = privacy !== null && privacy.noiseMultiplier > 1e-3;
    const spends = isNoisy ? Array.from({ length: rounds }, () => spendOf(privacy, steps)) : [];
    const epsilon = isNoisy ? epsilonOf(spends, delta) : null;
    results.push({ patientsPerSite, protection, epsilon, noiseMultiplier, dice });
    say(`${patientsPerSite} patients a site, ${protection}, ε ${epsilon?.toFixed(1) ?? '–'}: Dice ${dice.toFixed(3)}`);
  };
  for (const [patientsPerSite, epsilons] of [
    [12, [2, 8, 32, 128]],
    [48, [1, 2, 8]],
  ] as const) {
    await measure(patientsPerSite, 'none', null);
    const sgd = (noiseMultiplier: number): Privacy => ({ kind: 'dp-sgd', clipNorm, noiseMultiplier, samplingRate });
    await measure(patientsPerSite, 'dp-sgd, no noise', sgd(1e-6));
    for (const epsilon of epsilons) {
      const z = noiseMultiplierFor({ samplingRate, steps: rounds * steps, epsilon, delta });
      await measure(patientsPerSite, 'dp-sgd', sgd(z));
    }
  }
  for (const noiseMultiplier of [0.003, 0.01, 0.03, 0.1]) {
    await measure(12, 'noisy-update', { kind: 'noisy-update', clipNorm: 5, noiseMultiplier });
  }
  return results;
}
