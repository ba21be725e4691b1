/** The image of a case as a `.nii.gz`, some slices at a time: a thorax is never in memory as a whole, nor packed by this thread. */
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { encodeNifti, type Geometry } from '@consilium/imaging';
import type { SeriesVolume } from '../series/series-volumes.ts';

const slicesAtOnce = 8;

export function niftiOf(volume: SeriesVolume): Readable {
  const packed = createGzip({ level: 1 });
  const plain = Readable.from(pieces(volume), { objectMode: false });
  plain.on('error', (error) => packed.destroy(error));
  packed.on('close', () => plain.destroy());
  return plain.pipe(packed);
}

async function* pieces(volume: SeriesVolume): AsyncGenerator<Uint8Array> {
  const slices = volume.geometry.size[0];
  yield headerOf(volume.geometry);
  for (let from = 0; from < slices; from += slicesAtOnce) {
    const voxels = await volume.slices(from, Math.min(from + slicesAtOnce, slices));
    yield new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  }
}

/** Of a volume of one voxel that lies where this one begins; its sizes stand at byte 42 (NIfTI-1, `dim`). */
function headerOf(geometry: Geometry): Uint8Array {
  const one = encodeNifti({ geometry: { ...geometry, size: [1, 1, 1] }, voxels: new Int16Array(1) }, { gzip: false });
  const header = one.slice(0, 352);
  const view = new DataView(header.buffer);
  for (const [at, length] of geometry.size.toReversed().entries()) view.setInt16(42 + at * 2, length, true);
  return header;
}
