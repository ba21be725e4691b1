/** Kidneys with cortex, medulla, sinus and pelvis, the fat around them, and their masses. */

import { type Kidney, pyramidDistance, toKidney } from './kidney.ts';
import { createNoiseField, type NoiseField } from './lattice-noise.ts';
import type { Scene } from './scene.ts';
import { hounsfield, unenhanced } from './tissue.ts';
import { type DistanceField, forEachIn, type MassTruth } from './truth.ts';

/** Fat of Gerota's space, with thin strands; pushes bowel and liver away from kidney and tumour. */
export function paintPerirenalFat({ canvas, patient, truth, texture }: Scene): void {
  const fat = unenhanced('fat');
  const around = patient.body.perirenalMm;
  const cover = (field: DistanceField, wide: number): void =>
    forEachIn(field, canvas.grid, (at, index, x, y, z) => {
      const distance = (field.values[at] as number) - wide - 2 * texture.medium(x, y, z);
      if (distance > canvas.borderMm / 2 || (canvas.cavityDepth[index] as number) < 0) return;
      const strand = Math.abs(texture.small(x, y, z) + 0.3 * texture.fine(x, y, z)) < 0.05 ? 45 : 0;
      const fascia = distance > -0.9 && wide > 5 ? 55 : 0;
      const share = Math.min(1, 0.5 - distance / canvas.borderMm);
      const before = canvas.hu[index] as number;
      canvas.hu[index] = before + share * (fat + 3 * texture.medium(x, y, z) + strand + fascia - before);
    });
  for (const { outline } of truth.kidneys) cover(outline, around);
  for (const { field } of truth.masses) cover(field, Math.min(around, 6));
}

export function paintKidneys(scene: Scene): void {
  const { canvas, truth, texture, hu } = scene;
  const [cortex, medulla] = [hu('cortex'), hu('medulla')];
  const border = canvas.borderMm;
  const share = (distance: number): number => Math.min(1, Math.max(0, 0.5 - distance / border));
  for (const { kidney, outline, sinus, parenchyma } of truth.kidneys) {
    const hollowValue = sinusPainter(scene, kidney, share);
    forEachIn(outline, canvas.grid, (at, index, x, y, z) => {
      const out = outline.values[at] as number;
      if (out > 14) return;
      const flesh = parenchyma.values[at] as number;
      const hollow = sinus.values[at] as number;
      let value = canvas.hu[index] as number;
      if (hollow < border) value += share(hollow) * (hollowValue(x, y, z, value, out) - value);
      if (flesh < border / 2) {
        const depth = Math.max(pyramidDistance(kidney, x, y, z), kidney.cortexMm + out, 1 - hollow);
        const tissue = cortex + share(depth) * (medulla - cortex) + 4 * texture.fine(x, y, z);
        value += share(flesh) * (tissue - value);
      }
      canvas.hu[index] = value;
    });
  }
}

/** HU inside the sinus: fat within the outline, then veins, arteries and the collecting system; `before` outside it. */
function sinusPainter(
  { hu }: Scene,
  kidney: Kidney,
  share: (distance: number) => number,
): (x: number, y: number, z: number, before: number, outlineMm: number) => number {
  const fat = unenhanced('fat') + 12;
  const [vein, artery, pelvis] = [hu('renal-vein'), hu('aorta'), Math.min(900, hu('pelvis'))];
  return (x, y, z, before, outlineMm) => {
    const [u, v, w] = toKidney(kidney, x, y, z);
    let value = before + share(outlineMm) * (fat - before);
    value += share(kidney.veins(u, v, w)) * (vein - value);
    value += share(kidney.arteries(u, v, w)) * (artery - value);
    return value + share(kidney.collecting(u, v, w)) * (pelvis - value);
  };
}

export function paintMasses(scene: Scene): void {
  const ordered = [...scene.truth.masses].sort((a, b) =>
    a.mass.kind === b.mass.kind ? 0 : a.mass.kind === 'cyst' ? -1 : 1,
  );
  for (const [index, truth] of ordered.entries()) {
    if (truth.mass.kind === 'cyst') paintCyst(scene, truth, index);
    else paintTumour(scene, truth, index);
  }
}

