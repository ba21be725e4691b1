/**
 * One made-up patient: build, kidneys, masses and contrast, drawn from a site's mix. Numbers are rounded to 1/1024, so
 * that a last-bit difference of `Math.log` or `Math.exp` between machines cannot move a voxel.
 */
import type { Random } from '@consilium/numerics';
import { createKidney, type Kidney, kidneyPoint, surfaceAlong } from './kidney.ts';
import type { Point } from './shape.ts';
import type { SiteProfile } from './site-profile.ts';
import { type Contrast, iodineByKvp, type Kvp, type Phase, type Subtype } from './tissue.ts';

interface Body {
  /** Half axes of the trunk, mm, and its centre's place behind (> 0) the vertebral bodies. */
  readonly halfWidthMm: number;
  readonly halfDepthMm: number;
  readonly centreYMm: number;
  readonly fatMm: number;
  readonly muscleMm: number;
  /** Fat around the kidneys, mm. */
  readonly perirenalMm: number;
}

export interface Mass {
  readonly kind: 'tumour' | 'cyst';
  readonly side: 'left' | 'right';
  readonly subtype: Subtype | null;
  readonly centreMm: Point;
  /** Half axes along body x, y, z, mm. */
  readonly radiiMm: Point;
  readonly diameterMm: number;
  /** SD of the surface's lobes, mm, and their size. */
  readonly lobesMm: number;
  /** Share of the tumour's diameter outside the kidney's outline when placed. */
  readonly exophytic: number;
  readonly necrosis: number;
  readonly calcified: boolean;
  readonly capsule: boolean;
}

export interface Patient {
  readonly sex: 'female' | 'male';
  readonly ageYears: number;
  readonly bodyMassIndex: number;
  readonly body: Body;
  readonly kidneys: readonly Kidney[];
  readonly masses: readonly Mass[];
  readonly contrast: Contrast;
  readonly kvp: Kvp;
  readonly oralContrast: boolean;
}

export function quantised(value: number): number {
  return Math.round(value * 1024) / 1024;
}

export function drawPatient(profile: SiteProfile, random: Random): Patient {
  const person = random.fork('person');
  const sex = person.chance(0.62) ? 'male' : 'female';
  const mix = profile.patients;
  const ageYears = Math.round(clamped(mix.ageYears.mean + mix.ageYears.sd * person.normal(), 22, 89));
  const bodyMassIndex = clamped(mix.bodyMassIndex.mean + mix.bodyMassIndex.sd * person.normal(), 18.5, 44);
  const body = drawBody(sex, bodyMassIndex, person);
  const kidneys = [
    createKidney({ side: 'right', perirenalMm: body.perirenalMm }, random.fork('kidney', 'right')),
    createKidney({ side: 'left', perirenalMm: body.perirenalMm }, random.fork('kidney', 'left')),
  ];
  const scan = random.fork('scan');
  const kvp = scan.choice(profile.protocol.kvp);
  return {
    sex,
    ageYears,
    bodyMassIndex: quantised(bodyMassIndex),
    body,
    kidneys,
    masses: drawMasses(profile, { kidneys, body }, random.fork('masses')),
    contrast: drawContrast(profile, { kvp, bodyMassIndex }, scan),
    kvp,
    oralContrast: scan.chance(profile.protocol.oralContrast),
  };
}

function drawBody(sex: Patient['sex'], bodyMassIndex: number, random: Random): Body {
  const excess = Math.max(-5, bodyMassIndex - 25);
  const halfDepthMm = quantised(114 + 3.4 * excess + 4 * random.normal());
  return {
    halfWidthMm: quantised(160 + 3.7 * excess + (sex === 'male' ? 6 : -4) + 4 * random.normal()),
    halfDepthMm,
    centreYMm: quantised(84 + 1.5 * excess - halfDepthMm),
    fatMm: quantised(9 + 1.3 * Math.max(0, bodyMassIndex - 19) + (sex === 'male' ? 0 : 6)),
    muscleMm: quantised((sex === 'male' ? 14 : 11) + random.normal()),
    perirenalMm: quantised(clamped(7 + 0.5 * excess + (sex === 'male' ? 2 : 0) + 2 * random.normal(), 3, 22)),
  };
}

function drawContrast(
  profile: SiteProfile,
  scan: { readonly kvp: Kvp; readonly bodyMassIndex: number },
  random: Random,
): Contrast {
  const phase = weightedChoice(profile.protocol.phases, random) as Phase;
  const lateness = clamped(0.12 * random.normal(), -0.3, 0.3);
  const dose = Math.exp(0.11 * random.normal()) * (28 / Math.min(40, scan.bodyMassIndex)) ** 0.35;
  return { phase, lateness: quantised(lateness), iodine: quantised(iodineByKvp[scan.kvp] * dose) };
}

/** Where masses may grow. */
interface Abdomen {
  readonly kidneys: readonly Kidney[];
  readonly body: Body;
}

function drawMasses(profile: SiteProfile, abdomen: Abdomen, random: Random): Mass[] {
  const tumours = random.chance(profile.patients.secondTumour) ? 2 : 1;
  const masses: Mass[] = [];
  for (let index = 0; index < tumours; index++) masses.push(drawTumour(profile, abdomen, random.fork('tumour', index)));
  const counter = random.fork('cysts');
  const cysts =
    (counter.chance(profile.patients.cysts / 2) ? 1 : 0) + (counter.chance(profile.patients.cysts / 2) ? 1 : 0);
  for (let index = 0; index < cysts; index++) {
    const cyst = drawCyst(abdomen, masses, random.fork('cyst', index));
    if (cyst) masses.push(cyst);
  }
  return masses;
}

