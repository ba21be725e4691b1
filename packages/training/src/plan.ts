/**
 * The plan: every choice that follows from the data, in one readable file that a person may edit (nnU-Net's plans:
 * Isensee et al., Nature Methods 2021, doi:10.1038/s41592-020-01008-z). `makePlan` derives it, `parsePlan` reads it back.
 */
import type { Triple } from '@consilium/imaging';
import { z } from 'zod';
import {
  type AugmentationSpec,
  augmentationSpecSchema,
  standardAugmentation,
} from './augmentation/augmentation-spec.ts';
import type { SegmentationClass } from './case.ts';
import { clickChannels, clickClasses } from './clicks/click-input.ts';
import { type InteractiveSpec, interactiveSpecSchema } from './clicks/interactive-spec.ts';
import { contrastPhases } from './contrast-phase.ts';
import type { Fingerprint } from './fingerprint.ts';
import { histogramMoments, histogramQuantile } from './histogram.ts';
import { lossSpecSchema, type NetworkSpecInput, networkSpecSchema } from './network-spec.ts';
import { type Preset, presetFor } from './preset.ts';
import { kidneyClasses, kidneyRegions, type Region } from './regions.ts';
import { type Topology, topologyFor, trainingMemoryMb } from './topology.ts';
import { TrainingError } from './training-error.ts';

const positive = z.number().positive();
const classValue = z.int().min(1).max(255);
const tripleOf = <Schema extends z.ZodType>(item: Schema) => z.tuple([item, item, item]);

const momentsShape = { mean: z.number(), std: positive };

const optimiserSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd'),
    momentum: z.number().min(0).max(1),
    nesterov: z.boolean(),
    weightDecay: z.number().nonnegative().optional(),
  }),
  z.strictObject({
    kind: z.enum(['adam', 'adamw']),
    beta1: z.number().min(0).max(1).optional(),
    beta2: z.number().min(0).max(1).optional(),
    epsilon: positive.optional(),
    weightDecay: z.number().nonnegative().optional(),
  }),
]);

const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('polynomial'), initial: positive, power: positive, warmUpSteps: z.int().min(0) }),
  z.strictObject({
    kind: z.literal('cosine'),
    initial: positive,
    final: z.number().min(0),
    warmUpSteps: z.int().min(0),
  }),
]);

const planSchema = z
  .strictObject({
    version: z.literal(1),
    /** Background (0) is not listed. */
    classes: z.array(z.strictObject({ name: z.string().min(1), value: classValue })).min(1),
    /** What is scored: unions of classes. */
    regions: z.array(z.strictObject({ name: z.string().min(1), classes: z.array(classValue).min(1) })).min(1),
    /** Voxel size the network sees, mm along `[z, y, x]` (head, back, left). */
    spacingMm: tripleOf(positive),
    /** Voxels along `[z, y, x]`. */
    patchSize: tripleOf(z.int().positive()),
    batchSize: z.int().positive(),
    /** HU are clipped, then (HU - mean) / std. */
    normalisation: z.strictObject({
      clipHu: z.tuple([z.number(), z.number()]),
      ...momentsShape,
      /** In place of mean and std, for cases whose phase of contrast enhancement is known. */
      phases: z.partialRecord(z.enum(contrastPhases), z.strictObject(momentsShape)).exactOptional(),
    }),
    network: networkSpecSchema,
    loss: lossSpecSchema,
    optimiser: optimiserSchema,
    schedule: scheduleSchema,
    /** Share of patches that are centred on a foreground voxel. */
    foregroundFraction: z.number().min(0).max(1),
    augmentation: augmentationSpecSchema,
    /** What training may take, MiB; an estimate is kept below it. */
    memoryBudgetMb: positive,
    inference: z.strictObject({
      /** Share of a patch that the next one covers again. */
      overlap: z.number().min(0).max(0.9),
      /** Average over the mirrored patches of `augmentation.flips`. */
      flips: z.boolean(),
    }),
    /** Makes the network one that takes clicks and a mask beside the image, and answers with one structure. */
    interactive: interactiveSpecSchema.exactOptional(),
  })
  .superRefine(checkConsistency);
export type Plan = Readonly<z.infer<typeof planSchema>>;

