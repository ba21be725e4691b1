/**
 * A kidney as an implicit body: a bent ellipsoid with a sinus that opens at the hilum.
 *
 * Local coordinates `[u, v, w]` in mm: u from the hilum to the convex border, v across (towards the back on the right
 * side's sense), w along the long axis to the upper pole. The upper pole leans towards spine and back, and the hilum
 * looks forward and to the middle by about 30 degrees, as in the supine patient.
 */
import type { Random } from '@consilium/numerics';
import { createNoiseField, type NoiseField } from './lattice-noise.ts';
import { type Box, type Distance, ellipsoidDistance, type Point, smoothMaximum, tube, unionDistance } from './shape.ts';

export interface Kidney {
  readonly side: 'left' | 'right';
  readonly centreMm: Point;
  /** Half axes along u, v, w. */
  readonly radiiMm: Point;
  readonly bendMm: number;
  readonly axes: { readonly u: Point; readonly v: Point; readonly w: Point };
  readonly sinus: { readonly centreU: number; readonly radiiMm: Point };
  readonly cortexMm: number;
  /** Medullary pyramids as cones from the papilla (`tip`) to the cortex (`base`), local coordinates. */
  readonly pyramids: readonly { readonly tip: Point; readonly base: Point; readonly radiusMm: number }[];
  /** Pelvis, infundibula and calyces; branches of vein and artery: signed distances in local coordinates. */
  readonly collecting: Distance;
  readonly veins: Distance;
  readonly arteries: Distance;
  readonly lobes: NoiseField;
  readonly folds: NoiseField;
}

const round = (value: number): number => Math.round(value * 1024) / 1024;

export function createKidney(
  { side, perirenalMm }: { readonly side: 'left' | 'right'; readonly perirenalMm: number },
  random: Random,
): Kidney {
  const sign = side === 'left' ? 1 : -1;
  const size = 1 + 0.07 * random.normal();
  const radiiMm: Point = [
    round(29 * size * (1 + 0.05 * random.normal())),
    round(23.5 * size * (1 + 0.05 * random.normal())),
    round(54 * size * (1 + 0.05 * random.normal())),
  ];
  const w = normalised([-sign * (0.22 + 0.05 * random.normal()), 0.16 + 0.05 * random.normal(), 1]);
  const forward = 0.55 + 0.12 * random.normal();
  const u = perpendicular([sign, forward, 0], w);
  const v = cross(w, u);
  const sinusRadii: Point = [round(0.74 * radiiMm[0]), round(0.4 * radiiMm[1]), round(0.55 * radiiMm[2])];
  const pyramids = drawPyramids(radiiMm, sinusRadii, random.fork('pyramids'));
  return {
    side,
    centreMm: [
      round(sign * (60 + 0.7 * perirenalMm + 3 * random.normal())),
      round(3 + 3 * random.normal()),
      round(sign * 7 + 5 * random.normal()),
    ],
    radiiMm,
    bendMm: round(9 + 2 * random.normal()),
    axes: { u, v: sign > 0 ? v : [-v[0], -v[1], -v[2]], w },
    sinus: { centreU: round(-0.62 * radiiMm[0]), radiiMm: sinusRadii },
    cortexMm: round(6.5 + 0.8 * random.normal()),
    pyramids,
    ...drawHilum(radiiMm, pyramids, random.fork('hilum')),
    lobes: createNoiseField(random.fork('lobes'), 26),
    folds: createNoiseField(random.fork('folds'), 10),
  };
}

/** Five levels of two to three pyramids that fan out from the sinus to the convex border. */
function drawPyramids(radii: Point, sinus: Point, random: Random): Kidney['pyramids'] {
  const pyramids: { tip: Point; base: Point; radiusMm: number }[] = [];
  const levels = [-0.74, -0.4, -0.08, 0.26, 0.58, 0.8];
  for (const [index, level] of levels.entries()) {
    const fan = index % 2 === 0 ? [-1, 0, 1] : [-0.62, 0.62];
    for (const spread of fan) {
      const angle = spread * 1.25 + 0.12 * random.normal();
      const [cos, sin] = [round(Math.cos(angle)), round(Math.sin(angle))];
      const atLevel = level + 0.05 * random.normal();
      const narrowing = Math.sqrt(Math.max(0.1, 1 - atLevel * atLevel));
      pyramids.push({
        tip: [
          round(-0.25 * radii[0] + sinus[0] * 0.42 * cos),
          round(sinus[1] * 0.75 * sin),
          round(0.62 * atLevel * radii[2]),
        ],
        base: [
          round((radii[0] * narrowing - 10) * cos * 0.95 - 0.15 * radii[0]),
          round((radii[1] * narrowing - 9) * sin * 1.02),
          round(atLevel * radii[2] * 0.95),
        ],
        radiusMm: round(7.2 + 0.9 * random.normal()),
      });
    }
  }
  return pyramids;
}

