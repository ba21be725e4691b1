/**
 * The site's half of federated statistics: what it says about its variables, plain lists of numbers by name. Too small a
 * group is never answered for, and the ends of a range, which are numbers of single patients, are moved outward.
 */
import { momentsOf, type Random } from '@consilium/numerics';
import type { ContributionTo, TaskBody, VariableHistogram, VariableSummary } from '@consilium/protocol';

export interface StatisticsGuard {
  /** The smallest group that this site answers for; the larger of this and the task's holds. */
  readonly minimumCount: number;
  /**
   * By what share of the range each of its ends is moved outward at most, in place of what the task asks: from two answers
   * to different shares the true end would follow. As the task asks, where absent.
   */
  readonly widenedBy?: number;
  /** From a seed that never leaves the site, and the same whenever it is asked: noise that is drawn anew averages out. */
  readonly random: Random;
}

/** `values`: by variable; numbers that are not finite are passed over. */
export function statisticsTask(
  values: Readonly<Record<string, readonly number[]>>,
  { question, minimumCount }: Extract<TaskBody, { kind: 'statistics' }>,
  guard: StatisticsGuard,
): ContributionTo<'statistics'> {
  const least = Math.max(minimumCount, guard.minimumCount);
  const groupOf = (name: string): readonly number[] | null => {
    const finite = Object.hasOwn(values, name) ? values[name]!.filter(Number.isFinite) : [];
    return finite.length < least ? null : finite;
  };
  switch (question.kind) {
    case 'summary': {
      const widening = question.range === 'none' ? null : (guard.widenedBy ?? question.range.widenedByMax);
      const variables = question.variables.map((name) => {
        const group = groupOf(name);
        return [name, group && summaryOf(group, widening, guard.random.fork(name))];
      });
      return { kind: 'statistics', answer: { kind: 'summary', variables: Object.fromEntries(variables) } };
    }
    case 'histogram': {
      const variables = Object.entries(question.edges).map(([name, edges]) => {
        const group = groupOf(name);
        return [name, group && histogramOf(group, edges, least)];
      });
      return { kind: 'statistics', answer: { kind: 'histogram', variables: Object.fromEntries(variables) } };
    }
  }
}

function summaryOf(values: readonly number[], widening: number | null, random: Random): VariableSummary {
  return { ...momentsOf(values), range: widening === null ? null : widened(values, widening, random) };
}

/** Each end is moved by a share of the range of its own. Where all values are equal, the range is taken as their size. */
function widened(values: readonly number[], widenedByMax: number, random: Random): { min: number; max: number } {
  const min = values.reduce((least, value) => Math.min(least, value));
  const max = values.reduce((most, value) => Math.max(most, value));
  const span = max > min ? max - min : Math.max(Math.abs(max), 1);
  return {
    min: min - span * random.between(0, widenedByMax),
    max: max + span * random.between(0, widenedByMax),
  };
}

function histogramOf(values: readonly number[], edges: readonly number[], least: number): VariableHistogram {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) counts[binOf(value, edges)]! += 1;
  return { count: values.length, bins: counts.map((count) => (count < least ? null : count)) };
}

/** Bin k holds the values from edge k - 1 up to, but not at, edge k; the last between two edges holds its upper one too. */
function binOf(value: number, edges: readonly number[]): number {
  if (value === edges.at(-1)) return edges.length - 1;
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
