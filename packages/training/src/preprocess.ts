/**
 * From a scan to what the network sees: axes to head, back and left; the body cropped out of the air; resampled to the
 * plan's spacing; HU clipped and normalised, by what the plan says for the image's phase of contrast enhancement.
 */
import {
  canonical,
  type Geometry,
  type Image,
  type LabelMap,
  resampleImage,
  resampleLabels,
  respaced,
  type Triple,
} from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import { bodyBox, cropVolume } from './body.ts';
import { type Case, checkCase } from './case.ts';
import type { ContrastPhase } from './contrast-phase.ts';
import { normalisationFor } from './normalisation.ts';
import type { Plan } from './plan.ts';

/** An image in plan space. */
export interface PreparedImage {
  /** Plan spacing, canonical axes, around the body. */
  readonly geometry: Geometry;
  /** `[z, y, x]` float32, normalised: (clipped HU - mean) / std. */
  readonly image: Float32Array;
  /** The normalised value of air: what lies around the image. */
  readonly outside: number;
  /** The grid the image came on. */
  readonly original: Geometry;
}

export interface ForegroundVoxels {
  readonly value: number;
  /** Indices into `image`, ascending; a seeded sample where the class is large. */
  readonly indices: Uint32Array;
}

export interface PreparedCase extends PreparedImage {
  readonly id: string;
  /** `[z, y, x]` class values on `geometry`. */
  readonly label: Uint8Array;
  /** Of every class of the plan that occurs, ascending by value. */
  readonly foreground: readonly ForegroundVoxels[];
}

/** What of a plan decides how a case is prepared; the cache's key is made of it. */
export type PreparationPlan = Pick<Plan, 'classes' | 'spacingMm' | 'normalisation'>;

const foregroundVoxelsMax = 10_000;

/** @throws TrainingError as `checkCase` */
export function preprocess(aCase: Case, plan: PreparationPlan): PreparedCase {
  checkCase(aCase, plan.classes);
  const prepared = prepareImage(aCase.image, plan, aCase.phase);
  const label = prepareLabel(aCase.label, prepared.geometry, plan);
  return { id: aCase.id, ...prepared, label, foreground: foregroundOf(label, plan) };
}

export function prepareImage(image: Image, plan: PreparationPlan, phase?: ContrastPhase): PreparedImage {
  const oriented = canonical(image);
  const body = cropVolume(oriented, bodyBox(oriented));
  const geometry = respaced(body.geometry, plan.spacingMm);
  const { voxels } = resampleImage(averagedDown(body, plan.spacingMm), geometry);
  const { clipHu, mean, std } = normalisationFor(plan, phase);
  const [low, high] = clipHu;
  for (let index = 0; index < voxels.length; index++) {
    voxels[index] = (Math.min(Math.max(voxels[index]!, low), high) - mean) / std;
  }
  return { geometry, image: voxels, outside: outsideValue(plan, phase), original: image.geometry };
}

/** Labels on the plan-space grid of their image. */
export function prepareLabel(labels: LabelMap, geometry: Geometry, plan: Pick<Plan, 'classes'>): Uint8Array {
  const values = plan.classes.map(({ value }) => value);
  return resampleLabels(labels, geometry, values).voxels;
}

/** The normalised value of air. */
export function outsideValue(plan: Pick<Plan, 'normalisation'>, phase?: ContrastPhase): number {
  const { clipHu, mean, std } = normalisationFor(plan, phase);
  return Math.fround((clipHu[0] - mean) / std);
}

/**
 * Means over blocks of voxels along the axes where the plan is at least twice as coarse. Interpolating alone would pick
 * two of the voxels under a coarse one and keep their noise (aliasing).
 */
function averagedDown(image: Image, spacingMm: Triple): Image {
  const { size, spacingMm: fine } = image.geometry;
  const per = (axis: 0 | 1 | 2) => Math.max(1, Math.min(size[axis], Math.floor(spacingMm[axis] / fine[axis] + 1e-3)));
  const factors: Triple = [per(0), per(1), per(2)];
  if (factors.every((factor) => factor === 1)) return image;
  let { voxels, geometry }: Image = image;
  for (const axis of [2, 1, 0] as const)
    ({ voxels, geometry } = averagedAlong({ voxels, geometry }, axis, factors[axis]));
  return { voxels, geometry };
}

/** Blocks of `factor` voxels along one axis; a last incomplete block is left out (the resampling clamps at the edge). */
function averagedAlong({ voxels, geometry }: Image, axis: 0 | 1 | 2, factor: number): Image {
  if (factor === 1) return { voxels, geometry };
  const length = geometry.size[axis];
  const blocks = Math.floor(length / factor);
  const inner = geometry.size.slice(axis + 1).reduce((product, size) => product * size, 1);
  const outer = voxels.length / (inner * length);
  const averaged = new Float32Array(outer * blocks * inner);
  for (let o = 0; o < outer; o++) {
    for (let block = 0; block < blocks; block++) {
      const to = (o * blocks + block) * inner;
      const from = (o * length + block * factor) * inner;
      for (let k = 0; k < factor; k++) {
        for (let i = 0; i < inner; i++) averaged[to + i]! += voxels[from + k * inner + i]!;
      }
      for (let i = 0; i < inner; i++) averaged[to + i]! /= factor;
    }
  }
  const replaced = (values: Triple, value: number) =>
    values.map((old, index) => (index === axis ? value : old)) as unknown as Triple;
  const shiftMm = ((factor - 1) / 2) * geometry.spacingMm[axis];
  const direction = geometry.axes[axis];
  const { originMm } = geometry;
  return {
    voxels: averaged,
    geometry: {
      ...geometry,
      size: replaced(geometry.size, blocks),
      spacingMm: replaced(geometry.spacingMm, geometry.spacingMm[axis] * factor),
      originMm: [
        originMm[0] + shiftMm * direction[0],
        originMm[1] + shiftMm * direction[1],
        originMm[2] + shiftMm * direction[2],
      ],
    },
  };
}

/** The sample depends on the label alone: the same case prepared twice gives the same bytes. */
function foregroundOf(label: Uint8Array, plan: PreparationPlan): ForegroundVoxels[] {
  const foreground: ForegroundVoxels[] = [];
  for (const value of plan.classes.map((each) => each.value).sort((a, b) => a - b)) {
    let count = 0;
    for (let index = 0; index < label.length; index++) if (label[index] === value) count += 1;
    if (count === 0) continue;
    foreground.push({ value, indices: sampledIndices(label, value, count) });
  }
  return foreground;
}

/** Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): ordered, each voxel as likely. */
function sampledIndices(label: Uint8Array, value: number, count: number): Uint32Array {
  const wanted = Math.min(count, foregroundVoxelsMax);
  const random = createRandom('foreground', value, count);
  const indices = new Uint32Array(wanted);
  let taken = 0;
  let left = count;
  for (let index = 0; taken < wanted; index++) {
    if (label[index] !== value) continue;
    if (random.uniform() * left < wanted - taken) indices[taken++] = index;
    left -= 1;
  }
  return indices;
}
