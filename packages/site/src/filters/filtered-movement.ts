/**
 * The filters themselves: how far each number of the weights has moved from what the site was sent, before and after. Pure;
 * chance is injected. Each does as NVFlare's of the same kind does, where it has one, but for single numbers: NVFlare lets
 * them pass as they are, which tells whatever is in them; here they are filtered as all others.
 */
import { matchesAny } from '@consilium/federation';
import type { WeightFilter } from './filter-spec.ts';

/** By tensor; float64, new minus sent. */
export type Movement = ReadonlyMap<string, Float64Array>;

export interface FilterChance {
  /** Adds N(0, `deviation`²) to each value, in place. */
  addGaussian(values: Float64Array, deviation: number): void;
  /** A draw from the Laplace distribution around 0 with the scale b. */
  laplace(scale: number): number;
  /** Uniform whole number in 0 .. below - 1. */
  integer(below: number): number;
}

export interface Moving {
  /** Gradient steps of the round: what is limited "a step" is limited to so many times that. */
  readonly steps: number;
  readonly chance: FilterChance;
}

/** @returns new arrays; the order of tensors is kept */
export function filteredMovement(movement: Movement, filter: WeightFilter, { steps, chance }: Moving): Movement {
  switch (filter.kind) {
    case 'clip': {
      const norm = Math.sqrt(sum(movement, (value) => value * value));
      const factor = norm > filter.norm ? filter.norm / norm : 1;
      return mapped(movement, (value) => value * factor);
    }
    case 'percentile':
      return largest(movement, filter, steps);
    case 'sparse-vector':
      return sparse(movement, filter, { steps, chance });
    case 'exclude':
      return new Map(
        [...movement].map(([name, values]) => [
          name,
          matchesAny(name, filter.tensors) ? new Float64Array(values.length) : values.slice(),
        ]),
      );
    case 'quantise':
      return new Map([...movement].map(([name, values]) => [name, quantised(values, filter.bits)]));
    case 'noise': {
      const noisy = mapped(movement, (value) => value);
      for (const values of noisy.values()) chance.addGaussian(values, filter.deviation);
      return noisy;
    }
  }
}

function largest(
  movement: Movement,
  { percentile, gamma }: Extract<WeightFilter, { kind: 'percentile' }>,
  steps: number,
): Movement {
  const cutoff = percentileOf(movement, percentile) / steps;
  return new Map(
    [...movement].map(([name, values]) => [
      name,
      values.map((value) => (Math.abs(value / steps) < cutoff ? 0 : clamped(value / steps, gamma) * steps)),
    ]),
  );
}

/** Of the absolute values, between two of them in proportion. */
function percentileOf(movement: Movement, percentile: number): number {
  const all = new Float64Array([...movement.values()].reduce((count, { length }) => count + length, 0));
  let at = 0;
  for (const values of movement.values()) for (const value of values) all[at++] = Math.abs(value);
  if (all.length === 0) return 0;
  all.sort();
  const place = (percentile / 100) * (all.length - 1);
  const below = Math.floor(place);
  const above = Math.min(all.length - 1, below + 1);
  return all[below]! + (all[above]! - all[below]!) * (place - below);
}

/**
 * The threshold is noisy once, each question anew, until enough have been answered with yes; of those, as many as may go out
 * are drawn without putting back, and made noisy. The ε of the choice is split 1 : (2c)^(2/3) between threshold and
 * questions (Lyu, Su and Li 2017, section 4.2).
 */
function sparse(
  movement: Movement,
  { fraction, epsilon, releaseEpsilon, gamma, tau }: Extract<WeightFilter, { kind: 'sparse-vector' }>,
  { steps, chance }: Moving,
): Movement {
  const names = [...movement.keys()].sort();
  const places = names.flatMap((name) => Array.from(movement.get(name)!, (_, index) => [name, index] as const));
  const count = Math.min(places.length, Math.ceil(places.length * fraction));
  const share = (2 * count) ** (2 / 3);
  const thresholdEpsilon = epsilon / (1 + share);
  const threshold = tau + chance.laplace(gamma / thresholdEpsilon);
  const questionScale = (2 * count * gamma) / (epsilon - thresholdEpsilon);
  const moved = places.map(([name, index]) => clamped(movement.get(name)![index]! / steps, gamma));
  const accepted: number[] = [];
  let open = moved.map((_, place) => place);
  while (accepted.length < count) {
    const left: number[] = [];
    for (const place of open) {
      const isAbove = Math.abs(moved[place]!) + chance.laplace(questionScale) >= threshold;
      (isAbove ? accepted : left).push(place);
    }
    open = left;
  }
  const out = new Map([...movement].map(([name, { length }]) => [name, new Float64Array(length)]));
  const scale = (2 * count * gamma) / releaseEpsilon;
  for (const place of drawn(accepted, count, chance).sort((one, other) => one - other)) {
    const [name, index] = places[place]!;
    out.get(name)![index] = (moved[place]! + chance.laplace(scale)) * steps;
  }
  return out;
}

/** `count` of the items, each as likely. */
function drawn<T>(items: readonly T[], count: number, chance: FilterChance): T[] {
  const left = [...items];
  if (left.length === count) return left;
  for (let index = 0; index < count; index++) {
    const other = index + chance.integer(left.length - index);
    [left[index], left[other]] = [left[other]!, left[index]!];
  }
  return left.slice(0, count);
}

function quantised(values: Float64Array, bits: number): Float64Array {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const levels = 2 ** (bits - 1) - 1;
  const step = largest / levels;
  return step === 0 ? values.slice() : values.map((value) => Math.round(value / step) * step);
}

function clamped(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}

function mapped(movement: Movement, change: (value: number) => number): Map<string, Float64Array> {
  return new Map([...movement].map(([name, values]) => [name, values.map(change)]));
}

function sum(movement: Movement, of: (value: number) => number): number {
  let total = 0;
  for (const values of movement.values()) for (const value of values) total += of(value);
  return total;
}
