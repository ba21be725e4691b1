/** Liver with gallbladder, spleen, pancreas. */

import { paint } from './canvas.ts';
import type { Scene } from './scene.ts';
import { ellipsoid, grown, type Point, smoothMinimum, smoothPath, tube } from './shape.ts';

export function paintSolidOrgans(scene: Scene): void {
  paintLiver(scene);
  paintSpleen(scene);
  paintPancreas(scene);
}

function paintLiver({ canvas, patient, texture, hu, random }: Scene): void {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const drawn = random.fork('liver');
  const tip = 8 * drawn.normal();
  const right = ellipsoid([-0.56 * a, yc + 0.06 * b, 42 + tip], [0.44 * a, 0.8 * b, 102]);
  const left = ellipsoid([-0.12 * a, yc - 0.48 * b, 74 + tip], [0.5 * a, 0.38 * b, 62]);
  const fatty = Math.max(0, drawn.normal() - 0.7) * 14;
  const base = hu('liver') - fatty;
  const vein = hu('vena-cava');
  const box = grown({ low: [-1.05 * a, yc - b, -70], high: [0.5 * a, yc + b, 190] }, 6);
  const distance = (x: number, y: number, z: number): number => {
    const body = smoothMinimum(right.distance(x, y, z), left.distance(x, y, z), 18);
    return body > 20 ? body : body + 3 * texture.large(x, y, z);
  };
  paint(
    canvas,
    { box, distance },
    (x, y, z, depth) => {
      const branch = Math.abs(texture.medium(x, y, z) + 0.3 * texture.small(x, y, z));
      const vessel = depth < -9 && branch < 0.07 ? 1 - branch / 0.07 : 0;
      return base + 2.5 * texture.large(x, y, z) + vessel * 0.8 * (vein - base);
    },
    { insideCavityMm: 2 },
  );
  const gallbladder = ellipsoid([-0.25 * a, yc - 0.4 * b, -8 + tip], [14, 12, 26]);
  if (drawn.chance(0.8)) paint(canvas, gallbladder, hu('gallbladder'), { insideCavityMm: 2 });
}

function paintSpleen({ canvas, patient, texture, hu, random }: Scene): void {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const drawn = random.fork('spleen');
  const organ = ellipsoid([0.74 * a, yc + 0.3 * b, 62 + 8 * drawn.normal()], [0.24 * a, 0.5 * b, 62], 6);
  const base = hu('spleen');
  const moire = patient.contrast.phase === 'corticomedullary' ? 16 : 3;
  paint(
    canvas,
    { box: organ.box, distance: (x, y, z) => organ.distance(x, y, z) + 2 * texture.large(x, y, z) },
    (x, y, z) => base + moire * texture.medium(x, y, z),
    { insideCavityMm: 2 },
  );
}

function paintPancreas({ canvas, texture, hu, random }: Scene): void {
  const drawn = random.fork('pancreas');
  const up = 5 * drawn.normal();
  const path: Point[] = [
    [-30, -42, -22 + up],
    [-26, -46, 2 + up],
    [-6, -56, 12 + up],
    [24, -50, 24 + up],
    [56, -30, 34 + up],
    [82, -14, 42 + up],
  ];
  const organ = tube(
    smoothPath(path, 3),
    smoothPath(path, 3).map((_, index) => (index < 6 ? 14 : 10.5)),
  );
  const base = hu('pancreas');
  const lobed = {
    box: grown(organ.box, 3),
    distance: (x: number, y: number, z: number): number => {
      const body = organ.distance(x, y, z);
      return body > 8 ? body : body + 1.6 * texture.fine(x, y, z);
    },
  };
  paint(canvas, lobed, (x, y, z) => base + 6 * texture.fine(x, y, z), { insideCavityMm: 2 });
}
