/**
 * Where kidneys and masses truly are, as signed distances on the grid (mm, negative inside). The painter colours by
 * them and every annotator's habit is a change to them, so that half a millimetre counts even on 3 mm voxels.
 */
import type { LabelMap } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import { forEachVoxel, type Grid, type VoxelRange, voxelsIn } from './canvas.ts';
import { type Kidney, kidneyBox, outlineDistance, parenchymaDistance, sinusDistance } from './kidney.ts';
import { createNoiseField } from './lattice-noise.ts';
import type { Mass, Patient } from './patient.ts';
import { ellipsoidDistance, grown } from './shape.ts';

export const classes = { background: 0, kidney: 1, tumour: 2, cyst: 3 } as const;

/** Signed distances of one body over the part of the grid it touches. */
export interface DistanceField {
  readonly range: VoxelRange;
  /** Index within the range, `[z, y, x]`, x fastest. */
  readonly values: Float32Array;
}

export interface KidneyTruth {
  readonly kidney: Kidney;
  readonly outline: DistanceField;
  readonly sinus: DistanceField;
  readonly parenchyma: DistanceField;
}

export interface MassTruth {
  readonly mass: Mass;
  readonly field: DistanceField;
  readonly volumeMl: number;
}

export interface Truth {
  readonly kidneys: readonly KidneyTruth[];
  readonly masses: readonly MassTruth[];
}

/** How far around a body its distances are kept, mm. */
const marginMm = 26;

export function truthOf(patient: Patient, grid: Grid, random: Random): Truth {
  return {
    kidneys: patient.kidneys.map((kidney) => kidneyTruth(kidney, grid)),
    masses: patient.masses.map((mass, index) => massTruth(mass, grid, random.fork('mass', index))),
  };
}

function rangeSize({ from, to }: VoxelRange): number {
  return Math.max(0, to[0] - from[0]) * Math.max(0, to[1] - from[1]) * Math.max(0, to[2] - from[2]);
}

/** Calls `visit` for each voxel of a field: its place in the field, its index in the grid, its body coordinates. */
export function forEachIn(
  field: DistanceField,
  grid: Grid,
  visit: (at: number, index: number, x: number, y: number, z: number) => void,
): void {
  let at = 0;
  forEachVoxel(grid, field.range, (index, x, y, z) => visit(at++, index, x, y, z));
}

/** True classes, tumour before cyst before kidney. */
export function referenceLabels(truth: Truth, grid: Grid): Uint8Array {
  const labels = new Uint8Array(grid.size[0] * grid.size[1] * grid.size[2]);
  for (const { parenchyma } of truth.kidneys) draw(labels, parenchyma, grid, classes.kidney);
  for (const kind of ['cyst', 'tumour'] as const) {
    for (const { mass, field } of truth.masses) if (mass.kind === kind) draw(labels, field, grid, classes[kind]);
  }
  return labels;
}

function draw(labels: LabelMap['voxels'], field: DistanceField, grid: Grid, value: number): void {
  forEachIn(field, grid, (at, index) => {
    if ((field.values[at] as number) < 0) labels[index] = value;
  });
}

function kidneyTruth(kidney: Kidney, grid: Grid): KidneyTruth {
  const range = voxelsIn(grid, grown(kidneyBox(kidney), 8));
  const field = (): DistanceField => ({ range, values: new Float32Array(rangeSize(range)) });
  const [outline, sinus, parenchyma] = [field(), field(), field()] as [DistanceField, DistanceField, DistanceField];
  forEachIn(outline, grid, (at, _index, x, y, z) => {
    const outlineMm = outlineDistance(kidney, x, y, z);
    const sinusMm = sinusDistance(kidney, x, y, z);
    outline.values[at] = outlineMm;
    sinus.values[at] = sinusMm;
    parenchyma.values[at] = parenchymaDistance(outlineMm, sinusMm);
  });
  return { kidney, outline, sinus, parenchyma };
}

function massTruth(mass: Mass, grid: Grid, random: Random): MassTruth {
  const [cx, cy, cz] = mass.centreMm;
  const [a, b, c] = mass.radiiMm;
  const coarse = createNoiseField(random.fork('coarse'), Math.max(6, 0.55 * mass.diameterMm));
  const fine = createNoiseField(random.fork('fine'), Math.max(4, 0.22 * mass.diameterMm));
  const reach = marginMm + 3 * mass.lobesMm;
  const box = grown({ low: [cx - a, cy - b, cz - c], high: [cx + a, cy + b, cz + c] }, reach);
  const range = voxelsIn(grid, box);
  const values = new Float32Array(rangeSize(range));
  const field = { range, values };
  let inside = 0;
  forEachIn(field, grid, (at, _index, x, y, z) => {
    const smooth = ellipsoidDistance(x - cx, y - cy, z - cz, a, b, c);
    const distance = smooth + mass.lobesMm * (coarse(x, y, z) + 0.4 * fine(x, y, z));
    values[at] = distance;
    if (distance < 0) inside++;
  });
  const [dz, dy, dx] = grid.spacingMm;
  return { mass, field, volumeMl: (inside * dz * dy * dx) / 1000 };
}
