/**
 * Sessions with prompts, where they are computed: the image readied once, what is drawn kept at hand, so that a click costs no
 * more than the network.
 */
import { nodeRuntime } from '@consilium/engine/node';
import type { Image, Triple } from '@consilium/imaging';
import { type Bundle, type ClickAnswer, ClickPredictor, type PreparedImage, prepareImage } from '@consilium/training';
import { applyDelta, deltaBetween, type LabelDelta } from '../label/label-delta.ts';
import { ReadingError } from '../reading-error.ts';
import type { OpenSessionTask, Prompt, PromptReply, PromptTask } from './model-tasks.ts';

interface PromptRoom {
  readonly predictor: ClickPredictor;
  readonly prepared: PreparedImage;
  readonly geometry: Image['geometry'];
  /** As they are drawn. */
  readonly layers: readonly Uint8Array[];
  /** By structure: 1 where it is drawn. */
  readonly masks: Map<number, { readonly layer: number; readonly mask: Uint8Array }>;
}

export class PromptRooms {
  readonly #rooms = new Map<string, PromptRoom>();

  async open(
    { geometry, series, session }: OpenSessionTask,
    { bundle, image, layers }: { bundle: Bundle; image: Image; layers: readonly Uint8Array[] },
  ): Promise<void> {
    const { model, plan } = bundle;
    const predictor = await ClickPredictor.open({ runtime: nodeRuntime(), model, plan });
    this.#rooms.set(session, {
      predictor,
      prepared: prepareImage(image, plan, series.phase),
      geometry,
      layers,
      masks: new Map(),
    });
  }

  async answer({ changes, prompt, session }: PromptTask): Promise<PromptReply> {
    const room = this.#rooms.get(session);
    if (room === undefined) throw new ReadingError('reading.session-unknown', 'There is no such session any more.');
    const { geometry, layers, predictor, prepared } = room;
    for (const change of changes) redraw(room, change);
    const mask = maskOf(room, prompt);
    const answer = await predictor.answer(prepared, { geometry, mask, clicks: prompt.clicks });
    const { first, size } = answer;
    return {
      delta: deltaOf(layers[prompt.layer]!, answer, { prompt, size: geometry.size }),
      uncertainty: entropyOf(answer.logOdds),
      region: { first, last: [first[0] + size[0] - 1, first[1] + size[1] - 1, first[2] + size[2] - 1] },
    };
  }

  async close(session: string): Promise<void> {
    const room = this.#rooms.get(session);
    this.#rooms.delete(session);
    await room?.predictor[Symbol.asyncDispose]();
  }
}

/** A mask of each structure that was asked for is kept: to make it of a large image costs more than the network. */
function maskOf({ layers, masks }: PromptRoom, { layer, structure }: Prompt): Uint8Array {
  const kept = masks.get(structure);
  if (kept !== undefined) return kept.mask;
  const mask = layers[layer]!.map((value) => (value === structure ? 1 : 0));
  masks.set(structure, { layer, mask });
  return mask;
}

/** Layers and masks with a change on them. */
function redraw({ geometry: { size }, layers, masks }: PromptRoom, change: LabelDelta): void {
  const layer = layers[change.layer]!;
  applyDelta(layer, size, change);
  const { first, last } = change;
  for (const [structure, kept] of masks) {
    if (kept.layer !== change.layer) continue;
    for (let z = first[0]; z <= last[0]; z++) {
      for (let y = first[1]; y <= last[1]; y++) {
        const row = (z * size[1] + y) * size[2];
        for (let at = row + first[2]; at <= row + last[2]; at++) kept.mask[at] = layer[at] === structure ? 1 : 0;
      }
    }
  }
}

/** What the answer changes: the structure takes what the mask has, within the box, and leaves what it has no more. */
function deltaOf(
  layer: Uint8Array,
  { first, mask, size: extent }: ClickAnswer,
  { prompt: { box, layer: number, structure }, size }: { prompt: Prompt; size: Triple },
): LabelDelta | undefined {
  const before = new Uint8Array(mask.length);
  const after = new Uint8Array(mask.length);
  const isIn = (at: number, axis: 0 | 1 | 2) => box === undefined || (at >= box.first[axis] && at <= box.last[axis]);
  for (let z = 0, to = 0; z < extent[0]; z++) {
    for (let y = 0; y < extent[1]; y++) {
      const row = ((first[0] + z) * size[1] + first[1] + y) * size[2] + first[2];
      const isInRow = isIn(first[0] + z, 0) && isIn(first[1] + y, 1);
      for (let x = 0; x < extent[2]; x++, to++) {
        const here = layer[row + x]!;
        before[to] = here;
        const isOpen = isInRow && isIn(first[2] + x, 2);
        after[to] = !isOpen ? here : mask[to] !== 0 ? structure : here === structure ? 0 : here;
      }
    }
  }
  const delta = deltaBetween(before, after, { size: extent, layer: number });
  const moved = (index: Triple): Triple => [index[0] + first[0], index[1] + first[1], index[2] + first[2]];
  return delta && { ...delta, first: moved(delta.first), last: moved(delta.last) };
}

/** Mean entropy of in or out, as a share of the greatest. */
function entropyOf(logOdds: Float32Array): number {
  if (logOdds.length === 0) return 0;
  let sum = 0;
  for (const value of logOdds) {
    const inside = 1 / (1 + Math.exp(-value));
    for (const share of [inside, 1 - inside]) if (share > 0) sum -= share * Math.log2(share);
  }
  return sum / logOdds.length;
}
