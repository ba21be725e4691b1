/**
 * Six hospitals that differ the way hospitals do: scanner, protocol, patients, and how they draw.
 *
 * The numbers follow the prototype's six sites; phase mixes lie further apart, as they matter most to a network. Makes
 * and kernels name the kind of machine that is imitated; no manufacturer supplied or measured anything, so every vendor
 * string says that it is simulated.
 */
import type { Kvp, Phase, Subtype } from './tissue.ts';

export interface LabellingHabit {
  /** What the site calls a cyst: its own class, part of the tumour, part of the kidney, or nothing. */
  readonly cysts: 'separate' | 'tumour' | 'kidney' | 'ignored';
  /** How far outside (> 0) or inside (< 0) the true border tumours and kidneys are drawn, mm. */
  readonly tumourOffsetMm: number;
  readonly kidneyOffsetMm: number;
  /** SD of the wandering of a drawn border, mm, correlated over about 18 mm. */
  readonly jitterMm: number;
  /** Every how many slices a contour is drawn; those between are interpolated. */
  readonly drawnEvery: number;
  /** Tumours smaller than this are not seen, ml. */
  readonly missedBelowMl: number;
  /** Radius over which kidney contours are smoothed, mm: fills the sinus' narrow folds. */
  readonly kidneySmoothingMm: number;
}

interface Scanner {
  readonly manufacturer: string;
  readonly model: string;
  readonly kernel: string;
  /** SD of noise in a body of usual size at 120 kVp and 3 mm, HU. */
  readonly noiseHu: number;
  /** SD of the in-plane point spread, mm. */
  readonly blurMm: number;
  /** In [0, 1]: how much low-frequency noise the kernel removes (0 white, 1 strongly band-pass). */
  readonly noiseSharpness: number;
  /** HU added at the centre against the border of the body (beam hardening), and slow wandering's SD. */
  readonly cuppingHu: number;
  readonly biasHu: number;
  /** Calibration: HU' = HU * (1 + scale) + offset. */
  readonly offsetHu: number;
  readonly scale: number;
  /** HU outside the reconstructed circle, or null when the square is filled with air. */
  readonly paddingHu: number | null;
  readonly table: { readonly gapMm: number; readonly curved: boolean };
}

interface Protocol {
  readonly kvp: readonly Kvp[];
  /** Probability of each phase. */
  readonly phases: Readonly<Record<Phase, number>>;
  readonly sliceSpacingMm: number;
  readonly sliceThicknessMm: number;
  readonly fieldOfViewMm: number;
  /** Pixels along a side of a full study. */
  readonly matrix: number;
  /** Of a study of detail 'small'. */
  readonly small: {
    readonly sliceSpacingMm: number;
    readonly pixelMm: number;
    readonly size: readonly [y: number, x: number];
  };
  /** Share of patients who drank contrast. */
  readonly oralContrast: number;
}

interface PatientMix {
  readonly ageYears: { readonly mean: number; readonly sd: number };
  readonly bodyMassIndex: { readonly mean: number; readonly sd: number };
  /** Log-normal tumour diameter: median in mm and SD of the natural logarithm. */
  readonly tumourDiameter: { readonly medianMm: number; readonly sdLog: number };
  readonly subtypes: Readonly<Record<Subtype, number>>;
  /** Mean number of simple cysts a patient. */
  readonly cysts: number;
  readonly secondTumour: number;
}

export interface SiteProfile {
  readonly name: string;
  readonly scanner: Scanner;
  readonly protocol: Protocol;
  readonly patients: PatientMix;
  readonly labelling: LabellingHabit;
}

const phaseMix = (unenhanced: number, corticomedullary: number, nephrographic: number, excretory: number) => ({
  unenhanced,
  corticomedullary,
  nephrographic,
  excretory,
});

const subtypeMix = (
  clearCell: number,
  papillary: number,
  chromophobe: number,
  oncocytoma: number,
  angiomyolipoma: number,
) => ({
  'clear-cell': clearCell,
  papillary,
  chromophobe,
  oncocytoma,
  angiomyolipoma,
});

