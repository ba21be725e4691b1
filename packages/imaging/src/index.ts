export type {
  AttributeChange,
  DecodedPixels,
  DecodePixels,
  Deidentification,
  DeidentificationOptions,
  OriginalIdentity,
  RefusalReason,
} from './deidentification/deidentification.ts';
export { deidentify } from './deidentification/deidentify.ts';
export type { PixelRegion, PixelRule } from './deidentification/pixel-rules.ts';
export type { DeidentificationProfile } from './deidentification/profile.ts';
export { Pseudonyms } from './deidentification/pseudonyms.ts';
export { type StatedGroup, withStatedUids } from './deidentification/stated-uids.ts';
export { subjectKeyOf } from './deidentification/subject-key.ts';
export { readDataset } from './dicom/data-reader.ts';
export { encodeDataset } from './dicom/data-writer.ts';
export { type DataElement, Dataset, valueBytes } from './dicom/dataset.ts';
export { dictionary, impliedVr, type Keyword, keywordOf } from './dicom/dictionary.ts';
export { type DicomRecord, datasetOf } from './dicom/encode.ts';
export { type InstanceSource, inMemory } from './dicom/instance-source.ts';
export { type DicomFile, formatPart10, parsePart10 } from './dicom/part10.ts';
export {
  PixelDecoder,
  type PixelDecoderOptions,
  PixelReader,
  type StoredFrame,
} from './dicom/pixel-reader.ts';
export type { DicomSeries } from './dicom/read-ct-series.ts';
export { readDicomSeries } from './dicom/read-ct-series.ts';
export {
  type DicomSegmentation,
  type ReadSegmentationOptions,
  readDicomSegmentation,
  type SegmentationType,
} from './dicom/read-segmentation.ts';
export {
  type Contour,
  readStructureSet,
  type Structure,
  type StructureSet,
} from './dicom/read-structures.ts';
export {
  type DicomVolume,
  type DicomVolumes,
  type LoadedVolume,
  loadVolume,
  type NoVolume,
  type ReadVolumesOptions,
  readVolumes,
} from './dicom/read-volumes.ts';
export {
  type CodedConcept,
  renalSegments,
  type SegmentAlgorithmType,
  type SegmentInfo,
  segmentNamed,
} from './dicom/segments.ts';
export type { AcquisitionInfo, InstanceReference, PatientInfo, SeriesInfo, StudyInfo } from './dicom/series-info.ts';
export type { NoVolumeReason, SeriesFinding } from './dicom/stack-finding.ts';
export { maskOfStructure, type StructureFinding } from './dicom/structure-mask.ts';
export { uidOf } from './dicom/uid.ts';
export { type CtSeriesMeta, writeDicomSeries } from './dicom/write-ct-series.ts';
export { type SegmentationMeta, writeDicomSegmentation } from './dicom/write-segmentation.ts';
export { axisAligned, croppedGeometry, respaced, sameGrid, upright, voxelCount, voxelOf, worldOf } from './geometry.ts';
export { ImagingError, type ImagingErrorCode } from './imaging-error.ts';
export { toLabelMap } from './label-map.ts';
export { type Components, type Connectivity, connectedComponents } from './metrics/connected-components.ts';
export { distanceTransformMm } from './metrics/distance-transform.ts';
export type { Mask } from './metrics/mask.ts';
export { dice } from './metrics/overlap.ts';
export {
  hausdorff95,
  hausdorff95Of,
  normalisedSurfaceDice,
  type SurfaceDistances,
  type SurfaceElements,
  surfaceDiceOf,
  surfaceDistances,
} from './metrics/surface-distance.ts';
export { decodeNifti } from './nifti/decode.ts';
export { type EncodeNiftiOptions, encodeNifti } from './nifti/encode.ts';
export {
  decodeNrrd,
  decodeNrrdSegmentation,
  type EncodeNrrdOptions,
  encodeNrrd,
  type NrrdSegment,
  type NrrdSegmentation,
} from './nrrd/nrrd.ts';
export { canonical } from './orientation.ts';
export { brightness, ctWindows, type DisplayWindow } from './preview/display-window.ts';
export { pictureOfFrame, type RgbPicture } from './preview/frame-picture.ts';
export { type GreyPicture, type PreviewOptions, previewOf } from './preview/volume-preview.ts';
export {
  type ImageEdge,
  type ImageFinding,
  type ImageQualityOptions,
  type Intensity,
  imageFindings,
  intensityIn,
  noiseOf,
} from './quality/image-quality.ts';
export {
  type LabelExpectation,
  type LabelFinding,
  type LabelQualityOptions,
  labelFindings,
} from './quality/label-quality.ts';
export { resampleImage, resampleLabels } from './resample.ts';
export type { Geometry, Image, LabelMap, Triple, Volume, VoxelArray } from './volume.ts';
