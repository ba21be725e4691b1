/** How one grid lies on another, whatever the order and direction of its axes in memory. */
import { type Geometry, type Triple, voxelOf, worldOf } from '@consilium/imaging';

/** Of a voxel: what headers with few digits may be off by. */
const voxelsMax = 0.02;
/** Along an axis, over all of it. */
const driftMax = 0.1;

/**
 * `same`: each voxel of one is a voxel of the other. `inside`: each voxel of `own` is one of `grid`, which has more; slices
 * between may be missing. `off`: neither.
 */
export function placementOn(own: Geometry, grid: Geometry): 'same' | 'inside' | 'off' {
  const origin = voxelOf(grid, worldOf(own, [0, 0, 0]));
  const steps = ([0, 1, 2] as const).map((axis) => {
    const unit = [0, 0, 0].map((_, at) => (at === axis ? 1 : 0)) as unknown as Triple;
    const at = voxelOf(grid, worldOf(own, unit));
    return [at[0] - origin[0], at[1] - origin[1], at[2] - origin[2]] as Triple;
  });
  if (!isWhole(origin)) return 'off';
  const onto = new Set<number>();
  const reach = grid.size.map((): [number, number] => [0, 0]);
  for (const [axis, step] of steps.entries()) {
    const along = step.findIndex((voxels) => Math.abs(voxels) > 0.5);
    const last = own.size[axis]! - 1;
    // One voxel a step; slices, the slowest axis, may be further apart.
    const voxels = Math.round(step[along] ?? 0);
    const isStep = axis === 0 ? voxels !== 0 : Math.abs(voxels) === 1;
    const drift = step.map((moved, other) => Math.abs(moved - (other === along ? voxels : 0)) * Math.max(1, last));
    if (!isStep || onto.has(along) || Math.max(...drift) > driftMax) return 'off';
    onto.add(along);
    const from = Math.round(origin[along as 0 | 1 | 2]);
    reach[along] = [Math.min(from, from + voxels * last), Math.max(from, from + voxels * last)];
  }
  if (reach.some(([low, high], axis) => low < 0 || high >= grid.size[axis]!)) return 'off';
  const isAll = reach.every(([low, high], axis) => low === 0 && high === grid.size[axis]! - 1);
  const count = (size: Triple): number => size[0] * size[1] * size[2];
  return isAll && count(own.size) === count(grid.size) ? 'same' : 'inside';
}

function isWhole(index: Triple): boolean {
  return index.every((value) => Math.abs(value - Math.round(value)) <= voxelsMax);
}
