/**
 * Which fragments of encapsulated pixel data make which frame (PS3.5 A.4): by the extended offset table, the basic one,
 * one fragment a frame, or, where a file has neither table, by the markers with which JPEG and JPEG 2000 streams begin.
 */
import { ImagingError } from '../imaging-error.ts';

export interface Encapsulated {
  /** The first item: offsets as 32-bit numbers, or empty. */
  readonly basicOffsetTable: Uint8Array;
  /** Extended Offset Table (7FE0,0001): offsets as 64-bit numbers. */
  readonly extendedOffsetTable?: Uint8Array | undefined;
  /** The other items, not copied. */
  readonly fragments: readonly Uint8Array[];
}

const itemHeaderBytes = 8;

/**
 * The fragments of each frame, in order.
 * @param count Number of Frames.
 * @throws ImagingError `imaging.dicom-pixels-truncated` where the fragments cannot be so many frames
 */
export function fragmentsOfFrames(pixels: Encapsulated, count: number): readonly (readonly Uint8Array[])[] {
  const { fragments } = pixels;
  if (count < 1 || fragments.length < count) throw truncated();
  if (count === 1) return [fragments];
  const starts =
    startsByOffset(pixels, count) ??
    (fragments.length === count ? fragments.map((_, index) => index) : startsByMarker(fragments));
  if (starts.length !== count) throw truncated();
  return starts.map((start, frame) => fragments.slice(start, starts[frame + 1] ?? fragments.length));
}

/** Index of each frame's first fragment, if a table says it and every offset is one of a fragment. */
function startsByOffset(pixels: Encapsulated, count: number): readonly number[] | undefined {
  const offsets = offsetsOf(pixels);
  if (offsets.length !== count) return undefined;
  const indexOfOffset = new Map<number, number>();
  let offset = 0;
  for (const [index, fragment] of pixels.fragments.entries()) {
    indexOfOffset.set(offset, index);
    offset += itemHeaderBytes + fragment.length;
  }
  const starts = offsets.map((at) => indexOfOffset.get(at) ?? -1);
  const ascending = starts.every((start, frame) => (frame === 0 ? start === 0 : start > starts[frame - 1]!));
  return ascending ? starts : undefined;
}

function offsetsOf({ basicOffsetTable, extendedOffsetTable }: Encapsulated): readonly number[] {
  const [table, width] = extendedOffsetTable?.length ? [extendedOffsetTable, 8] : [basicOffsetTable, 4];
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  return Array.from({ length: Math.floor(table.length / width) }, (_, index) => {
    return width === 8 ? Number(view.getBigUint64(index * 8, true)) : view.getUint32(index * 4, true);
  });
}

/** A fragment that begins with SOI (JPEG, JPEG-LS) or SOC (JPEG 2000) begins a frame. */
function startsByMarker(fragments: readonly Uint8Array[]): readonly number[] {
  return fragments.flatMap((fragment, index) => {
    const begins = fragment[0] === 0xff && (fragment[1] === 0xd8 || fragment[1] === 0x4f);
    return begins ? [index] : [];
  });
}

function truncated(): ImagingError {
  return new ImagingError('imaging.dicom-pixels-truncated', 'the file holds fewer pixels than its header says');
}
