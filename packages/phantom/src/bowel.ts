/** Stomach, duodenum, colon and loops of small bowel, with wall, contents, gas on top and swallowed contrast. */

import type { Random } from '@consilium/numerics';
import { paint } from './canvas.ts';
import type { Scene } from './scene.ts';
import { ellipsoid, grown, type Point, type Shape, smoothPath, tube } from './shape.ts';

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

/** Winding loops set one after the other where room is left in the front of the belly. */
function smallBowel({ patient, random }: Scene): Loop[] {
  const { halfWidthMm: a, halfDepthMm: b, centreYMm: yc } = patient.body;
  const drawn = random.fork('small-bowel');
  const loops: Loop[] = [];
  const taken: { at: Point; radius: number }[] = [];
  for (let attempt = 0; attempt < 420 && loops.length < 70; attempt++) {
    const radius = drawn.between(7.5, 13);
    const start: Point = [drawn.between(-0.5, 0.7) * a, yc + drawn.between(-0.72, 0.2) * b, drawn.between(-150, 40)];
    const path = smoothPath(meander(start, drawn), 2);
    if (path.some((point) => !roomFor(point, radius, taken) || (point[1] > -40 && Math.abs(point[0]) < 0.6 * a)))
      continue;
    taken.push(...path.map((at) => ({ at, radius })));
    loops.push({
      shape: tube(
        path,
        path.map((_, index) => radius * (1 + 0.09 * (index % 2))),
      ),
      wallMm: drawn.between(1.8, 3),
      contents: patient.oralContrast && drawn.chance(0.6) ? 'contrast' : drawn.chance(0.5) ? 'collapsed' : 'fluid',
      gasAboveY: drawn.chance(0.22) ? start[1] - radius * drawn.between(-0.1, 0.6) : -1000,
      foldsMm: 1.6,
    });
  }
  return loops;
}

/** Three or four points, each a turn from the last, mostly across the body. */
function meander(start: Point, random: Random): Point[] {
  const points = [start];
  let [x, y, z] = start;
  let [dx, dy] = random.chance(0.5) ? [1, 0] : [0.3, 1];
  if (random.chance(0.5)) [dx, dy] = [-dx, -dy];
  for (let step = 0; step < random.integer(2, 4); step++) {
    const length = Math.sqrt(dx * dx + dy * dy) || 1;
    x += (17 * dx) / length;
    y += (17 * dy) / length;
    z += random.between(-9, 9);
    points.push([x, y, z]);
    const turn = random.between(-0.9, 0.9);
    [dx, dy] = [dx - turn * dy, dy + turn * dx];
  }
  return points;
}

function roomFor([x, y, z]: Point, radius: number, taken: readonly { at: Point; radius: number }[]): boolean {
  return taken.every(({ at, radius: other }) => {
    const gap = radius + other + 1;
    return (at[0] - x) ** 2 + (at[1] - y) ** 2 + (at[2] - z) ** 2 > gap * gap;
  });
}
