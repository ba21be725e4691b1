/** A mean with its 95 % interval: the percentile bootstrap over cases (Efron 1979), from a seed, so that it can be repeated. */
import { createRandom } from '@consilium/numerics';

export interface MeanInterval {
  readonly cases: number;
  readonly mean: number;
  /** Undefined with fewer than three cases: they say nothing of how others would be. */
  readonly low: number | undefined;
  readonly high: number | undefined;
}

const resamples = 2000;

/** Undefined without any value. */
export function meanIntervalOf(values: readonly number[]): MeanInterval | undefined {
  if (values.length === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 3) return { cases: values.length, mean, low: undefined, high: undefined };
  const random = createRandom('reading', 'interval', values.length);
  const means = Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let draw = 0; draw < values.length; draw++) sum += values[random.integer(0, values.length)]!;
    return sum / values.length;
  }).sort((a, b) => a - b);
  return { cases: values.length, mean, low: means[resamples * 0.025]!, high: means[resamples * 0.975 - 1]! };
}
