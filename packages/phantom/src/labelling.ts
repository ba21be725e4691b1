/**
 * How a site draws: the truth's distances, moved by its habit, thresholded. A contour drawn on every n-th slice is
 * interpolated between (shape-based interpolation: Raya & Udupa, IEEE TMI 1990).
 */
import type { Random } from '@consilium/numerics';
import type { Grid } from './canvas.ts';
import { createNoiseField } from './lattice-noise.ts';
import { smoothMaximum } from './shape.ts';
import type { LabellingHabit } from './site-profile.ts';
import { classes, type DistanceField, forEachIn, type KidneyTruth, type Truth } from './truth.ts';

/** Labels in the site's habit, `[z, y, x]` on the grid. */
export function drawLabels(truth: Truth, grid: Grid, habit: LabellingHabit, random: Random): Uint8Array<ArrayBuffer> {
  const labels = new Uint8Array(grid.size[0] * grid.size[1] * grid.size[2]);
  for (const [index, kidney] of truth.kidneys.entries()) {
    const field = smoothedParenchyma(kidney, habit.kidneySmoothingMm);
    const drawn = handDrawn(field, { grid, habit, offsetMm: habit.kidneyOffsetMm }, random.fork('kidney', index));
    mark(labels, drawn, grid, () => classes.kidney);
  }
  const cystClass = {
    separate: classes.cyst,
    tumour: classes.tumour,
    kidney: classes.kidney,
    ignored: classes.background,
  }[habit.cysts];
  for (const [index, { mass, field, volumeMl }] of truth.masses.entries()) {
    if (mass.kind !== 'cyst') continue;
    const missed = habit.cysts === 'tumour' && volumeMl < habit.missedBelowMl;
    const drawn = handDrawn(
      field,
      { grid, habit, offsetMm: cystClass === classes.tumour ? habit.tumourOffsetMm : 0 },
      random.fork('cyst', index),
    );
    mark(labels, drawn, grid, () => (missed ? classes.kidney : cystClass));
  }
  for (const [index, { mass, field, volumeMl }] of truth.masses.entries()) {
    if (mass.kind !== 'tumour') continue;
    const missed = volumeMl < habit.missedBelowMl;
    const drawn = handDrawn(
      field,
      { grid, habit, offsetMm: missed ? 0 : habit.tumourOffsetMm },
      random.fork('tumour', index),
    );
    if (habit.tumourOffsetMm < 0)
      mark(labels, field, grid, (before) => (before === classes.background ? classes.background : classes.kidney));
    mark(labels, drawn, grid, () => (missed ? classes.kidney : classes.tumour));
  }
  return labels;
}

function mark(labels: Uint8Array, field: DistanceField, grid: Grid, value: (before: number) => number): void {
  forEachIn(field, grid, (at, index) => {
    if ((field.values[at] as number) < 0) labels[index] = value(labels[index] as number);
  });
}

/** The parenchyma with the sinus drawn smaller: annotators who smooth fill the narrow folds of the hilum. */
function smoothedParenchyma({ outline, sinus, parenchyma }: KidneyTruth, smoothingMm: number): DistanceField {
  if (smoothingMm === 0) return parenchyma;
  const values = new Float32Array(parenchyma.values.length);
  for (let at = 0; at < values.length; at++) {
    values[at] = smoothMaximum(
      outline.values[at] as number,
      -((sinus.values[at] as number) + 0.5 * smoothingMm),
      4 + smoothingMm,
    );
  }
  return { range: parenchyma.range, values };
}

/** The field as a hand would draw it: shifted, wandering, and interpolated between drawn slices. */
function handDrawn(
  field: DistanceField,
  options: { readonly grid: Grid; readonly habit: LabellingHabit; readonly offsetMm: number },
  random: Random,
): DistanceField {
  const { grid, habit, offsetMm } = options;
  const wander = createNoiseField(random.fork('wander'), 18);
  const values = new Float32Array(field.values);
  forEachIn(field, grid, (at, _index, x, y, z) => {
    const distance = values[at] as number;
    if (Math.abs(distance) < 12) values[at] = distance - offsetMm - habit.jitterMm * wander(x, y, z);
  });
  interpolateSlices(values, field, habit.drawnEvery);
  return { range: field.range, values };
}

/** Keeps every n-th slice and fills those between linearly. */
function interpolateSlices(values: Float32Array, { range }: DistanceField, every: number): void {
  if (every < 2) return;
  const area = (range.to[1] - range.from[1]) * (range.to[2] - range.from[2]);
  const count = range.to[0] - range.from[0];
  for (let slice = 0; slice < count; slice++) {
    const below = slice - (slice % every);
    const above = Math.min(count - 1, below + every);
    if (slice === below || slice === above) continue;
    const share = (slice - below) / (above - below);
    for (let at = 0; at < area; at++) {
      const low = values[below * area + at] as number;
      const high = values[above * area + at] as number;
      values[slice * area + at] = low + share * (high - low);
    }
  }
}
