/** A version as a file for other programs. */
import { encodeNifti, encodeNrrd, type Geometry, type SeriesInfo } from '@consilium/imaging';
import type { Protocol } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import type { Version } from '../store/version-store.ts';
import { flattened, segmentationOf } from './archive-handover.ts';

/** Values are the structures' numbers; in NRRD and DICOM SEG they count up from 1 in the order of the protocol. */
export function labelFile(
  version: Version,
  {
    format,
    geometry,
    layers,
    protocol,
    series,
  }: {
    format: 'dicom-seg' | 'nifti' | 'nrrd';
    geometry: Geometry;
    layers: readonly Uint8Array[];
    protocol: Protocol;
    series: SeriesInfo | undefined;
  },
): { readonly bytes: Uint8Array; readonly type: string; readonly name: string } {
  const voxels = flattened(layers);
  const name = version.id.slice(0, 12);
  if (format === 'nifti') {
    return { bytes: encodeNifti({ geometry, voxels }), type: 'application/octet-stream', name: `${name}.nii.gz` };
  }
  if (format === 'nrrd') {
    const order = new Map(protocol.structures.map(({ number }, at) => [number, at + 1]));
    const renumbered = voxels.map((value) => order.get(value) ?? 0);
    const segments = protocol.structures.map((one) => ({ name: one.name, colour: rgbOf(one.colour) }));
    const bytes = encodeNrrd({ geometry, voxels: renumbered }, { segments });
    return { bytes, type: 'application/octet-stream', name: `${name}.seg.nrrd` };
  }
  if (series === undefined) {
    const message = 'The series came as NIfTI or NRRD: a DICOM SEG would have nothing to refer to. Take NIfTI or NRRD.';
    throw new ReadingError('reading.no-dicom', message);
  }
  // Who drew it stays here: files that are taken out by hand name nobody.
  const seg = segmentationOf(version, {
    approvedMs: version.createdMs,
    creator: '',
    geometry,
    protocol,
    series,
    voxels,
  });
  return { bytes: seg.bytes, type: 'application/dicom', name: `${name}.dcm` };
}

function rgbOf(colour: string): readonly [number, number, number] {
  const at = (start: number) => Number.parseInt(colour.slice(start, start + 2), 16) / 255;
  return [at(1), at(3), at(5)];
}
