/** The trunk: skin, subcutaneous fat, the layered wall, abdominal fat, the muscles of the back, and the table below. */

import { type Canvas, forEachVoxel, paint, wholeRange } from './canvas.ts';
import type { Scene } from './scene.ts';
import { ellipsoid, grown, type Point, type Shape, smoothPath, tube } from './shape.ts';
import { unenhanced } from './tissue.ts';

/** Place along the wall: 0 at the back's midline, 1 at the flank, 2 at the front's midline (diamond angle, no trigonometry). */
export function placeAlongWall(x: number, y: number): number {
  const sum = Math.abs(x) + Math.abs(y);
  return sum < 1e-6 ? 1 : 1 - y / sum;
}

/** Fat below the skin, mm, thicker at the flanks' back and thinner over the front. */
export function fatAt(fatMm: number, place: number): number {
  const front = Math.max(0, place - 1);
  const flankBack = Math.max(0, 1 - Math.abs(place - 0.75) / 0.75);
  return fatMm * (0.75 + 0.55 * flankBack + 0.2 * front);
}

/** Thickness of the muscular wall, mm: broad at the flank, straight muscle with a thin midline in front. */
export function wallAt(muscleMm: number, place: number, absX: number): number {
  if (place > 1.25) {
    const midline = Math.min(1, Math.max(0, (absX - 3) / 10));
    const rim = 1 - 0.45 * Math.max(0, 1 - Math.abs(absX - 72) / 9);
    return muscleMm * (0.28 + 0.47 * midline * rim);
  }
  return muscleMm * (0.75 + 0.4 * Math.max(0, 1 - Math.abs(place - 1) / 0.5));
}

/** Paints the trunk over the whole grid; fills the canvas' cavity depth and returns the depth below the skin, mm. */
export function paintTrunk(scene: Scene): Float32Array {
  const { canvas, patient, texture, hu } = scene;
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc, fatMm, muscleMm } = patient.body;
  const skinDepth = new Float32Array(canvas.hu.length);
  const [skin, fat, muscle, belly] = [hu('skin'), unenhanced('subcutaneous-fat'), hu('muscle'), unenhanced('fat')];
  const border = canvas.borderMm;
  const cover = (depth: number): number => Math.min(1, Math.max(0, depth / border + 0.5));
  forEachVoxel(canvas.grid, wholeRange(canvas.grid), (index, x, y, z) => {
    const px = x / a;
    const py = (y - yc) / b;
    const squares = px * px + py * py;
    if (squares > 1.5) {
      skinDepth[index] = -60;
      canvas.cavityDepth[index] = -90;
      return;
    }
    const radius = Math.sqrt(0.7 * squares + 0.3 * Math.sqrt(px * px * px * px + py * py * py * py));
    const slope = Math.sqrt((px * px) / (a * a) + (py * py) / (b * b)) + 1e-6;
    const groove = y > yc ? 7 / (1 + (x * x) / 196) : 0;
    const navel = y < yc ? 3 / (1 + (x * x) / 400) : 0;
    const depth =
      (radius * (1 - radius)) / slope -
      groove * Math.max(0, py) -
      navel +
      1.6 * texture.large(x * 0.6, y * 0.6, z * 0.6);
    skinDepth[index] = depth;
    if (depth < -border) {
      canvas.cavityDepth[index] = depth - fatMm - muscleMm;
      return;
    }
    const place = placeAlongWall(px, py);
    const absX = Math.abs(x);
    const under = fatAt(fatMm, place);
    const wall = wallAt(muscleMm, place, absX);
    const inWall = depth - under + 0.7 * texture.small(x, y, z);
    const cavity = inWall - wall;
    canvas.cavityDepth[index] = cavity;
    let value = -1000 + (skin + 1000) * cover(depth);
    value += (fat + 4 * texture.small(x, y, z) - value) * cover(depth - 1.9);
    if (inWall > -border) {
      const layered = muscle - wallPlanes(inWall / wall, wall, place) * 105 - 7 * Math.max(0, texture.fine(x, y, z));
      value += (layered - value) * cover(inWall);
      value += (belly + 3 * texture.medium(x, y, z) - value) * cover(cavity);
    }
    canvas.hu[index] = value;
  });
  paintTable(scene);
  paintMesentery(scene);
  return skinDepth;
}

/** Share of fat in the planes between the flank's three muscles. */
function wallPlanes(share: number, wallMm: number, place: number): number {
  if (place < 0.55 || place > 1.5) return 0;
  const widthMm = 1.1;
  const outer = Math.max(0, 1 - (Math.abs(share - 0.4) * wallMm) / widthMm);
  const inner = Math.max(0, 1 - (Math.abs(share - 0.72) * wallMm) / widthMm);
  return 0.75 * Math.max(outer, inner);
}

/** Small vessels of mesentery and omentum: where noise crosses zero, thin sheets; their crossings with a second, lines. */
function paintMesentery({ canvas, patient, texture, hu }: Scene): void {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const vessel = hu('mesenteric-vessel');
  forEachVoxel(canvas.grid, wholeRange(canvas.grid), (index, x, y, z) => {
    if ((canvas.cavityDepth[index] as number) < 6 || y > -34) return;
    if (Math.abs(x) > 0.8 * a || y < yc - 0.85 * b) return;
    const first = Math.abs(texture.small(x, y, z));
    if (first > 0.22) return;
    const second = Math.abs(texture.medium(x + 31, y, z));
    const share = (1 - first / 0.22) * Math.max(0, 1 - second / 0.3);
    if (share > 0)
      canvas.hu[index] =
        (canvas.hu[index] as number) + Math.min(0.8, 1.5 * share) * (vessel - (canvas.hu[index] as number));
  });
}

