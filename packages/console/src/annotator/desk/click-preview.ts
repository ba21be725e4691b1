/** Clicks on a structure and what the model answers to them, shown over the label until it is taken or dropped. */
import { applyDelta, type LabelDelta } from '@consilium/reading/api';
import type { Click, PromptAnswer, PromptSession } from '../case/prompt-session.ts';
import type { LabelLayers, ShownStructure } from '../viewer/label-layers.ts';

export interface Preview {
  readonly clicks: readonly Click[];
  readonly structure: number;
  readonly answer: PromptAnswer | undefined;
  readonly isAsked: boolean;
}

export interface ClickPreviewOptions {
  readonly prompts: PromptSession;
  /** `[z, y, x]` voxels along each axis. */
  readonly size: readonly [number, number, number];
  readonly structures: readonly number[];
  readonly onChange: (preview: Preview | undefined) => void;
  readonly onTrouble: (error: unknown) => void;
}

const layerId = 'preview';
const style = { fillAlpha: 0.25, outlineWidth: 3 };

export class ClickPreview {
  readonly #options: ClickPreviewOptions;
  #labels: LabelLayers | undefined;
  #preview: Preview | undefined;
  #voxels: Uint8Array<ArrayBuffer> | undefined;
  #undo: LabelDelta | undefined;

  constructor(options: ClickPreviewOptions) {
    this.#options = options;
  }

  /** Where it is shown. */
  attach(labels: LabelLayers): void {
    this.#labels = labels;
  }

  /** One click more. */
  async click(structure: number, click: Click): Promise<void> {
    const { onTrouble, prompts } = this.#options;
    const clicks = [...(this.#preview?.clicks ?? []), click];
    const asked: Preview = { clicks, structure, answer: this.#preview?.answer, isAsked: true };
    this.#become(asked);
    try {
      const answer = await prompts.ask(structure, clicks);
      // Dropped, or clicked again, meanwhile.
      if (this.#preview !== asked) return;
      this.#show(answer.change);
      this.#become({ ...asked, answer, isAsked: false });
    } catch (error) {
      if (this.#preview === asked) this.drop();
      onTrouble(error);
    }
  }

  drop(): void {
    if (this.#preview === undefined) return;
    this.#show(undefined);
    this.#become(undefined);
  }

  /** What was answered, which is shown no more; undefined if that is nothing. */
  take():
    | { readonly structure: number; readonly change: LabelDelta; readonly model: PromptAnswer['model'] }
    | undefined {
    const { answer, structure } = this.#preview ?? {};
    if (answer?.change === undefined || structure === undefined) return undefined;
    this.drop();
    return { structure, change: answer.change, model: answer.model };
  }

  close(): void {
    this.#options.prompts.close();
  }

  #become(preview: Preview | undefined): void {
    this.#preview = preview;
    this.#options.onChange(preview);
  }

  #show(change: LabelDelta | undefined): void {
    const { size, structures } = this.#options;
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