export const siteProfiles: readonly SiteProfile[] = [
  {
    name: 'North',
    scanner: {
      manufacturer: 'SIMULATED (Siemens-like)',
      model: 'Phantom of a 128-row scanner',
      kernel: 'B30f (simulated)',
      noiseHu: 11,
      blurMm: 0.62,
      noiseSharpness: 0.75,
      cuppingHu: -3,
      biasHu: 1.5,
      offsetHu: 0,
      scale: 0,
      paddingHu: null,
      table: { gapMm: 12, curved: true },
    },
    protocol: {
      kvp: [120, 100],
      phases: phaseMix(0, 0.8, 0.2, 0),
      sliceSpacingMm: 3,
      sliceThicknessMm: 3,
      fieldOfViewMm: 400,
      matrix: 384,
      small: { sliceSpacingMm: 3, pixelMm: 3, size: [72, 104] },
      oralContrast: 0.15,
    },
    patients: {
      ageYears: { mean: 60, sd: 11 },
      bodyMassIndex: { mean: 27, sd: 4 },
      tumourDiameter: { medianMm: 38, sdLog: 0.5 },
      subtypes: subtypeMix(0.7, 0.12, 0.1, 0.06, 0.02),
      cysts: 0.6,
      secondTumour: 0.06,
    },
    labelling: {
      cysts: 'separate',
      tumourOffsetMm: 0,
      kidneyOffsetMm: 0,
      jitterMm: 0.25,
      drawnEvery: 1,
      missedBelowMl: 0,
      kidneySmoothingMm: 0,
    },
  },
  {
    name: 'Harbour',
    scanner: {
      manufacturer: 'SIMULATED (GE-like)',
      model: 'Phantom of a 64-row scanner',
      kernel: 'STANDARD (simulated)',
      noiseHu: 13,
      blurMm: 0.68,
      noiseSharpness: 0.7,
      cuppingHu: -6,
      biasHu: 2.5,
      offsetHu: 3,
      scale: 0.01,
      paddingHu: -2000,
      table: { gapMm: 5, curved: true },
    },
    protocol: {
      kvp: [120, 140],
      phases: phaseMix(0, 0.15, 0.85, 0),
      sliceSpacingMm: 5,
      sliceThicknessMm: 5,
      fieldOfViewMm: 440,
      matrix: 512,
      small: { sliceSpacingMm: 5, pixelMm: 3.2, size: [72, 104] },
      oralContrast: 0.75,
    },
    patients: {
      ageYears: { mean: 64, sd: 10 },
      bodyMassIndex: { mean: 30, sd: 5 },
      tumourDiameter: { medianMm: 46, sdLog: 0.5 },
      subtypes: subtypeMix(0.75, 0.12, 0.06, 0.05, 0.02),
      cysts: 0.9,
      secondTumour: 0.08,
    },
    labelling: {
      cysts: 'tumour',
      tumourOffsetMm: 1.2,
      kidneyOffsetMm: 0.6,
      jitterMm: 0.8,
      drawnEvery: 1,
      missedBelowMl: 0,
      kidneySmoothingMm: 3,
    },
  },
  {
    name: 'Cathedral',
    scanner: {
      manufacturer: 'SIMULATED (Philips-like)',
      model: 'Phantom of a 64-row scanner',
      kernel: 'B (simulated)',
      noiseHu: 14,
      blurMm: 0.55,
      noiseSharpness: 0.85,
      cuppingHu: 2,
      biasHu: 1.5,
      offsetHu: -3,
      scale: -0.008,
      paddingHu: null,
      table: { gapMm: 14, curved: false },
    },
    protocol: {
      kvp: [120],
      phases: phaseMix(0.3, 0.35, 0.35, 0),
      sliceSpacingMm: 2,
      sliceThicknessMm: 2,
      fieldOfViewMm: 380,
      matrix: 320,
      small: { sliceSpacingMm: 3.5, pixelMm: 2.9, size: [72, 104] },
      oralContrast: 0.2,
    },
    patients: {
      ageYears: { mean: 57, sd: 12 },
      bodyMassIndex: { mean: 26, sd: 4 },
      tumourDiameter: { medianMm: 32, sdLog: 0.55 },
      subtypes: subtypeMix(0.55, 0.2, 0.13, 0.09, 0.03),
      cysts: 0.6,
      secondTumour: 0.06,
    },
    labelling: {
      cysts: 'kidney',
      tumourOffsetMm: -0.9,
      kidneyOffsetMm: 0,
      jitterMm: 0.5,
      drawnEvery: 1,
      missedBelowMl: 0,
      kidneySmoothingMm: 0,
    },
  },
  {
    name: 'Valley',
    scanner: {
      manufacturer: 'SIMULATED (Toshiba-like)',
      model: 'Phantom of a 64-row scanner',
      kernel: 'FC08 (simulated)',
      noiseHu: 10,
      blurMm: 0.8,
      noiseSharpness: 0.55,
      cuppingHu: -2,
      biasHu: 3,
      offsetHu: 2,
      scale: 0,
      paddingHu: null,
      table: { gapMm: 8, curved: true },
    },
    protocol: {
      kvp: [120],
      phases: phaseMix(0.5, 0, 0.25, 0.25),
      sliceSpacingMm: 5,
      sliceThicknessMm: 5,
      fieldOfViewMm: 410,
      matrix: 512,
      small: { sliceSpacingMm: 5, pixelMm: 3, size: [72, 104] },
      oralContrast: 0.4,
    },
    patients: {
      ageYears: { mean: 66, sd: 10 },
      bodyMassIndex: { mean: 25, sd: 4 },
      tumourDiameter: { medianMm: 42, sdLog: 0.5 },
      subtypes: subtypeMix(0.65, 0.18, 0.08, 0.05, 0.04),
      cysts: 1.1,
      secondTumour: 0.06,
    },
    labelling: {
      cysts: 'ignored',
      tumourOffsetMm: 0.6,
      kidneyOffsetMm: -0.5,
      jitterMm: 1,
      drawnEvery: 3,
      missedBelowMl: 0.6,
      kidneySmoothingMm: 2,
    },
  },
  {
    name: 'Campus',
    scanner: {
      manufacturer: 'SIMULATED (Siemens-like)',
      model: 'Phantom of a dual-source scanner',
      kernel: 'Br40d3 (simulated)',
      noiseHu: 8,
      blurMm: 0.48,
      noiseSharpness: 0.4,
      cuppingHu: 0,
      biasHu: 1,
      offsetHu: 0,
      scale: 0,
      paddingHu: null,
      table: { gapMm: 16, curved: true },
    },
    protocol: {
      kvp: [80, 100],
      phases: phaseMix(0, 0.95, 0.05, 0),
      sliceSpacingMm: 2,
      sliceThicknessMm: 1.5,
      fieldOfViewMm: 380,
      matrix: 384,
      small: { sliceSpacingMm: 3, pixelMm: 3, size: [72, 100] },
      oralContrast: 0,
    },
    patients: {
      ageYears: { mean: 58, sd: 12 },
      bodyMassIndex: { mean: 25.5, sd: 3.5 },
      tumourDiameter: { medianMm: 30, sdLog: 0.5 },
      subtypes: subtypeMix(0.55, 0.14, 0.14, 0.14, 0.03),
      cysts: 0.5,
      secondTumour: 0.08,
    },
    labelling: {
      cysts: 'separate',
      tumourOffsetMm: 0.3,
      kidneyOffsetMm: 0.3,
      jitterMm: 0.4,
      drawnEvery: 1,
      missedBelowMl: 0,
      kidneySmoothingMm: 0,
    },
  },
  {
    name: 'Plains',
    scanner: {
      manufacturer: 'SIMULATED (GE-like)',
      model: 'Phantom of a 16-row scanner',
      kernel: 'SOFT (simulated)',
      noiseHu: 16,
      blurMm: 0.75,
      noiseSharpness: 0.65,
      cuppingHu: -8,
      biasHu: 3,
      offsetHu: -5,
      scale: 0.012,
      paddingHu: -2000,
      table: { gapMm: 4, curved: true },
    },
    protocol: {
      kvp: [120],
      phases: phaseMix(0, 0, 0.3, 0.7),
      sliceSpacingMm: 2.5,
      sliceThicknessMm: 2.5,
      fieldOfViewMm: 460,
      matrix: 384,
      small: { sliceSpacingMm: 4, pixelMm: 3.2, size: [72, 104] },
      oralContrast: 0.5,
    },
    patients: {
      ageYears: { mean: 63, sd: 11 },
      bodyMassIndex: { mean: 32, sd: 5 },
      tumourDiameter: { medianMm: 40, sdLog: 0.55 },
      subtypes: subtypeMix(0.72, 0.12, 0.08, 0.05, 0.03),
      cysts: 0.9,
      secondTumour: 0.06,
    },
    labelling: {
      cysts: 'tumour',
      tumourOffsetMm: -0.5,
      kidneyOffsetMm: 1,
      jitterMm: 1.2,
      drawnEvery: 2,
      missedBelowMl: 1,
      kidneySmoothingMm: 4,
    },
  },
];
