/** Lumbar spine and lower ribs: cortical shells around marrow. */

import { forEachVoxel, paint, wholeRange } from './canvas.ts';
import { clamped } from './patient.ts';
import type { Scene } from './scene.ts';
import { ellipsoidDistance, type Point, smoothMinimum } from './shape.ts';
import { unenhanced } from './tissue.ts';
import { fatAt, placeAlongWall, wallAt } from './trunk.ts';

/** Height of a vertebra with its disc, mm. */
const segmentMm = 36;
const discMm = 8;

export function paintSkeleton(scene: Scene, skinDepth: Float32Array): void {
  paintRibs(scene, skinDepth);
  paintSpine(scene);
}

function paintSpine({ canvas, patient, texture, hu, random }: Scene): void {
  const drawn = random.fork('spine');
  const start = drawn.between(0, segmentMm);
  const marrow = clamped(165 - 1.4 * (patient.ageYears - 55) + 35 * drawn.normal(), 70, 290);
  const [cortical, disc, canal] = [unenhanced('cortical-bone'), unenhanced('disc'), hu('canal')];
  const scale = patient.sex === 'male' ? 1.04 : 0.95;
  const low = canvas.grid.firstMm[2] - 10;
  const high = low + canvas.grid.size[0] * canvas.grid.spacingMm[0] + 20;
  const box = { low: [-52, -24, low] as Point, high: [52, 74, high] as Point };
  const level = (z: number): number => {
    const at = (z + start + 40 * segmentMm) % segmentMm;
    return at;
  };
  const trabecular = (x: number, y: number, z: number): number => marrow + 30 * texture.fine(x, y, z);
  const arch = (x: number, y: number, z: number): number => archDistance(x / scale, y / scale, level(z));
  paint(canvas, { box, distance: arch }, (x, y, z, depth) => (depth > -1.8 ? cortical : trabecular(x, y, z) + 80));
  const body = (x: number, y: number): number => {
    const oval = ellipsoidDistance(x / scale, y / scale, 0, 24, 17.5, 1000);
    return Math.max(oval, y / scale - 14.5 + (x * x) / 900);
  };
  paint(canvas, { box, distance: (x, y) => body(x, y) }, (x, y, z, depth) => {
    const at = level(z);
    if (at < discMm) return disc + 6 * texture.fine(x, y, z);
    const plate = 0.3 + 1.4 * Math.min(at - discMm, segmentMm - at);
    const shell = Math.min(-depth, plate);
    return shell < 1.3 ? 0.55 * cortical : shell < 3.2 ? trabecular(x, y, z) + 70 : trabecular(x, y, z);
  });
  const tunnel = (x: number, y: number): number => ellipsoidDistance(x / scale, y / scale - 23, 0, 11, 8.5, 1000);
  paint(canvas, { box, distance: (x, y) => tunnel(x, y) }, (x, y, _z, depth) => {
    const sac = ellipsoidDistance(x, y - 23 * scale, 0, 8.5, 6.8, 1000);
    return sac < 0 ? canal : depth > -1.2 ? 20 : -40;
  });
}

/** Pedicles, laminae, spinous and transverse processes, by the height `at` (mm) in the segment. */
function archDistance(x: number, y: number, at: number): number {
  const side = Math.abs(x);
  const ring = Math.abs(ellipsoidDistance(x, y - 24, 0, 15, 12.5, 1000)) - 2.6;
  const inPedicle = at > 19 && at < 32;
  const openFront = inPedicle ? -100 : 21 - y;
  let nearest = Math.max(ring, openFront);
  const spinous = Math.max(
    Math.abs(x) - 2.6 - 0.05 * Math.max(0, y - 44),
    Math.abs(y - 49) - 13,
    Math.abs(at - 15) - 8,
  );
  nearest = smoothMinimum(nearest, spinous, 3);
  if (at > 17 && at < 30) {
    const transverse = Math.max(Math.abs(y - 22 - 0.16 * side) - (side > 34 ? 3.6 : 3), side - 38, 12 - side);
    nearest = smoothMinimum(nearest, transverse, 3);
  }
  if (at < 12 || at > 30) {
    const facet = ellipsoidDistance(side - 17, y - 31, 0, 7.5, 8.5, 1000);
    nearest = smoothMinimum(nearest, facet, 2);
  }
  return nearest;
}

/** Ribs run in the wall and sink towards the front; an axial slice cuts each as a short oblique ellipse. */
function paintRibs({ canvas, patient, texture, random }: Scene, skinDepth: Float32Array): void {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc, fatMm, muscleMm } = patient.body;
  const drawn = random.fork('ribs');
  const spacing = drawn.between(27, 32);
  const first = drawn.between(16, 36);
  const steepMm = drawn.between(118, 142);
  const cortical = unenhanced('cortical-bone');
  const cartilage = 105;
  const border = canvas.borderMm;
  const ribs = [
    { atMm: first, reach: 0.72 },
    { atMm: first + spacing, reach: 1.12 },
    { atMm: first + 2 * spacing, reach: 1.45 },
    { atMm: first + 3 * spacing, reach: 1.6 },
    { atMm: first + 4 * spacing, reach: 1.6 },
    { atMm: first + 5 * spacing, reach: 1.6 },
  ];
  forEachVoxel(canvas.grid, wholeRange(canvas.grid), (index, x, y, z) => {
    const depth = skinDepth[index] as number;
    if (depth < 4 || depth > fatMm * 1.4 + muscleMm * 1.4 + 6) return;
    const place = placeAlongWall(x / a, (y - yc) / b);
    if (place < 0.26 || place > 1.6) return;
    const across = depth - fatAt(fatMm, place) - 0.6 * wallAt(muscleMm, place, Math.abs(x));
    if (Math.abs(across) > 7) return;
    for (const { atMm, reach } of ribs) {
      if (place > reach) continue;
      const rise = (z - atMm + steepMm * (place - 0.3) - 12) * 0.76;
      if (Math.abs(rise) > 10) continue;
      const end = Math.max(0, 1 - (reach - place) / 0.05);
      const distance = ellipsoidDistance(rise, across, 0, 6.2 - 2 * end, 3.5 - end, 1000);
      if (distance > border / 2) continue;
      const bone = distance > -1.3 ? cortical : 170 + 40 * texture.fine(x, y, z);
      const value = place > 1.32 ? cartilage : bone;
      const share = Math.min(1, 0.5 - distance / border);
      canvas.hu[index] = (canvas.hu[index] as number) + share * (value - (canvas.hu[index] as number));
    }
  });
}
