/** What the process of the models does. */
import { ContentDirectory } from '@consilium/archive';
import { nodeRuntime } from '@consilium/engine/node';
import { dice, type Geometry, type Image, type LabelMap, voxelCount } from '@consilium/imaging';
import {
  type Bundle,
  ClickPredictor,
  decodeBundle,
  Predictor,
  prepareImage,
  scoreStructures,
} from '@consilium/training';
import { disagreementMap } from '../agreement/consensus.ts';
import { settlementOf } from '../agreement/settlement.ts';
import { finishedLabel, preparedImage } from '../apps/app-steps.ts';
import { decodeRuns, encodeRuns } from '../label/run-length.ts';
import { SeriesVolumes } from '../series/series-volumes.ts';
import { descriptorsOf } from './case-descriptors.ts';
import type { CaseDice } from './champion-gate.ts';
import type { ClickDice } from './click-curve.ts';
import type {
  ClickTask,
  DisputeTask,
  LabelSource,
  ModelAnswers,
  ModelSource,
  ModelTask,
  OpenSessionTask,
  Segmented,
  SegmentTask,
  SettleTask,
  Uncertainty,
} from './model-tasks.ts';
import { PromptRooms } from './prompt-room.ts';

type OnProgress = (done: number, total: number) => void;

const prompts = new PromptRooms();

export async function performTask(task: ModelTask, onProgress: OnProgress): Promise<ModelAnswers[keyof ModelAnswers]> {
  switch (task.kind) {
    case 'segment':
      return segment(task, onProgress);
    case 'click':
      return click(task);
    case 'open-session': {
      const { base, geometry } = task;
      const layers = await layersOf(base, { count: task.layers, geometry });
      await prompts.open(task, { bundle: await readBundle(task.model), image: await readImage(task), layers });
      return null;
    }
    case 'settle':
      return settlementOf(await readersOf(task), task);
    case 'dispute':
      return encodeRuns(disagreementMap(await readersOf(task)));
    case 'prompt':
      return prompts.answer(task);
    case 'close-session':
      await prompts.close(task.session);
      return null;
  }
}

async function segment(task: SegmentTask, onProgress: OnProgress): Promise<Segmented> {
  const { plan, predictor } = await predictorOf(task.model);
  const image = await readImage(task);
  const { phase } = task.series;
  const { labels, uncertainty } = await predictor.predictWithUncertainty(image, {
    onProgress,
    ...(phase === undefined ? {} : { phase }),
  });
  const numberOf = new Uint8Array(256);
  for (const { name, value } of plan.classes) numberOf[value] = task.model.structures[name] ?? 0;
  for (let at = 0; at < labels.voxels.length; at++) labels.voxels[at] = numberOf[labels.voxels[at]!]!;
  const split = Array.from({ length: task.layers }, (_, layer) => {
    const kept = new Uint8Array(256);
    for (const one of task.structures) if (one.layer === layer) kept[one.structure] = one.structure;
    return task.layers === 1 ? labels.voxels : labels.voxels.map((value) => kept[value]!);
  });
  const { geometry } = image;
  const structures = task.structures.map(({ layer, name, structure }) => ({ number: structure, name, layer }));
  const layers = await finishedLabel({ layers: split, geometry, structures, image: image.voxels }, task.steps);
  const against = task.against && (await layersOf(task.against, { count: task.layers, geometry }));
  return {
    layers: layers.map(encodeRuns),
    uncertainty: uncertaintyOf(labels, uncertainty),
    heat: encodeRuns(uncertainty.voxels.map(stepOf)),
    descriptors: descriptorsOf(image, labels, task.structures),
    dice: against && diceOf(layers, against, task),
  };
}

/** Nothing is done to the answers after the model, as nothing is where a reader clicks. */
async function click(task: ClickTask): Promise<ClickDice> {
  const { clicks, model, structures } = task;
  const bundle = await readBundle(model);
  const { plan } = bundle;
  await using predictor = await ClickPredictor.open({ runtime: nodeRuntime(), model: bundle.model, plan });
  const image = await readImage(task);
  const { geometry } = image;
  const against = await layersOf(task.against, { count: task.layers, geometry });
  const isClicked = (value: number) => plan.interactive?.classes.includes(value) === true;
  const drawn = new Set(plan.classes.filter(({ value }) => isClicked(value)).map(({ name }) => model.structures[name]));
  const references = structures.flatMap(({ layer, structure }) => {
    const voxels = against[layer];
    // A label by an older protocol may have fewer layers.
    if (!drawn.has(structure) || voxels === undefined) return [];
    return [{ structure, reference: { geometry, voxels: voxels.map((value) => (value === structure ? 1 : 0)) } }];
  });
  const prepared = prepareImage(image, plan, task.series.phase);
  const scored = await scoreStructures(references, { predictor, prepared, clicks, keep: clicks.at(-1)! });
  const after = (count: number): CaseDice =>
    Object.fromEntries(scored.map(({ score, structure }) => [structure, score.diceAfter.get(count)!]));
  return Object.fromEntries(clicks.map((count) => [count, after(count)]));
}