/** What runs through the sinus: the pelvis branches to the papillae, vessels lie in front of and behind it. */
function drawHilum(
  radii: Point,
  pyramids: Kidney['pyramids'],
  random: Random,
): Pick<Kidney, 'collecting' | 'veins' | 'arteries'> {
  const gate = -1.05 * radii[0];
  const full = 1 + 0.25 * random.normal();
  const cups = pyramids.map(({ tip }) =>
    tube(
      [
        [round(0.55 * gate), 0, round(0.35 * tip[2])],
        [round(0.35 * gate + 0.5 * tip[0]), round(0.6 * tip[1]), round(0.85 * tip[2])],
        tip,
      ],
      [2.4 * full, 1.6 * full, 2.9 * full],
    ),
  );
  const pelvis = tube(
    [
      [round(0.45 * gate), 0, 0],
      [round(0.8 * gate), 1.5, -4],
      [round(1.15 * gate), 2, -16],
    ],
    [4.6 * full, 5.6 * full, 2.2],
  );
  const branches = (across: number, radius: number): Distance =>
    unionDistance(
      [-0.34, -0.12, 0.12, 0.34].map((level) =>
        tube(
          [
            [round(1.1 * gate), round(across), 3],
            [round(0.6 * gate), round(across * 1.2 + random.normal()), round(level * 0.7 * radii[2])],
            [round(0.15 * gate), round(across * (1 + 0.4 * random.normal())), round(level * radii[2] * 1.25)],
          ],
          [radius * 1.4, radius, radius * 0.6],
        ),
      ),
    );
  return {
    collecting: unionDistance([pelvis, ...cups]),
    veins: branches(-4.6, 2.4),
    arteries: branches(4.2, 1.5),
  };
}

/** Body coordinates to the kidney's `[u, v, w]`. */
export function toKidney(kidney: Kidney, x: number, y: number, z: number): [number, number, number] {
  const px = x - kidney.centreMm[0];
  const py = y - kidney.centreMm[1];
  const pz = z - kidney.centreMm[2];
  const { u, v, w } = kidney.axes;
  return [px * u[0] + py * u[1] + pz * u[2], px * v[0] + py * v[1] + pz * v[2], px * w[0] + py * w[1] + pz * w[2]];
}

/** Local `[u, v, w]` to body coordinates. */
export function kidneyPoint(kidney: Kidney, [pu, pv, pw]: Point): Point {
  const { u, v, w } = kidney.axes;
  const axis = (i: 0 | 1 | 2): number => round(kidney.centreMm[i] + pu * u[i] + pv * v[i] + pw * w[i]);
  return [axis(0), axis(1), axis(2)];
}

/** How far the outline lies from the centre in a local direction, mm (without bend and lobes). */
export function surfaceAlong(kidney: Kidney, direction: Point): number {
  const [a, b, c] = kidney.radiiMm;
  return round(1 / Math.sqrt((direction[0] / a) ** 2 + (direction[1] / b) ** 2 + (direction[2] / c) ** 2));
}

/** The bean's outline, the sinus filled in. */
export function outlineDistance(kidney: Kidney, x: number, y: number, z: number): number {
  const [u, v, w] = toKidney(kidney, x, y, z);
  const [a, b, c] = kidney.radiiMm;
  const along = w / c;
  const body = ellipsoidDistance(u + kidney.bendMm * along * along - 0.3 * kidney.bendMm, v, w, a, b, c);
  return body > 8 ? body : body + 0.9 * kidney.lobes(x, y, z);
}

/** The sinus: fat, vessels and pelvis; reaches out of the hilum. */
export function sinusDistance(kidney: Kidney, x: number, y: number, z: number): number {
  const [u, v, w] = toKidney(kidney, x, y, z);
  const [a, b, c] = kidney.sinus.radiiMm;
  const body = ellipsoidDistance(u - kidney.sinus.centreU, v, w, a, b, c);
  return body > 8 ? body : body + 2.1 * kidney.folds(x, y, z);
}

/** Parenchyma, which is what the class "kidney" holds: the outline without the sinus. */
export function parenchymaDistance(outlineMm: number, sinusMm: number): number {
  return smoothMaximum(outlineMm, -sinusMm, 3);
}

/** Distance into the nearest pyramid, mm, negative inside. */
export function pyramidDistance(kidney: Kidney, x: number, y: number, z: number): number {
  const [u, v, w] = toKidney(kidney, x, y, z);
  let nearest = Number.POSITIVE_INFINITY;
  for (const { tip, base, radiusMm } of kidney.pyramids) {
    const bu = base[0] - tip[0];
    const bv = base[1] - tip[1];
    const bw = base[2] - tip[2];
    const length2 = Math.max(1, bu * bu + bv * bv + bw * bw);
    const share = Math.min(1, Math.max(0, ((u - tip[0]) * bu + (v - tip[1]) * bv + (w - tip[2]) * bw) / length2));
    const du = u - tip[0] - share * bu;
    const dv = v - tip[1] - share * bv;
    const dw = w - tip[2] - share * bw;
    nearest = Math.min(nearest, Math.sqrt(du * du + dv * dv + dw * dw) - radiusMm * (0.4 + 0.6 * share));
  }
  return nearest;
}

export function kidneyBox(kidney: Kidney): Box {
  const reach = 1.12 * Math.max(...kidney.radiiMm) + 4;
  const [x, y, z] = kidney.centreMm;
  const wide = kidney.radiiMm[0] + 24;
  return { low: [x - wide, y - wide, z - reach], high: [x + wide, y + wide, z + reach] };
}

function normalised([x, y, z]: Point): Point {
  const length = Math.sqrt(x * x + y * y + z * z);
  return [x / length, y / length, z / length];
}

/** The part of `vector` across `axis` (a unit vector), of unit length. */
function perpendicular(vector: Point, axis: Point): Point {
  const along = vector[0] * axis[0] + vector[1] * axis[1] + vector[2] * axis[2];
  return normalised([vector[0] - along * axis[0], vector[1] - along * axis[1], vector[2] - along * axis[2]]);
}

function cross(a: Point, b: Point): Point {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
