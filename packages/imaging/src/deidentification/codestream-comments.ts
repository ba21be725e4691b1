/**
 * Compressed pixels without what codecs let anybody write beside them: comments and application segments of JPEG and
 * JPEG-LS (ITU-T T.81 B.2.4) and comments of JPEG 2000 (T.800 A.9.2). They are overwritten with zeros in place, so that
 * no length and no offset changes.
 */

/** @returns the stream itself where it holds nothing of the kind. */
export function withoutComments(stream: Uint8Array): Uint8Array {
  const segments = stream[0] === 0xff && stream[1] === 0xd8 ? jpegComments(stream) : codestreamComments(stream);
  const filled = segments.filter(([start, end]) => stream.subarray(start, end).some((byte) => byte !== 0));
  if (filled.length === 0) return stream;
  const result = stream.slice();
  for (const [start, end] of filled) result.fill(0, start, end);
  return result;
}

type Span = readonly [start: number, end: number];

function jpegComments(bytes: Uint8Array): readonly Span[] {
  const spans: Span[] = [];
  let at = 2;
  while (at + 4 <= bytes.length) {
    const marker = bytes[at + 1]!;
    if (bytes[at] === 0xff && marker === 0xd9) {
      spans.push([at + 2, bytes.length]);
      break;
    }
    // Entropy-coded data, stuffed bytes and restart markers lie between segments.
    if (bytes[at] !== 0xff || marker < 0xc0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd9)) {
      at++;
      continue;
    }
    const end = at + 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    if (end > bytes.length || end < at + 4) break;
    const isComment = marker === 0xfe || (marker >= 0xe0 && marker <= 0xef);
    if (isComment) spans.push([at + 4 + neededBytes(bytes.subarray(at + 4, end), marker), end]);
    at = end;
  }
  return spans;
}

/** What decoders look at: JFIF's head without its thumbnail, Adobe's and HP's colour transforms, SPIFF. */
function neededBytes(payload: Uint8Array, marker: number): number {
  const name = String.fromCharCode(...payload.subarray(0, 4));
  if (marker === 0xe0 && name === 'JFIF') return Math.min(14, payload.length);
  if (marker === 0xee && name === 'Adob') return Math.min(12, payload.length);
  if (marker === 0xe8) return name === 'mrfx' || name === 'SPIF' ? Math.min(30, payload.length) : 0;
  return 0;
}

function codestreamComments(bytes: Uint8Array): readonly Span[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const spans: Span[] = [];
  if (bytes.length < 4 || view.getUint16(0) !== 0xff4f) return spans;
  let at = 2;
  let tilePartEnd = bytes.length;
  while (at + 4 <= bytes.length) {
    const marker = view.getUint16(at);
    if (marker === 0xffd9) {
      spans.push([at + 2, bytes.length]);
      break;
    }
    if (marker === 0xff93) {
      at = tilePartEnd;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (marker < 0xff00 || end > bytes.length) break;
    if (marker === 0xff90 && end - at === 12) {
      const length = view.getUint32(at + 6);
      tilePartEnd = length < 14 ? bytes.length : at + length;
    }
    if (marker === 0xff64) spans.push([at + 6, end]);
    at = end;
  }
  return spans;
}
