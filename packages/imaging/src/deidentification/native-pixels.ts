/** Uncompressed pixels as bytes: how long they are, what a frame looks like, and regions of them made black. */
import type { Dataset } from '../dicom/dataset.ts';
import { ImagingError } from '../imaging-error.ts';
import type { GreyFrame } from './frame-text.ts';
import type { PixelRegion } from './pixel-rules.ts';

export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly samples: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly signed: boolean;
  readonly planar: boolean;
  readonly photometric: string;
  readonly littleEndian: boolean;
}

/** @throws ImagingError `imaging.dicom-pixels-unsupported`, `imaging.dicom-attribute-*` */
export function layoutOf(data: Dataset): PixelLayout {
  const bitsAllocated = data.requiredNumber('BitsAllocated');
  const layout: PixelLayout = {
    rows: data.requiredNumber('Rows'),
    columns: data.requiredNumber('Columns'),
    frames: data.number('NumberOfFrames') ?? 1,
    samples: data.number('SamplesPerPixel') ?? 1,
    bitsAllocated,
    bitsStored: data.number('BitsStored') ?? bitsAllocated,
    signed: data.number('PixelRepresentation') === 1,
    planar: data.number('PlanarConfiguration') === 1,
    photometric: data.text('PhotometricInterpretation') ?? '',
    littleEndian: data.littleEndian,
  };
  const counts = [layout.rows, layout.columns, layout.frames, layout.samples];
  if (!counts.every((count) => Number.isInteger(count) && count >= 1) || ![1, 8, 16, 32, 64].includes(bitsAllocated)) {
    throw new ImagingError('imaging.dicom-pixels-unsupported', 'the description of the pixels contradicts itself');
  }
  return layout;
}

/** Of all frames; chroma of `YBR_FULL_422` has half the samples (PS3.3 C.7.6.3.1.2). */
export function nativeBytes(layout: PixelLayout): number {
  const { rows, columns, frames, samples, bitsAllocated, photometric } = layout;
  const samplesPerPixel = photometric === 'YBR_FULL_422' ? 2 : samples;
  return Math.ceil((rows * columns * frames * samplesPerPixel * bitsAllocated) / 8);
}

/** The frame as it looks; undefined for bits, numbers of 32 bits and halved chroma, in which nobody writes. */
export function greyFrame(bytes: Uint8Array, layout: PixelLayout, frame: number): GreyFrame | undefined {
  const { rows, columns, samples, bitsAllocated, planar, photometric, littleEndian, signed } = layout;
  if (photometric === 'YBR_FULL_422' || (bitsAllocated !== 8 && bitsAllocated !== 16)) return undefined;
  const count = rows * columns;
  const start = (frame * count * samples * bitsAllocated) / 8;
  if (bitsAllocated === 8 && samples === 1) return { values: bytes.subarray(start, start + count), rows, columns };
  if (bitsAllocated === 16 && samples === 1 && littleEndian)
    return { values: words(bytes, { start, count, signed }), rows, columns };
  const values = signed ? new Int16Array(count) : new Uint16Array(count);
  const width = bitsAllocated / 8;
  const seen = photometric.startsWith('YBR') ? 1 : samples;
  for (let at = 0; at < count; at++) {
    for (let sample = 0; sample < seen; sample++) {
      const from = start + (planar ? sample * count + at : at * samples + sample) * width;
      const value =
        width === 1
          ? bytes[from]!
          : littleEndian
            ? bytes[from]! | (bytes[from + 1]! << 8)
            : (bytes[from]! << 8) | bytes[from + 1]!;
      if (sample === 0 || value > values[at]!) values[at] = value;
    }
  }
  return { values, rows, columns };
}

/** 16-bit numbers, little endian as all machines are that this runs on; not copied where they lie at even places. */
function words(bytes: Uint8Array, { start, count, signed }: { start: number; count: number; signed: boolean }) {
  const from = bytes.byteOffset + start;
  const [buffer, at] = from % 2 === 0 ? [bytes.buffer, from] : [bytes.slice(start, start + 2 * count).buffer, 0];
  return signed ? new Int16Array(buffer, at, count) : new Uint16Array(buffer, at, count);
}

/**
 * Makes the regions black in a frame, or in all.
 * @param bytes documented out parameter.
 * @throws ImagingError `imaging.dicom-pixels-unsupported` for pixels that do not begin at a byte
 */
export function blankRegions(
  bytes: Uint8Array,
  layout: PixelLayout,
  regions: readonly PixelRegion[],
  frame?: number,
): void {
  const { rows, columns, frames, samples, bitsAllocated, planar, photometric } = layout;
  if (bitsAllocated % 8 !== 0 || photometric === 'YBR_FULL_422') {
    throw new ImagingError('imaging.dicom-pixels-unsupported', 'regions of these pixels cannot be made black');
  }
  const width = bitsAllocated / 8;
  const planes = planar ? samples : 1;
  const perPixel = planar ? width : width * samples;
  for (let index = frame ?? 0; index < (frame === undefined ? frames : frame + 1); index++) {
    for (let plane = 0; plane < planes; plane++) {
      const start = (index * samples * rows * columns + plane * rows * columns) * width;
      for (const region of regions) {
        const right = Math.min(columns, region.left + region.width);
        for (let row = region.top; row < Math.min(rows, region.top + region.height); row++) {
          const from = start + (row * columns + region.left) * perPixel;
          if (right > region.left) bytes.fill(0, from, start + (row * columns + right) * perPixel);
        }
      }
    }
  }
}

/** Clears the bits of 16-bit pixels that are no part of them, in which old overlays lie (PS3.5 8.1.2). */
export function withoutSpareBits(
  bytes: Uint8Array,
  { bitsStored, bitsAllocated, signed, littleEndian }: PixelLayout,
): Uint8Array {
  if (bitsAllocated !== 16 || bitsStored >= 16) return bytes;
  const result = bytes.slice();
  const view = new DataView(result.buffer);
  const spare = 32 - bitsStored;
  for (let at = 0; at + 1 < result.length; at += 2) {
    const word = view.getUint16(at, littleEndian) << spare;
    view.setUint16(at, (signed ? word >> spare : word >>> spare) & 0xffff, littleEndian);
  }
  return result;
}
