/** DICOM's RLE (PS3.5 annex G): one PackBits run for each byte plane, the high byte first. */
import { ImagingError } from '../imaging-error.ts';

/** Two bytes of a run unpack to at most 128. */
const ratioMax = 64;

/**
 * One frame, little endian.
 * @throws ImagingError `imaging.dicom-damaged`
 */
export function decodeRle(bytes: Uint8Array, options: { frameBytes: number; bytesPerPixel: number }): Uint8Array {
  const { frameBytes, bytesPerPixel } = options;
  if (bytes.length < 64 || frameBytes > bytes.length * ratioMax) throw damaged();
  const header = new DataView(bytes.buffer, bytes.byteOffset, 64);
  if (header.getUint32(0, true) !== bytesPerPixel) throw damaged();
  const frame = new Uint8Array(frameBytes);
  for (let plane = 0; plane < bytesPerPixel; plane++) {
    const start = header.getUint32(4 + plane * 4, true);
    const end = plane + 1 < bytesPerPixel ? header.getUint32(8 + plane * 4, true) : bytes.length;
    if (start < 64 || start > end || end > bytes.length) throw damaged();
    unpack(bytes.subarray(start, end), frame, { first: bytesPerPixel - 1 - plane, step: bytesPerPixel });
  }
  return frame;
}

function unpack(run: Uint8Array, out: Uint8Array, { first, step }: { first: number; step: number }): void {
  let to = first;
  let at = 0;
  while (to < out.length) {
    if (at >= run.length) throw damaged();
    const code = run[at++]!;
    if (code === 128) continue;
    const literal = code < 128;
    const count = literal ? code + 1 : 257 - code;
    if (at + (literal ? count : 1) > run.length) throw damaged();
    for (let repeat = 0; repeat < count && to < out.length; repeat++, to += step) {
      out[to] = run[literal ? at + repeat : at]!;
    }
    at += literal ? count : 1;
  }
}

function damaged(): ImagingError {
  return new ImagingError('imaging.dicom-damaged', 'the run-length encoded pixels are cut short or damaged');
}
