/**
 * Bodies as signed distances: negative inside, mm. Only +, -, *, / and sqrt, which IEEE 754 rounds alike everywhere.
 *
 * Points are body coordinates `[x, y, z]` in mm: x to the patient's left, y to the back, z to the head; the origin lies
 * on the midline, in the middle of the vertebral bodies, at the kidneys' height.
 */

export type Point = readonly [x: number, y: number, z: number];

export type Distance = (x: number, y: number, z: number) => number;

export interface Box {
  readonly low: Point;
  readonly high: Point;
}

export interface Shape {
  /** Outside it the shape has no part. */
  readonly box: Box;
  readonly distance: Distance;
}

/** First-order distance to an ellipsoid (exact on its surface; Quilez, "ellipsoid SDF"). */
export function ellipsoidDistance(x: number, y: number, z: number, a: number, b: number, c: number): number {
  const px = x / a;
  const py = y / b;
  const pz = z / c;
  const radius = Math.sqrt(px * px + py * py + pz * pz);
  if (radius < 1e-6) return -Math.min(a, b, c);
  const gx = px / a;
  const gy = py / b;
  const gz = pz / c;
  return (radius * (radius - 1)) / Math.sqrt(gx * gx + gy * gy + gz * gz);
}

export function ellipsoid(centre: Point, radii: Point, marginMm = 0): Shape {
  const [cx, cy, cz] = centre;
  const [a, b, c] = radii;
  return {
    box: {
      low: [cx - a - marginMm, cy - b - marginMm, cz - c - marginMm],
      high: [cx + a + marginMm, cy + b + marginMm, cz + c + marginMm],
    },
    distance: (x, y, z) => ellipsoidDistance(x - cx, y - cy, z - cz, a, b, c),
  };
}

/** Distance to a segment whose radius goes from `fromRadius` to `toRadius`. */
function capsule(from: Point, to: Point, fromRadius: number, toRadius: number): Shape {
  const [ax, ay, az] = from;
  const bx = to[0] - ax;
  const by = to[1] - ay;
  const bz = to[2] - az;
  const length2 = Math.max(1e-6, bx * bx + by * by + bz * bz);
  const widest = Math.max(fromRadius, toRadius);
  return {
    box: {
      low: [Math.min(ax, to[0]) - widest, Math.min(ay, to[1]) - widest, Math.min(az, to[2]) - widest],
      high: [Math.max(ax, to[0]) + widest, Math.max(ay, to[1]) + widest, Math.max(az, to[2]) + widest],
    },
    distance: (x, y, z) => {
      const px = x - ax;
      const py = y - ay;
      const pz = z - az;
      const share = Math.min(1, Math.max(0, (px * bx + py * by + pz * bz) / length2));
      const dx = px - share * bx;
      const dy = py - share * by;
      const dz = pz - share * bz;
      return Math.sqrt(dx * dx + dy * dy + dz * dz) - (fromRadius + share * (toRadius - fromRadius));
    },
  };
}

/** A chain of capsules through the points. */
export function tube(points: readonly Point[], radii: readonly number[]): Shape {
  const parts = points
    .slice(1)
    .map((point, index) => capsule(points[index] as Point, point, radii[index] as number, radii[index + 1] as number));
  return { box: boxAround(parts.map((part) => part.box)), distance: unionDistance(parts) };
}

export function unionDistance(shapes: readonly Shape[]): Distance {
  return (x, y, z) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (const shape of shapes) nearest = Math.min(nearest, shape.distance(x, y, z));
    return nearest;
  };
}

/** Points of a curve through `points` (Catmull-Rom), `steps` for each pair. */
export function smoothPath(points: readonly Point[], steps: number): Point[] {
  const at = (index: number): Point => points[Math.min(points.length - 1, Math.max(0, index))] as Point;
  const path: Point[] = [];
  for (let index = 0; index + 1 < points.length; index++) {
    for (let step = 0; step < steps; step++) {
      path.push(catmullRom([at(index - 1), at(index), at(index + 1), at(index + 2)], step / steps));
    }
  }
  path.push(at(points.length - 1));
  return path;
}

function catmullRom([p, q, r, s]: readonly [Point, Point, Point, Point], t: number): Point {
  const axis = (i: 0 | 1 | 2): number =>
    q[i] +
    0.5 * t * (r[i] - p[i] + t * (2 * p[i] - 5 * q[i] + 4 * r[i] - s[i] + t * (3 * (q[i] - r[i]) + s[i] - p[i])));
  return [axis(0), axis(1), axis(2)];
}

function boxAround(boxes: readonly Box[]): Box {
  const edge = (pick: (...values: number[]) => number, side: 'low' | 'high'): Point => [
    pick(...boxes.map((box) => box[side][0])),
    pick(...boxes.map((box) => box[side][1])),
    pick(...boxes.map((box) => box[side][2])),
  ];
  return { low: edge(Math.min, 'low'), high: edge(Math.max, 'high') };
}

export function grown(box: Box, byMm: number): Box {
  return {
    low: [box.low[0] - byMm, box.low[1] - byMm, box.low[2] - byMm],
    high: [box.high[0] + byMm, box.high[1] + byMm, box.high[2] + byMm],
  };
}

/** The larger of two distances, its crease rounded over `roundMm` (polynomial smooth maximum, Quilez). */
export function smoothMaximum(a: number, b: number, roundMm: number): number {
  const h = Math.max(0, roundMm - Math.abs(a - b)) / roundMm;
  return Math.max(a, b) + 0.25 * h * h * roundMm;
}

export function smoothMinimum(a: number, b: number, roundMm: number): number {
  return -smoothMaximum(-a, -b, roundMm);
}
