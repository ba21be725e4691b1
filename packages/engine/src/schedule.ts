/** Learning rates over a training: a pure function of the step, so that a resumed training goes on where it was. */
import { assertNever } from './engine-error.ts';

interface ScheduleBounds {
  /** Learning rate at its highest. */
  readonly base: number;
  /** Steps of the whole training, warm-up included. From there on the rate stays at its last value. */
  readonly totalSteps: number;
  /** Steps in which the rate rises linearly, from base / (warmUpSteps + 1). */
  readonly warmUpSteps?: number;
  /** Rate at the end. */
  readonly final?: number;
}

export type Schedule =
  | { readonly kind: 'constant'; readonly base: number; readonly warmUpSteps?: number }
  /** (1 - t)^power, nnU-Net's rule with 0.9: Isensee et al. 2021. */
  | ({ readonly kind: 'polynomial'; readonly power?: number } & ScheduleBounds)
  /** Half a cosine: Loshchilov and Hutter 2017, without restarts. */
  | ({ readonly kind: 'cosine' } & ScheduleBounds);

/** The learning rate of a step, counted from 0. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const warmUp = schedule.warmUpSteps ?? 0;
  if (step < warmUp) return (schedule.base * (step + 1)) / (warmUp + 1);
  if (schedule.kind === 'constant') return schedule.base;
  const { base, totalSteps, final = 0 } = schedule;
  const progress = Math.min(1, (step - warmUp) / Math.max(1, totalSteps - warmUp));
  switch (schedule.kind) {
    case 'polynomial':
      return final + (base - final) * (1 - progress) ** (schedule.power ?? 0.9);
    case 'cosine':
      return final + ((base - final) * (1 + Math.cos(Math.PI * progress))) / 2;
    default:
      return assertNever(schedule);
  }
}
