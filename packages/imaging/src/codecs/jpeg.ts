/**
 * JPEG (ITU-T T.81) with Huffman codes: sequential and progressive DCT of 8 and 12 bits, and lossless of 2 to 16 bits:
 * every JPEG process that DICOM has or had (PS3.5 8.2.1) but the arithmetic ones.
 *
 * Our own because no library does this: libjpeg-turbo's build has no 12 bits and no lossless, the known lossless decoder
 * loses the last pixel, and the rest bring a second copy of everything.
 */
import { ImagingError } from '../imaging-error.ts';
import { writeUpsampled } from './chroma-upsampling.ts';
import type { CodedImage, CodedSize } from './coded-image.ts';
import { checkCodedSize } from './coded-image.ts';
import { damagedJpeg } from './jpeg-bits.ts';
import { DctImage } from './jpeg-dct.ts';
import { type JpegFrame, JpegSegments } from './jpeg-frame.ts';
import { decodeLosslessScan } from './jpeg-lossless.ts';

/**
 * @param expected what the DICOM header says; an image of another size is refused before memory is taken for it.
 * @throws ImagingError `imaging.pixels-damaged`, `imaging.pixels-contradict-header`
 */
export function decodeJpeg(bytes: Uint8Array, expected: CodedSize): CodedImage {
  const segments = new JpegSegments(bytes);
  let scan = segments.nextScan(2);
  const { frame } = segments;
  if (scan === undefined || frame === undefined) throw damagedJpeg();
  checkCodedSize({ rows: frame.rows, columns: frame.columns, samplesPerPixel: frame.components.length }, expected);
  const lossless = frame.process === 'lossless';
  const values = new Uint16Array(frame.rows * frame.columns * frame.components.length);
  const dct = lossless ? undefined : new DctImage(frame);
  const seen = new Set<number>();
  for (let scans = 0; scan !== undefined; scans++) {
    // A progressive image has at most 64 coefficients of 14 bits in a scan each: many more is an attack on our time.
    if (scans > 256) throw damagedJpeg();
    for (const { index } of scan.components) seen.add(index);
    const end: number = dct ? dct.decodeScan(bytes, scan) : decodeLosslessScan(bytes, frame, scan, values);
    scan = segments.nextScan(end);
  }
  if (seen.size < frame.components.length) throw damagedJpeg();
  if (dct) joinPlanes(frame, dct.samples(segments.quantization), values);
  return {
    rows: frame.rows,
    columns: frame.columns,
    samplesPerPixel: frame.components.length,
    bits: frame.precision,
    values,
    colour: colourOf(segments),
  };
}

function joinPlanes(frame: JpegFrame, planes: ReturnType<DctImage['samples']>, out: Uint16Array): void {
  const across = Math.max(...frame.components.map(({ horizontal }) => horizontal));
  const down = Math.max(...frame.components.map(({ vertical }) => vertical));
  for (const [index, plane] of planes.entries()) {
    const { horizontal, vertical } = frame.components[index]!;
    if (across % horizontal !== 0 || down % vertical !== 0) {
      throw new ImagingError('imaging.pixels-damaged', 'the JPEG data is sampled in a way that is not read');
    }
    const factor = { across: across / horizontal, down: down / vertical };
    const target = { out, first: index, step: planes.length, rows: frame.rows, columns: frame.columns };
    writeUpsampled(plane, factor, target);
  }
}

/** Component ids "RGB" mean what they say (libjpeg's convention). */
function colourOf({ frame, colour }: JpegSegments): 'ybr' | 'rgb' | undefined {
  const ids = frame!.components.map(({ id }) => id);
  return colour ?? (ids.join() === '82,71,66' ? 'rgb' : undefined);
}
