/**
 * Masks as from someone else: right in the main, with a border that bulges in and out, and sometimes only begun. A network
 * that sees such masks while it learns can go on from a proposal of another model and from what a reader has drawn.
 */
import { distanceTransformMm } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import type { ClickGrid } from './click-input.ts';

const bulges = 6;
/** Reach of a bulge in voxels, as the sigma of a Gaussian. */
const bulgeSigma = [1.5, 4] as const;
const halfProbability = 0.25;

/**
 * `target` with a border that is displaced by about `errorMm`, more here and less there; in one of four all beyond a plane
 * is missing. Not marked at all if the target is empty.
 */
export function mistakenMask(
  target: Uint8Array,
  grid: ClickGrid,
  { errorMm, random }: { readonly errorMm: number; readonly random: Random },
): Uint8Array {
  const marked = indicesOf(target);
  const mask = new Uint8Array(target.length);
  if (marked.length === 0) return mask;
  const heights = heightsMm(target, grid);
  const offset = random.between(-errorMm / 2, errorMm / 2);
  for (let index = 0; index < heights.length; index++) heights[index]! += offset;
  for (let bulge = 0; bulge < bulges; bulge++) {
    const centre = marked[random.integer(0, marked.length)]!;
    const sigma = random.between(...bulgeSigma);
    addBulge(heights, grid, { centre, sigma, heightMm: random.between(-2 * errorMm, 2 * errorMm) });
  }
  for (let index = 0; index < mask.length; index++) mask[index] = heights[index]! > 0 ? 1 : 0;
  if (random.chance(halfProbability)) eraseHalf(mask, grid, marked, random);
  return mask;
}

function indicesOf(mask: Uint8Array): number[] {
  const indices: number[] = [];
  for (let index = 0; index < mask.length; index++) if (mask[index] !== 0) indices.push(index);
  return indices;
}

/** Distance to the border: above 0 inside, below outside. */
function heightsMm(target: Uint8Array, grid: ClickGrid): Float32Array {
  const outwards = distanceTransformMm(target, grid);
  const inwards = distanceTransformMm(
    target.map((value) => (value === 0 ? 1 : 0)),
    grid,
  );
  const half = Math.min(...grid.spacingMm) / 2;
  return outwards.map((distance, index) => {
    if (distance > 0) return half - distance;
    return Math.min(inwards[index]!, 1e6) - half;
  });
}

function addBulge(
  heights: Float32Array,
  { size }: ClickGrid,
  { centre, sigma, heightMm }: { readonly centre: number; readonly sigma: number; readonly heightMm: number },
): void {
  const [depth, height, width] = size;
  const middle = [Math.floor(centre / (height * width)), Math.floor(centre / width) % height, centre % width] as const;
  const reach = Math.ceil(3 * sigma);
  const range = (at: number, length: number) => [Math.max(0, at - reach), Math.min(length - 1, at + reach)] as const;
  const [z0, z1] = range(middle[0], depth);
  const [y0, y1] = range(middle[1], height);
  const [x0, x1] = range(middle[2], width);
  for (let z = z0; z <= z1; z++) {
    for (let y = y0; y <= y1; y++) {
      const plane = (z - middle[0]) ** 2 + (y - middle[1]) ** 2;
      const row = (z * height + y) * width;
      for (let x = x0; x <= x1; x++) {
        heights[row + x]! += heightMm * Math.exp(-(plane + (x - middle[2]) ** 2) / (2 * sigma * sigma));
      }
    }
  }
}

/** All on one side of a plane through a voxel of the target, across a random axis. */
function eraseHalf(mask: Uint8Array, { size }: ClickGrid, marked: readonly number[], random: Random): void {
  const axis = random.integer(0, 3);
  const isUpper = random.chance(0.5);
  const along = (index: number): number => {
    if (axis === 2) return index % size[2];
    return axis === 1 ? Math.floor(index / size[2]) % size[1] : Math.floor(index / (size[1] * size[2]));
  };
  const cut = along(marked[random.integer(0, marked.length)]!);
  for (let index = 0; index < mask.length; index++) {
    if (mask[index] !== 0 && along(index) > cut === isUpper) mask[index] = 0;
  }
}
