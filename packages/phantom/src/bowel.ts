/** Stomach, duodenum, colon and loops of small bowel, with wall, contents, gas on top and swallowed contrast. */

import type { Scene } from './anatomy.ts';
import { paint } from './canvas.ts';
import { capsule, ellipsoid, grown, type Point, type Shape, smoothPath, tube } from './shape.ts';

interface Loop {
  readonly shape: Shape;
  readonly wallMm: number;
  readonly contents: 'fluid' | 'stool' | 'contrast' | 'collapsed';
  /** y above which (towards the front) gas stands, mm. */
  readonly gasAboveY: number;
  readonly foldsMm: number;
}

export function paintBowel(scene: Scene): void {
  for (const loop of [...smallBowel(scene), ...colon(scene), ...upperTract(scene)]) paintLoop(scene, loop);
}

function paintLoop({ canvas, texture, hu }: Scene, loop: Loop): void {
  const wall = hu('bowel-wall');
  const fluid = hu('bowel-fluid');
  const folded = {
    box: grown(loop.shape.box, 3),
    distance: (x: number, y: number, z: number): number => {
      const body = loop.shape.distance(x, y, z);
      return body > 10 ? body : body + loop.foldsMm * (0.7 * texture.small(x, y, z) + 0.3 * texture.medium(x, y, z));
    },
  };
  const contents = (x: number, y: number, z: number): number => {
    if (y < loop.gasAboveY + 0.5 * texture.fine(x, y, z)) return -930;
    if (loop.contents === 'fluid') return fluid + 5 * texture.small(x, y, z);
    if (loop.contents === 'contrast') return 230 + 60 * texture.medium(x, y, z);
    if (loop.contents === 'collapsed') return wall - 8 + 14 * texture.fine(x, y, z);
    const speckle = texture.fine(x * 1.8, y * 1.8, z * 1.8) + 0.7 * texture.fine(x + 40, y, z);
    return speckle > 0.75 ? -420 - 160 * speckle : 25 + 22 * texture.fine(x, y + 17, z) - 60 * Math.max(0, speckle);
  };
  paint(
    canvas,
    folded,
    (x, y, z, depth) => {
      const lumen = Math.min(1, Math.max(0, (-depth - loop.wallMm) / canvas.borderMm + 0.5));
      return lumen === 0 ? wall : wall + lumen * (contents(x, y, z) - wall);
    },
    { insideCavityMm: 1.5 },
  );
}

function upperTract({ patient, random }: Scene): Loop[] {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const drawn = random.fork('upper-tract');
  const fill = patient.oralContrast ? 'contrast' : 'fluid';
  const stomachY = yc - 0.42 * b;
  const stomach: Loop = {
    shape: ellipsoid([0.36 * a, stomachY, 78], [0.34 * a, 0.36 * b, 58]),
    wallMm: 5,
    contents: fill,
    gasAboveY: stomachY - drawn.between(0, 0.3) * b,
    foldsMm: 3,
  };
  const path = smoothPath(
    [
      [-28, -58, 28],
      [-42, -46, 8],
      [-42, -38, -24],
      [-26, -38, -42],
      [0, -44, -44],
      [28, -44, -30],
      [40, -58, -10],
    ],
    4,
  );
  const duodenum: Loop = {
    shape: tube(
      path,
      path.map(() => 12),
    ),
    wallMm: 2.6,
    contents: drawn.chance(0.3) ? 'collapsed' : fill,
    gasAboveY: -1000,
    foldsMm: 1.5,
  };
  return [stomach, duodenum];
}

function colon({ patient, random }: Scene): Loop[] {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const drawn = random.fork('colon');
  const gas = (y: number, radius: number): number =>
    drawn.chance(0.6) ? y - radius * drawn.between(-0.3, 0.6) : -1000;
  const stool = (): Loop['contents'] => (patient.oralContrast && drawn.chance(0.3) ? 'contrast' : 'stool');
  const ascending: Point[] = [
    [-0.66 * a, yc + 0.02 * b, -160],
    [-0.68 * a, yc - 0.02 * b, -60],
    [-0.62 * a, yc - 0.12 * b, -28],
  ];
  const descending: Point[] = [
    [0.74 * a, yc + 0.05 * b, 34],
    [0.77 * a, yc + 0.18 * b, -20],
    [0.72 * a, yc + 0.1 * b, -160],
  ];
  const sag = drawn.between(20, 70);
  const crossing = [-0.6, -0.35, 0, 0.35, 0.66].map(
    (share): Point => [share * a, yc - (0.72 - 0.45 * share * share) * b, -sag * (1 - share * share * 2) + 6],
  );
  const part = (points: readonly Point[], radius: number): Loop => {
    const path = smoothPath(points, 5);
    const y = points.reduce((sum, point) => sum + point[1], 0) / points.length;
    return {
      shape: tube(
        path,
        path.map((_, index) => radius * (1 + 0.16 * (index % 2))),
      ),
      wallMm: 2.4,
      contents: stool(),
      gasAboveY: gas(y, radius),
      foldsMm: 2.4,
    };
  };
  return [
    part(ascending, drawn.between(19, 25)),
    part(descending, drawn.between(12, 16)),
    part(crossing, drawn.between(16, 21)),
  ];
}

/** Loops set one after the other where room is left in the front of the belly. */
function smallBowel({ patient, random }: Scene): Loop[] {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const drawn = random.fork('small-bowel');
  const loops: Loop[] = [];
  const places: { centre: Point; reach: number }[] = [];
  for (let attempt = 0; attempt < 260 && loops.length < 64; attempt++) {
    const z = drawn.between(-150, 42);
    const centre: Point = [drawn.between(-0.55, 0.72) * a, yc + drawn.between(-0.72, 0.18) * b, z];
    const radius = drawn.between(8, 14.5);
    const half = drawn.between(6, 24);
    const turn: Point = [drawn.between(-1, 1), drawn.between(-0.6, 0.6), drawn.between(-0.7, 0.7)];
    const length = Math.sqrt(turn[0] ** 2 + turn[1] ** 2 + turn[2] ** 2);
    const reach = radius + 0.55 * half;
    if (places.some((other) => tooNear(other, centre, reach))) continue;
    if (centre[1] > -44 && Math.abs(centre[0]) < 0.62 * a) continue;
    places.push({ centre, reach });
    const end = (sign: number): Point => [
      centre[0] + (sign * half * turn[0]) / length,
      centre[1] + (sign * half * turn[1]) / length,
      z + (sign * half * turn[2]) / length,
    ];
    loops.push({
      shape: capsule(end(-1), end(1), radius, radius * drawn.between(0.75, 1.1)),
      wallMm: drawn.between(1.8, 3),
      contents: patient.oralContrast && drawn.chance(0.6) ? 'contrast' : drawn.chance(0.5) ? 'collapsed' : 'fluid',
      gasAboveY: drawn.chance(0.25) ? centre[1] - radius * drawn.between(-0.1, 0.6) : -1000,
      foldsMm: 1.6,
    });
  }
  return loops;
}

function tooNear(other: { centre: Point; reach: number }, centre: Point, reach: number): boolean {
  const [x, y, z] = other.centre;
  const gap = Math.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2);
  return gap < 0.82 * (other.reach + reach);
}