function drawTumour(profile: SiteProfile, abdomen: Abdomen, random: Random): Mass {
  const { medianMm, sdLog } = profile.patients.tumourDiameter;
  const diameterMm = clamped(medianMm * Math.exp(sdLog * random.normal()), 10, 110);
  const subtype = weightedChoice(profile.patients.subtypes, random) as Subtype;
  const kidney = random.choice(abdomen.kidneys);
  const exophytic = quantised(diameterMm > 70 ? random.between(0.5, 0.8) : random.between(0.05, 0.75));
  const volumeMl = (Math.PI / 6) * (diameterMm / 10) ** 3;
  const necroticBy = { 'clear-cell': 1, papillary: 0.7, chromophobe: 0.35, oncocytoma: 0.15, angiomyolipoma: 0 }[
    subtype
  ];
  return {
    kind: 'tumour',
    side: kidney.side,
    subtype,
    ...placed({ kidney, body: abdomen.body }, { diameterMm, exophytic, elongation: 0.12 }, random),
    lobesMm: quantised(diameterMm * random.between(0.015, 0.05)),
    exophytic,
    necrosis: quantised(
      clamped((0.02 + 0.17 * Math.log10(1 + volumeMl)) * necroticBy * random.between(0.3, 1.7), 0, 0.7),
    ),
    calcified: random.chance(subtype === 'papillary' ? 0.28 : 0.14),
    capsule: random.chance(0.5),
  };
}

function drawCyst(abdomen: Abdomen, others: readonly Mass[], random: Random): Mass | null {
  for (let attempt = 0; attempt < 12; attempt++) {
    const kidney = random.choice(abdomen.kidneys);
    const diameterMm = clamped(18 * Math.exp(0.5 * random.normal()), 7, 60);
    const exophytic = quantised(random.between(0.3, 0.7));
    const place = placed({ kidney, body: abdomen.body }, { diameterMm, exophytic, elongation: 0.06 }, random);
    if (others.some((other) => apart(other.centreMm, place.centreMm) < 0.55 * (other.diameterMm + diameterMm)))
      continue;
    return {
      kind: 'cyst',
      side: kidney.side,
      subtype: null,
      ...place,
      lobesMm: quantised(diameterMm * 0.012),
      exophytic,
      necrosis: 0,
      calcified: false,
      capsule: false,
    };
  }
  return null;
}

/** Where a mass sits: on the kidney's outline, in a direction that leaves the spine and the hilum's vessels free. */
function placed(
  { kidney, body }: { readonly kidney: Kidney; readonly body: Body },
  wish: { readonly diameterMm: number; readonly exophytic: number; readonly elongation: number },
  random: Random,
): { centreMm: Point; radiiMm: Point; diameterMm: number } {
  const radius = wish.diameterMm / 2;
  const lateral = random.between(-0.15, 1);
  const turned = random.chance(0.6) ? -1 : 1;
  const across =
    turned * Math.sqrt(Math.max(0, 1 - lateral * lateral)) * (wish.diameterMm > 60 && turned > 0 ? 0.4 : 1);
  const along = random.between(-1.1, 1.1);
  const length = Math.sqrt(lateral * lateral + across * across + along * along);
  const direction: Point = [lateral / length, across / length, along / length];
  const reach = surfaceAlong(kidney, direction) + (2 * wish.exophytic - 1) * radius;
  const centre = kidneyPoint(kidney, [direction[0] * reach, direction[1] * reach, direction[2] * reach]);
  const stretch = (): number => quantised(radius * clamped(1 + wish.elongation * random.normal(), 0.75, 1.3));
  return {
    centreMm: kept(centre, { radius, side: kidney.side, body }),
    radiiMm: [stretch(), stretch(), stretch()],
    diameterMm: quantised(wish.diameterMm),
  };
}

/** Moves a mass until it fits between spine, back muscles and abdominal wall. */
function kept(
  centre: Point,
  { radius, side, body }: { readonly radius: number; readonly side: Kidney['side']; readonly body: Body },
): Point {
  const sign = side === 'left' ? 1 : -1;
  const innerWidth = body.halfWidthMm - 1.1 * body.fatMm - body.muscleMm - 4;
  const innerDepth = body.halfDepthMm - body.fatMm - body.muscleMm - 4;
  let out = Math.max(sign * centre[0], 33 + 0.95 * radius);
  let y = Math.min(centre[1], 36 - 0.85 * radius);
  for (let step = 0; step < 60; step++) {
    const px = out / innerWidth;
    const py = (y - body.centreYMm) / innerDepth;
    const from = Math.sqrt(px * px + py * py) || 1;
    const wall = (px * radius) / innerWidth / from + (Math.abs(py) * radius) / innerDepth / from;
    if (from + wall <= 1.02) break;
    y -= Math.sign(y - body.centreYMm) * Math.min(2, Math.abs(y - body.centreYMm));
    if (out > 31 + 0.9 * radius) out -= 1;
  }
  return [quantised(sign * out), quantised(y), quantised(centre[2])];
}

function apart(a: Point, b: Point): number {
  return Math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2);
}

function weightedChoice(weights: Readonly<Record<string, number>>, random: Random): string {
  const entries = Object.entries(weights);
  let left = random.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return (entries.filter(([, weight]) => weight > 0).at(-1) as [string, number])[0];
}

export function clamped(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
