/**
 * From clicks to a mask, in a view of the image: where an object is larger than the view, the network looks from
 * farther away, and then again from near at what it found (adaptive zoom; Isensee et al. 2025, arXiv:2503.08373). Runs
 * wherever the engine does, in a page too.
 */
import { type Model, type Runtime, type Session, specialise, withWeights } from '@consilium/engine';
import { connectedComponents, type Geometry, type LabelMap, type Triple } from '@consilium/imaging';
import { tensor, type Weights } from '@consilium/numerics';
import type { Plan } from '../plan.ts';
import type { PreparedImage } from '../preprocess.ts';
import { axisOf, slideOver } from '../sliding-window.ts';
import { TrainingError } from '../training-error.ts';
import { ClassUpsampler } from '../upsampling.ts';
import { type ClickAnswer, type ClickField, fieldOf, type Look, onDrawing, touchedBox } from './click-field.ts';
import { type Click, clickChannels, fillGuidance } from './click-input.ts';
import { clicksIn, cutImage, type IndexMap, indexMap, mapped, maskIn, type View, viewAround } from './click-view.ts';
import type { InteractiveSpec } from './interactive-spec.ts';

export interface ClickPredictorOptions {
  readonly runtime: Runtime;
  /** Input `image` `[n, 4, z, y, x]`, output `logits` `[n, 2, z, y, x]`. */
  readonly model: Model;
  /** Default: the weights inside `model`. */
  readonly weights?: Weights;
  readonly plan: Plan;
  readonly threads?: number;
}

export interface ClickRequest {
  /** The grid of mask and clicks: the image's own, the prepared one's, or another with axes along the same lines. */
  readonly geometry: Geometry;
  /** What is drawn of the structure so far, not 0 inside. */
  readonly mask: Uint8Array;
  /** All that were made for this structure, oldest first; the newest decides where the network looks. At least one. */
  readonly clicks: readonly Click[];
}

/** An object that fills more than this many views along an axis is marked in parts. */
const zoomMax = 4;
/** What was found from afar is looked at again from near in so many views at most; beyond, it stays as it is. */
const nearLooksMax = 8;
/** So many new voxels on a view's border say that the object goes on beyond it. */
const borderVoxelsMin = 4;

export class ClickPredictor implements AsyncDisposable {
  readonly #session: Session;
  readonly #plan: Plan;
  readonly #interactive: InteractiveSpec;
  readonly #input: Float32Array;

  /** @throws TrainingError `training.not-interactive` if the plan's network is not one that is clicked on */
  static async open({ runtime, model, weights, plan, threads }: ClickPredictorOptions): Promise<ClickPredictor> {
    if (plan.interactive === undefined) {
      throw new TrainingError(
        'training.not-interactive',
        'The plan has no part "interactive": its network takes an image alone, and no clicks.',
      );
    }
    const single = specialise(model, { image: [1, clickChannels, ...plan.patchSize] });
    const ready = weights === undefined ? single : withWeights(single, weights);
    const session = await runtime.open(ready, threads === undefined ? {} : { threads });
    return new ClickPredictor(session, plan, plan.interactive);
  }

  private constructor(session: Session, plan: Plan, interactive: InteractiveSpec) {
    this.#session = session;
    this.#plan = plan;
    this.#interactive = interactive;
    const [z, y, x] = plan.patchSize;
    this.#input = new Float32Array(clickChannels * z * y * x);
  }

