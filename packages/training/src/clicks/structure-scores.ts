/** How good a network is that is clicked on, structure by structure of a case: what is measured of it wherever it is judged. */
import type { LabelMap } from '@consilium/imaging';
import type { PreparedImage } from '../preprocess.ts';
import type { ClickPredictor } from './click-predictor.ts';
import { type ClickScore, scoreClicks } from './click-score.ts';

export interface StructureScoresOptions {
  readonly predictor: ClickPredictor;
  readonly prepared: PreparedImage;
  /** After how many clicks the Dice is wanted, ascending. */
  readonly clicks: readonly number[];
  /** The mask after so many is wanted. */
  readonly keep: number;
  readonly signal?: AbortSignal;
}

/**
 * A simulated reader clicks on each structure alone, with nothing drawn at first, where the mask is most wrong. No chance is
 * in it: the same twice is the same.
 * @param structures `reference`: 1 inside; all on one grid, the image's own or the prepared one. One without a voxel is left
 * out: there is nothing of it to click on.
 */
export async function scoreStructures<T extends { readonly reference: LabelMap }>(
  structures: readonly T[],
  { clicks, predictor, prepared, ...options }: StructureScoresOptions,
): Promise<(T & { readonly score: ClickScore })[]> {
  const present = structures.filter(({ reference }) => reference.voxels.includes(1));
  const geometry = present[0]?.reference.geometry;
  const { signal } = options;
  const automatic =
    geometry !== undefined && clicks.includes(0)
      ? await predictor.withoutClicks(prepared, geometry, signal && { signal })
      : null;
  const scored: (T & { readonly score: ClickScore })[] = [];
  for (const one of present) {
    const trial = { ...options, predictor, prepared, clicks, automatic, reference: one.reference };
    scored.push({ ...one, score: await scoreClicks(trial) });
  }
  return scored;
}
