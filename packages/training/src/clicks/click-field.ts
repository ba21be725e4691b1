/**
 * What the network has said of a part of plan space, and its way to the grid that people draw on: log-odds are
 * interpolated, so that a boundary between coarse voxels is smooth on fine ones, and only what the network has changed is
 * changed there, so that what was drawn finer than the plan's voxels stays.
 */
import type { Triple } from '@consilium/imaging';
import { type IndexMap, mapped, type View } from './click-view.ts';

export interface ClickField {
  /** In plan space. */
  readonly first: Triple;
  readonly size: Triple;
  /** `[z, y, x]`, above 0 where the structure is. */
  readonly logOdds: Float32Array;
  /** 1 where it was before. */
  readonly previous: Uint8Array;
}

/** A view as the network saw it, and what it said. */
export interface Look {
  readonly view: View;
  readonly logOdds: Float32Array;
  readonly previous: Uint8Array;
}

/** The smallest box of the view's voxels around both masks and one voxel more, inside the image; null: both are empty. */
export function touchedBox(
  { view, logOdds, previous }: Look,
  imageSize: Triple,
): { readonly first: Triple; readonly size: Triple } | null {
  const { size, first, zoom } = view;
  const low = [...size] as [number, number, number];
  const high: [number, number, number] = [-1, -1, -1];
  for (let z = 0, at = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, at++) {
        if (logOdds[at]! <= 0 && previous[at] === 0) continue;
        low[0] = Math.min(low[0], z);
        low[1] = Math.min(low[1], y);
        low[2] = Math.min(low[2], x);
        high[0] = Math.max(high[0], z);
        high[1] = Math.max(high[1], y);
        high[2] = Math.max(high[2], x);
      }
    }
  }
  if (high[0] < 0) return null;
  const start = (axis: 0 | 1 | 2): number => Math.max(first[axis] + Math.max(low[axis] - 1, 0) * zoom, 0);
  const end = (axis: 0 | 1 | 2): number =>
    Math.min(first[axis] + Math.min(high[axis] + 2, size[axis]) * zoom, imageSize[axis]);
  const box = { first: [start(0), start(1), start(2)], size: [0, 0, 0] } as { first: Triple; size: Triple };
  const lengths: Triple = [end(0) - box.first[0], end(1) - box.first[1], end(2) - box.first[2]];
  return lengths.every((length) => length > 0) ? { first: box.first, size: lengths } : null;
}

/** What was seen, at the voxels of a box of plan space. */
export function fieldOf(look: Look, { first, size }: { readonly first: Triple; readonly size: Triple }): ClickField {
  const { view } = look;
  const field = { first, size, logOdds: new Float32Array(size[0] * size[1] * size[2]) };
  const previous = new Uint8Array(field.logOdds.length);
  const along = (at: number, axis: 0 | 1 | 2): number =>
    (first[axis] + at - view.first[axis] - (view.zoom - 1) / 2) / view.zoom;
  for (let z = 0, to = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, to++) {
        const at: Triple = [along(z, 0), along(y, 1), along(x, 2)];
        field.logOdds[to] = interpolated(look.logOdds, view.size, at);
        previous[to] = interpolated(look.previous, view.size, at) > 0.5 ? 1 : 0;
      }
    }
  }
  return { ...field, previous };
}

/** Linear between the eight voxels around; the nearest at the edge. */
function interpolated(values: Float32Array | Uint8Array, size: Triple, at: Triple): number {
  const [z, y, x] = [within(at[0], size[0]), within(at[1], size[1]), within(at[2], size[2])];
  const [z0, y0, x0] = [Math.floor(z), Math.floor(y), Math.floor(x)];
  const [wz, wy, wx] = [z - z0, y - y0, x - x0];
  const right = x0 + 1 < size[2] ? 1 : 0;
  const below = y0 + 1 < size[1] ? size[2] : 0;
  const behind = z0 + 1 < size[0] ? size[1] * size[2] : 0;
  const from = (z0 * size[1] + y0) * size[2] + x0;
  const row = (start: number): number => values[start]! + (values[start + right]! - values[start]!) * wx;
  const plane = (start: number): number => {
    const upper = row(start);
    return wy === 0 ? upper : upper + (row(start + below) - upper) * wy;
  };
  const front = plane(from);
  return wz === 0 ? front : front + (plane(from + behind) - front) * wz;
}

