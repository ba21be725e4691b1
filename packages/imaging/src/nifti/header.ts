/**
 * The fixed header of NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes), either byte order, checked field by field before
 * anything is computed from it. Field offsets: nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
 */
import { ImagingError } from '../imaging-error.ts';

/** Element types of the standard that hold one real number a voxel. */
export const niftiDatatypes = {
  uint8: 2,
  int16: 4,
  int32: 8,
  float32: 16,
  float64: 64,
  int8: 256,
  uint16: 512,
  uint32: 768,
  int64: 1024,
  uint64: 1280,
} as const;
export type NiftiDatatype = keyof typeof niftiDatatypes;

const bytesOfDatatype: Readonly<Record<NiftiDatatype, number>> = {
  uint8: 1,
  int16: 2,
  int32: 4,
  float32: 4,
  float64: 8,
  int8: 1,
  uint16: 2,
  uint32: 4,
  int64: 8,
  uint64: 8,
};

export interface NiftiHeader {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  /** Voxels along the file's i (fastest), j, k. */
  readonly dimensions: readonly [number, number, number];
  readonly datatype: NiftiDatatype;
  /** `pixdim[0..3]`: qfac and the voxel's edges along i, j, k. */
  readonly pixdim: readonly [number, number, number, number];
  readonly voxelOffset: number;
  readonly slope: number;
  readonly intercept: number;
  readonly qformCode: number;
  readonly sformCode: number;
  readonly quaternion: readonly [number, number, number];
  readonly quaternionOffset: readonly [number, number, number];
  /** Three rows of four: i, j, k, 1 to RAS. */
  readonly sform: readonly number[];
  /** Multiplies the file's lengths to give mm. */
  readonly unitMm: number;
}

/** Enough of a file for either version's header. */
export const headerBytesMax = 540;

/** Byte offsets of the fields: [NIfTI-1, NIfTI-2]. */
const offsets = {
  dim: [40, 16],
  datatype: [70, 12],
  pixdim: [76, 104],
  voxelOffset: [108, 168],
  slope: [112, 176],
  intercept: [116, 184],
  units: [123, 500],
  qformCode: [252, 344],
  sformCode: [254, 348],
  quaternion: [256, 352],
  quaternionOffset: [268, 376],
  sform: [280, 400],
} as const;

/**
 * @param bytes the beginning of an unpacked file.
 * @throws ImagingError `imaging.nifti-*`
 */
export function parseNiftiHeader(bytes: Uint8Array): NiftiHeader {
  const { version, littleEndian } = identify(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const column = version - 1;
  const at = (field: keyof typeof offsets): number => offsets[field][column]!;
  const integer = (offset: number): number =>
    version === 1 ? view.getInt16(offset, littleEndian) : Number(view.getBigInt64(offset, littleEndian));
  const code = (offset: number): number =>
    version === 1 ? view.getInt16(offset, littleEndian) : view.getInt32(offset, littleEndian);
  const width = version === 1 ? 4 : 8;
  const real = (offset: number): number =>
    version === 1 ? view.getFloat32(offset, littleEndian) : view.getFloat64(offset, littleEndian);
  const reals = (offset: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => real(offset + index * width));
  const dim = Array.from({ length: 8 }, (_, index) => integer(at('dim') + index * (version === 1 ? 2 : 8)));
  const voxelOffset = version === 1 ? real(at('voxelOffset')) : integer(at('voxelOffset'));
  const unit = (version === 1 ? view.getUint8(at('units')) : view.getInt32(at('units'), littleEndian)) & 7;
  return {
    version,
    littleEndian,
    dimensions: dimensionsOf(dim),
    datatype: datatypeOf(view.getInt16(at('datatype'), littleEndian)),
    pixdim: reals(at('pixdim'), 4) as unknown as NiftiHeader['pixdim'],
    voxelOffset: checkedOffset(voxelOffset, version),
    slope: real(at('slope')),
    intercept: real(at('intercept')),
    qformCode: code(at('qformCode')),
    sformCode: code(at('sformCode')),
    quaternion: reals(at('quaternion'), 3) as unknown as NiftiHeader['quaternion'],
    quaternionOffset: reals(at('quaternionOffset'), 3) as unknown as NiftiHeader['quaternionOffset'],
    sform: reals(at('sform'), 12),
    unitMm: unit === 1 ? 1000 : unit === 3 ? 0.001 : 1,
  };
}

/** Bytes that a file with this header must have. */
export function fileBytes(header: NiftiHeader): number {
  const [i, j, k] = header.dimensions;
  return header.voxelOffset + i * j * k * bytesOfDatatype[header.datatype];
}

function identify(bytes: Uint8Array): { version: 1 | 2; littleEndian: boolean } {
  if (bytes.length < 4) throw truncated();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const littleEndian of [true, false]) {
    const size = view.getInt32(0, littleEndian);
    if (size !== 348 && size !== 540) continue;
    if (bytes.length < size) throw truncated();
    const magic = String.fromCharCode(...bytes.subarray(size === 348 ? 344 : 4, size === 348 ? 348 : 12));
    if (size === 348 && magic === 'n+1\0') return { version: 1, littleEndian };
    if (size === 540 && magic === 'n+2\0\r\n\x1a\n') return { version: 2, littleEndian };
    if (magic.startsWith('ni1\0') || magic.startsWith('ni2\0')) {
      throw new ImagingError(
        'imaging.nifti-not-nifti',
        'this is half of a .hdr/.img pair: convert it to one .nii file',
      );
    }
  }
  throw new ImagingError('imaging.nifti-not-nifti', 'the file is not NIfTI-1 or NIfTI-2');
}

function truncated(): ImagingError {
  return new ImagingError('imaging.nifti-truncated', 'the file ends inside its header');
}

function dimensionsOf(dim: readonly number[]): readonly [number, number, number] {
  const rank = dim[0]!;
  if (!(rank >= 1 && rank <= 7)) {
    throw new ImagingError('imaging.nifti-header-invalid', 'the number of dimensions is not 1 to 7');
  }
  const lengths = Array.from({ length: 7 }, (_, index) => (index < rank ? dim[index + 1]! : 1));
  if (lengths.some((length) => !(length >= 1 && Number.isSafeInteger(length)))) {
    throw new ImagingError('imaging.nifti-header-invalid', 'a dimension is not a positive whole number');
  }
  if (lengths.slice(3).some((length) => length !== 1)) {
    throw new ImagingError('imaging.nifti-not-3d', 'the file holds more than one volume');
  }
  const [i, j, k] = lengths as [number, number, number];
  if (!(i * j * k <= 2 ** 31)) {
    throw new ImagingError('imaging.nifti-size-unsupported', 'the volume has more than 2^31 voxels');
  }
  return [i, j, k];
}

function datatypeOf(code: number): NiftiDatatype {
  for (const [name, value] of Object.entries(niftiDatatypes)) if (value === code) return name as NiftiDatatype;
  throw new ImagingError('imaging.nifti-datatype-unsupported', 'the voxels are not single real numbers', {
    detail: `datatype ${code}`,
  });
}

function checkedOffset(offset: number, version: 1 | 2): number {
  if (!Number.isInteger(offset) || offset < (version === 1 ? 348 : 540) || offset > 2 ** 31) {
    throw new ImagingError('imaging.nifti-header-invalid', 'the voxels do not begin after the header');
  }
  return offset;
}
