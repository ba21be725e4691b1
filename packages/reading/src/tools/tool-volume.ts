/** The part of an image that a tool works on. Pure: the same in the annotator and in the service. */
import type { Geometry, Triple } from '@consilium/imaging';

export interface ToolVolume {
  /** HU or what the scanner stored `[z, y, x]`, x fastest. */
  readonly voxels: Int16Array | Float32Array;
  /** Voxels along `[z, y, x]`. */
  readonly size: Triple;
  /** Between centres along `[z, y, x]`. */
  readonly spacingMm: Triple;
}

/** A part of a series' voxels. */
export interface ToolBox {
  /** `[z, y, x]`. */
  readonly start: Triple;
  readonly size: Triple;
}

/** What a tool may take at once: 128 voxels along each axis, or as many otherwise shaped. */
const toolVoxelsMax = 128 ** 3;

/**
 * The box around voxels of a series, wider on all sides by `marginMm`, or by less where it would have more than `voxelsMax`.
 * @param voxels `[z, y, x]`, at least one, all in the series.
 * @returns undefined if the voxels alone need more.
 */
export function boxAround(
  voxels: readonly Triple[],
  { size, spacingMm }: Pick<Geometry, 'size' | 'spacingMm'>,
  { marginMm, voxelsMax = toolVoxelsMax }: { marginMm: number; voxelsMax?: number },
): ToolBox | undefined {
  const axes = [0, 1, 2] as const;
  const low = axes.map((axis) => voxels.reduce((least, voxel) => Math.min(least, voxel[axis]), size[axis]));
  const high = axes.map((axis) => voxels.reduce((most, voxel) => Math.max(most, voxel[axis]), 0));
  // Halves the margin until it fits: a margin is a convenience, what was marked is not.
  for (let margin = marginMm; ; margin = margin < 1 ? 0 : margin / 2) {
    const start = axes.map((axis) => Math.max(0, low[axis]! - Math.round(margin / spacingMm[axis])));
    const extent = axes.map(
      (axis) => Math.min(size[axis] - 1, high[axis]! + Math.round(margin / spacingMm[axis])) - start[axis]! + 1,
    );
    if (extent[0]! * extent[1]! * extent[2]! <= voxelsMax) {
      return { start: start as unknown as Triple, size: extent as unknown as Triple };
    }
    if (margin === 0) return undefined;
  }
}
