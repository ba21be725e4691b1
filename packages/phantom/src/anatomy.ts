/**
 * Paints one patient: trunk, muscles, abdominal organs, skeleton, vessels, then kidneys and masses over them.
 *
 * Every organ is a few implicit bodies whose places are fractions of the trunk's half axes; sizes follow common
 * anatomical dimensions (vertebral body 46 x 34 mm, aorta 19 mm, kidney 11 cm) with some spread a patient.
 */
import type { Random } from '@consilium/numerics';
import { paintBowel } from './bowel.ts';
import { type Canvas, type Grid, paint } from './canvas.ts';
import { createNoiseField, type NoiseField } from './lattice-noise.ts';
import type { Patient } from './patient.ts';
import { paintKidneys, paintMasses, paintPerirenalFat } from './renal-anatomy.ts';
import { ellipsoid, grown, type Point, smoothMinimum, smoothPath, tube } from './shape.ts';
import { paintSkeleton } from './skeleton.ts';
import { hounsfield, type Tissue } from './tissue.ts';
import { paintMuscles, paintTrunk } from './trunk.ts';
import type { Truth } from './truth.ts';

/** What every painter of organs needs. */
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

/** HU before the scanner adds its blur and noise, `[z, y, x]` on the grid, and each voxel's depth below the skin, mm. */
export function paintPatient(
  options: {
    readonly patient: Patient;
    readonly truth: Truth;
    readonly grid: Grid;
    readonly borderMm: number;
    readonly table: { readonly gapMm: number; readonly curved: boolean };
  },
  random: Random,
): { hu: Float32Array; skinDepth: Float32Array } {
  const { patient, truth, grid } = options;
  const count = grid.size[0] * grid.size[1] * grid.size[2];
  const canvas: Canvas = {
    grid,
    hu: new Float32Array(count).fill(-1000),
    cavityDepth: new Float32Array(count),
    borderMm: options.borderMm,
  };
  const scene: Scene = {
    canvas,
    patient,
    truth,
    random,
    texture: {
      fine: createNoiseField(random.fork('texture', 'fine'), 6),
      small: createNoiseField(random.fork('texture', 'small'), 14),
      medium: createNoiseField(random.fork('texture', 'medium'), 24),
      large: createNoiseField(random.fork('texture', 'large'), 45),
    },
    hu: (tissue) => hounsfield(tissue, patient.contrast),
    tableGapMm: options.table.gapMm,
    tableCurved: options.table.curved,
  };
  const skinDepth = paintTrunk(scene);
  paintBowel(scene);
  paintSolidOrgans(scene);
  paintPerirenalFat(scene);
  paintMuscles(scene);
  paintSkeleton(scene, skinDepth);
  paintGreatVessels(scene);
  paintKidneys(scene);
  paintMasses(scene);
  return { hu: canvas.hu, skinDepth };
}

function paintSolidOrgans(scene: Scene): void {
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

function paintGreatVessels(scene: Scene): void {
  const { canvas, patient, texture, hu, random } = scene;
  const drawn = random.fork('vessels');
  const bow = 3 * drawn.normal();
  const wide = 9 + 1.2 * drawn.normal() + (patient.ageYears - 60) * 0.04;
  const along = (x: number, y: number, wander: number): Point[] =>
    [-140, -100, -60, -20, 20, 60, 100, 140].map((z, index) => [x + wander * (index % 3) + bow, y - 0.03 * z, z]);
  const aortaPath = smoothPath(along(9, -28, 1.2), 3);
  const aorta = tube(
    aortaPath,
    aortaPath.map(() => wide),
  );
  const cavaPath = smoothPath(along(-19, -24, -1), 3);
  const cavaTube = tube(
    cavaPath,
    cavaPath.map(() => 11 + drawn.normal() * 0.3),
  );
  const cava = {
    box: cavaTube.box,
    distance: (x: number, y: number, z: number) => cavaTube.distance(x, -24 + (y + 24) * 1.3, z),
  };
  const mesenteric = [
    tube(
      [
        [4, -48, 40],
        [5, -52, 0],
        [3, -60, -90],
      ],
      [3.6, 3.6, 3],
    ),
    tube(
      [
        [-12, -52, 30],
        [-13, -56, -20],
        [-11, -62, -90],
      ],
      [5.5, 5.2, 4],
    ),
  ];
  const mixed = patient.contrast.phase === 'corticomedullary' ? 22 : 2;
  paintRenalVessels(scene, drawn);
  paint(canvas, cava, (x, y, z) => hu('vena-cava') + mixed * texture.medium(x, y, z));
  for (const [index, vessel] of mesenteric.entries()) paint(canvas, vessel, hu(index === 0 ? 'aorta' : 'renal-vein'));
  const wall = hu('aorta') * 0.5 + 15;
  const plaques = 2.3 - 0.014 * (patient.ageYears - 50);
  paint(canvas, aorta, (x, y, z, depth) => {
    if (depth < -1.6) return hu('aorta');
    return texture.small(x, y, z) + 0.4 * texture.large(x, y, z) > plaques ? 560 : depth > -0.9 ? wall : hu('aorta');
  });
}

/** Artery and vein from each hilum to aorta and vena cava; the left vein crosses in front of the aorta. */
function paintRenalVessels({ canvas, patient, hu }: Scene, random: Random): void {
  for (const { side, centreMm, axes, radiiMm } of patient.kidneys) {
    const lift = 2 * random.normal();
    const hilum = (outMm: number, upMm: number): Point => [
      centreMm[0] - axes.u[0] * outMm,
      centreMm[1] - axes.u[1] * outMm,
      centreMm[2] + upMm + lift,
    ];
    const inner = radiiMm[0] * 0.35;
    const left = side === 'left';
    const vein: Point[] = left
      ? [
          hilum(inner, -3),
          hilum(34, -3),
          [26, -37, centreMm[2] - 2],
          [8, -43, centreMm[2]],
          [-14, -30, centreMm[2] + 2],
        ]
      : [hilum(inner, -3), hilum(34, -3), [-24, -24, centreMm[2] + 3]];
    const artery: Point[] = left
      ? [hilum(inner, 4), hilum(32, 4), [22, -27, centreMm[2] + 9], [9, -27, centreMm[2] + 10]]
      : [hilum(inner, 4), hilum(32, 4), [-18, -13, centreMm[2] + 7], [6, -24, centreMm[2] + 12]];
    const veinPath = smoothPath(vein, 4);
    const arteryPath = smoothPath(artery, 4);
    paint(
      canvas,
      tube(
        veinPath,
        veinPath.map(() => 4.6),
      ),
      hu('renal-vein'),
    );
    paint(
      canvas,
      tube(
        arteryPath,
        arteryPath.map(() => 2.7),
      ),
      hu('aorta'),
    );
  }
}