function paintCyst(scene: Scene, truth: MassTruth, index: number): void {
  const drawn = scene.random.fork('cyst', index);
  const dense = drawn.chance(0.07) ? 45 : 0;
  const base = hounsfield('cyst', scene.patient.contrast) + 4 * drawn.normal() + dense;
  paintField(scene, truth.field, () => base);
}

/** Unevenness of the enhancing part, SD in HU. */
const unevenness = { 'clear-cell': 30, papillary: 8, chromophobe: 12, oncocytoma: 14, angiomyolipoma: 28 } as const;

function paintTumour(scene: Scene, truth: MassTruth, index: number): void {
  const { patient } = scene;
  const { mass, field, volumeMl } = truth;
  const subtype = mass.subtype ?? 'clear-cell';
  const drawn = scene.random.fork('tumour', index);
  const coarse = createNoiseField(drawn.fork('coarse'), Math.max(5, Math.min(30, 0.34 * mass.diameterMm)));
  const fine = createNoiseField(drawn.fork('fine'), 4.5);
  const enhancing = hounsfield(subtype, patient.contrast);
  const mean = enhancing + 0.14 * drawn.normal() * Math.abs(enhancing - unenhanced(subtype)) + 3 * drawn.normal();
  const uneven =
    unevenness[subtype] *
    (0.45 + 0.25 * Math.log10(1 + volumeMl)) *
    (patient.contrast.phase === 'unenhanced' ? 0.4 : 1);
  const deep = Math.max(2, 0.5 * mass.diameterMm);
  const threshold = necroticThreshold(scene, field, { coarse, fine, deep, share: mass.necrosis });
  const dead = unenhanced('necrosis') + 4 * drawn.normal();
  const shell = hounsfield('medulla', patient.contrast) * 0.35 + mean * 0.55;
  paintField(scene, field, (x, y, z, distance) => {
    const a = coarse(x, y, z);
    const b = fine(x, y, z);
    let value = mean + uneven * (0.75 * a + 0.35 * b);
    if (subtype === 'angiomyolipoma') value = -78 + (mean + 138) * Math.min(1, Math.max(0, 0.3 - 0.9 * (a + 0.3 * b)));
    if (subtype === 'oncocytoma' && mass.diameterMm > 28) value -= 45 * Math.max(0, 1 + distance / (0.3 * deep) - 2.4);
    const necrotic = Math.min(1, Math.max(0, (necroticScore(a, b, distance, deep) - threshold) / 0.5 + 0.5));
    value += necrotic * (dead + 4 * b - value);
    if (mass.calcified && a > 1 && b > 1 && distance < -0.12 * deep) value = unenhanced('calcification');
    if (mass.capsule && distance > -1.8) value = 0.5 * value + 0.5 * shell;
    return value;
  });
}

function necroticScore(coarse: number, fine: number, distance: number, deep: number): number {
  return 0.95 * coarse + 0.2 * fine + 1.25 * (Math.min(1, -distance / deep) - 0.45);
}

/** The score above which the wished share of the tumour lies. */
function necroticThreshold(
  scene: Scene,
  field: DistanceField,
  options: { readonly coarse: NoiseField; readonly fine: NoiseField; readonly deep: number; readonly share: number },
): number {
  if (options.share < 0.01) return 1e9;
  const scores: number[] = [];
  forEachIn(field, scene.canvas.grid, (at, _index, x, y, z) => {
    const distance = field.values[at] as number;
    if (distance < 0)
      scores.push(necroticScore(options.coarse(x, y, z), options.fine(x, y, z), distance, options.deep));
  });
  if (scores.length === 0) return 1e9;
  const sorted = Float64Array.from(scores).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((1 - options.share) * sorted.length))] as number;
}

function paintField(
  { canvas }: Scene,
  field: DistanceField,
  colour: (x: number, y: number, z: number, distance: number) => number,
): void {
  const border = canvas.borderMm;
  forEachIn(field, canvas.grid, (at, index, x, y, z) => {
    const distance = field.values[at] as number;
    if (distance >= border / 2) return;
    const share = Math.min(1, 0.5 - distance / border);
    const before = canvas.hu[index] as number;
    canvas.hu[index] = before + share * (colour(x, y, z, distance) - before);
  });
}
