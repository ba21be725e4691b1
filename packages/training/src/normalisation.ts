/** By what the HU of a case are normalised: its phase of contrast enhancement decides, where the plan says so. */
import type { ContrastPhase } from './contrast-phase.ts';
import type { Plan } from './plan.ts';

export interface Normalisation {
  readonly clipHu: readonly [number, number];
  readonly mean: number;
  readonly std: number;
}

/** Of the plan for a phase; the plan's one for all where the phase is unknown, or the plan names none for it. */
export function normalisationFor(
  { normalisation: { phases, ...global } }: Pick<Plan, 'normalisation'>,
  phase: ContrastPhase | undefined,
): Normalisation {
  return { ...global, ...(phase === undefined ? undefined : phases?.[phase]) };
}
