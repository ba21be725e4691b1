/**
 * What a plan needs to know of the data: how fine the voxels are, how large the patients, how dense the organs, how large
 * the classes (nnU-Net's dataset fingerprint: Isensee et al., Nature Methods 2021, doi:10.1038/s41592-020-01008-z).
 *
 * A fingerprint leaves the hospital, so it is made of whole counts in bins and nothing else: no image, no case, no order,
 * no pairing of two properties of one patient. Fingerprints of several sites add exactly.
 */
import { canonical } from '@consilium/imaging';
import { z } from 'zod';
import { bodyBox } from './body.ts';
import { type Case, checkCase, type SegmentationClass } from './case.ts';
import { contrastPhases } from './contrast-phase.ts';
import { HistogramBuilder, histogramSchema, mergeHistograms } from './histogram.ts';
import { TrainingError } from './training-error.ts';

const tripleOfHistograms = z.tuple([histogramSchema, histogramSchema, histogramSchema]);

const fingerprintSchema = z.strictObject({
  version: z.literal(1),
  cases: z.int().nonnegative(),
  /** Along `[z, y, x]` after reorientation to head, back, left; bins of 0.02 mm. */
  spacingMm: tripleOfHistograms,
  /** Size of the body in view along `[z, y, x]`; bins of 4 mm. */
  extentMm: tripleOfHistograms,
  /** HU under the segmentation, bins of 1 HU, at most 10 000 voxels a case so that no patient outweighs another. */
  foregroundHu: histogramSchema,
  /** The same of the cases whose phase of contrast enhancement is known, in order of time; left out where there are none. */
  phases: z
    .array(z.strictObject({ phase: z.enum(contrastPhases), cases: z.int().positive(), foregroundHu: histogramSchema }))
    .exactOptional(),
  /** Ascending by value. */
  classes: z.array(
    z.strictObject({
      value: z.int().min(1).max(255),
      /** How many cases have at least one voxel of it. */
      cases: z.int().nonnegative(),
      /** Sum over the cases, each rounded to whole mm^3. */
      totalMm3: z.int().nonnegative(),
    }),
  ),
});
export type Fingerprint = Readonly<z.infer<typeof fingerprintSchema>>;

const foregroundVoxelsMax = 10_000;
const spacingBins = { binWidth: 0.02, low: 0, high: 50 };
const extentBins = { binWidth: 4, low: 0, high: 3000 };
const huBins = { binWidth: 1, low: -1024, high: 3071 };

/**
 * One pass over the cases, one at a time in memory.
 * @throws TrainingError as `checkCase`
 */
export async function fingerprintOf(
  cases: AsyncIterable<Case> | Iterable<Case>,
  options: { classes?: readonly SegmentationClass[]; signal?: AbortSignal } = {},
): Promise<Fingerprint> {
  const each: Fingerprint[] = [];
  for await (const aCase of cases) {
    options.signal?.throwIfAborted();
    checkCase(aCase, options.classes);
    each.push(fingerprintOfCase(aCase));
  }
  return mergeFingerprints(each);
}

/** The fingerprint of all cases together; the same whatever the order of its argument. */
export function mergeFingerprints(fingerprints: readonly Fingerprint[]): Fingerprint {
  const classes = new Map<number, { value: number; cases: number; totalMm3: number }>();
  for (const { value, cases, totalMm3 } of fingerprints.flatMap((each) => each.classes)) {
    const sum = classes.get(value) ?? { value, cases: 0, totalMm3: 0 };
    sum.cases += cases;
    sum.totalMm3 += totalMm3;
    classes.set(value, sum);
  }
  const merged = (key: 'spacingMm' | 'extentMm', axis: 0 | 1 | 2) =>
    mergeHistograms([noFingerprint[key][axis], ...fingerprints.map((each) => each[key][axis])]);
  return {
    version: 1,
    cases: fingerprints.reduce((sum, { cases }) => sum + cases, 0),
    spacingMm: [merged('spacingMm', 0), merged('spacingMm', 1), merged('spacingMm', 2)],
    extentMm: [merged('extentMm', 0), merged('extentMm', 1), merged('extentMm', 2)],
    foregroundHu: mergeHistograms([noFingerprint.foregroundHu, ...fingerprints.map((each) => each.foregroundHu)]),
    ...phasesOf(mergedPhases(fingerprints.flatMap(({ phases = [] }) => phases))),
    classes: [...classes.values()].sort((a, b) => a.value - b.value),
  };
}

