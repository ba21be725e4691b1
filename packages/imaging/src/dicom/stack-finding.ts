/** What was noticed about images that belong together, and why images make no volume. All numbers, no text of a header. */
import type { ImagingError } from '../imaging-error.ts';

/** Attributes that tell volumes of one series apart where they lie in the same place. */
export const splitAttributes = [
  'stack',
  'acquisition',
  'temporal-position',
  'image-type',
  'echo',
  'b-value',
  'trigger-time',
  'kernel',
  'dimension',
  'acquisition-time',
  'content-time',
] as const;
export type SplitAttribute = (typeof splitAttributes)[number];

/** Harmless or representable: done, and said. */
export type SeriesFinding =
  /** The same slice was there more than once. */
  | { readonly kind: 'duplicate-left-out'; readonly count: number }
  /** A scout image was in the series and left out. */
  | { readonly kind: 'localizer-left-out'; readonly count: number }
  /** Other images that make no part of the volume were in the series and left out. */
  | { readonly kind: 'others-left-out'; readonly count: number }
  /** Slices are sheared against each other, and so is the geometry: resample onto `upright(geometry)`. */
  | { readonly kind: 'gantry-tilt'; readonly degrees: number }
  /** Slice positions are off an even spacing by at most this much. */
  | { readonly kind: 'spacing-uneven'; readonly deviationMm: number }
  /** Slices are thicker than the distance between them, or there are gaps between them. */
  | { readonly kind: 'slices-overlap'; readonly thicknessMm: number; readonly spacingMm: number }
  | { readonly kind: 'slices-apart'; readonly thicknessMm: number; readonly spacingMm: number }
  /** Pixels outside the scanner's field of view became air. */
  | { readonly kind: 'padding-replaced'; readonly voxels: number }
  /** Rescale slope or intercept is not stated; stored values were taken as they are. */
  | { readonly kind: 'rescale-missing' }
  /** The rescale differs from slice to slice, as in PET: each slice has its own. */
  | { readonly kind: 'rescale-varies'; readonly slopeMin: number; readonly slopeMax: number }
  /** A CT whose values are stated to be something other than HU, as in dual-energy maps. */
  | { readonly kind: 'not-hounsfield' }
  /** One slice only; the spacing between slices is its stated thickness, or 1 mm. */
  | { readonly kind: 'single-slice' }
  /** Several volumes lie in one series; they were told apart by this attribute. */
  | { readonly kind: 'series-split'; readonly by: SplitAttribute; readonly parts: number }
  /** Kernel, tube voltage or thickness differ between slices of the volume. */
  | { readonly kind: 'acquisition-varies'; readonly attribute: 'kernel' | 'kvp' | 'thickness'; readonly values: number }
  /** Burned In Annotation says YES: names may be in the pixels. */
  | { readonly kind: 'burned-in-annotation'; readonly slices: number }
  /** Pixels went through a lossy compression. */
  | { readonly kind: 'lossy-compression'; readonly slices: number }
  /** UIDs of series or instance are not stated: nothing can refer to these images. */
  | { readonly kind: 'identifiers-missing'; readonly slices: number }
  /** Not an original image but one computed from others, such as a reformat. */
  | { readonly kind: 'derived-image' };

/** Why images are not part of any volume. */
export type NoVolumeReason =
  /** Not read at all: the error says why. */
  | { readonly kind: 'unreadable'; readonly error: ImagingError }
  /** No pixels: a report, a plan, a segmentation's references. */
  | { readonly kind: 'not-an-image' }
  | { readonly kind: 'segmentation' }
  /** Neither CT, MR nor PET. */
  | { readonly kind: 'modality-not-read' }
  | { readonly kind: 'localizer' }
  | { readonly kind: 'secondary-capture' }
  /** A picture of a screen or a report: ImageType says so. */
  | { readonly kind: 'screen-save' }
  | { readonly kind: 'colour' }
  /** Where in the patient the pixels lie is not stated. */
  | { readonly kind: 'no-geometry' }
  /** The transfer syntax or the pixels' format is not read: the error says which. */
  | { readonly kind: 'pixels-not-read'; readonly error: ImagingError }
  /** `after`: index of the slice before each gap; `missing`: how many slices of that spacing are absent. */
  | {
      readonly kind: 'slices-missing';
      readonly after: readonly number[];
      readonly missing: number;
      readonly spacingMm: number;
    }
  | { readonly kind: 'spacing-uneven'; readonly gapMinMm: number; readonly gapMaxMm: number }
  /** Slices are shifted against each other within their planes, by at most this much. */
  | { readonly kind: 'slices-shifted'; readonly deviationMm: number }
  /** Different slices in the same place, and nothing tells which belong together. */
  | { readonly kind: 'positions-repeat'; readonly count: number }
  /** The volume would have more voxels than are read. */
  | { readonly kind: 'too-large'; readonly voxels: number };
