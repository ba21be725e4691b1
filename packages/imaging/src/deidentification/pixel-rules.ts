/**
 * Where scanners and workstations burn text into pixels: declared rules in the spirit of CTP's pixel scripts, which
 * name a kind of image and the regions to make black (Clean Pixel Data, PS3.15 E.3.1).
 */

/** In pixels of a frame. */
export interface PixelRegion {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Matches an image of which everything stated here holds. Text is compared without case, as a part of the attribute. */
export interface PixelRule {
  readonly name: string;
  readonly modality: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly imageType?: string;
  readonly seriesDescription?: string;
  readonly rows?: number;
  readonly columns?: number;
  readonly burnedInAnnotation?: 'YES';
  /** Made black in every frame; none says that images of this kind carry no text. */
  readonly regions: readonly PixelRegion[];
}