type PhaseFingerprint = NonNullable<Fingerprint['phases']>[number];

/** A phase of fewer cases would say more of patients than of the site's protocol. */
const casesOfPhaseMin = 3;

/** What may leave a site: without phases of which it has too few cases. Their voxels still count among all. */
export function withoutRarePhases({ phases = [], ...rest }: Fingerprint): Fingerprint {
  return { ...rest, ...phasesOf(phases.filter(({ cases }) => cases >= casesOfPhaseMin)) };
}

function mergedPhases(all: readonly PhaseFingerprint[]): PhaseFingerprint[] {
  return contrastPhases.flatMap((phase) => {
    const same = all.filter((one) => one.phase === phase);
    if (same.length === 0) return [];
    const cases = same.reduce((sum, one) => sum + one.cases, 0);
    return [{ phase, cases, foregroundHu: mergeHistograms(same.map(({ foregroundHu }) => foregroundHu)) }];
  });
}

function phasesOf(phases: PhaseFingerprint[]): Pick<Fingerprint, 'phases'> {
  return phases.length === 0 ? {} : { phases };
}

/** @throws TrainingError `training.fingerprint-malformed`, naming the field. */
export function parseFingerprint(json: unknown): Fingerprint {
  const parsed = fingerprintSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TrainingError('training.fingerprint-malformed', `fingerprint.${issue?.path.join('.')}: ${issue?.message}`);
}

const emptySpacing = new HistogramBuilder(spacingBins).build();
const emptyExtent = new HistogramBuilder(extentBins).build();
const noFingerprint: Fingerprint = {
  version: 1,
  cases: 0,
  spacingMm: [emptySpacing, emptySpacing, emptySpacing],
  extentMm: [emptyExtent, emptyExtent, emptyExtent],
  foregroundHu: new HistogramBuilder(huBins).build(),
  classes: [],
};

function fingerprintOfCase({ image, label, phase }: Case): Fingerprint {
  const oriented = canonical(image);
  const { spacingMm } = oriented.geometry;
  const { size } = bodyBox(oriented);
  const one = (bins: typeof spacingBins, value: number) => {
    const builder = new HistogramBuilder(bins);
    builder.add(value);
    return builder.build();
  };
  const spacing = (axis: 0 | 1 | 2) => one(spacingBins, spacingMm[axis]);
  const extent = (axis: 0 | 1 | 2) => one(extentBins, spacingMm[axis] * size[axis]);

  const counts = new Float64Array(256);
  for (let index = 0; index < label.voxels.length; index++) counts[label.voxels[index]!]! += 1;
  const foregroundCount = label.voxels.length - counts[0]!;
  const stride = Math.max(1, Math.ceil(foregroundCount / foregroundVoxelsMax));
  const hu = new HistogramBuilder(huBins);
  for (let index = 0, seen = 0; index < label.voxels.length; index++) {
    if (label.voxels[index] === 0) continue;
    if (seen % stride === 0) hu.add(image.voxels[index]!);
    seen += 1;
  }

  const voxelMm3 = spacingMm[0] * spacingMm[1] * spacingMm[2];
  const classes: Fingerprint['classes'] = [];
  for (let value = 1; value < 256; value++) {
    if (counts[value] === 0) continue;
    classes.push({ value, cases: 1, totalMm3: Math.round(counts[value]! * voxelMm3) });
  }
  const foregroundHu = hu.build();
  return {
    version: 1,
    cases: 1,
    spacingMm: [spacing(0), spacing(1), spacing(2)],
    extentMm: [extent(0), extent(1), extent(2)],
    foregroundHu,
    ...phasesOf(phase === undefined || foregroundHu.counts.length === 0 ? [] : [{ phase, cases: 1, foregroundHu }]),
    classes,
  };
}
