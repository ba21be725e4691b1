export { axisAligned, croppedGeometry, respaced, sameGrid, voxelCount, voxelOf, worldOf } from './geometry.ts';
export { ImagingError, type ImagingErrorCode } from './imaging-error.ts';
export { toLabelMap } from './label-map.ts';
export { decodeNifti } from './nifti/decode.ts';
export { type EncodeNiftiOptions, encodeNifti } from './nifti/encode.ts';
export { canonical } from './orientation.ts';
export { resampleImage, resampleLabels } from './resample.ts';
export type { Geometry, Image, LabelMap, Triple, Volume, VoxelArray } from './volume.ts';