/** @throws TrainingError `training.plan-malformed`, whose message names the field. */
export function parsePlan(json: unknown): Plan {
  const parsed = planSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${['plan', ...path].join('.')}: ${message}`);
  throw new TrainingError('training.plan-malformed', problems.join('; '));
}

export interface PlanOptions {
  readonly memoryBudgetMb: number;
  /** `small`: a network and a resolution with which six sites train in minutes on two cores. */
  readonly size?: 'small' | 'full';
  /** Default: kidney, tumour and cyst, with the regions of KiTS. */
  readonly classes?: readonly SegmentationClass[];
  /** Default: each of `classes` by itself. */
  readonly regions?: readonly Region[];
  /** A network that is clicked on: any of the classes, each by itself. */
  readonly interactive?: boolean;
  /** Each phase of contrast enhancement that is told of enough cases gets a normalisation of its own. */
  readonly normaliseByPhase?: boolean;
}

/** A mean of fewer is that of patients, not of a phase. */
const casesOfPhaseMin = 10;

/** @throws TrainingError `training.no-case` for an empty fingerprint, `training.memory-budget-too-small`. */
export function makePlan(fingerprint: Fingerprint, options: PlanOptions): Plan {
  if (fingerprint.cases === 0) {
    throw new TrainingError(
      'training.no-case',
      'There is no case to make a plan from. Add at least one case with a segmentation.',
    );
  }
  const preset = presetFor(options.size ?? 'full', options);
  const spacingMm = targetSpacing(fingerprint, preset);
  const { topology, batchSize } = fitToMemory(fingerprint, spacingMm, preset, options);
  const classes = classesOf(options);
  const each = classes.map(({ name, value }) => ({ name, classes: [value] }));
  const unions = options.regions ?? (options.classes === undefined ? kidneyRegions : each);
  return parsePlan({
    version: 1,
    classes,
    regions: options.interactive === true ? each : unions,
    spacingMm,
    patchSize: topology.patchSize,
    batchSize,
    normalisation: normalisationOf(fingerprint, options),
    network: networkFor(topology, preset, options),
    loss: { terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }] },
    optimiser: preset.optimiser,
    schedule: { kind: 'polynomial', initial: preset.learningRate, power: 0.9, warmUpSteps: 0 },
    foregroundFraction: preset.foregroundFraction,
    augmentation: augmentationFor(topology.patchSize, spacingMm, preset),
    memoryBudgetMb: options.memoryBudgetMb,
    inference: { overlap: preset.overlap, flips: false },
    ...(options.interactive === true ? { interactive: interactiveFor(spacingMm, classes) } : {}),
  });
}

/** A click reaches two and a half voxels, further for those that are thick: the network has to see it at every level. */
function interactiveFor(spacingMm: Triple, classes: readonly SegmentationClass[]): InteractiveSpec {
  const [z, y, x] = spacingMm;
  return {
    classes: classes.map(({ value }) => value),
    guidance: { kind: 'gaussian', sigmaMm: rounded(2.5 * (z * y * x) ** (1 / 3), 2) },
    clicksMax: 10,
    predictionsMax: 2,
    automaticProbability: 0.1,
    previousMask: { probability: 0.3, errorMm: rounded(1.5 * (z * y * x) ** (1 / 3), 2) },
    evaluation: { clicks: [0, 1, 3, 5, 10], scored: 3 },
  };
}

function classesOf({ classes = kidneyClasses }: PlanOptions): SegmentationClass[] {
  return classes.map(({ name, value }) => ({ name, value }));
}

/**
 * The median voxel; where one axis is more than 3 times as coarse as the others, its 10th percentile, so that thick
 * slices do not decide for thin ones.
 */
function targetSpacing(fingerprint: Fingerprint, { spacingMmMin }: Preset): Triple {
  const spacing = fingerprint.spacingMm.map((axis) => histogramQuantile(axis, 0.5));
  const sizes = fingerprint.extentMm.map((axis, index) => histogramQuantile(axis, 0.5) / spacing[index]!);
  const worst = spacing.indexOf(Math.max(...spacing));
  const others = [0, 1, 2].filter((axis) => axis !== worst);
  const coarse = others.every((axis) => spacing[worst]! > 3 * spacing[axis]!);
  const few = others.every((axis) => sizes[worst]! * 3 < sizes[axis]!);
  if (coarse && few) {
    const finer = histogramQuantile(fingerprint.spacingMm[worst]!, 0.1);
    spacing[worst] = Math.max(finer, ...others.map((axis) => spacing[axis]!));
  }
  const limited = (axis: 0 | 1 | 2) => rounded(Math.max(spacing[axis]!, spacingMmMin), 3);
  return [limited(0), limited(1), limited(2)];
}

/** Clipped to the 0.5 and 99.5 percentiles of the foreground, mean and deviation of the foreground (CT scheme). */
function normalisationOf(
  { foregroundHu, phases = [] }: Fingerprint,
  { normaliseByPhase = false }: PlanOptions,
): Plan['normalisation'] {
  const clipHu: [number, number] = [
    rounded(histogramQuantile(foregroundHu, 0.005), 1),
    rounded(histogramQuantile(foregroundHu, 0.995), 1),
  ];
  const known = normaliseByPhase ? phases.filter(({ cases }) => cases >= casesOfPhaseMin) : [];
  return {
    clipHu,
    ...momentsOf(foregroundHu),
    ...(known.length === 0
      ? {}
      : { phases: Object.fromEntries(known.map((one) => [one.phase, momentsOf(one.foregroundHu)])) }),
  };
}

function momentsOf(foregroundHu: Fingerprint['foregroundHu']): { mean: number; std: number } {
  const { mean, std } = histogramMoments(foregroundHu);
  return { mean: rounded(mean, 2), std: Math.max(1, rounded(std, 2)) };
}

/**
 * The largest patch whose training fits: starts large, cut to the patients' median size, then shortened along the axis
 * that is largest relative to that size; what memory is left becomes a larger batch.
 */
function fitToMemory(
  fingerprint: Fingerprint,
  spacingMm: Triple,
  preset: Preset,
  options: PlanOptions,
): { topology: Topology; batchSize: number } {
  const median = fingerprint.extentMm.map((axis, index) =>
    Math.max(1, Math.round(histogramQuantile(axis, 0.5) / spacingMm[index]!)),
  ) as unknown as Triple;
  let patch = firstPatch(spacingMm, median, preset);
  const memoryMb = (topology: Topology, batchSize: number): number =>
    trainingMemoryMb(networkFor(topology, preset, options), topology.patchSize, batchSize);
  for (;;) {
    const topology = topologyFor(patch, spacingMm, preset.levelsMax);
    if (memoryMb(topology, preset.batchSize.min) <= options.memoryBudgetMb) {
      return { topology, batchSize: largestBatch(fingerprint, median, topology, preset, options, memoryMb) };
    }
    const shares = topology.patchSize.map((size, axis) => size / median[axis]!);
    const axis = shares.indexOf(Math.max(...shares)) as 0 | 1 | 2;
    const shorter = [...topology.patchSize] as [number, number, number];
    shorter[axis] -= topology.divisor[axis];
    if (shorter[axis] < 8) {
      throw new TrainingError(
        'training.memory-budget-too-small',
        `No patch fits into a memory budget of ${options.memoryBudgetMb} MiB. Allow more, or plan with size 'small'.`,
      );
    }
    patch = shorter;
  }
}

function firstPatch(spacingMm: Triple, median: Triple, { patchVoxels, patchSize }: Preset): Triple {
  const edgeMm = (patchVoxels * spacingMm[0] * spacingMm[1] * spacingMm[2]) ** (1 / 3);
  const along = (axis: 0 | 1 | 2) => Math.min(patchSize?.[axis] ?? Math.round(edgeMm / spacingMm[axis]), median[axis]);
  return [along(0), along(1), along(2)];
}

/** As many patches as fit, but a batch sees at most 5 % of the data's voxels (nnU-Net). */
function largestBatch(
  fingerprint: Fingerprint,
  median: Triple,
  topology: Topology,
  { batchSize: { min, max } }: Preset,
  options: PlanOptions,
  memoryMb: (topology: Topology, batchSize: number) => number,
): number {
  const dataVoxels = median[0] * median[1] * median[2] * fingerprint.cases;
  const [z, y, x] = topology.patchSize;
  const byData = Math.round((0.05 * dataVoxels) / (z * y * x));
  let batchSize = min;
  while (batchSize < Math.min(max, byData) && memoryMb(topology, batchSize + 1) <= options.memoryBudgetMb) batchSize++;
  return batchSize;
}

function networkFor(topology: Topology, preset: Preset, options: PlanOptions): Plan['network'] {
  const { strides, kernelSizes } = topology;
  return networkSpecSchema.parse({
    kind: 'unet',
    channels: strides.map((_, level) => Math.min(preset.firstChannels * 2 ** level, preset.channelsMax)),
    strides: strides.map(([z, y, x]) => [z, y, x]),
    kernelSizes: kernelSizes.map(([z, y, x]) => [z, y, x]),
    blocksPerLevel: strides.map(() => 2),
    decoderBlocksPerLevel: strides.slice(1).map(() => preset.network.decoderBlocks),
    downSampling: preset.network.downSampling,
    ...(options.interactive === true
      ? // WebGPU has no transposed convolution in three dimensions.
        { inputChannels: clickChannels, classes: clickClasses, upSampling: 'nearest' as const }
      : { classes: Math.max(...classesOf(options).map(({ value }) => value)) + 1 }),
  } satisfies NetworkSpecInput);
}

/** Thick slices are not turned out of their plane, and then in it by any angle; otherwise by 30 degrees about each axis. */
function augmentationFor(patchSize: Triple, spacingMm: Triple, preset: Preset): AugmentationSpec {
  const anisotropic = Math.max(...patchSize) / patchSize[0] > 3 || spacingMm[0] / Math.min(...spacingMm) > 3;
  return {
    ...standardAugmentation,
    flips: [...preset.flips],
    rotation: { ...standardAugmentation.rotation, degreesMax: anisotropic ? [180, 0, 0] : [...preset.degreesMax] },
    ...(preset.scaling === undefined ? {} : { scaling: preset.scaling }),
  };
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** What no field can say by itself. */
function checkConsistency(plan: z.infer<z.ZodObject<Record<string, z.ZodType>>>, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const { classes, regions, patchSize, network, normalisation, interactive } = plan as unknown as Plan;
  const values = classes.map(({ value }) => value);
  if (new Set(values).size !== values.length) problem(['classes'], 'two classes have the same value');
  regions.forEach((region, index) => {
    const unknown = region.classes.find((value) => !values.includes(value));
    if (unknown !== undefined) problem(['regions', index, 'classes'], `${unknown} is not the value of a class`);
  });
  if (interactive === undefined && network.classes <= Math.max(...values)) {
    problem(['network', 'classes'], 'must be larger than the largest class value (background is 0)');
  }
  if (interactive !== undefined) checkInteractive(plan as unknown as Plan, interactive, problem);
  if (normalisation.clipHu[0] >= normalisation.clipHu[1]) {
    problem(['normalisation', 'clipHu'], 'the lower limit must be below the upper one');
  }
  for (const axis of [0, 1, 2] as const) {
    const divisor = network.strides.reduce((product, stride) => product * stride[axis]!, 1);
    if (patchSize[axis] % divisor !== 0)
      problem(['patchSize', axis], `must be a multiple of ${divisor}, the product of the strides`);
  }
}

function checkInteractive(
  { classes, network, loss }: Plan,
  interactive: NonNullable<Plan['interactive']>,
  problem: (path: (string | number)[], message: string) => void,
): void {
  const values = classes.map(({ value }) => value);
  interactive.classes.forEach((value, index) => {
    if (!values.includes(value)) problem(['interactive', 'classes', index], `${value} is not the value of a class`);
  });
  if (network.inputChannels !== clickChannels) {
    problem(['network', 'inputChannels'], `must be ${clickChannels} where the network takes clicks`);
  }
  if (network.classes !== clickClasses) {
    problem(
      ['network', 'classes'],
      `must be ${clickClasses} where the network takes clicks: background and the structure`,
    );
  }
  if (loss.ignoreLabel !== undefined) problem(['loss', 'ignoreLabel'], 'is of no use where the network takes clicks');
}
