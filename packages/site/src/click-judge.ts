/**
 * How good a network is that is clicked on, by a simulated reader who clicks where the mask is most wrong, structure by
 * structure. `dice` and whatever else a structure is scored by is after the plan's `evaluation.scored` clicks; beside it
 * stands `dice-after-N` for each number of clicks. A structure that a case has none of is not scored.
 */
import type { LabelMap } from '@consilium/imaging';
import {
  type Case,
  type ClickPredictor,
  type ClickScore,
  type InteractiveSpec,
  type Plan,
  type PreparedCase,
  type PreparedImage,
  prepareImage,
  scoreCase,
  scoreStructures,
} from '@consilium/training';
import { type Judge, type RegionMetrics, surfaceToleranceMm } from './judge.ts';

type ClickPlan = Plan & { readonly interactive: InteractiveSpec };

export function clickJudge(predictor: ClickPredictor, plan: ClickPlan, signal: AbortSignal): Judge {
  const { clicks, scored } = plan.interactive.evaluation;
  const clickedOn = (prepared: PreparedImage, labels: LabelMap, counts: readonly number[]) =>
    scoreStructures(structuresIn(labels, plan), { predictor, prepared, clicks: counts, keep: scored, signal });
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

function structuresIn(labels: LabelMap, { classes, interactive }: ClickPlan) {
  const { geometry } = labels;
  return classes
    .filter((one) => interactive.classes.includes(one.value))
    .map(({ name, value }) => {
      const voxels = labels.voxels.map((voxel) => (voxel === value ? 1 : 0));
      return { name, value, reference: { geometry, voxels } };
    });
}

function diceMetrics({ diceAfter }: ClickScore, scored: number): RegionMetrics {
  const after = [...diceAfter].map(([count, value]) => [`dice-after-${count}`, value] as const);
  return { dice: diceAfter.get(scored)!, ...Object.fromEntries(after) };
}
