/** Count, sum and squared deviations of values: all that their mean and variance need, and they add up over groups. */

export interface Moments {
  readonly count: number;
  readonly sum: number;
  /** Sum of the squared differences from the mean of these values. */
  readonly squaredDeviations: number;
}

export function momentsOf(values: readonly number[]): Moments {
  const sum = values.reduce((total, value) => total + value, 0);
  const mean = sum / values.length;
  const squaredDeviations = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { count: values.length, sum, squaredDeviations };
}

/** Of all values together, from sums about each group's own mean, so that nothing cancels (Chan et al. 1979). */
export function mergedMoments(moments: readonly Moments[]): Moments {
  const count = moments.reduce((total, each) => total + each.count, 0);
  const sum = moments.reduce((total, each) => total + each.sum, 0);
  const mean = sum / count;
  const squaredDeviations = moments.reduce(
    (total, each) => total + each.squaredDeviations + each.count * (each.sum / each.count - mean) ** 2,
    0,
  );
  return { count, sum, squaredDeviations };
}
