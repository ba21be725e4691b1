/**
 * Text burned into a frame: lines of connected components, all of one value, with the size and spacing of letters.
 *
 * It finds what scanners and workstations write: letters of one intensity, the brightest, the darkest, or one that is
 * unusually frequent, at least five in a line and six pixels high. It does not find handwriting, letters smoothed at their
 * edges so far that no stroke keeps its value, text hardly brighter than what it is on, text in lossily compressed pixels,
 * or single initials.
 */
import type { PixelRegion } from './pixel-rules.ts';

export interface GreyFrame {
  /** `[row, column]`; of colours the strongest of the three. */
  readonly values: Uint8Array | Uint16Array | Int16Array;
  readonly rows: number;
  readonly columns: number;
}

const glyphHeightMin = 6;
const glyphHeightMax = 64;
const glyphsPerLineMin = 5;
/** Of the range of values: letters stand out, patches of noise do not. */
const contrastMin = 1 / 128;
/** A value of more pixels is a background or a body. */
const shareMax = 0.2;

/** @returns a box for every line of text, a pixel wider than it on all sides. */
export function findTextLines(frame: GreyFrame): readonly PixelRegion[] {
  const candidates = candidateValues(frame);
  if (candidates === undefined) return [];
  const glyphs = glyphsOf(frame, candidates);
  return [...glyphs.values()].flatMap((ofValue) => linesOf(ofValue).map((line) => widened(line, frame)));
}

interface Candidates {
  /** By value less `low`: 1 for those that letters could have. */
  readonly isCandidate: Uint8Array;
  readonly low: number;
  /** Between the darkest and the brightest value. */
  readonly range: number;
}

/**
 * The brightest and the darkest value, and the most frequent of the upper three eighths of the range, if they are of so
 * many pixels as a line of text has and no more than letters could have.
 */
function candidateValues({ values }: GreyFrame): Candidates | undefined {
  const [low, high] = extremesOf(values);
  const range = high - low;
  // Of as many values as occur, so that the counts of twelve bits stay in the nearest cache.
  const counts = new Uint32Array(range + 1);
  for (let at = 0; at < values.length; at++) counts[values[at]! - low]!++;
  const most = values.length * shareMax;
  const isPossible = (value: number): boolean =>
    counts[value]! >= glyphsPerLineMin * glyphHeightMin && counts[value]! <= most;
  const possible: number[] = [];
  for (let value = Math.ceil(range * 0.625); value <= range; value++) if (isPossible(value)) possible.push(value);
  const frequent = possible.sort((a, b) => counts[b]! - counts[a]!).slice(0, 4);
  const candidates = [...frequent, ...[0, range].filter(isPossible)];
  if (candidates.length === 0) return undefined;
  const isCandidate = new Uint8Array(range + 1);
  for (const value of candidates) isCandidate[value] = 1;
  return { isCandidate, low, range };
}

function extremesOf(values: GreyFrame['values']): [low: number, high: number] {
  let [low, high] = [values[0]!, values[0]!];
  for (let at = 1; at < values.length; at++) {
    const value = values[at]!;
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  return [low, high];
}

interface Box {
  readonly left: number;
  readonly top: number;
  /** Exclusive. */
  readonly right: number;
  readonly bottom: number;
}

/** By value, the boxes of its components, of pixels that touch at sides or corners, that have the form of a letter. */
function glyphsOf(frame: GreyFrame, { isCandidate, low, range }: Candidates): ReadonlyMap<number, readonly Box[]> {
  const { values, rows, columns } = frame;
  const seen = new Uint8Array(values.length);
  const glyphs = new Map<number, Box[]>();
  // A component has pixels in every row from its top to its bottom: none as high as a letter is passed over.
  for (let row = glyphHeightMin - 1; row < rows; row += glyphHeightMin) {
    for (let start = row * columns; start < (row + 1) * columns; start++) {
      if (isCandidate[values[start]! - low] === 0 || seen[start] === 1) continue;
      const { box, area, contrast } = componentFrom(frame, start, seen);
      if (contrast < range * contrastMin || !isGlyph(box, area)) continue;
      const ofValue = glyphs.get(values[start]!);
      if (ofValue === undefined) glyphs.set(values[start]!, [box]);
      else ofValue.push(box);
    }
  }
  return glyphs;
}

interface Component {
  readonly box: Box;
  /** In pixels. */
  readonly area: number;
  /** Mean difference from the pixels around. */
  readonly contrast: number;
}

/** @param seen documented out parameter: its pixels become 1. */
function componentFrom({ values, rows, columns }: GreyFrame, start: number, seen: Uint8Array): Component {
  const value = values[start]!;
  const stack = [start];
  let [left, right, top, bottom, area] = [columns, 0, rows, 0, 0];
  let [difference, around] = [0, 0];
  seen[start] = 1;
  while (stack.length > 0) {
    const at = stack.pop()!;
    const row = Math.floor(at / columns);
    const column = at - row * columns;
    area++;
    if (column < left) left = column;
    if (column > right) right = column;
    if (row < top) top = row;
    if (row > bottom) bottom = row;
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
        const near = y * columns + x;
        if (values[near] !== value) {
          difference += Math.abs(values[near]! - value);
          around++;
          continue;
        }
        if (seen[near] === 1) continue;
        seen[near] = 1;
        stack.push(near);
      }
    }
  }
  return { box: { left, top, right: right + 1, bottom: bottom + 1 }, area, contrast: difference / Math.max(1, around) };
}

function isGlyph({ left, top, right, bottom }: Box, area: number): boolean {
  const [width, height] = [right - left, bottom - top];
  const fill = area / (width * height);
  return (
    height >= glyphHeightMin &&
    height <= glyphHeightMax &&
    width <= 1.6 * height &&
    (width <= 0.3 * height || fill <= 0.85) &&
    fill >= 0.12
  );
}

/** Runs of glyphs of like height, side by side. */
function linesOf(glyphs: readonly Box[]): readonly Box[] {
  const left = glyphs.toSorted((a, b) => a.left - b.left || a.top - b.top);
  const used = new Set<Box>();
  const lines: Box[] = [];
  for (const [index, first] of left.entries()) {
    if (used.has(first)) continue;
    const line = [first];
    for (const glyph of left.slice(index + 1)) {
      const last = line.at(-1)!;
      if (glyph.left - last.right > 1.5 * (last.bottom - last.top)) break;
      if (!used.has(glyph) && follows(last, glyph)) line.push(glyph);
    }
    if (line.length < glyphsPerLineMin) continue;
    for (const glyph of line) used.add(glyph);
    lines.push({
      left: Math.min(...line.map((box) => box.left)),
      top: Math.min(...line.map((box) => box.top)),
      right: Math.max(...line.map((box) => box.right)),
      bottom: Math.max(...line.map((box) => box.bottom)),
    });
  }
  return lines;
}

function follows(last: Box, next: Box): boolean {
  const heights = [last.bottom - last.top, next.bottom - next.top] as const;
  const overlap = Math.min(last.bottom, next.bottom) - Math.max(last.top, next.top);
  return (
    next.left >= last.right - 1 &&
    Math.max(...heights) <= 1.6 * Math.min(...heights) &&
    overlap >= 0.6 * Math.min(...heights)
  );
}

function widened({ left, top, right, bottom }: Box, { rows, columns }: GreyFrame): PixelRegion {
  const [x, y] = [Math.max(0, left - 1), Math.max(0, top - 1)];
  return { left: x, top: y, width: Math.min(columns, right + 1) - x, height: Math.min(rows, bottom + 1) - y };
}