function within(at: number, size: number): number {
  return Math.min(Math.max(at, 0), size - 1);
}

/** A box of the drawing's grid, and what is there now. */
export interface ClickAnswer {
  readonly first: Triple;
  readonly size: Triple;
  /** `[z, y, x]` of the box: 1 inside the structure. */
  readonly mask: Uint8Array;
  /** The same of the network's log-odds, natural logarithm: 0 is as likely as not. */
  readonly logOdds: Float32Array;
}

interface Drawing {
  readonly mask: Uint8Array;
  readonly size: Triple;
  /** From plan space to the drawing's grid, and back. */
  readonly toDrawing: IndexMap;
  readonly fromDrawing: IndexMap;
}

/** What the field says on the grid of the drawing. Voxels on which field and drawing already agree keep what is drawn. */
export function onDrawing(field: ClickField, drawing: Drawing): ClickAnswer {
  const { first, size } = boxOnDrawing(field, drawing);
  const mask = new Uint8Array(size[0] * size[1] * size[2]);
  const logOdds = new Float32Array(mask.length);
  const { rows, offset } = drawing.fromDrawing;
  for (let z = 0, to = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      const drawn = ((first[0] + z) * drawing.size[1] + first[1] + y) * drawing.size[2] + first[2];
      const start = mapped({ rows, offset }, [first[0] + z, first[1] + y, first[2]]);
      for (let x = 0; x < size[2]; x++, to++) {
        const along = (axis: 0 | 1 | 2): number => start[axis] + rows[axis][2] * x - field.first[axis];
        const at: Triple = [along(0), along(1), along(2)];
        const said = interpolated(field.logOdds, field.size, at);
        const before = interpolated(field.previous, field.size, at) > 0.5;
        const isKept = said > 0 === before || !isInside(at, field.size);
        logOdds[to] = said;
        mask[to] = isKept ? (drawing.mask[drawn + x]! === 0 ? 0 : 1) : said > 0 ? 1 : 0;
      }
    }
  }
  return { first, size, mask, logOdds };
}

/** Up to half a voxel beyond the outermost voxels' centres. */
function isInside(at: Triple, size: Triple): boolean {
  return at.every((each, axis) => each >= -0.5 && each <= size[axis]! - 0.5);
}

function boxOnDrawing(
  { first, size }: ClickField,
  { toDrawing, size: drawingSize }: Drawing,
): { readonly first: Triple; readonly size: Triple } {
  const corners = Array.from({ length: 8 }, (_, corner) => {
    const along = (axis: 0 | 1 | 2): number => first[axis] - 0.5 + ((corner >> axis) & 1) * size[axis];
    return mapped(toDrawing, [along(0), along(1), along(2)]);
  });
  const low = (axis: 0 | 1 | 2): number =>
    Math.min(Math.max(Math.ceil(Math.min(...corners.map((corner) => corner[axis])) - 1e-6), 0), drawingSize[axis] - 1);
  const high = (axis: 0 | 1 | 2): number =>
    Math.min(Math.max(Math.floor(Math.max(...corners.map((corner) => corner[axis])) + 1e-6), 0), drawingSize[axis] - 1);
  const start: Triple = [low(0), low(1), low(2)];
  const along = (axis: 0 | 1 | 2): number => Math.max(high(axis) - start[axis] + 1, 0);
  return { first: start, size: [along(0), along(1), along(2)] };
}
