/**
 * Sessions with prompts, where they are computed: the image readied once, what is drawn kept at hand, so that a click costs no
 * more than the network.
 */
import { nodeRuntime } from '@consilium/engine/node';
import type { Image, Triple } from '@consilium/imaging';
import { type Bundle, type ClickAnswer, ClickPredictor, type PreparedImage, prepareImage } from '@consilium/training';
import { applyDelta, deltaBetween } from '../label/label-delta.ts';
import { ReadingError } from '../reading-error.ts';
import type { OpenSessionTask, Prompt, PromptReply, PromptTask } from './model-tasks.ts';

interface PromptRoom {
  readonly predictor: ClickPredictor;
  readonly prepared: PreparedImage;
  readonly geometry: Image['geometry'];
  /** As they are drawn. */
  readonly layers: readonly Uint8Array[];
}

export class PromptRooms {
  readonly #rooms = new Map<string, PromptRoom>();

  async open(
    { geometry, series, session }: OpenSessionTask,
    { bundle, image, layers }: { bundle: Bundle; image: Image; layers: readonly Uint8Array[] },
  ): Promise<void> {
    const { model, plan } = bundle;
    const predictor = await ClickPredictor.open({ runtime: nodeRuntime(), model, plan });
    this.#rooms.set(session, { predictor, prepared: prepareImage(image, plan, series.phase), geometry, layers });
  }

  async answer({ changes, prompt, session }: PromptTask): Promise<PromptReply> {
    const room = this.#rooms.get(session);
    if (room === undefined) throw new ReadingError('reading.session-unknown', 'There is no such session any more.');
    const { geometry, layers, predictor, prepared } = room;
    for (const change of changes) applyDelta(layers[change.layer]!, geometry.size, change);
    const before = layers[prompt.layer]!;
    const mask = before.map((value) => (value === prompt.structure ? 1 : 0));
    const answer = await predictor.answer(prepared, { geometry, mask, clicks: prompt.clicks });
    const after = drawn(before, answer, { prompt, size: geometry.size });
    const { first, size } = answer;
    return {
      delta: deltaBetween(before, after, { size: geometry.size, layer: prompt.layer }),
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

/** The layer with the answer on it: the structure takes what the mask has, and leaves what it has no more. */
function drawn(
  layer: Uint8Array,
  { first, mask, size: extent }: ClickAnswer,
  { prompt: { box, structure }, size }: { prompt: Prompt; size: Triple },
): Uint8Array {
  const after = layer.slice();
  const from = (axis: 0 | 1 | 2) => Math.max(first[axis], box?.first[axis] ?? 0);
  const to = (axis: 0 | 1 | 2) => Math.min(first[axis] + extent[axis] - 1, box?.last[axis] ?? size[axis] - 1);
  for (let z = from(0); z <= to(0); z++) {
    for (let y = from(1); y <= to(1); y++) {
      for (let x = from(2); x <= to(2); x++) {
        const isIn = mask[((z - first[0]) * extent[1] + y - first[1]) * extent[2] + x - first[2]]! !== 0;
        const at = (z * size[1] + y) * size[2] + x;
        if (isIn) after[at] = structure;
        else if (after[at] === structure) after[at] = 0;
      }
    }
  }
  return after;
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
