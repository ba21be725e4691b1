/**
 * Tools that find a structure in the image around what was pointed out, without a network: what is between two values in a box,
 * what is connected and alike, what a cut between scribbles parts from the rest; and an app's own, by the reading room.
 */
import { type Asked, boxAround, decodeRuns, deltaBetween, type LabelDelta, type ToolBox } from '@consilium/reading/api';
import { askTool } from '../reading-asking.ts';
import type { DrawingRule } from './label-editor.ts';
import type { FindingTool } from './label-worker.ts';
import type { VoxelBox } from './plane-shape.ts';
import type { Pointed, Suggestion } from './pointed.ts';
import type { WorkBench } from './work-bench.ts';

type Triple = readonly [number, number, number];
type AppTool = Asked<'runTool'>['body']['tool'];

export type ImageTool =
  | (FindingTool & { readonly marginMm: number })
  | { readonly kind: 'own'; readonly tool: Extract<AppTool, { tool: 'own' }> };

/** What a tool works on. */
export interface ToolSubject {
  readonly project: string;
  readonly caseId: string;
  /** `[z, y, x]` */
  readonly image: Int16Array;
  readonly size: Triple;
  readonly spacingMm: Triple;
  /** Voxels of the layer that the structure is in; not changed. */
  readonly layer: { readonly number: number; readonly voxels: Uint8Array };
  readonly structure: number;
  /** Of drawing; what it forbids is not found. */
  readonly rule: DrawingRule;
}

/** @throws ServiceError of an app's own tool */
export async function findBy(
  bench: WorkBench,
  tool: ImageTool,
  { pointed, subject }: { pointed: Pointed; subject: ToolSubject },
): Promise<Suggestion> {
  const [inside, outside] = [true, false].map((isForeground) =>
    pointed.scribbles.filter((one) => one.isForeground === isForeground).flatMap(({ voxels }) => voxels),
  ) as [Triple[], Triple[]];
  if (tool.kind === 'own') return { change: await ownFinding(tool.tool, { inside, outside, subject }) };
  const box = boxOf({ pointed, marked: [...inside, ...outside], marginMm: tool.marginMm, subject });
  if (box === undefined) return { change: undefined, isTooFar: true };
  const mask = await bench.work({
    ...{ kind: 'find', tool, size: box.size, spacingMm: subject.spacingMm },
    voxels: cut(subject.image, box, subject.size),
    ...{ inside: maskOf(inside, box), outside: maskOf(outside, box), barrier: barrierIn(box, subject) },
  });
  return { change: changeOf(mask, box, subject) };
}

function boxOf({
  marginMm,
  marked,
  pointed: { box },
  subject,
}: {
  pointed: Pointed;
  marked: readonly Triple[];
  marginMm: number;
  subject: ToolSubject;
}): ToolBox | undefined {
  return box === undefined ? boxAround(marked, subject, { marginMm }) : toolBox(box);
}

function toolBox({ first, last }: VoxelBox): ToolBox {
  return { start: first, size: [last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1] };
}

async function ownFinding(
  tool: Extract<AppTool, { tool: 'own' }>,
  { inside, outside, subject }: { inside: readonly Triple[]; outside: readonly Triple[]; subject: ToolSubject },
): Promise<LabelDelta | undefined> {
  const plain = (voxels: readonly Triple[]) => voxels.map((voxel): [number, number, number] => [...voxel]);
  const { first, last, runs } = await askTool(subject, { tool, inside: plain(inside), outside: plain(outside) });
  const box = toolBox({ first, last });
  const bytes = Uint8Array.from(atob(runs), (character) => character.charCodeAt(0));
  return changeOf(decodeRuns(bytes, box.size[0] * box.size[1] * box.size[2]), box, subject);
}

/** Where other structures are, or what drawing is held to is not. */
function barrierIn(box: ToolBox, { layer, rule, size, structure }: ToolSubject): Uint8Array {
  const isFree = (value: number) => value === structure || value === (rule.inside ?? 0);
  return cut(layer.voxels, box, size).map((value) => (isFree(value) && !rule.locked.has(value) ? 0 : 1));
}

/** The structure takes what was found, and loses nothing. */
function changeOf(mask: Uint8Array, box: ToolBox, subject: ToolSubject): LabelDelta | undefined {
  const { image, layer, rule, size, structure } = subject;
  const before = cut(layer.voxels, box, size);
  const values = cut(image, box, size);
  const [low, high] = rule.range ?? [-Infinity, Infinity];
  const barrier = barrierIn(box, subject);
  const after = before.map((value, at) => {
    const isTaken = mask[at] === 1 && barrier[at] === 0 && values[at]! >= low && values[at]! <= high;
    return isTaken ? structure : value;
  });
  const delta = deltaBetween(before, after, { size: box.size, layer: layer.number });
  const moved = ([z, y, x]: Triple): Triple => [z + box.start[0], y + box.start[1], x + box.start[2]];
  return delta && { ...delta, first: moved(delta.first), last: moved(delta.last) };
}

function cut<T extends Uint8Array | Int16Array>(voxels: T, { size, start }: ToolBox, whole: Triple): T {
  const part = new (voxels.constructor as new (length: number) => T)(size[0] * size[1] * size[2]);
  for (let z = 0, to = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++, to += size[2]) {
      const from = ((z + start[0]) * whole[1] + y + start[1]) * whole[2] + start[2];
      part.set(voxels.subarray(from, from + size[2]), to);
    }
  }
  return part;
}

/** Marks beyond a box that was drawn do not count. */
function maskOf(voxels: readonly Triple[], { size, start }: ToolBox): Uint8Array {
  const mask = new Uint8Array(size[0] * size[1] * size[2]);
  for (const voxel of voxels) {
    const [z, y, x] = voxel.map((at, axis) => at - start[axis]!) as [number, number, number];
    if (z < 0 || y < 0 || x < 0 || z >= size[0] || y >= size[1] || x >= size[2]) continue;
    mask[(z * size[1] + y) * size[2] + x] = 1;
  }
  return mask;
}
