/**
 * Counts over equally wide bins: the one form in which a site's data characteristics leave it. Whole counts add exactly, so
 * merging is the same in whatever order the sites came, and no single value can be read back finer than its bin.
 */
import { z } from 'zod';

export const histogramSchema = z.strictObject({
  /** Width of a bin, in the unit of what is counted. */
  binWidth: z.number().positive(),
  /** Bin k is centred on k * binWidth; `firstBin` is the k of `counts[0]`. */
  firstBin: z.int(),
  counts: z.array(z.int().nonnegative()),
});
export type Histogram = Readonly<z.infer<typeof histogramSchema>>;

/** Collects values into bins; values beyond the limits are counted in the outermost bin. */
export class HistogramBuilder {
  readonly #binWidth: number;
  readonly #first: number;
  readonly #counts: Float64Array;

  constructor(options: { binWidth: number; low: number; high: number }) {
    this.#binWidth = options.binWidth;
    this.#first = Math.round(options.low / options.binWidth);
    this.#counts = new Float64Array(Math.round(options.high / options.binWidth) - this.#first + 1);
  }

  add(value: number): void {
    const bin = Math.round(value / this.#binWidth) - this.#first;
    this.#counts[Math.min(Math.max(bin, 0), this.#counts.length - 1)]! += 1;
  }

  build(): Histogram {
    return trimmed(this.#binWidth, this.#first, this.#counts);
  }
}

/** The sum of the histograms, bin by bin; associative and commutative. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const binWidth = histograms[0]?.binWidth ?? 1;
  const filled = histograms.filter(({ counts }) => counts.length > 0);
  if (filled.length === 0) return { binWidth, firstBin: 0, counts: [] };
  const first = Math.min(...filled.map(({ firstBin }) => firstBin));
  const end = Math.max(...filled.map(({ firstBin, counts }) => firstBin + counts.length));
  const sums = new Float64Array(end - first);
  for (const { firstBin, counts } of filled) {
    for (let index = 0; index < counts.length; index++) sums[firstBin - first + index]! += counts[index]!;
  }
  return trimmed(binWidth, first, sums);
}

export function histogramCount({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The value below which a share of the counted values lies, linear between the order statistics as numpy.percentile does
 * it; each value stands at its bin's centre.
 * @param share 0 .. 1
 * @returns NaN if nothing was counted
 */
export function histogramQuantile(histogram: Histogram, share: number): number {
  const total = histogramCount(histogram);
  if (total === 0) return Number.NaN;
  const position = share * (total - 1);
  const below = orderStatistic(histogram, Math.floor(position));
  const above = orderStatistic(histogram, Math.ceil(position));
  return below + (above - below) * (position - Math.floor(position));
}

/** Mean and population standard deviation of the counted values, each at its bin's centre. */
export function histogramMoments({ binWidth, firstBin, counts }: Histogram): { mean: number; std: number } {
  let total = 0;
  let sum = 0;
  counts.forEach((count, index) => {
    total += count;
    sum += count * (firstBin + index);
  });
  const meanBin = sum / total;
  let squares = 0;
  counts.forEach((count, index) => {
    squares += count * (firstBin + index - meanBin) ** 2;
  });
  return { mean: meanBin * binWidth, std: Math.sqrt(squares / total) * binWidth };
}

function orderStatistic({ binWidth, firstBin, counts }: Histogram, rank: number): number {
  let passed = 0;
  for (let index = 0; index < counts.length; index++) {
    passed += counts[index]!;
    if (passed > rank) return (firstBin + index) * binWidth;
  }
  return (firstBin + counts.length - 1) * binWidth;
}

function trimmed(binWidth: number, first: number, counts: Float64Array): Histogram {
  let start = 0;
  let end = counts.length;
  while (start < end && counts[start] === 0) start++;
  while (end > start && counts[end - 1] === 0) end--;
  if (start === end) return { binWidth, firstBin: 0, counts: [] };
  return { binWidth, firstBin: first + start, counts: Array.from(counts.subarray(start, end)) };
}
