/** Parallel slices in order to one grid, or why they are none. */
import { dot, geometryOfSteps, norm, scaled, subtract } from '../geometry.ts';
import type { Geometry, Triple } from '../volume.ts';
import { type FramePlace, normalOf } from './instance-header.ts';
import type { NoVolumeReason, SeriesFinding } from './stack-finding.ts';

export interface Slice {
  readonly place: FramePlace;
  readonly rows: number;
  readonly columns: number;
  readonly thicknessMm: number | undefined;
}

/** Of the spacing between slices: a position may be off by so much. */
const unevenShareMax = 0.05;
/** Rounding of positions written with few digits. */
export const positionRoundingMm = 0.01;

export type StackGeometry =
  | { readonly geometry: Geometry; readonly findings: readonly SeriesFinding[] }
  | { readonly reason: NoVolumeReason };

/** @param slices parallel, of one size, ordered along their normal, no two in the same place. */
export function stackGeometry(slices: readonly Slice[]): StackGeometry {
  const first = slices[0]!;
  const { place, rows, columns } = first;
  const normal = normalOf(place);
  const size: Triple = [slices.length, rows, columns];
  const inPlane = [
    scaled(place.columnAxis, place.pixelSpacingMm[0]),
    scaled(place.rowAxis, place.pixelSpacingMm[1]),
  ] as const;
  if (slices.length === 1) {
    const thicknessMm = first.thicknessMm ?? 0;
    const step = scaled(normal, thicknessMm > 0 ? thicknessMm : 1);
    return {
      geometry: geometryOfSteps(size, place.positionMm, [step, ...inPlane]),
      findings: [{ kind: 'single-slice' }],
    };
  }
  const spacing = evenSpacing(slices.map((slice) => dot(normal, slice.place.positionMm)));
  if (!Array.isArray(spacing)) return { reason: spacing as NoVolumeReason };
  const findings: SeriesFinding[] = [...(spacing as readonly SeriesFinding[])];
  const step = scaled(subtract(slices.at(-1)!.place.positionMm, place.positionMm), 1 / (slices.length - 1));
  const shiftMm = largestShift(slices, step);
  if (shiftMm > Math.max(unevenShareMax * norm(step), 2 * positionRoundingMm)) {
    return { reason: { kind: 'slices-shifted', deviationMm: shiftMm } };
  }
  // Rounded positions must not make an upright stack look sheared.
  const off = norm(subtract(step, scaled(normal, dot(step, normal)))) * (slices.length - 1);
  const sheared = off > 2 * positionRoundingMm;
  if (sheared) {
    const degrees = (Math.acos(Math.min(1, dot(step, normal) / norm(step))) * 180) / Math.PI;
    findings.push({ kind: 'gantry-tilt', degrees });
  }
  const along = sheared ? step : scaled(normal, dot(step, normal));
  findings.push(...thicknessFindings(slices, dot(along, normal)));
  return { geometry: geometryOfSteps(size, place.positionMm, [along, ...inPlane]), findings };
}

/** How far a position is from where the even steps lead, at most. */
function largestShift(slices: readonly Slice[], step: Triple): number {
  const start = slices[0]!.place.positionMm;
  return maxOf(
    slices.map(({ place }, index) => norm(subtract(subtract(place.positionMm, start), scaled(step, index)))),
  );
}

/** Each position against the even spacing between the first and the last; gaps against the smallest. */
function evenSpacing(heights: readonly number[]): readonly SeriesFinding[] | NoVolumeReason {
  const gaps = heights.slice(1).map((height, index) => height - heights[index]!);
  const typical = gaps.toSorted((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)]!;
  const [gapMinMm, gapMaxMm] = [minOf(gaps), maxOf(gaps)];
  const off = Math.max(gapMaxMm - typical, typical - gapMinMm);
  if (off > Math.max(unevenShareMax * typical, 2 * positionRoundingMm)) return unevenReason(gaps, gapMinMm, gapMaxMm);
  const even = (heights.at(-1)! - heights[0]!) / gaps.length;
  const deviationMm = maxOf(heights.map((height, index) => Math.abs(height - heights[0]! - index * even)));
  if (deviationMm > unevenShareMax * even + positionRoundingMm) return { kind: 'spacing-uneven', gapMinMm, gapMaxMm };
  return deviationMm > positionRoundingMm ? [{ kind: 'spacing-uneven', deviationMm }] : [];
}

/** Gaps that are multiples of the smallest are missing slices. */
function unevenReason(gaps: readonly number[], gapMinMm: number, gapMaxMm: number): NoVolumeReason {
  const counts = gaps.map((gap) => Math.round(gap / gapMinMm));
  const whole = gaps.every((gap, index) => Math.abs(gap / gapMinMm - counts[index]!) <= unevenShareMax);
  if (!whole) return { kind: 'spacing-uneven', gapMinMm, gapMaxMm };
  return {
    kind: 'slices-missing',
    after: counts.flatMap((count, index) => (count > 1 ? [index] : [])),
    missing: counts.reduce((sum, count) => sum + count - 1, 0),
    spacingMm: gapMinMm,
  };
}

function thicknessFindings(slices: readonly Slice[], spacingMm: number): SeriesFinding[] {
  const thicknessMm = slices[0]!.thicknessMm;
  if (thicknessMm === undefined || thicknessMm <= 0) return [];
  const slack = unevenShareMax * thicknessMm + positionRoundingMm;
  if (spacingMm > thicknessMm + slack) return [{ kind: 'slices-apart', thicknessMm, spacingMm }];
  return spacingMm < thicknessMm - slack ? [{ kind: 'slices-overlap', thicknessMm, spacingMm }] : [];
}

function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value));
}

function maxOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value));
}
