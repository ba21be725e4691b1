/** How values spread: the five numbers of a box plot (Tukey 1977; whiskers to the furthest value within 1.5 IQR). */
import { quantile } from './bootstrap.ts';

export interface Spread {
  readonly count: number;
  readonly lowerWhisker: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly upperWhisker: number;
}

/** Of the values that are numbers; `undefined` if there are none. */
export function spreadOf(values: Iterable<number>): Spread | undefined {
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  if (sorted.length === 0) return undefined;
  const lowerQuartile = quantile(sorted, 0.25);
  const upperQuartile = quantile(sorted, 0.75);
  const reach = 1.5 * (upperQuartile - lowerQuartile);
  return {
    count: sorted.length,
    lowerWhisker: Math.min(lowerQuartile, sorted.find((value) => value >= lowerQuartile - reach)!),
    lowerQuartile,
    median: quantile(sorted, 0.5),
    upperQuartile,
    upperWhisker: Math.max(upperQuartile, sorted.findLast((value) => value <= upperQuartile + reach)!),
  };
}
