/**
 * Paints one patient: trunk, muscles, abdominal organs, skeleton, vessels, then kidneys and masses over them.
 *
 * Every organ is a few implicit bodies whose places are fractions of the trunk's half axes; sizes follow common
 * anatomical dimensions (vertebral body 46 x 34 mm, aorta 19 mm, kidney 11 cm) with some spread a patient.
 */
import type { Random } from '@consilium/numerics';
import { paintBowel } from './bowel.ts';
import type { Canvas, Grid } from './canvas.ts';
import { paintGreatVessels } from './great-vessels.ts';
import { createNoiseField } from './lattice-noise.ts';
import type { Patient } from './patient.ts';
import { paintKidneys, paintMasses, paintPerirenalFat } from './renal-anatomy.ts';
import type { Scene } from './scene.ts';
import { paintSkeleton } from './skeleton.ts';
import { paintSolidOrgans } from './solid-organs.ts';
import { hounsfield } from './tissue.ts';
import { paintMuscles, paintTrunk } from './trunk.ts';
import type { Truth } from './truth.ts';

/** HU before the scanner adds its blur and noise, `[z, y, x]` on the grid, and each voxel's depth below the skin, mm. */
export function paintPatient(
  options: {
    readonly patient: Patient;
    readonly truth: Truth;
    readonly grid: Grid;
    readonly borderMm: number;
    readonly table: { readonly gapMm: number; readonly curved: boolean };
  },
  random: Random,
): { hu: Float32Array; skinDepth: Float32Array } {
  const { patient, truth, grid } = options;
  const count = grid.size[0] * grid.size[1] * grid.size[2];
  const canvas: Canvas = {
    grid,
    hu: new Float32Array(count).fill(-1000),
    cavityDepth: new Float32Array(count),
    borderMm: options.borderMm,
  };
  const scene: Scene = {
    canvas,
    patient,
    truth,
    random,
    texture: {
      fine: createNoiseField(random.fork('texture', 'fine'), 6),
      small: createNoiseField(random.fork('texture', 'small'), 14),
      medium: createNoiseField(random.fork('texture', 'medium'), 24),
      large: createNoiseField(random.fork('texture', 'large'), 45),
    },
    hu: (tissue) => hounsfield(tissue, patient.contrast),
    tableGapMm: options.table.gapMm,
    tableCurved: options.table.curved,
  };
  const skinDepth = paintTrunk(scene);
  paintBowel(scene);
  paintSolidOrgans(scene);
  paintPerirenalFat(scene);
  paintMuscles(scene);
  paintSkeleton(scene, skinDepth);
  paintGreatVessels(scene);
  paintKidneys(scene);
  paintMasses(scene);
  return { hu: canvas.hu, skinDepth };
}
