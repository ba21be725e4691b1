/** Lossless JPEG with Huffman codes (ITU-T T.81 annex H): each sample from its neighbours and a coded difference. */
import { damagedJpeg, type HuffmanTable, JpegBits } from './jpeg-bits.ts';
import type { JpegFrame, JpegScan } from './jpeg-frame.ts';

/**
 * Decodes one scan into `out`, pixel by pixel interleaved (`frame.components.length` samples a pixel).
 * @returns where the scan ends.
 */
export function decodeLosslessScan(bytes: Uint8Array, frame: JpegFrame, scan: JpegScan, out: Uint16Array): number {
  const { rows, columns, precision, components } = frame;
  const { spectralStart: predictor, successiveLow: shift, restartInterval } = scan;
  if (predictor < 1 || predictor > 7 || shift >= precision) throw damagedJpeg();
  if (restartInterval % columns !== 0) throw damagedJpeg();
  const bits = new JpegBits(bytes, scan.start);
  const rowsBetween = restartInterval / columns;
  const line: LosslessLine = {
    bits,
    columns,
    stride: components.length,
    predictor,
    initial: 1 << (precision - shift - 1),
    out,
  };
  for (let row = 0, since = 0; row < rows; row++, since++) {
    if (rowsBetween > 0 && since === rowsBetween) {
      bits.restart();
      since = 0;
    }
    decodeLine(line, scan, { row, isFirst: since === 0 });
  }
  bits.checkNotOverrun();
  if (shift > 0) {
    for (const { index } of scan.components) {
      for (let at = index; at < out.length; at += components.length) out[at] = out[at]! << shift;
    }
  }
  return bits.at;
}

interface LosslessLine {
  readonly bits: JpegBits;
  readonly columns: number;
  readonly stride: number;
  readonly predictor: number;
  readonly initial: number;
  readonly out: Uint16Array;
}

function decodeLine(line: LosslessLine, scan: JpegScan, place: { row: number; isFirst: boolean }): void {
  const { bits, columns, stride, out } = line;
  const width = columns * stride;
  const start = place.row * width;
  const { components } = scan;
  for (const { index, dc } of components) {
    const above = place.isFirst ? line.initial : out[start - width + index]!;
    if (components.length === 1) {
      out[start + index] = above + difference(bits, dc);
      decodeRest(line, dc, start + index, place.isFirst);
      return;
    }
    out[start + index] = above + difference(bits, dc);
  }
  const selection = place.isFirst ? 1 : line.predictor;
  for (let at = start + stride; at < start + width; at += stride) {
    for (const { index, dc } of components) {
      out[at + index] = predicted(out, at + index, { stride, width, selection }) + difference(bits, dc);
    }
  }
}

/** The line of the only component: the usual case, without a lookup of neighbours that stay. */
function decodeRest(line: LosslessLine, dc: HuffmanTable, start: number, isFirst: boolean): void {
  const { bits, columns, stride, out, predictor } = line;
  const width = columns * stride;
  const end = start + width;
  if (isFirst || predictor === 1) {
    let left = out[start]!;
    for (let at = start + stride; at < end; at += stride) {
      left = (left + difference(bits, dc)) & 0xffff;
      out[at] = left;
    }
    return;
  }
  for (let at = start + stride; at < end; at += stride) {
    out[at] = predicted(out, at, { stride, width, selection: predictor }) + difference(bits, dc);
  }
}

function predicted(
  out: Uint16Array,
  at: number,
  { stride, width, selection }: { stride: number; width: number; selection: number },
): number {
  const left = out[at - stride]!;
  if (selection === 1) return left;
  const above = out[at - width]!;
  const corner = out[at - width - stride]!;
  switch (selection) {
    case 2:
      return above;
    case 3:
      return corner;
    case 4:
      return left + above - corner;
    case 5:
      return left + ((above - corner) >> 1);
    case 6:
      return above + ((left - corner) >> 1);
    default:
      return (left + above) >> 1;
  }
}

/** T.81 H.1.2.2: category 16 is 32768 and has no further bits. */
function difference(bits: JpegBits, table: HuffmanTable): number {
  const size = bits.symbol(table);
  if (size === 0) return 0;
  if (size > 15) {
    if (size > 16) throw damagedJpeg();
    return 32768;
  }
  return bits.takeSigned(size);
}
