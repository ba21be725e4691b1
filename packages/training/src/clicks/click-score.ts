/** How good a mask is after so many clicks, by a simulated reader who clicks where it is most wrong. */
import { dice, type Geometry, type LabelMap } from '@consilium/imaging';
import type { PreparedImage } from '../preprocess.ts';
import type { ClickAnswer } from './click-field.ts';
import type { Click } from './click-input.ts';
import type { ClickPredictor } from './click-predictor.ts';
import { nextClicks } from './click-simulation.ts';

export interface ClickTrial {
  readonly predictor: ClickPredictor;
  readonly prepared: PreparedImage;
  /** What should be marked, 1 inside, on the image's own grid or the prepared one. */
  readonly reference: LabelMap;
  /** After how many clicks the Dice is wanted, ascending. */
  readonly clicks: readonly number[];
  /** The mask after so many is wanted. */
  readonly keep: number;
  /** What `withoutClicks` gave on the reference's grid; needed where `clicks` asks for 0. */
  readonly automatic: LabelMap | null;
  readonly signal?: AbortSignal;
}

export interface ClickScore {
  /** By number of clicks. A mask without an error is not clicked on any more and stays as it is. */
  readonly diceAfter: ReadonlyMap<number, number>;
  /** After `keep` clicks. */
  readonly mask: Uint8Array;
}

/** Begins with nothing drawn. The reference must hold at least one voxel. */
export async function scoreClicks(trial: ClickTrial): Promise<ClickScore> {
  const { predictor, prepared, reference, automatic, signal } = trial;
  const { geometry, voxels: target } = reference;
  const mask = new Uint8Array(target.length);
  const diceAfter = new Map<number, number>();
  const clicks: Click[] = [];
  let kept: Uint8Array = mask;
  for (const count of trial.clicks) {
    if (count === 0) {
      if (automatic === null) throw new TypeError('a score without clicks needs the mask without clicks');
      diceAfter.set(0, dice(automatic.voxels, target));
      if (count === trial.keep) kept = automatic.voxels;
      continue;
    }
    while (clicks.length < count) {
      const next = nextClicks(mask, target, geometry, { count: 1 });
      if (next.length === 0) break;
      clicks.push(...next);
      applyAnswer(mask, geometry, await predictor.answer(prepared, { geometry, mask, clicks }, signal && { signal }));
    }
    diceAfter.set(count, dice(mask, target));
    if (count === trial.keep) kept = mask.slice();
  }
  return { diceAfter, mask: kept };
}

/** Draws the answer into the mask (out), which is of the answer's grid. */
function applyAnswer(mask: Uint8Array, { size }: Geometry, answer: ClickAnswer): void {
  const [depth, height, width] = answer.size;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const to = ((answer.first[0] + z) * size[1] + answer.first[1] + y) * size[2] + answer.first[2];
      const from = (z * height + y) * width;
      mask.set(answer.mask.subarray(from, from + width), to);
    }
  }
}
