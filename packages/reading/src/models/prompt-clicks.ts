/** Prompts of every kind as the network understands them: clicks, and a box outside of which nothing changes. */
import type { Triple } from '@consilium/imaging';
import { decodeRuns } from '../label/run-length.ts';
import { ReadingError } from '../reading-error.ts';
import type { Prompt, PromptClick } from './model-tasks.ts';

interface Scribble {
  readonly isForeground: boolean;
  /** `[z, y, x]`, both inside. */
  readonly first: Triple;
  readonly last: Triple;
  /** Of the box; not 0 where it was drawn. */
  readonly runs: Uint8Array;
}

/** A closed line in a slice. */
export interface Lasso {
  readonly slice: number;
  /** `[y, x]`. */
  readonly points: readonly (readonly [number, number])[];
}

export interface AskedPrompt {
  readonly structure: number;
  readonly clicks: readonly PromptClick[];
  readonly scribbles: readonly Scribble[];
  readonly box: Prompt['box'];
  readonly lasso: Lasso | undefined;
}

/** Clicks made of a scribble: more say little more. */
const scribbleClicksMax = 10;
const scribbleVoxelsMax = 2 ** 26;

/**
 * A scribble is clicks along it; a box or lasso without a click is one in its middle. A lasso bounds what changes from side to
 * side, a box in all directions.
 * @throws ReadingError `reading.runs-malformed`, `reading.prompt-outside`
 */
export function clicksOf({ box, clicks, lasso, scribbles, structure }: AskedPrompt): Omit<Prompt, 'layer'> {
  const bounds = lasso === undefined ? box : within(box, boundsOf(lasso));
  const all = [...scribbles.flatMap(scribbleClicks), ...clicks];
  if (all.length === 0 && lasso !== undefined) all.push({ voxel: innermost(lasso), isForeground: true });
  if (all.length === 0 && box !== undefined) {
    const middle = (axis: 0 | 1 | 2) => Math.round((box.first[axis] + box.last[axis]) / 2);
    all.push({ voxel: [middle(0), middle(1), middle(2)], isForeground: true });
  }
  return { structure, clicks: all, box: bounds };
}

function scribbleClicks({ first, isForeground, last, runs }: Scribble): readonly PromptClick[] {
  const [depth, height, width] = [0, 1, 2].map((axis) => last[axis]! - first[axis]! + 1) as [number, number, number];
  const count = depth * height * width;
  if (Math.min(depth, height, width) < 1 || count > scribbleVoxelsMax) {
    throw new ReadingError('reading.prompt-outside', 'The box of a scribble is none, or is larger than any scribble.');
  }
  const voxels = decodeRuns(runs, count);
  const drawn: number[] = [];
  for (let at = 0; at < count; at++) if (voxels[at] !== 0) drawn.push(at);
  const clicks = Math.min(scribbleClicksMax, drawn.length);
  return Array.from({ length: clicks }, (_, click) => {
    const at = drawn[Math.floor(((click + 0.5) * drawn.length) / clicks)]!;
    const [z, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    return { voxel: [first[0] + z, first[1] + y, first[2] + x], isForeground };
  });
}

/** Of a lasso there is no first and last slice. */
function boundsOf({ points }: Lasso): NonNullable<Prompt['box']> {
  const ys = points.map(([y]) => y);
  const xs = points.map(([, x]) => x);
  return {
    first: [0, Math.max(0, Math.ceil(Math.min(...ys))), Math.max(0, Math.ceil(Math.min(...xs)))],
    last: [Number.MAX_SAFE_INTEGER, Math.floor(Math.max(...ys)), Math.floor(Math.max(...xs))],
  };
}

function within(box: Prompt['box'], other: NonNullable<Prompt['box']>): NonNullable<Prompt['box']> {
  if (box === undefined) return other;
  const [low, high] = [
    (axis: 0 | 1 | 2) => Math.max(box.first[axis], other.first[axis]),
    (axis: 0 | 1 | 2) => Math.min(box.last[axis], other.last[axis]),
  ];
  return { first: [low(0), low(1), low(2)], last: [high(0), high(1), high(2)] };
}

/** The voxel within the line that is farthest from it. */
function innermost({ points, slice }: Lasso): Triple {
  const { first, last } = boundsOf({ points, slice });
  let best: Triple = [slice, Math.round(points[0]![0]), Math.round(points[0]![1])];
  let farthest = -1;
  // A grid of at most 64 by 64 places is fine enough for a place to click.
  const stepOf = (axis: 1 | 2) => Math.max(1, Math.floor((last[axis] - first[axis]) / 64));
  for (let y = first[1]; y <= last[1]; y += stepOf(1)) {
    for (let x = first[2]; x <= last[2]; x += stepOf(2)) {
      if (!isWithin(points, y, x)) continue;
      const distance = Math.min(
        ...points.map((from, at) => distanceTo([y, x], from, points[(at + 1) % points.length]!)),
      );
      if (distance <= farthest) continue;
      farthest = distance;
      best = [slice, y, x];
    }
  }
  return best;
}

type Point = readonly [number, number];

/** By the parity of crossings. */
function isWithin(points: readonly Point[], y: number, x: number): boolean {
  let isIn = false;
  for (const [at, [y1, x1]] of points.entries()) {
    const [y2, x2] = points[(at + 1) % points.length]!;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) isIn = !isIn;
  }
  return isIn;
}

function distanceTo([y, x]: Point, [y1, x1]: Point, [y2, x2]: Point): number {
  const length = (y2 - y1) ** 2 + (x2 - x1) ** 2;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((y - y1) * (y2 - y1) + (x - x1) * (x2 - x1)) / length));
  return Math.hypot(y - y1 - along * (y2 - y1), x - x1 - along * (x2 - x1));
}
