/**
 * Membership inference: was this patient among those the model was trained on? The attacker has the model and the
 * patient's images and segmentation. By a threshold on the loss (Yeom et al. 2018, arXiv:1709.01604), and by what the loss
 * is in models trained with and without the patient (LiRA; Carlini et al. 2022, arXiv:2112.03570). Each model is attacked
 * in turn, with all others as its shadows.
 */
import { createTrainingProgram } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { epsilonOf, noiseMultiplierFor } from '@consilium/federation';
import { createRandom, tensor, type Weights } from '@consilium/numerics';
import type { Privacy } from '@consilium/protocol';
import { lossFor, type PreparedCase } from '@consilium/training';
import { federated } from './federation.ts';
import { network, patients, plan } from './problem.ts';

const modelCount = 16;
const population = patients(3, 24);
const privateSteps = 40;
const plainSteps = 250;
const samplingRate = 0.5;
const delta = 1e-3;

interface Membership {
  readonly protection: string;
  readonly epsilon: number | null;
  /** Area under the ROC curve: 0.5 is guessing, 1 is knowing. */
  readonly threshold: number;
  readonly lira: number;
  /** Share of members that LiRA finds while it takes one in ten of the others for one. */
  readonly liraFound: number;
  /** Mean loss of members, and of those who were not: how good the model is. */
  readonly membersLoss: number;
  readonly othersLoss: number;
}

export async function measureMembership(say: (line: string) => void): Promise<Membership[]> {
  const results: Membership[] = [];
  const measure = async (protection: string, privacy: Privacy | null, epsilon: number | null) => {
    const attacked = attack(await trainAll(privacy));
    results.push({ protection, epsilon, ...attacked });
    say(
      `membership, ${protection}, ε ${epsilon?.toFixed(1) ?? '–'}: threshold ${attacked.threshold.toFixed(2)}, LiRA ${attacked.lira.toFixed(2)} (finds ${attacked.liraFound.toFixed(2)}), loss ${attacked.membersLoss.toFixed(3)} and ${attacked.othersLoss.toFixed(3)}`,
    );
  };
  await measure('none', null, null);
  await measure('noisy-update', { kind: 'noisy-update', clipNorm: 20, noiseMultiplier: 0.003 }, null);
  const sgd = (noiseMultiplier: number): Privacy => ({
    kind: 'dp-sgd',
    clipNorm: 0.3,
    noiseMultiplier,
    samplingRate,
  });
  await measure('dp-sgd, no noise', sgd(1e-6), null);
  for (const epsilon of [100, 8]) {
    const noiseMultiplier = noiseMultiplierFor({ samplingRate, steps: privateSteps, epsilon, delta });
    const paid = epsilonOf([{ samplingRate, noiseMultiplier, steps: privateSteps }], delta);
    await measure('dp-sgd', sgd(noiseMultiplier), paid);
  }
  return results;
}

interface Outcomes {
  /** By model, by patient. */
  readonly isMember: readonly (readonly boolean[])[];
  readonly losses: readonly (readonly number[])[];
}

/** One site's models, each trained on its own random half of the population. */
async function trainAll(privacy: Privacy | null): Promise<Outcomes> {
  const model = network(1);
  const isMember: boolean[][] = [];
  const losses: number[][] = [];
  for (let index = 0; index < modelCount; index++) {
    const chosen = new Set(
      createRandom(1, 'half', index)
        .shuffle(population)
        .slice(0, population.length / 2),
    );
    const isPrivate = privacy?.kind === 'dp-sgd';
    const weights = await federated({
      model,
      sites: [population.filter((one) => chosen.has(one))],
      rounds: 1,
      steps: isPrivate ? privateSteps : plainSteps,
      learningRate: isPrivate ? 1 : 0.02,
      ...(isPrivate ? { optimiser: { kind: 'sgd', momentum: 0.5, nesterov: false } as const } : {}),
      privacy,
      seed: index,
    });
    isMember.push(population.map((one) => chosen.has(one)));
    losses.push(await lossesOf(weights, population));
  }
  return { isMember, losses };
}

async function lossesOf(weights: Weights, cases: readonly PreparedCase[]): Promise<number[]> {
  const loss = lossFor(plan.loss);
  const optimiser = { kind: 'sgd', momentum: 0, nesterov: false } as const;
  await using program = await createTrainingProgram(nodeRuntime(), { model: network(1), loss, optimiser, threads: 1 });
  program.setWeights(weights);
  const shape = [1, 1, ...plan.patchSize];
  const found: number[] = [];
  for (const one of cases) {
    const image = tensor('float32', shape, one.image);
    found.push(
      (await program.gradients({ image, label: tensor('float32', shape, Float32Array.from(one.label)) })).loss,
    );
  }
  return found;
}

function attack({ isMember, losses }: Outcomes): Omit<Membership, 'protection' | 'epsilon'> {
  const byLoss: [number, boolean][] = [];
  const byRatio: [number, boolean][] = [];
  for (let target = 0; target < modelCount; target++) {
    for (const [patient] of population.entries()) {
      const truth = isMember[target]![patient]!;
      const own = Math.log(losses[target]![patient]!);
      const others = losses.flatMap((all, index) =>
        index === target ? [] : [{ value: Math.log(all[patient]!), isIn: isMember[index]![patient]! }],
      );
      byLoss.push([-own, truth]);
      byRatio.push([logRatio(own, others), truth]);
    }
  }
  const mean = (wanted: boolean) => {
    const values = losses.flatMap((all, model) => all.filter((_, patient) => isMember[model]![patient] === wanted));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return {
    threshold: areaUnderCurve(byLoss),
    lira: areaUnderCurve(byRatio),
    liraFound: foundAt(byRatio, 0.1),
    membersLoss: mean(true),
    othersLoss: mean(false),
  };
}

/** ln of how much likelier the loss is in models that knew the patient: normal, of one variance, since shadows are few. */
function logRatio(own: number, others: readonly { value: number; isIn: boolean }[]): number {
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const inside = others.filter(({ isIn }) => isIn).map(({ value }) => value);
  const outside = others.filter(({ isIn }) => !isIn).map(({ value }) => value);
  if (inside.length === 0 || outside.length === 0) return 0;
  const [m, n] = [meanOf(inside), meanOf(outside)];
  const squares = [...inside.map((value) => (value - m) ** 2), ...outside.map((value) => (value - n) ** 2)];
  return ((own - n) ** 2 - (own - m) ** 2) / (2 * meanOf(squares) + 1e-12);
}

function areaUnderCurve(scored: readonly (readonly [number, boolean])[]): number {
  const members = scored.flatMap(([score, truth]) => (truth ? [score] : []));
  const others = scored.flatMap(([score, truth]) => (truth ? [] : [score]));
  let wins = 0;
  for (const one of members) for (const other of others) wins += one > other ? 1 : one === other ? 0.5 : 0;
  return wins / (members.length * others.length);
}

/** Share of members above the score that so much of the others reach. */
function foundAt(scored: readonly (readonly [number, boolean])[], falseShare: number): number {
  const others = scored.flatMap(([score, truth]) => (truth ? [] : [score])).sort((a, b) => b - a);
  const threshold = others[Math.floor(falseShare * others.length)]!;
  const members = scored.filter(([, truth]) => truth);
  return members.filter(([score]) => score > threshold).length / members.length;
}