  /** The mask around the newest click, as the network now sees it. Nothing outside the answer's box changes. */
  async answer(
    prepared: PreparedImage,
    request: ClickRequest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<ClickAnswer> {
    const { geometry, mask } = request;
    const toDrawing = indexMap(prepared.geometry, geometry);
    const fromDrawing = indexMap(geometry, prepared.geometry);
    const clicks = request.clicks.map(({ voxel, isForeground }) => ({
      isForeground,
      voxel: mapped(fromDrawing, voxel),
    }));
    const scene: Scene = { prepared, clicks, mask, size: geometry.size, map: toDrawing };
    const field = await this.#field(scene, signal);
    return onDrawing(field, { mask, size: geometry.size, toDrawing, fromDrawing });
  }

  /** What the network marks before anyone has clicked, on a grid whose axes lie along those of the prepared image. */
  async withoutClicks(
    prepared: PreparedImage,
    geometry: Geometry,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<LabelMap> {
    const { patchSize, inference, network } = this.#plan;
    const upsampler = new ClassUpsampler(prepared.geometry, geometry, [0, 1]);
    await slideOver(
      { voxels: prepared.image, size: prepared.geometry.size },
      {
        network: async (patch) => {
          this.#input.fill(0).set(patch);
          return (await this.#run()).slice();
        },
        patchSize,
        classes: network.classes,
        overlap: inference.overlap,
        flips: [false, false, false],
        outside: prepared.outside,
        ...(signal === undefined ? {} : { signal }),
      },
      (slices) => upsampler.add(slices),
    );
    return upsampler.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  async #field(scene: Scene, signal: AbortSignal | undefined): Promise<ClickField> {
    const newest = scene.clicks.at(-1);
    if (newest === undefined) throw new TypeError('an answer needs a click');
    const imageSize = scene.prepared.geometry.size;
    const { patchSize } = this.#plan;
    for (let zoom = 1; ; zoom *= 2) {
      signal?.throwIfAborted();
      const view = viewAround(newest.voxel, { zoom, patchSize, imageSize });
      const look = await this.#look(scene, view, maskIn(scene, view));
      if (newest.isForeground && zoom < zoomMax && goesOn(look, newest, imageSize)) continue;
      const box = touchedBox(look, imageSize);
      if (box === null) return fieldOf(look, { first: [0, 0, 0], size: [1, 1, 1] });
      const field = fieldOf(look, box);
      return zoom === 1 ? field : this.#fromNear(scene, field, signal);
    }
  }

  /** A field that was seen from afar, seen again from near with that as the mask so far. */
  async #fromNear(scene: Scene, field: ClickField, signal: AbortSignal | undefined): Promise<ClickField> {
    const { patchSize } = this.#plan;
    const along = (axis: 0 | 1 | 2) => axisOf(field.size[axis], patchSize[axis], 0);
    const axes = [along(0), along(1), along(2)] as const;
    const windows = axes[0].starts.flatMap((z) =>
      axes[1].starts.flatMap((y) => axes[2].starts.map((x): Triple => [z, y, x])),
    );
    if (windows.length > nearLooksMax) return field;
    const logOdds = new Float32Array(field.logOdds.length);
    const rough = { mask: Uint8Array.from(field.logOdds, (value) => (value > 0 ? 1 : 0)), size: field.size };
    for (const start of windows) {
      signal?.throwIfAborted();
      const at = (axis: 0 | 1 | 2): number => field.first[axis] + start[axis];
      const view: View = { first: [at(0), at(1), at(2)], size: patchSize, zoom: 1 };
      const map: IndexMap = { rows: identity, offset: [-field.first[0], -field.first[1], -field.first[2]] };
      const seen = maskIn({ ...rough, map }, view);
      const look = await this.#look(scene, view, seen);
      addShares(
        look.logOdds,
        { start, patchSize, size: field.size, shares: axes.map(({ shares }) => shares) },
        logOdds,
      );
    }
    return { ...field, logOdds };
  }

  async #look({ prepared, clicks }: Scene, view: View, previous: Uint8Array): Promise<Look> {
    const { spacingMm } = this.#plan;
    const placed = clicksIn(clicks, view);
    fillGuidance(
      this.#input,
      { clicks: placed, mask: previous },
      { size: view.size, spacingMm },
      this.#interactive.guidance,
    );
    const { image: voxels, outside, geometry } = prepared;
    cutImage({ voxels, size: geometry.size, outside }, view, this.#input);
    const logits = await this.#run();
    const count = previous.length;
    const logOdds = new Float32Array(count);
    for (let index = 0; index < count; index++) logOdds[index] = logits[count + index]! - logits[index]!;
    return { view, logOdds, previous };
  }

  async #run(): Promise<Float32Array> {
    const image = tensor('float32', [1, clickChannels, ...this.#plan.patchSize], this.#input);
    const { logits } = await this.#session.run({ image }, ['logits']);
    return logits!.data as Float32Array;
  }
}

interface Scene {
  readonly prepared: PreparedImage;
  /** In plan space. */
  readonly clicks: readonly Click[];
  /** The drawing's, with its grid's size and the way there from plan space. */
  readonly mask: Uint8Array;
  readonly size: Triple;
  readonly map: IndexMap;
}

const identity: IndexMap['rows'] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Whether the piece that was clicked on has grown to a border of the view beyond which there is more of the image. */
function goesOn({ view, logOdds, previous }: Look, click: Click, imageSize: Triple): boolean {
  const { size, first, zoom } = view;
  const [placed] = clicksIn([click], view);
  const mask = Uint8Array.from(logOdds, (value) => (value > 0 ? 1 : 0));
  const { labels } = connectedComponents(mask, size, 6);
  const at = placed!.voxel.map((each, axis) => Math.min(Math.max(Math.round(each), 0), size[axis]! - 1));
  const clicked = labels[(at[0]! * size[1] + at[1]!) * size[2] + at[2]!]!;
  if (clicked === 0) return false;
  const isOpen = (index: number, axis: 0 | 1 | 2): boolean =>
    (index === 0 && first[axis] > 0) || (index === size[axis] - 1 && first[axis] + size[axis] * zoom < imageSize[axis]);
  let count = 0;
  for (let z = 0, index = 0; z < size[0]; z++) {
    const isOpenPlane = isOpen(z, 0);
    for (let y = 0; y < size[1]; y++) {
      const isOpenRow = isOpenPlane || isOpen(y, 1);
      for (let x = 0; x < size[2]; x++, index++) {
        if (labels[index] !== clicked || previous[index] !== 0) continue;
        if (isOpenRow || isOpen(x, 2)) count += 1;
      }
    }
  }
  return count >= borderVoxelsMin;
}

/** Adds a window's share of each voxel to the field (out). */
function addShares(
  logOdds: Float32Array,
  window: {
    readonly start: Triple;
    readonly patchSize: Triple;
    readonly size: Triple;
    readonly shares: readonly ReadonlyMap<number, Float64Array>[];
  },
  out: Float32Array,
): void {
  const { start, patchSize, size } = window;
  const [zShares, yShares, xShares] = window.shares.map((shares, axis) => shares.get(start[axis]!)!) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const from = (axis: 0 | 1 | 2): number => Math.max(0, -start[axis]);
  const to = (axis: 0 | 1 | 2): number => Math.min(patchSize[axis], size[axis] - start[axis]);
  for (let z = from(0); z < to(0); z++) {
    for (let y = from(1); y < to(1); y++) {
      const share = zShares[z]! * yShares[y]!;
      const source = (z * patchSize[1] + y) * patchSize[2];
      const target = ((start[0] + z) * size[1] + start[1] + y) * size[2] + start[2];
      for (let x = from(2); x < to(2); x++) out[target + x]! += share * xShares[x]! * logOdds[source + x]!;
    }
  }
}
