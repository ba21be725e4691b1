/** Labels over the image: the layers that are drawn on, and others that are only looked at, such as a proposal. */
import { type Types, volumeLoader } from '@cornerstonejs/core';
import { Enums, segmentation } from '@cornerstonejs/tools';

const { Labelmap } = Enums.SegmentationRepresentations;

/** Where a volume lies, as Cornerstone wants it. */
export type GridOptions = Pick<
  Types.LocalVolumeOptions,
  'metadata' | 'dimensions' | 'spacing' | 'origin' | 'direction'
>;

export interface LabelStyle {
  readonly fillAlpha: number;
  readonly outlineWidth: number;
}

export interface ShownStructure {
  readonly number: number;
  /** `#rrggbb` */
  readonly colour: string;
}

export interface LabelLayer {
  readonly id: string;
  /** `[z, y, x]`; shared, not copied. */
  readonly voxels: Uint8Array<ArrayBuffer>;
  readonly structures: readonly ShownStructure[];
  readonly style: LabelStyle;
}

export class LabelLayers {
  readonly #viewportIds: readonly string[];
  readonly #grid: GridOptions;
  readonly #imageId: string;
  readonly #shown = new Map<string, LabelLayer>();

  constructor(viewportIds: readonly string[], grid: GridOptions, imageId: string) {
    this.#viewportIds = viewportIds;
    this.#grid = grid;
    this.#imageId = imageId;
  }

  add(layer: LabelLayer): void {
    const { id, structures, voxels } = layer;
    volumeLoader.createLocalVolume(id, { ...this.#grid, scalarData: voxels, referencedVolumeId: this.#imageId });
    const segments = Object.fromEntries(
      structures.map(({ number }) => [number, { segmentIndex: number, label: String(number) }]),
    );
    segmentation.addSegmentations([
      {
        segmentationId: id,
        representation: { type: Labelmap, data: { volumeId: id, referencedVolumeId: this.#imageId } },
        config: { segments },
      },
    ]);
    for (const viewportId of this.#viewportIds) {
      segmentation.addLabelmapRepresentationToViewport(viewportId, [{ segmentationId: id, type: Labelmap }]);
      for (const { colour, number } of structures) {
        segmentation.config.color.setSegmentIndexColor(viewportId, id, number, colourOf(colour));
      }
    }
    this.#shown.set(id, layer);
    this.style(id, layer.style);
  }

  style(id: string, { fillAlpha, outlineWidth }: LabelStyle): void {
    const styles = {
      ...{ renderFill: fillAlpha > 0, fillAlpha, renderFillInactive: fillAlpha > 0, fillAlphaInactive: fillAlpha },
      ...{ renderOutline: outlineWidth > 0, outlineWidth, outlineOpacity: 1 },
      ...{ renderOutlineInactive: outlineWidth > 0, outlineWidthInactive: outlineWidth, outlineOpacityInactive: 1 },
      activeSegmentOutlineWidthDelta: 1,
    };
    segmentation.segmentationStyle.setStyle({ type: Labelmap, segmentationId: id }, styles);
  }

  has(id: string): boolean {
    return this.#shown.has(id);
  }

  /** The one that tools draw on, and the structure that they draw. */
  activate(id: string, structure: number): void {
    for (const viewportId of this.#viewportIds) segmentation.activeSegmentation.setActiveSegmentation(viewportId, id);
    segmentation.segmentIndex.setActiveSegmentIndex(id, structure);
  }

  /** Its voxels have changed in these slices. */
  changed(id: string, { from, to }: { from: number; to: number }): void {
    const slices = Array.from({ length: to - from + 1 }, (_, at) => from + at);
    segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(id, slices);
  }

  show(id: string, isShown: boolean): void {
    for (const viewportId of this.#viewportIds) {
      segmentation.config.visibility.setSegmentationRepresentationVisibility(
        viewportId,
        { segmentationId: id, type: Labelmap },
        isShown,
      );
    }
  }

  showStructure(id: string, structure: number, isShown: boolean): void {
    for (const viewportId of this.#viewportIds) {
      segmentation.config.visibility.setSegmentIndexVisibility(
        viewportId,
        { segmentationId: id, type: Labelmap },
        structure,
        isShown,
      );
    }
  }

  remove(id: string): void {
    if (!this.#shown.delete(id)) return;
    segmentation.removeSegmentation(id);
  }
}

function colourOf(text: string): Types.Color {
  const value = Number.parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255, 255];
}
