/** A decoded frame of any photometric interpretation to 8-bit RGB, for looking at (PS3.3 C.7.6.3.1.2 and C.11). */
import type { Dataset } from '../dicom/dataset.ts';
import type { PixelFormat } from '../dicom/pixel-format.ts';
import type { StoredFrame } from '../dicom/pixel-reader.ts';
import { ImagingError } from '../imaging-error.ts';
import { brightness, type DisplayWindow } from './display-window.ts';

export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, pixel by pixel. */
  readonly pixels: Uint8Array;
}

/**
 * @param window of grey frames, in the units of the rescale; default the file's own, else the frame's whole range.
 * @throws ImagingError `imaging.dicom-attribute-*` for a palette or window that cannot be
 */
export function pictureOfFrame(
  frame: StoredFrame,
  { format, data }: { readonly format: PixelFormat; readonly data: Dataset },
  window?: DisplayWindow,
): RgbPicture {
  const { rows: height, columns: width, samplesPerPixel, photometric } = format;
  const pixels = new Uint8Array(width * height * 3);
  if (samplesPerPixel === 3) writeColours(frame, format, pixels);
  else if (photometric === 'PALETTE COLOR') writePalette(frame, data, format, pixels);
  else writeGrey(frame, { data, format }, window, pixels);
  return { width, height, pixels };
}

/** After JPEG 2000 (YBR_ICT, YBR_RCT) the samples are RGB already; JPEG says by itself what they are. */
function writeColours(
  { values, colour }: StoredFrame,
  { photometric, bitsStored }: PixelFormat,
  out: Uint8Array,
): void {
  const stated = photometric === 'YBR_FULL' || photometric === 'YBR_FULL_422' ? 'ybr' : 'rgb';
  const shift = 2 ** (bitsStored - 8);
  const isYbr = (colour ?? stated) === 'ybr';
  for (let at = 0; at < out.length; at += 3) {
    const first = values[at]! / shift;
    const second = values[at + 1]! / shift;
    const third = values[at + 2]! / shift;
    out[at] = toByte(isYbr ? first + 1.402 * (third - 128) : first);
    out[at + 1] = toByte(isYbr ? first - 0.344136 * (second - 128) - 0.714136 * (third - 128) : second);
    out[at + 2] = toByte(isYbr ? first + 1.772 * (second - 128) : third);
  }
}

function writePalette({ values }: StoredFrame, data: Dataset, format: PixelFormat, out: Uint8Array): void {
  for (const [sample, colour] of (['Red', 'Green', 'Blue'] as const).entries()) {
    const [entries, first, bits] = data.requiredNumbers(`${colour}PaletteColorLookupTableDescriptor`, 3) as [
      number,
      number,
      number,
    ];
    const count = entries || 65_536;
    const start = format.signed && first > 32_767 ? first - 65_536 : first;
    const table = paletteOf(data, colour, { count, bits });
    for (let pixel = 0; pixel < values.length; pixel++) {
      out[3 * pixel + sample] = table[Math.min(Math.max(values[pixel]! - start, 0), count - 1)]!;
    }
  }
}

/** The brightness of one colour; 16-bit tables hold it in the high byte (PS3.3 C.7.6.3.1.5). */
function paletteOf(
  data: Dataset,
  colour: 'Red' | 'Green' | 'Blue',
  { count, bits }: { count: number; bits: number },
): Uint8Array {
  const segments = data.numbers(`Segmented${colour}PaletteColorLookupTableData`);
  const words = segments ? unfolded(segments, count) : (data.numbers(`${colour}PaletteColorLookupTableData`) ?? []);
  // 8-bit entries are packed two to a word, by some one.
  const packed = words.length < count;
  if (2 * words.length < count) throw brokenPalette();
  return Uint8Array.from({ length: count }, (_, index) => {
    if (packed) return words[index >> 1]! >> (8 * (index & 1));
    return bits > 8 ? words[index]! >> 8 : words[index]!;
  });
}

/** PS3.3 C.7.9.2: a table as runs of values, straight lines, and references back to either. */
function unfolded(segments: readonly number[], count: number): readonly number[] {
  const table: number[] = [];
  const read = (start: number, depth: number): number => {
    const [kind, length] = [segments[start], segments[start + 1] ?? 0];
    if (kind === 0) {
      table.push(...segments.slice(start + 2, start + 2 + length));
      return start + 2 + length;
    }
    if (kind === 1) {
      const [from, to] = [table.at(-1) ?? 0, segments[start + 2] ?? 0];
      for (let index = 1; index <= length; index++) table.push(Math.round(from + ((to - from) * index) / length));
      return start + 3;
    }
    if (kind !== 2 || depth > 0) throw brokenPalette();
    let at = (segments[start + 2] ?? 0) + 65_536 * (segments[start + 3] ?? 0);
    for (let index = 0; index < length && table.length <= count; index++) at = read(at, depth + 1);
    return start + 4;
  };
  for (let at = 0; at < segments.length && table.length < count; ) at = read(at, 0);
  if (table.length < count) throw brokenPalette();
  return table;
}

function brokenPalette(): ImagingError {
  return new ImagingError('imaging.dicom-attribute-invalid', 'the palette is missing or shorter than it says');
}

function writeGrey(
  { values }: StoredFrame,
  { data, format }: { data: Dataset; format: PixelFormat },
  window: DisplayWindow | undefined,
  out: Uint8Array,
): void {
  const slope = data.number('RescaleSlope') ?? 1;
  const intercept = data.number('RescaleIntercept') ?? 0;
  const tone = brightness(window ?? statedWindow(data) ?? wholeRange(values, slope, intercept));
  const inverted = format.photometric === 'MONOCHROME1';
  for (let pixel = 0; pixel < values.length; pixel++) {
    const grey = tone(values[pixel]! * slope + intercept);
    out.fill(toByte(255 * (inverted ? 1 - grey : grey)), 3 * pixel, 3 * pixel + 3);
  }
}

function statedWindow(data: Dataset): DisplayWindow | undefined {
  const [centre, width] = [data.number('WindowCenter'), data.number('WindowWidth')];
  const functions = { LINEAR_EXACT: 'linear-exact', SIGMOID: 'sigmoid' } as const;
  const stated = data.text('VOILUTFunction');
  const shape = stated === 'LINEAR_EXACT' || stated === 'SIGMOID' ? functions[stated] : ('linear' as const);
  if (centre === undefined || width === undefined || width <= 0 || (shape === 'linear' && width < 1)) return undefined;
  return { centre, width, shape };
}

function wholeRange(values: StoredFrame['values'], slope: number, intercept: number): DisplayWindow {
  let [low, high] = [values[0]!, values[0]!];
  for (let at = 1; at < values.length; at++) {
    low = Math.min(low, values[at]!);
    high = Math.max(high, values[at]!);
  }
  const ends = [low * slope + intercept, high * slope + intercept] as const;
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  return { centre: (from + to) / 2, width: Math.max(to - from, 1e-6), shape: 'linear-exact' };
}

function toByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
