/**
 * JPEG-LS (ITU-T T.87), lossless and near-lossless, 2 to 16 bits, interleaved by sample, by line or not at all.
 *
 * Our own because CharLS in WebAssembly goes round for ever on some damaged streams, where nothing can stop it.
 */
import { type CodedImage, type CodedSize, checkCodedSize } from './coded-image.ts';
import { damagedJpegLs, JpegLsBits } from './jpeg-ls-bits.ts';
import { type JpegLsLine, type JpegLsParameters, JpegLsScan } from './jpeg-ls-scan.ts';

interface Header {
  precision: number;
  rows: number;
  columns: number;
  ids: readonly number[];
  /** As an LSE segment states them; 0 stands for the default. */
  preset: readonly number[];
}

/** @throws ImagingError `imaging.pixels-damaged`, `imaging.pixels-contradict-header` */
export function decodeJpegLs(bytes: Uint8Array, expected: CodedSize): CodedImage {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw damagedJpegLs();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header: Header = { precision: 0, rows: 0, columns: 0, ids: [], preset: [] };
  let values: Uint8Array | Uint16Array | undefined;
  const seen = new Set<number>();
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff || bytes[at + 1]! < 0xc0 || bytes[at + 1] === 0xff) {
      at++;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) break;
    const end = at + 2 + view.getUint16(at + 2);
    const body = bytes.subarray(at + 4, end);
    if (end > bytes.length) throw damagedJpegLs();
    at = end;
    if (marker === 0xf7) readFrame(header, body);
    else if (marker === 0xf8) readPreset(header, body);
    else if (marker === 0xdd || (marker === 0xe8 && isColourTransform(body))) throw damagedJpegLs();
    else if (marker === 0xda) {
      checkCodedSize({ ...header, samplesPerPixel: header.ids.length }, expected);
      const count = header.rows * header.columns * header.ids.length;
      values ??= header.precision > 8 ? new Uint16Array(count) : new Uint8Array(count);
      at = decodeScan(bytes, { start: end, body, header, values, seen });
    }
  }
  if (values === undefined || seen.size < header.ids.length) throw damagedJpegLs();
  const { rows, columns, precision } = header;
  return { rows, columns, samplesPerPixel: header.ids.length, bits: precision, values, colour: undefined };
}

function readFrame(header: Header, body: Uint8Array): void {
  const count = body[5] ?? 0;
  if (header.precision !== 0 || body.length < 6 + 3 * count || count < 1 || count > 4) throw damagedJpegLs();
  header.precision = body[0]!;
  header.rows = (body[1]! << 8) | body[2]!;
  header.columns = (body[3]! << 8) | body[4]!;
  header.ids = Array.from({ length: count }, (_, index) => body[6 + 3 * index]!);
  if (header.precision < 2 || header.precision > 16 || header.rows === 0 || header.columns === 0) throw damagedJpegLs();
}

/** LSE: other parameters than the defaults; tables of colours are not read. */
function readPreset(header: Header, body: Uint8Array): void {
  if (body[0] !== 1 || body.length < 11) throw damagedJpegLs();
  header.preset = [0, 1, 2, 3, 4].map((index) => (body[1 + 2 * index]! << 8) | body[2 + 2 * index]!);
}

/** HP's "mrfx" segment, which CharLS writes and the standard does not know. */
function isColourTransform(body: Uint8Array): boolean {
  return String.fromCharCode(...body.subarray(0, 4)) === 'mrfx' && body[4] !== 0;
}

interface ScanSource {
  readonly start: number;
  readonly body: Uint8Array;
  readonly header: Header;
  readonly values: Uint8Array | Uint16Array;
  readonly seen: Set<number>;
}

/** @returns where the scan ends. */
function decodeScan(bytes: Uint8Array, { start, body, header, values, seen }: ScanSource): number {
  const count = body[0] ?? 0;
  if (count < 1 || body.length < 4 + 2 * count) throw damagedJpegLs();
  const components = Array.from({ length: count }, (_, index) => header.ids.indexOf(body[1 + 2 * index]!));
  const [near, interleave, shift] = [body[1 + 2 * count]!, body[2 + 2 * count]!, body[3 + 2 * count]! & 15];
  const isKnown = interleave <= 2 && shift === 0 && (count === 1) === (interleave === 0);
  if (!isKnown || components.includes(-1)) throw damagedJpegLs();
  for (const index of components) {
    if (seen.has(index)) throw damagedJpegLs();
    seen.add(index);
  }
  const { rows, columns, ids } = header;
  const bits = new JpegLsBits(bytes, start);
  const scan = new JpegLsScan(bits, parametersOf(header, near), count);
  let lines: readonly JpegLsLine[] = components.map(() => ({ current: newLine(columns), above: newLine(columns) }));
  for (let row = 0; row < rows; row++) {
    for (const { current, above } of lines) {
      current[0] = above[1]!;
      above[columns + 1] = above[columns]!;
    }
    if (interleave === 2) scan.decodeInterleaved(lines, columns);
    else for (const [index, line] of lines.entries()) scan.decodeLine(line, columns, index);
    for (const [index, { current }] of lines.entries()) {
      let to = row * columns * ids.length + components[index]!;
      for (let x = 1; x <= columns; x++, to += ids.length) values[to] = current[x]!;
    }
    lines = lines.map(({ current, above }) => ({ current: above, above: current }));
  }
  bits.checkNotOverrun();
  return bits.at;
}

function newLine(columns: number): Int32Array {
  return new Int32Array(columns + 2);
}

/** Defaults of C.2.4.1.1. */
function parametersOf({ precision, preset }: Header, near: number): JpegLsParameters {
  const maxval = preset[0] || 2 ** precision - 1;
  if (maxval >= 2 ** precision || near > Math.min(255, maxval >> 1)) throw damagedJpegLs();
  const factor = maxval >= 128 ? Math.floor((Math.min(maxval, 4095) + 128) / 256) : Math.floor(256 / (maxval + 1));
  const basic =
    maxval >= 128
      ? [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
      : [
          Math.max(2, Math.floor(3 / factor) + 3 * near),
          Math.max(3, Math.floor(7 / factor) + 5 * near),
          Math.max(4, Math.floor(21 / factor) + 7 * near),
        ];
  const clamped = (value: number, least: number): number => (value > maxval || value < least ? least : value);
  const t1 = preset[1] || clamped(basic[0]!, near + 1);
  const t2 = preset[2] || clamped(basic[1]!, t1);
  const t3 = preset[3] || clamped(basic[2]!, t2);
  const reset = preset[4] || 64;
  const isSound = near < t1 && t1 <= t2 && t2 <= t3 && t3 <= maxval && reset >= 3;
  if (!isSound) throw damagedJpegLs();
  return { maxval, near, thresholds: [t1, t2, t3], reset };
}
