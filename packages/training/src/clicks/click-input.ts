/**
 * What a click network is given, `image` `[n, 4, z, y, x]` float32, in this order:
 *
 *     0  the image, normalised as the plan says
 *     1  clicks on the structure: guidance 0 .. 1, the largest where clicks overlap
 *     2  clicks beside it: the same
 *     3  the mask so far: 1 inside, 0 outside
 *
 * and answers `logits` `[n, 2, z, y, x]`: background, and what was clicked on. Clicks as channels: Xu et al. 2016
 * (arXiv:1603.04042); the previous mask as a channel: Sofiiuk et al. 2021 (arXiv:2102.06583).
 */
import type { Triple } from '@consilium/imaging';
import type { GuidanceSpec } from './interactive-spec.ts';

export const clickChannels = 4;
export const clickClasses = 2;

export interface Click {
  /** Index `[z, y, x]`, of the grid that is spoken of; may be fractional. */
  readonly voxel: Triple;
  /** Whether the click lies on the structure, or beside it. */
  readonly isForeground: boolean;
}

export interface ClickGrid {
  readonly size: Triple;
  readonly spacingMm: Triple;
}

/**
 * Fills one patch's input (out, `4 x z x y x x` numbers) with what was clicked and the mask so far; the image is already
 * there, or is copied in after. `mask` null: nothing is drawn yet.
 */
export function fillGuidance(
  input: Float32Array,
  { clicks, mask }: { readonly clicks: readonly Click[]; readonly mask: Uint8Array | null },
  grid: ClickGrid,
  guidance: GuidanceSpec,
): void {
  const voxels = grid.size[0] * grid.size[1] * grid.size[2];
  const channel = (index: number): Float32Array => input.subarray(index * voxels, (index + 1) * voxels);
  input.fill(0, voxels);
  for (const { voxel, isForeground } of clicks) drawClick(channel(isForeground ? 1 : 2), voxel, grid, guidance);
  if (mask !== null) channel(3).set(mask);
}

/** Where guidance ends, in sigmas. */
const cutOffSigmas = 3;

function drawClick(map: Float32Array, voxel: Triple, { size, spacingMm }: ClickGrid, guidance: GuidanceSpec): void {
  const reachMm = guidance.kind === 'disc' ? guidance.radiusMm : cutOffSigmas * guidance.sigmaMm;
  const range = (axis: 0 | 1 | 2): [number, number] => {
    const reach = reachMm / spacingMm[axis];
    return [Math.max(0, Math.ceil(voxel[axis] - reach)), Math.min(size[axis] - 1, Math.floor(voxel[axis] + reach))];
  };
  const [[z0, z1], [y0, y1], [x0, x1]] = [range(0), range(1), range(2)];
  for (let z = z0; z <= z1; z++) {
    const dz = ((z - voxel[0]) * spacingMm[0]) ** 2;
    for (let y = y0; y <= y1; y++) {
      const dzy = dz + ((y - voxel[1]) * spacingMm[1]) ** 2;
      const row = (z * size[1] + y) * size[2];
      for (let x = x0; x <= x1; x++) {
        const squared = dzy + ((x - voxel[2]) * spacingMm[2]) ** 2;
        if (squared > reachMm * reachMm) continue;
        const value = guidance.kind === 'disc' ? 1 : Math.exp(-squared / (2 * guidance.sigmaMm * guidance.sigmaMm));
        if (value > map[row + x]!) map[row + x] = value;
      }
    }
  }
}
