/**
 * score(n) = ceiling - gap n^-rate, the power law by which networks learn from more data (Hestness et al. 2017,
 * arXiv:1712.00409; Viering and Loog 2023, "The shape of learning curves"). For a given rate the best ceiling and gap are a
 * linear least squares problem with bounds, solved exactly; so only the rate is searched (variable projection, Golub and
 * Pereyra 1973), and no start has to be guessed.
 */
export interface PowerLaw {
  /** What infinitely many studies would give, 0 .. 1. */
  readonly ceiling: number;
  /** Not negative: more studies never harm. */
  readonly gap: number;
  readonly rate: number;
}

export interface LearningPoint {
  /** Above 0. */
  readonly studies: number;
  readonly score: number;
  readonly weight: number;
}

/** Outside, three points cannot tell a curve from a straight line, or from a step. */
const rateBounds = [0.05, 3] as const;
const gridSteps = 60;
const goldenSteps = 40;
const golden = (Math.sqrt(5) - 1) / 2;

/** The least weighted squares over all laws within the bounds. Needs at least three different numbers of studies. */
export function fitPowerLaw(points: readonly LearningPoint[]): PowerLaw {
  const [slowest, fastest] = rateBounds.map(Math.log) as [number, number];
  const errorAt = (logRate: number): number => bestFor(Math.exp(logRate), points).error;
  const step = (fastest - slowest) / gridSteps;
  let best = 0;
  const errors = Array.from({ length: gridSteps + 1 }, (_, index) => errorAt(slowest + index * step));
  errors.forEach((error, index) => {
    if (error < errors[best]!) best = index;
  });
  let low = slowest + Math.max(0, best - 1) * step;
  let high = slowest + Math.min(gridSteps, best + 1) * step;
  for (let index = 0; index < goldenSteps; index++) {
    const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
    if (errorAt(left) <= errorAt(right)) high = right;
    else low = left;
  }
  const candidates = [slowest + best * step, (low + high) / 2].map(Math.exp).map((rate) => bestFor(rate, points));
  const { ceiling, gap, rate } = candidates.reduce((one, other) => (other.error < one.error ? other : one));
  return { ceiling, gap, rate };
}

export function scoreAt({ ceiling, gap, rate }: PowerLaw, studies: number): number {
  return ceiling - gap * studies ** -rate;
}

/** How many studies give the score; `Infinity` where none do. At least one. */
export function studiesFor({ ceiling, gap, rate }: PowerLaw, score: number): number {
  if (score <= ceiling - gap) return 1;
  return score >= ceiling ? Number.POSITIVE_INFINITY : (gap / (ceiling - score)) ** (1 / rate);
}

interface Candidate extends PowerLaw {
  readonly error: number;
}

/** The problem is convex: its optimum is the free one if that is allowed, else lies on an edge of what is allowed. */
function bestFor(rate: number, points: readonly LearningPoint[]): Candidate {
  const sums = { w: 0, x: 0, y: 0, xx: 0, xy: 0 };
  for (const { studies, score, weight } of points) {
    const x = studies ** -rate;
    sums.w += weight;
    sums.x += weight * x;
    sums.y += weight * score;
    sums.xx += weight * x * x;
    sums.xy += weight * x * score;
  }
  const gapFor = (ceiling: number): number => Math.max(0, (ceiling * sums.x - sums.xy) / sums.xx);
  const candidate = (ceiling: number, gap: number): Candidate => {
    const law = { ceiling, gap, rate };
    const error = points.reduce(
      (sum, { studies, score, weight }) => sum + weight * (score - scoreAt(law, studies)) ** 2,
      0,
    );
    return { ...law, error };
  };
  const determinant = sums.w * sums.xx - sums.x * sums.x;
  const gap = (sums.x * sums.y - sums.w * sums.xy) / determinant;
  const ceiling = (sums.y + gap * sums.x) / sums.w;
  if (gap >= 0 && ceiling >= 0 && ceiling <= 1) return candidate(ceiling, gap);
  const flat = Math.min(1, Math.max(0, sums.y / sums.w));
  const edges = [candidate(flat, 0), candidate(0, gapFor(0)), candidate(1, gapFor(1))];
  return edges.reduce((one, other) => (other.error < one.error ? other : one));
}