function paintTable({ canvas, patient, tableGapMm, tableCurved }: Scene): void {
  const { centreYMm, halfDepthMm } = patient.body;
  const top = centreYMm + halfDepthMm - 4 + tableGapMm;
  const bow = tableCurved ? 0.0008 : 0;
  const low = canvas.grid.firstMm[2] - 10;
  const high = low + canvas.grid.size[0] * canvas.grid.spacingMm[0] + 20;
  const box = { low: [-215, top - 45, low] as Point, high: [215, top + 40, high] as Point };
  const shell = (x: number, y: number): number => {
    const surface = y - (top + 6 - bow * x * x);
    const body = Math.max(Math.abs(surface - 12) - 12, Math.abs(x) - 205);
    return body;
  };
  paintOutside(canvas, { box, distance: shell }, (_x, _y, _z, depth) => (depth > -2.6 ? 40 : -940));
}

/** The table never cuts into the patient. */
function paintOutside(
  canvas: Canvas,
  shape: Parameters<typeof paint>[1],
  colour: Exclude<Parameters<typeof paint>[2], number>,
): void {
  paint(canvas, shape, (x, y, z, depth, index) =>
    (canvas.hu[index] as number) > -900 ? (canvas.hu[index] as number) : colour(x, y, z, depth, index),
  );
}

/** Psoas, quadratus lumborum, the erectors of the spine, and the crura of the diaphragm. */
export function paintMuscles(scene: Scene): void {
  const { canvas, patient, texture } = scene;
  const strong = patient.sex === 'male' ? 1.08 : 0.94;
  const wavy = (shape: Shape, byMm: number): Shape => ({
    box: grown(shape.box, 2 * byMm),
    distance: (x, y, z) => {
      const body = shape.distance(x, y, z);
      return body > 8 ? body : body + byMm * texture.small(x, y, z);
    },
  });
  for (const side of [-1, 1]) {
    paintErector(scene, side, strong);
    const path = smoothPath(
      [
        [side * 25, 6, 90],
        [side * 29, 5, 40],
        [side * 36, 3, -20],
        [side * 44, -2, -90],
        [side * 50, -8, -150],
      ],
      3,
    );
    const psoas = tube(
      path,
      path.map((_, index) => (5 + (index / (path.length - 1)) * 17) * strong),
    );
    const quadratus = ellipsoid([side * 64, 37, -40], [21 * strong, 7.5 * strong, 130]);
    const crus = tube(
      [
        [side * 14, -18, 110],
        [side * 17, -17, 60],
        [side * 18, -14, 10],
        [side * 16, -14, -20],
      ],
      [5, 4.5, 4, 2],
    );
    for (const muscle of [quadratus, psoas]) paintSheathed(scene, wavy(muscle, 0.9));
    paint(canvas, crus, muscleColour(scene));
  }
}

/** Muscle, streaked with fat the more the older. */
function muscleColour({ patient, texture, hu }: Scene): (x: number, y: number, z: number) => number {
  const muscle = hu('muscle');
  const streaky = 10 + 0.7 * Math.max(0, patient.ageYears - 45);
  return (x, y, z) =>
    muscle + 3 - streaky * Math.max(0, texture.fine(x, y, z * 0.3) - 0.7) - 6 * Math.max(0, texture.small(x, y, z));
}

function paintSheathed(scene: Scene, shape: Shape): void {
  const sheathMm = 1.5;
  const sheath = {
    box: grown(shape.box, sheathMm),
    distance: (x: number, y: number, z: number) => shape.distance(x, y, z) - sheathMm,
  };
  paint(scene.canvas, sheath, unenhanced('fat') + 20, { insideCavityMm: -4 });
  paint(scene.canvas, shape, muscleColour(scene));
}

/** The three columns of the erector spinae in their fascia, with fat in the clefts; they stay below the skin's fat. */
function paintErector(scene: Scene, side: number, strong: number): void {
  const { canvas, patient, texture } = scene;
  const columns = [
    { at: 14, y: 48, width: 12.5, depth: 20 },
    { at: 34, y: 50, width: 15, depth: 21.5 },
    { at: 56, y: 49, width: 13.5, depth: 16 },
  ];
  const colour = muscleColour(scene);
  const cleft = patient.bodyMassIndex > 27 ? 0.9 : 0.5;
  const under = 0.85 * patient.body.fatMm + 2;
  const deepest = patient.body.centreYMm + patient.body.halfDepthMm;
  for (const { at, y: middle, width, depth } of columns) {
    const body = ellipsoid([side * at * strong, middle, 0], [width * strong + 2.2, depth * strong, 400], 3);
    const distance = (x: number, y: number, z: number): number =>
      Math.max(body.distance(x, y, z) + 1.1 * texture.small(x, y, z * 0.4), y - (deepest - under) + (x * x) / 620);
    const outer = (x: number, y: number, z: number): number => distance(x, y, z) - cleft;
    paint(canvas, { box: grown(body.box, 2), distance: outer }, 25 - 0.6 * patient.ageYears);
    paint(canvas, { box: body.box, distance }, colour);
  }
}
