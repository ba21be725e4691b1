/**
 * Whether a network's probabilities mean what they say: of the voxels that it gives 80 %, 80 % should be what it says.
 *
 * A region's probability at a voxel is the sum of the softmax probabilities of its classes, on the plan's grid, of the logits
 * from which the prediction is made. Of it, region by region: the Brier score (Brier 1950), the mean squared difference
 * between probability and reference (0 or 1); and the expected calibration error over ten bins of equal width (Naeini et al.
 * 2015, Guo et al. 2017): the difference of mean probability and share of the reference in a bin, weighted by its voxels.
 *
 * Counted are the voxels of the reference's bounding box with a margin, after Mehrtash et al. 2020 (IEEE TMI 39:3868): in
 * a whole body nearly every voxel is background that no network doubts, and every network would seem calibrated. Each region
 * has a box of its own; the margin is in millimetres here, so that it is the same at all spacings. What a network finds
 * outside of the box is not counted: that is what false positives in `score.ts` are.
 *
 * Null: the region is not in the reference, so that there is no box; or a probability was not finite.
 */
import type { Geometry, LabelMap } from '@consilium/imaging';
import type { Plan } from './plan.ts';
import { prepareLabel } from './preprocess.ts';
import type { Region } from './regions.ts';
import type { FinishedSlices } from './sliding-window.ts';

/** Of equal width over 0 .. 1. */
const binCount = 10;
const marginMm = 10;

/** Of the voxels whose probability is above the bin's lower edge and not above its upper one; 0 is in the first bin. */
interface ReliabilityBin {
  readonly voxels: number;
  /** Sum over the voxels. */
  readonly probability: number;
  /** Voxels that the reference has in the region. */
  readonly reference: number;
}

export interface RegionCalibration {
  /** 0 (best) .. 1. */
  readonly brier: number;
  /** 0 (best) .. 1. */
  readonly ece: number;
  /** From low probability to high. */
  readonly bins: readonly ReliabilityBin[];
}

/** Finished planes with the plan's grid that they are planes of. */
export interface PlannedSlices extends FinishedSlices {
  readonly geometry: Geometry;
}

/** Of one case: takes the planes of logits as they come, and holds none. */
export class CaseCalibration {
  readonly #reference: LabelMap;
  readonly #plan: Pick<Plan, 'classes' | 'regions'>;
  #sums: readonly RegionSums[] | undefined;

  /** @param reference on any grid of the image's patient space; a channel of the logits is a class value, as in `Predictor` */
  constructor(reference: LabelMap, plan: Pick<Plan, 'classes' | 'regions'>) {
    this.#reference = reference;
    this.#plan = plan;
  }

  add(slices: PlannedSlices): void {
    this.#sums ??= this.#begun(slices.geometry);
    for (const each of this.#sums) each.add(slices);
  }

  /** By region name, in the plan's order. */
  finish(): Readonly<Record<string, RegionCalibration | null>> {
    return Object.fromEntries((this.#sums ?? []).map((each) => [each.name, each.finish()]));
  }

  #begun(geometry: Geometry): RegionSums[] {
    const label = prepareLabel(this.#reference, geometry, this.#plan);
    return this.#plan.regions.map((region) => new RegionSums(region, label, geometry));
  }
}

/** First voxel and the one after the last, along z, y, x. */
type Box = readonly [readonly [number, number], readonly [number, number], readonly [number, number]];

/** Voxel after voxel from first to last, so that it does not matter how the planes were divided. */
class RegionSums {
  readonly name: string;
  /** By class value. */
  readonly #belongs = new Uint8Array(256);
  readonly #label: Uint8Array;
  readonly #box: Box | null;
  readonly #voxels = new Float64Array(binCount);
  readonly #probability = new Float64Array(binCount);
  readonly #positive = new Float64Array(binCount);
  #squares = 0;

  constructor({ classes, name }: Region, label: Uint8Array, geometry: Geometry) {
    this.name = name;
    for (const value of classes) this.#belongs[value] = 1;
    this.#label = label;
    this.#box = boxOf(label, this.#belongs, geometry);
  }

  add({ count, first, geometry, logits }: PlannedSlices): void {
    if (this.#box === null) return;
    const [, height, width] = geometry.size;
    const [[zFrom, zTo], [yFrom, yTo], [xFrom, xTo]] = this.#box;
    const voxels = count * height * width;
    for (let z = Math.max(zFrom, first); z < Math.min(zTo, first + count); z++) {
      for (let y = yFrom; y < yTo; y++) {
        const row = (z * height + y) * width;
        for (let x = xFrom; x < xTo; x++) {
          const probability = this.#probabilityAt(logits, row + x - first * height * width, voxels);
          this.#count(probability, this.#belongs[this.#label[row + x]!]!);
        }
      }
    }
  }

  finish(): RegionCalibration | null {
    if (this.#box === null || !Number.isFinite(this.#squares)) return null;
    const bins = Array.from({ length: binCount }, (_, bin) => ({
      voxels: this.#voxels[bin]!,
      probability: this.#probability[bin]!,
      reference: this.#positive[bin]!,
    }));
    const counted = bins.reduce((sum, { voxels }) => sum + voxels, 0);
    const gaps = bins.reduce((sum, { probability, reference }) => sum + Math.abs(probability - reference), 0);
    return { brier: this.#squares / counted, ece: gaps / counted, bins };
  }

  /** Softmax over the channels, summed over those of the region; never above 1. */
  #probabilityAt(logits: Float32Array, voxel: number, voxels: number): number {
    let largest = Number.NEGATIVE_INFINITY;
    for (let at = voxel; at < logits.length; at += voxels) largest = Math.max(largest, logits[at]!);
    let inside = 0;
    let all = 0;
    for (let at = voxel, channel = 0; at < logits.length; at += voxels, channel++) {
      const share = Math.exp(logits[at]! - largest);
      all += share;
      if (this.#belongs[channel] === 1) inside += share;
    }
    return inside / all;
  }

  #count(probability: number, isReference: number): void {
    this.#squares += (probability - isReference) ** 2;
    const bin = Math.max(0, Math.ceil(probability * binCount) - 1);
    this.#voxels[bin]! += 1;
    this.#probability[bin]! += probability;
    this.#positive[bin]! += isReference;
  }
}

/** Around the voxels that belong, with the margin, inside the grid; null: there are none. */
function boxOf(label: Uint8Array, belongs: Uint8Array, { size, spacingMm }: Geometry): Box | null {
  const [, height, width] = size;
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [-1, -1, -1];
  for (let index = 0; index < label.length; index++) {
    if (belongs[label[index]!] !== 1) continue;
    const at = [Math.floor(index / (width * height)), Math.floor(index / width) % height, index % width];
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis]!, at[axis]!);
      high[axis] = Math.max(high[axis]!, at[axis]!);
    }
  }
  if (high[0] === -1) return null;
  const along = (axis: 0 | 1 | 2): readonly [number, number] => {
    const margin = Math.ceil(marginMm / spacingMm[axis]);
    return [Math.max(0, low[axis]! - margin), Math.min(size[axis], high[axis]! + margin + 1)];
  };
  return [along(0), along(1), along(2)];
}
