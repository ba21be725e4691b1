/**
 * Hounsfield units of tissues at 120 kVp, and what iodine adds in each contrast phase.
 *
 * Sources. Clear-cell carcinoma and oncocytoma in four phases: Urologia Journal 10.5301/uj.5000256 (means 34/173/149/98
 * and 31/151/137/79 HU). Papillary carcinoma: 42 homogeneous of 114, ranges 14.7-50.7, 32.2-99.5, 17.9-90.8, 18-73 HU
 * (hsrc.himmelfarb.gwu.edu/smhs_rad_facpubs/990). Unenhanced kidney 30-50 HU (seekhealthz.com). Arterial maxima of aorta
 * and renal vessels: PLOS ONE 0091774, lowered here to the routine injection. Liver, spleen, muscle unenhanced: means
 * over a TotalSegmentator example. Cortex: up to 205 HU in the arterial phase (KiTS patients). Chromophobe carcinoma: means over two KiTS patients (51 and 54 HU). The remaining
 * enhancements and the factors of the tube voltage are settings of the prototype, not published values.
 */

export const phases = ['unenhanced', 'corticomedullary', 'nephrographic', 'excretory'] as const;
export type Phase = (typeof phases)[number];

export type Subtype = 'clear-cell' | 'papillary' | 'chromophobe' | 'oncocytoma' | 'angiomyolipoma';

/** HU without contrast, then HU added in the corticomedullary (35 s), nephrographic (90 s), excretory (5 min) phase. */
type Row = readonly [unenhanced: number, corticomedullary: number, nephrographic: number, excretory: number];

const table = {
  air: [-1000, 0, 0, 0],
  'subcutaneous-fat': [-106, 0, 0, 0],
  fat: [-102, 0, 0, 0],
  skin: [20, 5, 8, 8],
  muscle: [54, 8, 12, 12],
  liver: [58, 15, 55, 35],
  spleen: [48, 80, 70, 40],
  pancreas: [40, 60, 45, 25],
  gallbladder: [8, 0, 0, 2],
  aorta: [42, 260, 120, 70],
  'vena-cava': [42, 70, 115, 70],
  'renal-vein': [42, 150, 120, 70],
  'mesenteric-vessel': [38, 130, 100, 60],
  cortex: [33, 165, 150, 110],
  medulla: [31, 55, 148, 114],
  pelvis: [8, 0, 10, 700],
  'bowel-wall': [38, 45, 45, 30],
  'bowel-fluid': [18, 0, 0, 0],
  disc: [75, 0, 0, 0],
  canal: [28, 0, 2, 2],
  'cortical-bone': [640, 0, 0, 0],
  'clear-cell': [33, 97, 82, 52],
  papillary: [34, 22, 38, 32],
  chromophobe: [36, 45, 55, 40],
  oncocytoma: [34, 96, 84, 50],
  angiomyolipoma: [-35, 40, 35, 25],
  necrosis: [18, 0, 2, 3],
  cyst: [6, 0, 1, 1],
  calcification: [450, 0, 0, 0],
} as const satisfies Record<string, Row>;

export type Tissue = keyof typeof table;

/** How much more (or less) iodine attenuates at this tube voltage than at 120 kVp. */
export const iodineByKvp = { 80: 1.68, 100: 1.28, 120: 1, 140: 0.85 } as const;
export type Kvp = keyof typeof iodineByKvp;

/** How a patient's contrast arrived: `lateness` moves the phase towards the next (> 0) or the previous (< 0) one. */
export interface Contrast {
  readonly phase: Phase;
  /** In [-0.3, 0.3]: the share of the neighbouring phase. */
  readonly lateness: number;
  /** Factor on all enhancement: dose for the body's weight, and tube voltage. */
  readonly iodine: number;
}

export function hounsfield(tissue: Tissue, contrast: Contrast): number {
  const row: Row = table[tissue];
  const at = phases.indexOf(contrast.phase);
  if (at === 0) return row[0];
  const neighbour = contrast.lateness > 0 ? Math.min(3, at + 1) : Math.max(1, at - 1);
  const share = Math.abs(contrast.lateness);
  const enhancement = (1 - share) * (row[at] as number) + share * (row[neighbour] as number);
  return row[0] + enhancement * contrast.iodine;
}

export function unenhanced(tissue: Tissue): number {
  return table[tissue][0];
}