/** Of a map to look at: 16 steps make runs many times shorter than 256. */
function stepOf(heat: number): number {
  return Math.round(heat / 17) * 17;
}

/** A voxel that may be something: of at least a quarter of the greatest entropy. */
const mayBe = 64;

function uncertaintyOf({ voxels }: LabelMap, { voxels: heat }: LabelMap): Uncertainty {
  const [sums, counts] = [new Float64Array(256), new Float64Array(256)];
  let [sum, count] = [0, 0];
  for (let at = 0; at < voxels.length; at++) {
    const [value, here] = [voxels[at]!, heat[at]!];
    if (value === 0 && here < mayBe) continue;
    sum += here;
    count++;
    sums[value]! += here;
    counts[value]!++;
  }
  const structures: Record<string, number> = {};
  for (let number = 1; number < 256; number++) {
    if (counts[number]! > 0) structures[number] = sums[number]! / counts[number]! / 255;
  }
  return { case: count === 0 ? 0 : sum / count / 255, structures };
}

function diceOf(
  layers: readonly Uint8Array[],
  against: readonly Uint8Array[],
  { model, structures }: SegmentTask,
): CaseDice {
  const drawn = new Set(Object.values(model.structures));
  const found: Record<string, number> = {};
  for (const { layer, structure } of structures) {
    // A label by an older protocol may have fewer layers.
    if (!drawn.has(structure) || against[layer] === undefined) continue;
    const maskOf = (voxels: Uint8Array) => voxels.map((value) => (value === structure ? 1 : 0));
    found[structure] = dice(maskOf(layers[layer]!), maskOf(against[layer]));
  }
  return found;
}

async function readersOf({ geometry, readers }: SettleTask | DisputeTask): Promise<readonly (readonly Uint8Array[])[]> {
  const found: (readonly Uint8Array[])[] = [];
  for (const reader of readers) found.push(await layersOf(reader, { count: reader.layers.length, geometry }));
  return found;
}

let kept: { readonly digest: string; readonly bundle: Bundle; readonly predictor: Predictor } | undefined;

/** The last one is kept open: work comes by model. */
async function predictorOf(source: ModelSource): Promise<{ predictor: Predictor; plan: Bundle['plan'] }> {
  if (kept?.digest !== source.digest) {
    await kept?.predictor[Symbol.asyncDispose]();
    kept = undefined;
    const bundle = await readBundle(source);
    const predictor = await Predictor.open({ runtime: nodeRuntime(), model: bundle.model, plan: bundle.plan });
    kept = { digest: source.digest, bundle, predictor };
  }
  return { predictor: kept.predictor, plan: kept.bundle.plan };
}

async function readBundle({ directory, files }: ModelSource): Promise<Bundle> {
  const blobs = ContentDirectory.at(directory);
  const found = new Map<string, Uint8Array>();
  for (const [name, sha256] of Object.entries(files)) found.set(name, await blobs.get(sha256));
  return decodeBundle(found);
}

/** As the project's app has it prepared. */
async function readImage({ series: { files }, steps }: SegmentTask | ClickTask | OpenSessionTask): Promise<Image> {
  const { geometry, slices } = await new SeriesVolumes({ filesOf: () => files }).open('');
  return { geometry, voxels: await preparedImage({ geometry, voxels: await slices(0, geometry.size[0]) }, steps) };
}

async function layersOf(
  source: LabelSource | undefined,
  { count, geometry }: { count: number; geometry: Geometry },
): Promise<readonly Uint8Array[]> {
  if (source === undefined) return Array.from({ length: count }, () => new Uint8Array(voxelCount(geometry)));
  const blobs = ContentDirectory.at(source.directory);
  const found: Uint8Array[] = [];
  for (const sha256 of source.layers) found.push(decodeRuns(await blobs.get(sha256), voxelCount(geometry)));
  return found;
}
