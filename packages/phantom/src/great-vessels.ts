/** Aorta, vena cava, the mesenteric trunks, the vessels of the kidneys, and the ureters beside them. */

import { paint } from './canvas.ts';
import { type Kidney, kidneyPoint } from './kidney.ts';
import type { Scene } from './scene.ts';
import { type Point, type Shape, smoothPath, tube } from './shape.ts';

/** A smooth tube of one radius. */
function pipe(points: readonly Point[], radius: number): Shape {
  const path = smoothPath(points, 4);
  return tube(
    path,
    path.map(() => radius),
  );
}

export function paintGreatVessels(scene: Scene): void {
  const { canvas, patient, texture, hu, random } = scene;
  const drawn = random.fork('vessels');
  const bow = 3 * drawn.normal();
  const radius = 9 + 1.2 * drawn.normal() + (patient.ageYears - 60) * 0.04;
  const along = (x: number, y: number, wander: number): Point[] =>
    [-140, -100, -60, -20, 20, 60, 100, 140].map((z, index) => [x + wander * (index % 3) + bow, y - 0.03 * z, z]);
  const aorta = pipe(along(9, -28, 1.2), radius);
  const round = pipe(along(-19, -24, -1), 11 + drawn.normal());
  const cava = {
    box: round.box,
    distance: (x: number, y: number, z: number) => round.distance(x, -24 + (y + 24) * 1.3, z),
  };
  for (const kidney of patient.kidneys) paintRenalVessels(scene, kidney, drawn.between(-3, 3));
  const mixed = patient.contrast.phase === 'corticomedullary' ? 22 : 2;
  paint(canvas, cava, (x, y, z) => hu('vena-cava') + mixed * texture.medium(x, y, z));
  const artery = pipe(
    [
      [4, -48, 40],
      [5, -52, 0],
      [3, -60, -90],
    ],
    3.5,
  );
  const vein = pipe(
    [
      [-12, -52, 30],
      [-13, -56, -20],
      [-11, -62, -90],
    ],
    5,
  );
  paint(canvas, artery, hu('aorta'));
  paint(canvas, vein, hu('renal-vein'));
  const wall = hu('aorta') * 0.5 + 15;
  const plaques = 2.3 - 0.014 * (patient.ageYears - 50);
  paint(canvas, aorta, (x, y, z, depth) => {
    if (depth < -1.6) return hu('aorta');
    if (texture.small(x, y, z) + 0.4 * texture.large(x, y, z) > plaques) return 560;
    return depth > -0.9 ? wall : hu('aorta');
  });
}

/** Artery and vein from the hilum to aorta and vena cava; the left vein crosses in front of the aorta. */
function paintRenalVessels({ canvas, hu }: Scene, kidney: Kidney, liftMm: number): void {
  const z = kidney.centreMm[2];
  const gate = -1.05 * kidney.radiiMm[0];
  const hilum = (across: number, out: number): Point => kidneyPoint(kidney, [gate - out, across, 3]);
  const veins: Point[] =
    kidney.side === 'left'
      ? [hilum(-4.6, -4), hilum(-5, 8), [27, -37, z - 2 + liftMm], [8, -43, z + liftMm], [-14, -30, z + 2 + liftMm]]
      : [hilum(-4.6, -4), hilum(-5, 8), [-24, -24, z + 3 + liftMm]];
  const arteries: Point[] =
    kidney.side === 'left'
      ? [hilum(4.2, -4), hilum(3, 8), [22, -27, z + 9 - liftMm], [9, -27, z + 10 - liftMm]]
      : [hilum(4.2, -4), hilum(3, 8), [-18, -13, z + 7 - liftMm], [6, -24, z + 12 - liftMm]];
  paint(canvas, pipe(arteries, 2.6), hu('aorta'));
  paint(canvas, pipe(veins, 4.3), hu('renal-vein'));
  const side = kidney.side === 'left' ? 1 : -1;
  const ureter = pipe(
    [kidneyPoint(kidney, [1.1 * gate, 2, -14]), [side * 36, -8, z - 45], [side * 40, -16, -150]],
    2.1,
  );
  paint(canvas, ureter, Math.min(900, hu('pelvis')));
}
