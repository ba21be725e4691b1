/** A frame as a picture to look at (PS3.18 8.3.5.1 and 10.4.1.1.3): windowed, scaled, as PNG or JPEG. */
import type { DicomFile } from '@consilium/imaging';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { ArchiveError } from '../archive-error.ts';
import { decodedFrame } from './frame-bytes.ts';

export interface RenderOptions {
  /** From 0. */
  readonly frame: number;
  readonly type: 'image/png' | 'image/jpeg';
  /** The picture fits into it; its shape stays. */
  readonly viewport?: { readonly width: number; readonly height: number } | undefined;
  /** In the units of the modality, as HU; else the one the instance states, else the whole range. */
  readonly window?: { readonly center: number; readonly width: number } | undefined;
  /** Of a JPEG, 1 to 100. */
  readonly quality?: number | undefined;
}

/** @throws ArchiveError `archive.frame-unknown`, ImagingError */
export async function renderFrame(file: DicomFile, options: RenderOptions): Promise<Buffer> {
  const { colour, format, values } = await decodedFrame(file, options.frame);
  const { columns, photometric, rows, samplesPerPixel } = format;
  const tone =
    samplesPerPixel === 1 ? greyTone(file, values, { ...options, inverted: photometric === 'MONOCHROME1' }) : undefined;
  const isYbr = samplesPerPixel === 3 && (colour ?? (photometric.startsWith('YBR') ? 'ybr' : 'rgb')) === 'ybr';
  const { height, width } = fitted(columns, rows, options.viewport);
  const data = Buffer.alloc(width * height * 4, 255);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * rows) / height);
    for (let x = 0; x < width; x++) {
      const pixel = row * columns + Math.floor(((x + 0.5) * columns) / width);
      const out = (y * width + x) * 4;
      if (tone !== undefined) data.fill(tone(values[pixel]!), out, out + 3);
      else writeColour(data, out, values, pixel * 3, isYbr);
    }
  }
  if (options.type === 'image/jpeg')
    return Buffer.from(jpeg.encode({ width, height, data }, options.quality ?? 90).data);
  const png = new PNG({ width, height });
  png.data = data;
  return PNG.sync.write(png, { colorType: samplesPerPixel === 1 ? 0 : 2 });
}

/** PS3.3 C.11.2.1.2, linear. */
function greyTone(
  { data }: DicomFile,
  values: ArrayLike<number>,
  options: { readonly window?: RenderOptions['window']; readonly inverted: boolean },
): (value: number) => number {
  const slope = data.number('RescaleSlope') ?? 1;
  const intercept = data.number('RescaleIntercept') ?? 0;
  const stated = { center: data.number('WindowCenter'), width: data.number('WindowWidth') };
  const [center, width] =
    options.window !== undefined
      ? [options.window.center, options.window.width]
      : stated.center !== undefined && stated.width !== undefined && stated.width >= 1
        ? [stated.center, stated.width]
        : wholeRange(values, slope, intercept);
  const low = center - 0.5 - (width - 1) / 2;
  const span = Math.max(width - 1, 1e-9);
  return (value) => {
    const level = Math.round(Math.min(Math.max((value * slope + intercept - low) / span, 0), 1) * 255);
    return options.inverted ? 255 - level : level;
  };
}

function wholeRange(values: ArrayLike<number>, slope: number, intercept: number): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < values.length; at++) {
    low = Math.min(low, values[at]!);
    high = Math.max(high, values[at]!);
  }
  const [from, to] = [low * slope + intercept, high * slope + intercept];
  return [(from + to + 1) / 2, Math.abs(to - from) + 1];
}

function writeColour(out: Buffer, at: number, values: ArrayLike<number>, from: number, isYbr: boolean): void {
  const [a, b, c] = [values[from]!, values[from + 1]!, values[from + 2]!];
  const rgb = isYbr
    ? [a + 1.402 * (c - 128), a - 0.344136 * (b - 128) - 0.714136 * (c - 128), a + 1.772 * (b - 128)]
    : [a, b, c];
  for (const [index, value] of rgb.entries()) out[at + index] = Math.min(Math.max(Math.round(value), 0), 255);
}

const pictureSideMax = 4096;

function fitted(columns: number, rows: number, viewport: RenderOptions['viewport']): { width: number; height: number } {
  const { width = Math.min(columns, pictureSideMax), height = Math.min(rows, pictureSideMax) } = viewport ?? {};
  const scale = Math.min(width / columns, height / rows);
  return { width: Math.max(1, Math.round(columns * scale)), height: Math.max(1, Math.round(rows * scale)) };
}

/** Parameters `viewport`, `window` and `quality` of the address. @throws ArchiveError `archive.query-malformed` */
export function parseRenderQuery(
  query: Readonly<Record<string, unknown>>,
): Pick<RenderOptions, 'viewport' | 'window' | 'quality'> {
  const viewport = numbersOf(query['viewport'], 2);
  const window = numbersOf(query['window'], 2);
  const [quality] = numbersOf(query['quality'], 1) ?? [];
  const isSound =
    (viewport === undefined || viewport.every((side) => side >= 1 && side <= pictureSideMax)) &&
    (window === undefined || window[1]! >= 1) &&
    (quality === undefined || (quality >= 1 && quality <= 100));
  if (!isSound) throw malformed();
  return {
    ...(viewport === undefined ? {} : { viewport: { width: viewport[0]!, height: viewport[1]! } }),
    ...(window === undefined ? {} : { window: { center: window[0]!, width: window[1]! } }),
    quality,
  };
}

function numbersOf(value: unknown, count: number): number[] | undefined {
  if (value === undefined) return undefined;
  const numbers = String(value).split(',').slice(0, count).map(Number);
  if (numbers.length < count || !numbers.every(Number.isFinite)) throw malformed();
  return numbers;
}

function malformed(): ArchiveError {
  return new ArchiveError(
    'archive.query-malformed',
    '"viewport", "window" and "quality" are numbers of sensible size.',
  );
}
