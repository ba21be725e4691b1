/**
 * In which order cases are offered to readers where nothing else decides: what is known of each case, and a rule. Pure: the same
 * cases give the same order, whichever way they come in.
 */
import { createRandom } from '@consilium/numerics';

export type OrderStrategy = 'oldest' | 'random' | 'uncertainty' | 'uncertainty-diversity' | 'disagreement';

export interface OrderedCase {
  readonly caseId: string;
  readonly createdMs: number;
  /** Of what the model proposed, 0 to 1; undefined where it has not proposed anything. */
  readonly uncertainty: number | undefined;
  /** Between what the last two models proposed, 0 to 1. */
  readonly disagreement: number | undefined;
  /** What the case looks like; all of one length. */
  readonly descriptors: readonly number[] | undefined;
}

export interface OrderContext {
  /** Of cases that were read or are being read: what is like them teaches less. */
  readonly seen: readonly (readonly number[])[];
  /** Of the random order; the same for a project. */
  readonly seed: string;
}

/** All of the cases. Those of which a strategy knows nothing come last, the oldest first. */
export function orderOf(
  strategy: OrderStrategy,
  cases: readonly OrderedCase[],
  context: OrderContext,
): readonly OrderedCase[] {
  switch (strategy) {
    case 'oldest':
      return cases.toSorted(byAge);
    case 'random':
      // Drawn for each case by itself, so that a case that comes or goes moves no other.
      return byValue(cases, ({ caseId }) => createRandom('case order', context.seed, caseId).uniform());
    case 'uncertainty':
      return byValue(cases, ({ uncertainty }) => uncertainty);
    case 'disagreement':
      return byValue(cases, ({ disagreement }) => disagreement);
    case 'uncertainty-diversity':
      return farthestFirst(cases, context);
  }
}

function byAge(a: OrderedCase, b: OrderedCase): number {
  return a.createdMs - b.createdMs || (a.caseId < b.caseId ? -1 : 1);
}

/** The largest first; age only decides between equals. */
function byValue(
  cases: readonly OrderedCase[],
  valueFor: (one: OrderedCase) => number | undefined,
): readonly OrderedCase[] {
  const value = new Map(cases.map((one) => [one, valueFor(one) ?? Number.NEGATIVE_INFINITY]));
  return cases.toSorted((a, b) => {
    const [one, other] = [value.get(a)!, value.get(b)!];
    return one === other ? byAge(a, b) : other - one;
  });
}

/**
 * Greedy k-centre (Gonzalez 1985; Sener and Savarese 2018 for active learning), weighted: the next case is that of the largest
 * product of uncertainty and distance to the nearest that was seen or chosen.
 */
function farthestFirst(cases: readonly OrderedCase[], { seen }: OrderContext): readonly OrderedCase[] {
  const left = byValue(cases, ({ uncertainty }) => uncertainty).filter(isKnown);
  const unknown = cases.filter((one) => !isKnown(one)).toSorted(byAge);
  const scaled = scalingOf([...seen, ...left.map(({ descriptors }) => descriptors)]);
  const points = new Map(left.map((one) => [one, scaled(one.descriptors)]));
  const nearest = new Map(left.map((one) => [one, seen.length === 0 ? 1 : Number.POSITIVE_INFINITY]));
  const approach = (centre: readonly number[], isFirst: boolean) => {
    for (const one of left) {
      const distance = Math.hypot(...points.get(one)!.map((value, at) => value - centre[at]!));
      nearest.set(one, isFirst ? distance : Math.min(nearest.get(one)!, distance));
    }
  };
  for (const one of seen) approach(scaled(one), false);
  const chosen: OrderedCase[] = [];
  while (left.length > 0) {
    let best = 0;
    const worth = (one: (typeof left)[number]) => one.uncertainty * nearest.get(one)!;
    for (let at = 1; at < left.length; at++) if (worth(left[at]!) > worth(left[best]!)) best = at;
    const [taken] = left.splice(best, 1);
    approach(points.get(taken!)!, seen.length === 0 && chosen.length === 0);
    chosen.push(taken!);
  }
  return [...chosen, ...unknown];
}

type KnownCase = OrderedCase & { readonly uncertainty: number; readonly descriptors: readonly number[] };

function isKnown(one: OrderedCase): one is KnownCase {
  return one.uncertainty !== undefined && one.descriptors !== undefined;
}

/** To mean 0 and deviation 1 over all, so that no descriptor counts more for its unit. */
function scalingOf(all: readonly (readonly number[])[]): (one: readonly number[]) => readonly number[] {
  const length = all[0]?.length ?? 0;
  const means = Array.from({ length }, (_, at) => all.reduce((sum, one) => sum + one[at]!, 0) / all.length);
  const deviations = means.map((mean, at) =>
    Math.sqrt(all.reduce((sum, one) => sum + (one[at]! - mean) ** 2, 0) / all.length),
  );
  return (one) => one.map((value, at) => (deviations[at]! === 0 ? 0 : (value - means[at]!) / deviations[at]!));
}
