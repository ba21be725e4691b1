/**
 * How good a network is that is clicked on, by a simulated reader who clicks where the mask is most wrong, structure by
 * structure. `dice` and whatever else a structure is scored by is after the plan's `evaluation.scored` clicks; beside it
 * stands `dice-after-N` for each number of clicks. A structure that a case has none of is not scored.
 */
import type { LabelMap } from '@consilium/imaging';
import {
  type Case,
  type ClickPredictor,
  type InteractiveSpec,
  type Plan,
  type PreparedCase,
  type PreparedImage,
  prepareImage,
  scoreCase,
  scoreClicks,
} from '@consilium/training';
import { type Judge, type RegionMetrics, surfaceToleranceMm } from './judge.ts';

interface Clicked {
  readonly name: string;
  readonly value: number;
  readonly score: Awaited<ReturnType<typeof scoreClicks>>;
  readonly reference: LabelMap;
}

export function clickJudge(
  predictor: ClickPredictor,
  plan: Plan & { readonly interactive: InteractiveSpec },
  signal: AbortSignal,
): Judge {
  const { clicks, scored } = plan.interactive.evaluation;
  const clickedOn = (prepared: PreparedImage, labels: LabelMap, counts: readonly number[]) =>
    clickOnEach(labels, { predictor, plan, prepared, counts, signal });
  return {
    async validate(prepared: PreparedCase) {
      const counts = clicks.filter((count) => count <= scored);
      const labels = { geometry: prepared.geometry, voxels: prepared.label };
      const structures = await clickedOn(prepared, labels, counts);
      return Object.fromEntries(structures.map(({ name, score }) => [name, diceMetrics(score, scored)]));
    },
    async test({ image, reference, label, phase }: Case) {
      const truth = reference ?? label;
      const prepared = prepareImage(image, plan, phase);
      const structures = await clickedOn(prepared, truth, clicks);
      const prediction = { geometry: truth.geometry, voxels: new Uint8Array(truth.voxels.length) };
      const regions: Record<string, RegionMetrics> = {};
      for (const { name, value, score, reference: only } of structures) {
        const drawn = { geometry: truth.geometry, voxels: score.mask };
        const region = { name, classes: [1] };
        const metrics = scoreCase(drawn, only, [region], { toleranceMm: surfaceToleranceMm })[name]!;
        regions[name] = { ...metrics, ...diceMetrics(score, scored) };
        for (let index = 0; index < score.mask.length; index++) {
          if (score.mask[index] === 1) prediction.voxels[index] = value;
        }
      }
      return { regions, prediction };
    },
    [Symbol.asyncDispose]: () => predictor[Symbol.asyncDispose](),
  };
}

async function clickOnEach(
  labels: LabelMap,
  {
    predictor,
    plan,
    prepared,
    counts,
    signal,
  }: {
    readonly predictor: ClickPredictor;
    readonly plan: Plan & { readonly interactive: InteractiveSpec };
    readonly prepared: PreparedImage;
    readonly counts: readonly number[];
    readonly signal: AbortSignal;
  },
): Promise<Clicked[]> {
  const { geometry } = labels;
  const automatic = counts.includes(0) ? await predictor.withoutClicks(prepared, geometry, { signal }) : null;
  const clicked: Clicked[] = [];
  for (const { name, value } of plan.classes.filter((one) => plan.interactive.classes.includes(one.value))) {
    const reference = { geometry, voxels: labels.voxels.map((voxel) => (voxel === value ? 1 : 0)) };
    if (!reference.voxels.includes(1)) continue;
    const keep = plan.interactive.evaluation.scored;
    const trial = { predictor, prepared, reference, clicks: counts, keep, automatic, signal };
    clicked.push({ name, value, reference, score: await scoreClicks(trial) });
  }
  return clicked;
}

function diceMetrics({ diceAfter }: Clicked['score'], scored: number): RegionMetrics {
  const after = [...diceAfter].map(([count, value]) => [`dice-after-${count}`, value] as const);
  return { dice: diceAfter.get(scored)!, ...Object.fromEntries(after) };
}
