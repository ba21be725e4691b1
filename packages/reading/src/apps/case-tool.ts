/**
 * Tools of apps on the images of cases, for those who have no annotator at hand and for tools of an app's own: only the part of
 * the image around what was marked is read, and the thread that computes is ended when its time is up.
 */
import type { Triple } from '@consilium/imaging';
import { ReadingError } from '../reading-error.ts';
import type { SeriesVolume } from '../series/series-volumes.ts';
import { boxAround, type ToolBox } from '../tools/tool-volume.ts';
import { type AppCode, failed, runAppCode, runShippedCode } from './app-code.ts';
import type { AppTool } from './app-schema.ts';

/** What a tool is told, its own as well as a shipped one. */
export interface ToolCall {
  /** HU of the box `[z, y, x]`. */
  readonly voxels: Int16Array;
  readonly size: Triple;
  readonly spacingMm: Triple;
  /** 1 where something was marked inside the structure, and outside of it. */
  readonly inside: Uint8Array;
  readonly outside: Uint8Array;
}

export interface ToolAnswer {
  readonly box: ToolBox;
  /** 1 in the structure `[z, y, x]` of the box. */
  readonly mask: Uint8Array;
}

export interface ToolRequest {
  readonly tool: AppTool;
  /** Voxels `[z, y, x]` of the case, at least one. */
  readonly inside: readonly Triple[];
  readonly outside: readonly Triple[];
  /** Of the project's app. */
  readonly code: AppCode | undefined;
}

/** Around what was marked, for tools that say nothing of it. */
const marginMmOfThreshold = 30;

/** @throws ReadingError `reading.tool-impossible`, and as `runAppCode` for an app's own tool */
export async function runCaseTool(
  volume: SeriesVolume,
  { code, inside, outside, tool }: ToolRequest,
): Promise<ToolAnswer> {
  const { size, spacingMm } = volume.geometry;
  const marked = [...inside, ...outside];
  if (marked.some((voxel) => voxel.some((at, axis) => at >= size[axis]!))) {
    throw impossible('Something is marked outside the image.');
  }
  const marginMm = 'marginMm' in tool ? tool.marginMm : marginMmOfThreshold;
  const box = boxAround(marked, { size, spacingMm }, { marginMm });
  if (box === undefined) throw impossible('What is marked lies too far apart for a tool: mark less at once.');
  const call: ToolCall = {
    ...{ size: box.size, spacingMm, voxels: await voxelsIn(volume, box) },
    ...{ inside: maskOf(inside, box), outside: maskOf(outside, box) },
  };
  const mask = await answerOf(tool, call, code);
  if (!(mask instanceof Uint8Array) || mask.length !== call.voxels.length || mask.some((value) => value > 1)) {
    throw failed(tool.tool, 'it answered no mask of the box');
  }
  return { box, mask };
}

function answerOf(tool: AppTool, call: ToolCall, code: AppCode | undefined): Promise<unknown> {
  switch (tool.tool) {
    case 'own':
      if (code === undefined) throw impossible('The project’s app has no code of its own.');
      return runAppCode(code, { function: tool.function, arguments: [call, tool.options] });
    case 'threshold':
    case 'region-growing':
    case 'scribbles':
      return runShippedCode({ function: 'shippedTool', arguments: [tool, call] });
    default:
      throw impossible('This tool is the annotator’s: it changes what is drawn, not what is found in the image.');
  }
}

/** Of the slices that the box needs. */
async function voxelsIn({ geometry, slices }: SeriesVolume, { size, start }: ToolBox): Promise<Int16Array> {
  const slab = await slices(start[0], start[0] + size[0]);
  const [, rows, columns] = geometry.size;
  const voxels = new Int16Array(size[0] * size[1] * size[2]);
  for (let z = 0, at = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++, at += size[2]) {
      const from = (z * rows + start[1] + y) * columns + start[2];
      voxels.set(slab.subarray(from, from + size[2]), at);
    }
  }
  return voxels;
}

function maskOf(voxels: readonly Triple[], { size, start }: ToolBox): Uint8Array {
  const mask = new Uint8Array(size[0] * size[1] * size[2]);
  for (const [z, y, x] of voxels) mask[((z - start[0]) * size[1] + y - start[1]) * size[2] + x - start[2]] = 1;
  return mask;
}

function impossible(message: string): ReadingError {
  return new ReadingError('reading.tool-impossible', message);
}
