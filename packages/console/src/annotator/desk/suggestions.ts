/** What is pointed out to a model or a tool, and what it suggests, shown over the label until it is taken or dropped. */
import { applyDelta, type LabelDelta } from '@consilium/reading/api';
import type { ShapeGrid } from '../case/plane-shape.ts';
import { type HandMark, nothingPointed, type Pointed, type Suggestion, withMark } from '../case/pointed.ts';
import type { AskedId, ToolId } from '../viewer/drawing-tool.ts';
import type { LabelLayers, ShownStructure } from '../viewer/label-layers.ts';

/** Whom something is pointed out to, and by which tool. */
export interface Pointing {
  readonly asked: AskedId;
  readonly tool: ToolId;
  readonly structure: number;
}

export interface Preview extends Pointing {
  readonly pointed: Pointed;
  readonly answer: Suggestion | undefined;
  readonly isAsked: boolean;
}

export interface SuggestionsOptions {
  readonly grid: ShapeGrid;
  readonly structures: readonly number[];
  readonly ask: (pointing: Pointing, pointed: Pointed) => Promise<Suggestion>;
  readonly onChange: (preview: Preview | undefined) => void;
  readonly onTrouble: (error: unknown) => void;
}

const layerId = 'preview';
const style = { fillAlpha: 0.25, outlineWidth: 3 };

export class Suggestions {
  readonly #options: SuggestionsOptions;
  #labels: LabelLayers | undefined;
  #preview: Preview | undefined;
  #voxels: Uint8Array<ArrayBuffer> | undefined;
  #undo: LabelDelta | undefined;

  constructor(options: SuggestionsOptions) {
    this.#options = options;
  }

  /** Where it is shown. */
  attach(labels: LabelLayers): void {
    this.#labels = labels;
  }

  /** One mark more; what was pointed out to somebody else, or of another structure, is dropped. */
  async point(pointing: Pointing, mark: HandMark): Promise<void> {
    this.keep(pointing);
    const pointed = withMark(this.#preview?.pointed ?? nothingPointed, mark, this.#options.grid);
    if (pointed !== undefined) await this.#ask(pointing, pointed);
  }

  /** The same once more, since something else has changed that it depends on. */
  async askAgain(): Promise<void> {
    if (this.#preview !== undefined) await this.#ask(this.#preview, this.#preview.pointed);
  }

  /** Drops what is another's or another structure's. */
  keep({ asked, structure }: { readonly asked: AskedId | undefined; readonly structure: number }): void {
    if (this.#preview?.asked !== asked || this.#preview?.structure !== structure) this.drop();
  }

  drop(): void {
    if (this.#preview === undefined) return;
    this.#show(undefined);
    this.#become(undefined);
  }

  /** What was suggested, which is shown no more; undefined if that is nothing. */
  take(): (Pointing & Suggestion & { readonly change: LabelDelta }) | undefined {
    const { answer, ...pointing } = this.#preview ?? {};
    if (answer?.change === undefined) return undefined;
    this.drop();
    return { ...(pointing as Pointing), ...answer, change: answer.change };
  }

  async #ask({ asked, structure, tool }: Pointing, pointed: Pointed): Promise<void> {
    const { ask, onTrouble } = this.#options;
    const preview: Preview = { asked, tool, structure, pointed, answer: this.#preview?.answer, isAsked: true };
    this.#become(preview);
    try {
      const answer = await ask(preview, pointed);
      // Dropped, or pointed again, meanwhile.
      if (this.#preview !== preview) return;
      this.#show(answer.change);
      this.#become({ ...preview, answer, isAsked: false });
    } catch (error) {
      if (this.#preview === preview) this.drop();
      onTrouble(error);
    }
  }

  #become(preview: Preview | undefined): void {
    this.#preview = preview;
    this.#options.onChange(preview);
  }

  #show(change: LabelDelta | undefined): void {
    const { grid, structures } = this.#options;
    const { size } = grid;
    this.#voxels ??= new Uint8Array(size[0] * size[1] * size[2]);
    const undo = this.#undo;
    if (undo !== undefined) applyDelta(this.#voxels, size, undo);
    this.#undo = change && applyDelta(this.#voxels, size, change);
    if (this.#labels?.has(layerId) === false) {
      const white = structures.map((number): ShownStructure => ({ number, colour: '#ffffff' }));
      this.#labels.add({ id: layerId, voxels: this.#voxels, structures: white, style });
    }
    for (const one of [undo, change]) {
      if (one !== undefined) this.#labels?.changed(layerId, { from: one.first[0], to: one.last[0] });
    }
  }
}
