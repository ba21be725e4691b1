/** DICOM's RLE (PS3.5 annex G): one PackBits run for each byte plane, the high byte first. */
import { ImagingError } from '../imaging-error.ts';

/** Two bytes of a run unpack to at most 128. */
const ratioMax = 64;

export interface RleLayout {
  /** Bytes of one plane: one for each pixel, or for eight pixels of one bit. */
  readonly planeBytes: number;
  /** Samples a pixel times bytes a sample. */
  readonly planes: number;
  /** Bytes a sample. */
  readonly width: number;
}

/**
 * One frame, sample after sample, each little endian.
 * @throws ImagingError `imaging.pixels-damaged`
 */
export function decodeRle(bytes: Uint8Array, { planeBytes, planes, width }: RleLayout): Uint8Array {
  if (bytes.length < 64 || planeBytes * planes > bytes.length * ratioMax || planes > 15) throw damaged();
  const header = new DataView(bytes.buffer, bytes.byteOffset, 64);
  if (header.getUint32(0, true) !== planes) throw damaged();
  const frame = new Uint8Array(Math.ceil(planeBytes) * planes);
  for (let plane = 0; plane < planes; plane++) {
    const start = header.getUint32(4 + plane * 4, true);
    const end = plane + 1 < planes ? header.getUint32(8 + plane * 4, true) : bytes.length;
    if (start < 64 || start > end || end > bytes.length) throw damaged();
    const sample = Math.floor(plane / width) * Math.ceil(planeBytes) * width;
    const out = frame.subarray(sample, sample + Math.ceil(planeBytes) * width);
    unpack(bytes.subarray(start, end), out, { first: width - 1 - (plane % width), step: width });
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
    const last = Math.min(out.length, to + count * step);
    if (literal) for (let from = at; to < last; to += step) out[to] = run[from++]!;
    else for (const value = run[at]!; to < last; to += step) out[to] = value;
    at += literal ? count : 1;
  }
}

function damaged(): ImagingError {
  return new ImagingError('imaging.pixels-damaged', 'the run-length encoded pixels are cut short or damaged');
}
