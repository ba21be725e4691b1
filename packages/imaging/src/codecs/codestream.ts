/**
 * The header of a JPEG 2000 stream (ITU-T T.800, T.814), read before a WebAssembly decoder sees them: its
 * memory follows from what they state, and these bytes come from anywhere.
 */

import { ImagingError } from '../imaging-error.ts';
import type { CodedSize } from './coded-image.ts';

export interface StreamHeader extends CodedSize {
  readonly bits: number;
}

/** Tiles and precincts of one image: a decoder keeps a few hundred bytes for each. */
const tilesMax = 4096;
const precinctsMax = 2 ** 18;

/** @throws ImagingError `imaging.pixels-damaged` */
export function jpeg2000Header(bytes: Uint8Array): StreamHeader {
  const start = codestreamStart(bytes);
  const view = viewOf(bytes);
  if (start + 51 > bytes.length) throw damaged();
  const long = (offset: number): number => view.getUint32(start + offset);
  const [x1, y1, x0, y0] = [long(8), long(12), long(16), long(20)];
  const [tileColumns, tileRows] = [long(24), long(28)];
  const samplesPerPixel = view.getUint16(start + 40);
  const [columns, rows] = [x1 - x0, y1 - y0];
  if (columns <= 0 || rows <= 0 || tileColumns === 0 || tileRows === 0) throw damaged();
  const tiles = Math.ceil(columns / tileColumns + 1) * Math.ceil(rows / tileRows + 1);
  const whole = tileColumns >= columns && tileRows >= rows;
  if (!whole && tiles > tilesMax) throw damaged();
  let bits = 0;
  for (let index = 0; index < Math.min(samplesPerPixel, 4); index++) {
    const at = start + 42 + 3 * index;
    if (at + 3 > bytes.length) throw damaged();
    if (view.getUint8(at + 1) !== 1 || view.getUint8(at + 2) !== 1) throw damaged();
    bits = Math.max(bits, (view.getUint8(at) & 127) + 1);
  }
  checkPrecincts(view, start + 4 + view.getUint16(start + 4), { rows, columns });
  return { bits, rows, columns, samplesPerPixel };
}

/** The stream itself, or the one in a JP2 file that some archives wrote. */
function codestreamStart(bytes: Uint8Array): number {
  const end = Math.min(bytes.length - 4, 4096);
  for (let at = 0; at <= end; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0x4f && bytes[at + 2] === 0xff && bytes[at + 3] === 0x51) return at;
  }
  throw damaged();
}

/** COD and COC of the main header (T.800 A.6.1): precincts so small that millions of them are needed are refused. */
function checkPrecincts(view: DataView, start: number, { rows, columns }: { rows: number; columns: number }): void {
  for (let at = start; at + 4 <= view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker === 0xff90 || marker < 0xff00) return;
    const isDefault = marker === 0xff52;
    const levelsAt = isDefault ? at + 9 : at + 6;
    const hasPrecincts = (isDefault || marker === 0xff53) && (view.getUint8(isDefault ? at + 4 : at + 5) & 1) === 1;
    if (!hasPrecincts || levelsAt + 5 >= view.byteLength) continue;
    const levels = view.getUint8(levelsAt);
    let precincts = 0;
    for (let level = 0; level <= levels && levelsAt + 5 + level < view.byteLength; level++) {
      const exponents = view.getUint8(levelsAt + 5 + level);
      const across = columns / 2 ** (levels - level) / 2 ** (exponents & 15);
      const down = rows / 2 ** (levels - level) / 2 ** (exponents >> 4);
      precincts += Math.ceil(across) * Math.ceil(down);
    }
    if (precincts > precinctsMax) throw damaged();
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(): ImagingError {
  return new ImagingError('imaging.pixels-damaged', 'the compressed pixels are cut short or damaged');
}
