/**
 * Why an image could not be read, written or compared. Every code has a page in `docs/errors/imaging.md`.
 *
 * `message` is public: it never holds a value read from a header, a pixel or a path. `detail` may, and stays where the
 * data is.
 */
export type ImagingErrorCode =
  | 'imaging.gzip-corrupt'
  | 'imaging.gzip-size-mismatch'
  | 'imaging.nifti-not-nifti'
  | 'imaging.nifti-truncated'
  | 'imaging.nifti-header-invalid'
  | 'imaging.nifti-affine-invalid'
  | 'imaging.nifti-not-3d'
  | 'imaging.nifti-datatype-unsupported'
  | 'imaging.nifti-size-unsupported'
  | 'imaging.nrrd-invalid'
  | 'imaging.nrrd-truncated'
  | 'imaging.nrrd-unsupported'
  | 'imaging.structures-unsupported'
  | 'imaging.label-not-a-class'
  | 'imaging.volume-inconsistent'
  | 'imaging.volume-too-large'
  | 'imaging.geometry-degenerate'
  | 'imaging.grid-mismatch'
  | 'imaging.dicom-not-dicom'
  | 'imaging.dicom-damaged'
  | 'imaging.dicom-attribute-missing'
  | 'imaging.dicom-ungrouped'
  | 'imaging.dicom-attribute-invalid'
  | 'imaging.dicom-not-ct'
  | 'imaging.dicom-pixels-missing'
  | 'imaging.dicom-pixels-unsupported'
  | 'imaging.dicom-pixels-truncated'
  | 'imaging.dicom-value-unwritable'
  | 'imaging.pixels-contradict-header'
  | 'imaging.pixels-damaged'
  | 'imaging.codec-unavailable'
  | 'imaging.transfer-syntax-unsupported'
  | 'imaging.series-empty'
  | 'imaging.series-mixed'
  | 'imaging.series-slices-differ'
  | 'imaging.series-slices-missing'
  | 'imaging.series-positions-repeat'
  | 'imaging.series-spacing-uneven'
  | 'imaging.segments-invalid'
  | 'imaging.segmentation-unsupported'
  | 'imaging.segmentation-not-in-patient'
  | 'imaging.segmentation-grid-unsupported'
  | 'imaging.deidentification-class-refused'
  | 'imaging.deidentification-burned-in'
  | 'imaging.deidentification-text-found'
  | 'imaging.deidentification-pixels-compressed';

export class ImagingError extends Error {
  override readonly name = 'ImagingError';
  readonly code: ImagingErrorCode;
  /** For the local log only: may hold values read from the file. */
  readonly detail: string | undefined;

  constructor(code: ImagingErrorCode, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}
