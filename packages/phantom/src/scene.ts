/** What every painter of organs needs: the canvas, the patient, and noise to make surfaces uneven. */
import type { Random } from '@consilium/numerics';
import type { Canvas } from './canvas.ts';
import type { NoiseField } from './lattice-noise.ts';
import type { Patient } from './patient.ts';
import type { Tissue } from './tissue.ts';
import type { Truth } from './truth.ts';

export interface Scene {
  readonly canvas: Canvas;
  readonly patient: Patient;
  readonly truth: Truth;
  readonly random: Random;
  /** Texture of 6, 14, 24 and 45 mm. */
  readonly texture: {
    readonly fine: NoiseField;
    readonly small: NoiseField;
    readonly medium: NoiseField;
    readonly large: NoiseField;
  };
  readonly hu: (tissue: Tissue) => number;
  readonly tableGapMm: number;
  readonly tableCurved: boolean;
}
